use crate::ahead::{Ahead, Group};
use crate::record::Record;
use crate::table::Table;
use crate::value::Value;

/// The value of a key and what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The value, or where it lies.
    pub value: Value<'a>,
    /// Unix time in milliseconds from which the entry is not seen.
    pub expires_at: Option<u64>,
    /// The sequence number of the operation that set it.
    pub sequence: u64,
}

impl<'a> From<Record<'a>> for Entry<'a> {
    fn from(record: Record<'a>) -> Self {
        Self { value: record.value, expires_at: record.expires_at, sequence: record.sequence }
    }
}

impl Table {
    /// The entry of a key, unless it has expired at `now_ms`.
    #[must_use]
    pub fn get(&self, key: &[u8], now_ms: u64) -> Option<Entry<'_>> {
        self.get_hashed(self.hasher.hash(key), key, now_ms)
    }

    /// Hands the entry of each key to `found`, in the order of the keys. Looking many up at once costs about half as
    /// much a key as one after the other.
    pub fn get_many<'t, 'k>(
        &'t self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        now_ms: u64,
        mut found: impl FnMut(Option<Entry<'t>>),
    ) {
        let (mut ahead, mut keys) = (Ahead::new(keys.clone()), keys);
        while let Some(group) = self.next_group(&mut ahead) {
            for (&hash, key) in group.hashes().iter().zip(&mut keys) {
                found(self.get_hashed(hash, key, now_ms));
            }
        }
    }

    #[inline]
    fn get_hashed(&self, hash: u64, key: &[u8], now_ms: u64) -> Option<Entry<'_>> {
        self.newest(hash, key).filter(|record| self.is_visible(record, now_ms)).map(Entry::from)
    }

    /// The newest record of a key, whether reads see it or not.
    #[inline]
    pub(crate) fn newest(&self, hash: u64, key: &[u8]) -> Option<Record<'_>> {
        self.index.find(hash, |location| self.arena.record(location).filter(|record| record.key == key))
    }

    #[inline]
    fn is_visible(&self, record: &Record<'_>, now_ms: u64) -> bool {
        !record.is_expired(now_ms) && (self.tombstones.is_empty() || !self.is_covered(record))
    }

    /// The hashes of the next keys that are looked up.
    #[inline]
    pub(crate) fn next_group<'k>(&self, ahead: &mut Ahead<impl Iterator<Item = &'k [u8]>>) -> Option<Group> {
        ahead.next(&self.hasher, self.index.shards(), self.arena.records())
    }
}

use std::collections::HashMap;

use hit_core::{Result, Values, at_once};

use super::backing::Backing;
use super::in_flight::Seen;
use crate::read::{Entry, FoundEntry};
use crate::shared::{Applied, Shared};

/// What the storage has said of keys while a write is being decided. It counts as long as no write of the key has been accepted
/// since.
#[derive(Default)]
pub(crate) struct Known {
    /// With the number of the next operation before the storage was asked.
    entries: HashMap<Vec<u8>, (u64, FoundEntry)>,
}

/// The storage has to be asked first.
pub(crate) struct Unknown;

impl Known {
    /// Asks the storage for those of `keys` that are not in flight, without holding the apply lock meanwhile.
    pub(crate) fn ask(&mut self, shared: &Shared, backing: &Backing, keys: &[&[u8]]) -> Result<()> {
        let (keys, next_sequence) = {
            let applied = shared.applied.read();
            (not_in_flight(&applied, keys), applied.next_sequence)
        };
        self.read(backing, &keys, next_sequence)
    }

    /// The same under the apply lock, where others write the keys faster than they can be read.
    pub(crate) fn ask_locked(&mut self, applied: &Applied, backing: &Backing, keys: &[&[u8]]) -> Result<()> {
        self.read(backing, &not_in_flight(applied, keys), applied.next_sequence)
    }

    fn read(&mut self, backing: &Backing, keys: &[&[u8]], next_sequence: u64) -> Result<()> {
        self.entries.clear();
        if keys.is_empty() {
            return Ok(());
        }
        let mut values = Values::default();
        at_once(backing.storage.get_many(keys, &mut values))?;
        for (key, value) in keys.iter().zip(values.iter()) {
            let entry = value.map(|(value, expires_at)| (value.to_vec(), expires_at));
            self.entries.insert(key.to_vec(), (next_sequence, entry));
        }
        Ok(())
    }

    /// The entry of a key. The caller holds the apply lock for writing.
    pub(crate) fn find<'a>(
        &'a self,
        applied: &'a Applied,
        key: &[u8],
        now_ms: u64,
    ) -> Result<Option<Entry<'a>>, Unknown> {
        match applied.see(key, now_ms) {
            Seen::Here(entry) => Ok(Some(entry)),
            Seen::Absent => Ok(None),
            Seen::Below => match self.entries.get(key) {
                Some((since, entry)) if !applied.in_flight.is_written_since(key, *since) => {
                    let entry =
                        entry.as_ref().map(|(value, expires_at)| Entry { value, expires_at: *expires_at });
                    Ok(entry.filter(|entry| entry.expires_at.is_none_or(|at| at > now_ms)))
                }
                _ => Err(Unknown),
            },
        }
    }
}

fn not_in_flight<'k>(applied: &Applied, keys: &[&'k [u8]]) -> Vec<&'k [u8]> {
    // At 0 nothing has expired: what has is in flight all the same.
    keys.iter().copied().filter(|key| matches!(applied.see(key, 0), Seen::Below)).collect()
}

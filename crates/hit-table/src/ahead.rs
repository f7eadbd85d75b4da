use crate::chunks::Records;
use crate::hasher::KeyHasher;
use crate::index::Shards;

/// How many keys are looked up side by side, so that their cache misses overlap.
const GROUP: usize = 16;

/// Goes ahead of whoever looks many keys up, a group after the other: hashes the keys, and has the processor load the slots of
/// one group and the records of the group before while the one before that is looked up.
pub(crate) struct Ahead<K> {
    keys: K,
    /// Their slots are being loaded.
    far: Group,
    /// Their records are being loaded.
    near: Group,
    has_begun: bool,
}

/// Hashes of a group.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    hashes: [u64; GROUP],
    len: usize,
}

impl Group {
    const EMPTY: Self = Self { hashes: [0; GROUP], len: 0 };

    #[inline]
    pub(crate) fn hashes(&self) -> &[u64] {
        self.hashes.get(..self.len).unwrap_or_default()
    }
}

impl<'k, K: Iterator<Item = &'k [u8]>> Ahead<K> {
    pub(crate) fn new(keys: K) -> Self {
        Self { keys, far: Group::EMPTY, near: Group::EMPTY, has_begun: false }
    }

    /// The hashes of the next keys; `None` behind the last.
    #[inline]
    pub(crate) fn next(
        &mut self,
        hasher: &KeyHasher,
        shards: &Shards,
        records: Records<'_>,
    ) -> Option<Group> {
        if !self.has_begun {
            self.has_begun = true;
            self.near = self.hash(hasher, shards);
            // One alone would only be looked up twice.
            if self.near.len > 1 {
                self.far = self.hash(hasher, shards);
                Self::load(&self.near, shards, records);
            }
        }
        let group = self.near;
        self.near = std::mem::replace(&mut self.far, Group::EMPTY);
        if self.near.len > 0 {
            self.far = self.hash(hasher, shards);
            Self::load(&self.near, shards, records);
        }
        (group.len > 0).then_some(group)
    }

    fn hash(&mut self, hasher: &KeyHasher, shards: &Shards) -> Group {
        let mut group = Group::EMPTY;
        for (slot, key) in group.hashes.iter_mut().zip(&mut self.keys) {
            *slot = hasher.hash(key);
            shards.prefetch(*slot);
            group.len += 1;
        }
        group
    }

    fn load(group: &Group, shards: &Shards, records: Records<'_>) {
        for &hash in group.hashes() {
            // The first location with this part of the hash is nearly always the key's.
            shards.find(hash, |location| {
                records.prefetch(location);
                Some(())
            });
        }
    }
}

//! All slots of the index, which anybody may search while their one owner changes them. A shard that grows gets new slots;
//! the old ones stay as they were for those who are still searching them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::slots::{SHARD_BITS, Search, Slots, bytes_of};
use crate::location::Location;

pub(crate) const SHARDS: usize = 1 << SHARD_BITS;

/// The number of a key's shard.
#[inline]
pub(crate) fn shard_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARD_BITS)) as usize
}

/// The slots of every shard.
pub(crate) struct Shards([AtomicU64; SHARDS]);

/// Slots that were replaced.
pub(crate) struct Replaced(Slots);

impl Replaced {
    pub(crate) fn bytes(&self) -> usize {
        self.0.class().map_or(0, bytes_of)
    }

    /// # Safety
    /// Nobody searches them any more.
    pub(crate) unsafe fn free(self) {
        // SAFETY: as the caller says; they are freed by this value only.
        unsafe { self.0.free() };
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self([const { AtomicU64::new(Slots::NONE.0) }; SHARDS])
    }
}

impl Shards {
    #[inline]
    fn slots(&self, shard: usize) -> Slots {
        // Acquire: whoever finds slots finds what they were filled with.
        Slots(self.0.get(shard).map_or(0, |slots| slots.load(Ordering::Acquire)))
    }

    /// The slots of a shard, to search them.
    #[inline]
    pub(crate) fn shard(&self, shard: usize) -> Search<'_> {
        // SAFETY: the owner frees slots only when all have ended who borrowed `self` while they were in place.
        unsafe { self.slots(shard).search() }
    }

    /// The class of a shard; `None` before its first key.
    pub(crate) fn class(&self, shard: usize) -> Option<u64> {
        self.slots(shard).class()
    }

    /// What `is_it` answers for the location of the key with this hash that it knows.
    #[inline]
    pub(crate) fn find<T>(&self, hash: u64, is_it: impl FnMut(Location) -> Option<T>) -> Option<T> {
        self.shard(shard_of(hash)).find(hash, is_it)
    }

    /// Has the processor load where a key with this hash is looked for first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        self.shard(shard_of(hash)).prefetch(hash);
    }

    /// Takes a shard's slots away, with the keys in them.
    pub(crate) fn take(&self, shard: usize) -> Replaced {
        self.replace(shard, Slots::NONE)
    }

    /// Gives a shard other slots, of a class that its keys fit, and returns those it had.
    pub(crate) fn rebuild(&self, shard: usize, class: u64) -> Replaced {
        let new = Slots::allocate(class);
        // SAFETY: the new slots are ours.
        self.shard(shard).copy_to(unsafe { new.search() });
        self.replace(shard, new)
    }

    fn replace(&self, shard: usize, new: Slots) -> Replaced {
        let old = self.0.get(shard).map_or(0, |slots| slots.swap(new.0, Ordering::AcqRel));
        Replaced(Slots(old))
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for slots in &mut self.0 {
            // SAFETY: nobody can reach `self` any more.
            unsafe { Slots(*slots.get_mut()).free() };
        }
    }
}

//! Which record is the newest of a key: a hash table in shards, which grow one by one, so that no write pays for moving the
//! whole table. It is searched without a lock, also by other threads while it changes (`index/shards.rs`).

mod shards;
mod slots;

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use crossbeam_epoch::Guard;

use self::shards::{Replaced, shard_of};
pub(crate) use self::shards::{SHARDS, Shards};
use self::slots::{bytes_of, class_for, keys_of};
use crate::location::Location;

/// Small slots may wait until others are freed too.
const FREED_AT_ONCE_FROM_BYTES: usize = 64 << 10;

/// Where the shards are that are in use: what searches without the index holds on to.
pub(crate) struct Root(AtomicPtr<Shards>);

impl Root {
    /// The shards that are in use now.
    #[inline]
    pub(crate) fn shards<'g>(&self, _guard: &'g Guard) -> &'g Shards {
        // SAFETY: shards are freed when all guards are gone that were there when they were replaced.
        unsafe { &*self.0.load(Ordering::Acquire) }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nobody else frees what is in use.
        drop(unsafe { Box::from_raw(*self.0.get_mut()) });
    }
}

/// The index of a table: its owner's side.
pub(crate) struct Index {
    root: Arc<Root>,
    /// Keys in each shard.
    fills: Box<[usize]>,
    entries: usize,
    memory_bytes: usize,
}

/// An index that was put aside whole. Some may still be searching it.
pub(crate) struct IndexAside {
    shards: NonNull<Shards>,
    /// Keys in each shard.
    fills: Box<[usize]>,
    entries: usize,
    memory_bytes: usize,
    /// How many shards have been freed.
    freed: usize,
}

// SAFETY: it owns its shards, which are bound to no thread.
unsafe impl Send for IndexAside {}
// SAFETY: a shared one gives out figures only.
unsafe impl Sync for IndexAside {}

impl Index {
    pub(crate) fn new() -> Self {
        let root = Root(AtomicPtr::new(Box::into_raw(Box::default())));
        Self { root: Arc::new(root), fills: Self::no_fills(), entries: 0, memory_bytes: 0 }
    }

    fn no_fills() -> Box<[usize]> {
        vec![0; SHARDS].into_boxed_slice()
    }

    /// What it is searched by without the index.
    pub(crate) fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// What is searched.
    #[inline]
    pub(crate) fn shards(&self) -> &Shards {
        // SAFETY: they are replaced by `&mut self` only.
        unsafe { &*self.root.0.load(Ordering::Relaxed) }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    fn fill(&self, shard: usize) -> usize {
        self.fills.get(shard).copied().unwrap_or_default()
    }

    /// How many keys a shard takes as it is.
    #[inline]
    fn room(&self, shard: usize) -> usize {
        self.shards().class(shard).map_or(0, keys_of)
    }

    /// Makes room for `entries` more, with some to spare since no hash spreads evenly.
    pub(crate) fn reserve(&mut self, entries: usize) {
        let each = entries / SHARDS;
        // Three standard deviations of how many keys come to a shard.
        let spread = 3 * each.isqrt();
        for shard in 0..SHARDS {
            let wanted = self.fill(shard) + each + spread;
            if entries > 0 && wanted > self.room(shard) {
                self.rebuild(shard, Some(class_for(wanted)));
            }
        }
    }

    /// What `is_it` answers for the location of the key with this hash that it knows.
    #[inline]
    pub(crate) fn find<T>(&self, hash: u64, is_it: impl FnMut(Location) -> Option<T>) -> Option<T> {
        self.shards().find(hash, is_it)
    }

    /// Puts a key where it belongs and returns the location it had.
    #[inline]
    pub(crate) fn put(
        &mut self,
        hash: u64,
        location: Location,
        is_it: impl FnMut(Location) -> bool,
    ) -> Option<Location> {
        let shard = shard_of(hash);
        if self.fill(shard) == self.room(shard) {
            self.make_room(shard);
        }
        let replaced = self.shards().shard(shard).put(hash, location, is_it);
        if replaced.is_none() {
            self.count(shard, 1);
        }
        replaced
    }

    #[inline]
    fn count(&mut self, shard: usize, change: isize) {
        if let Some(fill) = self.fills.get_mut(shard) {
            *fill = fill.wrapping_add_signed(change);
        }
        self.entries = self.entries.wrapping_add_signed(change);
    }

    /// Takes a key away and returns the location it had.
    pub(crate) fn remove(&mut self, hash: u64, mut is_it: impl FnMut(Location) -> bool) -> Option<Location> {
        let shard = shard_of(hash);
        let is_there = |there| is_it(there).then_some(there);
        let location = self.shards().shard(shard).remove(hash, is_there)?;
        self.count(shard, -1);
        Some(location)
    }

    /// Whether a location is the newest of its key.
    pub(crate) fn holds(&self, hash: u64, location: Location) -> bool {
        self.find(hash, |there| (there == location).then_some(())).is_some()
    }

    /// Follows a record that has moved; `false` if it is no key's newest.
    pub(crate) fn relocate(&mut self, hash: u64, from: Location, to: Location) -> bool {
        self.shards().shard(shard_of(hash)).relocate(hash, from, to)
    }

    /// Every location, in no order.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        (0..SHARDS).flat_map(|shard| self.shards().shard(shard).locations())
    }

    /// Twice the room for a shard. Half of the shards begin with half as much more, so that they do not all grow at the
    /// same number of keys: neither time nor memory has steps.
    #[cold]
    fn make_room(&mut self, shard: usize) {
        let class = self.shards().class(shard).map_or(shard as u64 % 2, |class| class + 2);
        self.rebuild(shard, Some(class));
    }

    fn rebuild(&mut self, shard: usize, class: Option<u64>) {
        let before = self.shards().class(shard).map_or(0, bytes_of);
        let replaced = match class {
            Some(class) => self.shards().rebuild(shard, class),
            None => self.shards().take(shard),
        };
        self.memory_bytes = self.memory_bytes - before + class.map_or(0, bytes_of);
        // SAFETY: nobody finds them any more.
        unsafe { free_later(replaced) };
    }

    fn is_oversized(&self, shard: usize) -> bool {
        let (keys, class) = (self.fill(shard), self.shards().class(shard));
        class.is_some_and(|class| (class > 1 || keys == 0) && keys * 8 < keys_of(class))
    }

    /// Whether a shard has become far too large for what is in it.
    pub(crate) fn can_shrink(&self) -> bool {
        self.oversized().is_some()
    }

    fn oversized(&self) -> Option<usize> {
        (0..SHARDS).find(|&shard| self.is_oversized(shard))
    }

    /// Gives back the memory of such a shard; returns how many keys it had room for, 0 where there is none.
    pub(crate) fn shrink_step(&mut self) -> usize {
        let Some(shard) = self.oversized() else { return 0 };
        let walked = self.room(shard);
        let keys = self.fill(shard);
        self.rebuild(shard, (keys > 0).then(|| class_for(keys * 3 / 2)));
        walked
    }

    /// Puts all of it aside, whole: it is empty then.
    pub(crate) fn put_aside(&mut self) -> IndexAside {
        let shards = NonNull::from(Box::leak(Box::default()));
        self.exchange(IndexAside { shards, fills: Self::no_fills(), entries: 0, memory_bytes: 0, freed: 0 })
    }

    /// Takes what was put aside in use again, and puts aside what came after it.
    pub(crate) fn exchange(&mut self, mut aside: IndexAside) -> IndexAside {
        let shards = self.root.0.swap(aside.shards.as_ptr(), Ordering::AcqRel);
        aside.shards = NonNull::new(shards).expect("there are always shards in use");
        std::mem::swap(&mut self.fills, &mut aside.fills);
        std::mem::swap(&mut self.entries, &mut aside.entries);
        std::mem::swap(&mut self.memory_bytes, &mut aside.memory_bytes);
        aside
    }
}

impl IndexAside {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Frees the next shard that has slots, as nobody needs it again; `false` when none is left.
    pub(crate) fn free_step(&mut self) -> bool {
        // SAFETY: the shards are freed in `drop` only.
        let shards = unsafe { self.shards.as_ref() };
        while self.freed < SHARDS {
            let shard = self.freed;
            self.freed += 1;
            if let Some(class) = shards.class(shard) {
                self.memory_bytes -= bytes_of(class);
                // SAFETY: it is not in use, so nobody begins to search it.
                unsafe { free_later(shards.take(shard)) };
                return true;
            }
        }
        false
    }
}

impl Drop for IndexAside {
    fn drop(&mut self) {
        let shards = SendShards(self.shards);
        crossbeam_epoch::pin().defer(move || shards.free());
    }
}

/// Shards on their way to whoever frees them.
struct SendShards(NonNull<Shards>);

// SAFETY: they are bound to no thread, and nobody else has them.
unsafe impl Send for SendShards {}

impl SendShards {
    fn free(self) {
        // SAFETY: they came from a box, and all that searched them have ended.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// # Safety
/// Nobody begins to search them any more.
unsafe fn free_later(replaced: Replaced) {
    let guard = crossbeam_epoch::pin();
    let is_large = replaced.bytes() >= FREED_AT_ONCE_FROM_BYTES;
    // SAFETY: those who were searching them have ended when this runs.
    guard.defer(move || unsafe { replaced.free() });
    if is_large {
        guard.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Location n stands for key n.
    fn at(number: u32) -> Location {
        Location::new(0, number as usize)
    }

    fn get(index: &Index, hash: u64, number: u32) -> Option<Location> {
        index.find(hash, |location| (location == at(number)).then_some(location))
    }

    /// A hash of the first shard whose probe begins near a part of its slots, in sixteenths.
    fn near(sixteenths: u64) -> u64 {
        sixteenths << (u64::BITS - 10 - 4)
    }

    fn spread(number: u32) -> u64 {
        u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn what_a_removed_key_had_pushed_away_is_still_found() {
        // Three homes at the end of the shard, so that the cluster wraps around.
        for removed in 0..9 {
            let mut index = Index::new();
            for number in 0..9_u32 {
                index.put(near(u64::from(13 + number % 3)), at(number), |_| false);
            }
            index.remove(near(u64::from(13 + removed % 3)), |location| location == at(removed));
            for number in 0..9 {
                let expected = (number != removed).then_some(at(number));
                let found = get(&index, near(u64::from(13 + number % 3)), number);
                assert_eq!(found, expected, "{removed} {number}");
            }
            assert_eq!(index.len(), 8);
        }
    }

    #[test]
    fn keys_with_one_hash_are_told_apart() {
        let mut index = Index::new();
        for number in 0..100 {
            assert_eq!(index.put(7, at(number), |location| location == at(number)), None);
        }
        assert_eq!(index.put(7, at(50), |location| location == at(50)), Some(at(50)));
        assert_eq!(index.remove(7, |location| location == at(99)), Some(at(99)));
        assert_eq!(index.remove(7, |location| location == at(99)), None);
        assert_eq!((get(&index, 7, 50), get(&index, 7, 99), index.len()), (Some(at(50)), None, 99));
    }

    #[test]
    fn keys_that_come_and_go_take_no_more_memory_than_those_that_are_there() {
        let mut index = Index::new();
        for number in 0..1_000_000 {
            index.put(spread(number), at(number % 1_000), |location| location == at(number % 1_000));
            if number >= 900 {
                assert!(index.remove(spread(number - 900), |_| true).is_some());
            }
        }
        assert_eq!(index.len(), 900);
        assert!(index.memory_bytes() <= SHARDS * bytes_of(1), "{}", index.memory_bytes());
    }

    #[test]
    fn an_emptied_index_gives_its_memory_back() {
        let mut index = Index::new();
        for number in 0..100_000 {
            index.put(spread(number), at(number), |location| location == at(number));
        }
        let full = index.memory_bytes();
        for number in 0..99_990 {
            index.remove(spread(number), |location| location == at(number));
        }
        while index.can_shrink() && index.shrink_step() > 0 {}
        assert!(index.memory_bytes() * 20 < full);
        assert!((99_990..100_000).all(|number| get(&index, spread(number), number).is_some()));
    }

    #[test]
    fn reserved_room_is_not_outgrown() {
        let mut index = Index::new();
        index.reserve(640_000);
        let reserved = index.memory_bytes();
        for number in 0..640_000_u32 {
            let hash = spread(number);
            index.put(hash ^ hash >> 29, at(number), |_| false);
        }
        assert_eq!(index.memory_bytes(), reserved);
    }

    #[test]
    fn an_index_that_was_put_aside_comes_back_whole() {
        let mut index = Index::new();
        for number in 0..1_000 {
            index.put(spread(number), at(number), |_| false);
        }
        let full = index.memory_bytes();
        let aside = index.put_aside();
        assert_eq!((index.len(), index.memory_bytes(), get(&index, spread(1), 1)), (0, 0, None));
        index.put(spread(1), at(7), |_| false);
        let mut after = index.exchange(aside);
        assert_eq!((index.len(), index.memory_bytes()), (1_000, full));
        assert!((0..1_000).all(|number| get(&index, spread(number), number).is_some()));
        while after.free_step() {}
        assert_eq!(after.memory_bytes(), 0);
    }

    #[test]
    fn keys_are_found_by_other_threads_while_shards_grow_and_keys_go() {
        const KEYS: u32 = 40_000;
        let mut index = Index::new();
        let root = Arc::clone(index.root());
        let stays = |number: u32| number.is_multiple_of(4);
        for number in (0..KEYS / 8).filter(|&number| stays(number)) {
            index.put(spread(number), at(number), |location| location == at(number));
        }
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let mut rounds = 0;
                        while !is_over.load(Ordering::Relaxed) || rounds == 0 {
                            for number in (0..KEYS / 8).filter(|&number| stays(number)) {
                                let guard = crossbeam_epoch::pin();
                                let shards = root.shards(&guard);
                                let found = shards
                                    .find(spread(number), |location| (location == at(number)).then_some(()));
                                assert!(found.is_some());
                            }
                            rounds += 1;
                        }
                    })
                })
                .collect();
            for _ in 0..3 {
                for number in KEYS / 8..KEYS {
                    index.put(spread(number), at(number), |location| location == at(number));
                }
                for number in KEYS / 8..KEYS {
                    index.remove(spread(number), |location| location == at(number));
                }
                while index.can_shrink() && index.shrink_step() > 0 {}
            }
            is_over.store(true, Ordering::Relaxed);
            readers.into_iter().for_each(|reader| reader.join().unwrap());
        });
    }
}

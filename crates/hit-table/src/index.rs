//! Which record is the newest of a key: a hash table in 64 shards.
//!
//! Each shard is open addressing with linear probing, 16 bytes a slot: the whole hash and the location, so that a
//! probe reads the record only when the key is very likely the one, and growth reads no record at all. Shards grow
//! one by one, so that no write pays for moving the whole table.

use crate::location::Location;

const SHARD_BITS: u32 = 6;
const FIRST_SLOTS: usize = 16;

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    location: Location,
}

const EMPTY: Slot = Slot { hash: 0, location: Location::NONE };

/// Where a key is, or where it would be put.
enum Probe {
    Found(usize),
    Vacant(usize),
}

#[derive(Default)]
pub(crate) struct Shard {
    /// Empty or a power of two long, never more than three quarters full.
    slots: Vec<Slot>,
    entries: usize,
}

impl Shard {
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    #[inline]
    fn probe(&self, hash: u64, mut is_it: impl FnMut(Location) -> bool) -> Probe {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        while let Some(slot) = self.slots.get(at) {
            if slot.location == Location::NONE {
                return Probe::Vacant(at);
            }
            if slot.hash == hash && is_it(slot.location) {
                return Probe::Found(at);
            }
            at = (at + 1) & mask;
        }
        Probe::Vacant(at) // A shard without slots.
    }

    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; slots]);
        let mask = self.mask();
        for slot in old.into_iter().filter(|slot| slot.location != Location::NONE) {
            let mut at = slot.hash as usize & mask;
            while self.slots.get(at).is_some_and(|there| there.location != Location::NONE) {
                at = (at + 1) & mask;
            }
            self.write(at, slot);
        }
    }

    fn is_oversized(&self) -> bool {
        self.slots.len() > FIRST_SLOTS && self.entries * 8 < self.slots.len()
    }

    /// Makes sure that `entries` fit.
    fn reserve(&mut self, entries: usize) {
        if entries * 4 > self.slots.len() * 3 {
            self.resize((entries * 4 / 3 + 1).next_power_of_two().max(FIRST_SLOTS));
        }
    }

    fn write(&mut self, at: usize, slot: Slot) {
        if let Some(target) = self.slots.get_mut(at) {
            *target = slot;
        }
    }

    /// Empties a slot and moves back what was pushed past it, so that no probe ends too early.
    fn remove(&mut self, mut hole: usize) {
        let mask = self.mask();
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let Some(&slot) = self.slots.get(at) else { break };
            if slot.location == Location::NONE {
                break;
            }
            let home = slot.hash as usize & mask;
            // It may move back only if its home does not lie between the hole and here.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                self.write(hole, slot);
                hole = at;
            }
        }
        self.write(hole, EMPTY);
        self.entries -= 1;
    }
}

pub(crate) struct Index {
    shards: Vec<Shard>,
    entries: usize,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { shards: (0..1 << SHARD_BITS).map(|_| Shard::default()).collect(), entries: 0 }
    }

    fn shard(&self, hash: u64) -> Option<&Shard> {
        self.shards.get((hash >> (64 - SHARD_BITS)) as usize)
    }

    fn shard_mut(&mut self, hash: u64) -> &mut Shard {
        self.shards.get_mut((hash >> (64 - SHARD_BITS)) as usize).expect("six bits select one of 64 shards")
    }

    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.slots.capacity() * size_of::<Slot>()).sum()
    }

    /// Makes room for `entries` more, with some to spare since no hash spreads evenly.
    pub(crate) fn reserve(&mut self, entries: usize) {
        let each = (entries >> SHARD_BITS) + (entries >> (SHARD_BITS + 5));
        for shard in &mut self.shards {
            shard.reserve(shard.entries + each);
        }
    }

    /// The location of the key with this hash that `is_it` knows.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(Location) -> bool) -> Option<Location> {
        let shard = self.shard(hash)?;
        match shard.probe(hash, is_it) {
            Probe::Found(at) => shard.slots.get(at).map(|slot| slot.location),
            Probe::Vacant(_) => None,
        }
    }

    /// The first slot that a key with this hash may be in: where its cache miss happens.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u64 {
        self.shard(hash)
            .and_then(|shard| shard.slots.get(hash as usize & shard.mask()))
            .map_or(0, |slot| slot.hash)
    }

    /// Puts a key where it belongs and returns the location it had.
    #[inline]
    pub(crate) fn put(
        &mut self,
        hash: u64,
        location: Location,
        is_it: impl FnMut(Location) -> bool,
    ) -> Option<Location> {
        let shard = self.shard_mut(hash);
        shard.reserve(shard.entries + 1);
        match shard.probe(hash, is_it) {
            Probe::Found(at) => {
                shard.slots.get_mut(at).map(|slot| std::mem::replace(&mut slot.location, location))
            }
            Probe::Vacant(at) => {
                shard.write(at, Slot { hash, location });
                shard.entries += 1;
                self.entries += 1;
                None
            }
        }
    }

    /// Takes a key away and returns the location it had.
    pub(crate) fn remove(&mut self, hash: u64, is_it: impl FnMut(Location) -> bool) -> Option<Location> {
        let shard = self.shard_mut(hash);
        let Probe::Found(at) = shard.probe(hash, is_it) else { return None };
        let location = shard.slots.get(at).map(|slot| slot.location);
        shard.remove(at);
        self.entries -= 1;
        location
    }

    /// Whether a location is the newest of its key.
    pub(crate) fn holds(&self, hash: u64, location: Location) -> bool {
        self.find(hash, |there| there == location).is_some()
    }

    /// Follows a record that has moved; `false` if it is no key's newest.
    pub(crate) fn relocate(&mut self, hash: u64, from: Location, to: Location) -> bool {
        let shard = self.shard_mut(hash);
        match shard.probe(hash, |location| location == from) {
            Probe::Found(at) => {
                shard.write(at, Slot { hash, location: to });
                true
            }
            Probe::Vacant(_) => false,
        }
    }

    /// Every location, in no order.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        let (low, high) = self.halves();
        low.chain(high)
    }

    /// The same in two parts for two threads.
    pub(crate) fn halves(&self) -> (impl Iterator<Item = Location>, impl Iterator<Item = Location>) {
        let (low, high) = self.shards.split_at(self.shards.len() / 2);
        (locations_of(low), locations_of(high))
    }

    /// Whether a shard has become far too large for what is in it.
    pub(crate) fn can_shrink(&self) -> bool {
        self.shards.iter().any(Shard::is_oversized)
    }

    /// Gives back the memory of such a shard; returns the slots that it walked, 0 where there is none.
    pub(crate) fn shrink_step(&mut self) -> usize {
        let Some(shard) = self.shards.iter_mut().find(|shard| shard.is_oversized()) else { return 0 };
        let walked = shard.slots.len();
        match shard.entries {
            0 => *shard = Shard::default(),
            entries => shard.resize((entries * 2).next_power_of_two().max(FIRST_SLOTS)),
        }
        walked
    }

    /// Frees one shard of an index that nobody uses any more; `false` when all are.
    pub(crate) fn free_step(&mut self) -> bool {
        self.shards.pop().is_some()
    }
}

fn locations_of(shards: &[Shard]) -> impl Iterator<Item = Location> {
    let slots = shards.iter().flat_map(|shard| &shard.slots);
    slots.map(|slot| slot.location).filter(|&location| location != Location::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Location n stands for key n.
    fn at(number: u32) -> Location {
        Location::new(0, number)
    }

    fn get(index: &Index, hash: u64, number: u32) -> Option<Location> {
        index.find(hash, |location| location == at(number))
    }

    #[test]
    fn what_a_removed_key_had_pushed_away_is_still_found() {
        // Three homes at the end of the shard, so that the cluster wraps around.
        for removed in 0..9 {
            let mut index = Index::new();
            for number in 0..9_u32 {
                index.put(u64::from(13 + number % 3), at(number), |_| false);
            }
            index.remove(u64::from(13 + removed % 3), |location| location == at(removed));
            for number in 0..9 {
                let expected = (number != removed).then_some(at(number));
                assert_eq!(get(&index, u64::from(13 + number % 3), number), expected, "{removed} {number}");
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
    fn an_emptied_index_gives_its_memory_back() {
        let mut index = Index::new();
        let hash = |number: u32| u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for number in 0..10_000 {
            index.put(hash(number), at(number), |location| location == at(number));
        }
        let full = index.memory_bytes();
        for number in 0..9_990 {
            index.remove(hash(number), |location| location == at(number));
        }
        while index.shrink_step() > 0 {}
        assert!(index.memory_bytes() * 20 < full);
        assert!((9_990..10_000).all(|number| get(&index, hash(number), number).is_some()));
    }

    #[test]
    fn reserved_room_is_not_outgrown() {
        let mut index = Index::new();
        index.reserve(64_000);
        let reserved = index.memory_bytes();
        for number in 0..64_000_u32 {
            let hash = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            index.put(hash ^ hash >> 29, at(number), |_| false);
        }
        assert_eq!(index.memory_bytes(), reserved);
    }
}

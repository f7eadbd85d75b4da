//! Entries that were read or written lately. To read a key again asks nobody: an engine on disk goes through a table in memory, filters, an index
//! and a block even where all of them are cached.
//!
//! They lie in a ring, the oldest are overwritten first. Each key has a few places in a table of positions, which it may lose to other
//! keys. A write of a key takes its place away under the apply lock before anybody can see the write, and what was read is kept
//! only if its key has not been written since it was asked for.

use parking_lot::Mutex;

use super::lanes::hash;
use crate::read::Entry;

/// The most bytes of a key and a value together that are kept.
const LONGEST_ENTRY: usize = 4 << 10;
/// Key length, value length, expiry.
const HEADER_BYTES: usize = 2 + 4 + 8;
/// Stands for no expiry.
const NEVER: u64 = u64::MAX;
/// Of the memory, what the table of positions may take.
const POSITIONS_PART: usize = 4;
const LEAST_POSITIONS: usize = 1 << 10;
/// The places of a key: neighbours in the table of positions.
const PLACES: usize = 4;
/// A place holds a part of the key's hash above so many bits, so that others are told without looking at their entries.
const TAG_SHIFT: u32 = 48;

/// Keeps entries within so many bytes.
pub(crate) struct ReadCache(Mutex<Ring>);

struct Ring {
    bytes: Vec<u8>,
    capacity: usize,
    /// Where the next entry comes, counted on and on: modulo the capacity it is an index.
    head: u64,
    /// Everything before has been given up.
    floor: u64,
    /// By hash, in groups of [`PLACES`]: the position of an entry and 1, below its tag; a power of two of them, or none.
    positions: Vec<u64>,
    most_positions: usize,
    /// Positions that were given since their table was made.
    given: usize,
}

impl ReadCache {
    pub(crate) fn new(bytes: usize) -> Self {
        let positions = bytes / POSITIONS_PART / size_of::<u64>();
        let most_positions = if positions < LEAST_POSITIONS { 0 } else { 1 << positions.ilog2() };
        let capacity = bytes - most_positions * size_of::<u64>();
        Self(Mutex::new(Ring {
            bytes: Vec::new(),
            capacity: if most_positions == 0 { 0 } else { capacity },
            head: 0,
            floor: 0,
            positions: Vec::new(),
            most_positions,
            given: 0,
        }))
    }

    /// Hands the entry of a key to `read` if it is kept and has not expired, or gives `read` back. The caller holds the apply lock.
    pub(crate) fn get<T, F: FnOnce(Option<Entry<'_>>) -> T>(
        &self,
        key: &[u8],
        now_ms: impl FnOnce() -> u64,
        read: F,
    ) -> Result<T, F> {
        let ring = self.0.lock();
        match ring.find(key).filter(|entry| entry.expires_at.is_none_or(|at| at > now_ms())) {
            Some(entry) => Ok(read(Some(entry))),
            None => Err(read),
        }
    }

    /// Keeps entries. The caller holds the apply lock and knows that their keys have not been written since they were read, or
    /// written.
    pub(crate) fn keep_all<'e>(&self, entries: impl Iterator<Item = (&'e [u8], Entry<'e>)>) {
        let mut ring = self.0.lock();
        for (key, entry) in entries.filter(|(key, entry)| key.len() + entry.value.len() <= LONGEST_ENTRY) {
            ring.put(key, entry);
        }
    }

    /// Gives up keys that are written. The caller holds the apply lock for writing.
    pub(crate) fn give_up<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        let mut ring = self.0.lock();
        if ring.positions.is_empty() {
            return;
        }
        for key in keys {
            let tag = tag(hash(key));
            for place in ring.places_mut(hash(key)).iter_mut().filter(|place| **place >> TAG_SHIFT == tag) {
                // That of another key with the same tag at times, which is then read again.
                *place = 0;
            }
        }
    }

    /// Gives up everything.
    pub(crate) fn give_up_all(&self) {
        let mut ring = self.0.lock();
        ring.floor = ring.head;
    }

    /// Frees its memory.
    pub(crate) fn end(&self) {
        let mut ring = self.0.lock();
        (ring.bytes, ring.positions, ring.capacity) = (Vec::new(), Vec::new(), 0);
    }

    /// Memory that it holds.
    pub(crate) fn memory_bytes(&self) -> usize {
        let ring = self.0.lock();
        ring.bytes.capacity() + ring.positions.capacity() * size_of::<u64>()
    }
}

/// The part of a hash that a place holds. The low bits say which places a key has.
fn tag(hash: u64) -> u64 {
    hash >> TAG_SHIFT
}

/// The position that a place holds.
fn position(place: u64) -> Option<u64> {
    (place & ((1 << TAG_SHIFT) - 1)).checked_sub(1)
}

impl Ring {
    fn first_place(&self, hash: u64) -> usize {
        hash as usize & self.positions.len().wrapping_sub(1) & !(PLACES - 1)
    }

    fn places_mut(&mut self, hash: u64) -> &mut [u64] {
        let first = self.first_place(hash);
        self.positions.get_mut(first..first + PLACES).unwrap_or_default()
    }

    fn find(&self, key: &[u8]) -> Option<Entry<'_>> {
        if self.positions.is_empty() {
            return None;
        }
        let hash = hash(key);
        let first = self.first_place(hash);
        let places = self.positions.get(first..first + PLACES)?;
        places.iter().filter(|&&place| place >> TAG_SHIFT == tag(hash)).find_map(|&place| {
            let (found, entry) = self.read(position(place)?)?;
            (found == key).then_some(entry)
        })
    }

    /// Gives an entry of a key one of its places: its own, else that of the oldest.
    fn place(&mut self, key: &[u8], at: u64) {
        let hash = hash(key);
        let place = tag(hash) << TAG_SHIFT | (at + 1);
        let own = |other: &u64| *other >> TAG_SHIFT == tag(hash);
        let places = self.places_mut(hash);
        let chosen = places.iter().position(own).or_else(|| {
            let oldest = places.iter().enumerate().min_by_key(|&(_, &other)| position(other));
            oldest.map(|(number, _)| number)
        });
        if let Some(chosen) = chosen.and_then(|chosen| places.get_mut(chosen)) {
            *chosen = place;
        }
    }

    /// The entry at a position, unless it has been overwritten.
    fn read(&self, position: u64) -> Option<(&[u8], Entry<'_>)> {
        if position < self.floor || position + (self.capacity as u64) < self.head {
            return None;
        }
        let at = (position % self.capacity as u64) as usize;
        let (header, rest) = self.bytes.get(at..)?.split_first_chunk::<HEADER_BYTES>()?;
        let [k0, k1, v0, v1, v2, v3, expiry @ ..] = *header;
        let (key, rest) = rest.split_at_checked(u16::from_le_bytes([k0, k1]).into())?;
        let value = rest.get(..u32::from_le_bytes([v0, v1, v2, v3]) as usize)?;
        let expires_at = u64::from_le_bytes(expiry);
        Some((key, Entry { value, expires_at: (expires_at != NEVER).then_some(expires_at) }))
    }

    fn put(&mut self, key: &[u8], entry: Entry<'_>) {
        let length = HEADER_BYTES + key.len() + entry.value.len();
        if length > self.capacity {
            return;
        }
        if self.given >= self.positions.len() / 4 * 3 {
            self.grow();
        }
        let mut at = (self.head % self.capacity as u64) as usize;
        if at + length > self.capacity {
            // An entry lies in one piece.
            self.head += (self.capacity - at) as u64;
            at = 0;
        }
        if self.bytes.len() < at + length {
            self.bytes.resize(at + length, 0);
        }
        let parts = [
            &(key.len() as u16).to_le_bytes()[..],
            &(entry.value.len() as u32).to_le_bytes(),
            &entry.expires_at.unwrap_or(NEVER).to_le_bytes(),
            key,
            entry.value,
        ];
        let mut room = self.bytes.get_mut(at..at + length).unwrap_or_default();
        for part in parts {
            let (here, rest) = room.split_at_mut(part.len());
            here.copy_from_slice(part);
            room = rest;
        }
        self.place(key, self.head);
        self.head += length as u64;
        self.given += 1;
    }

    /// Has a larger table of positions, up to its bound. In large steps, since writers wait for it.
    fn grow(&mut self) {
        self.given = 0;
        let positions = (self.positions.len() * 8).clamp(LEAST_POSITIONS, self.most_positions);
        if positions == self.positions.len() {
            return;
        }
        let before = std::mem::replace(&mut self.positions, vec![0; positions]);
        for at in before.into_iter().filter_map(position) {
            let Some((key, _)) = self.read(at) else { continue };
            let key = key.to_vec();
            self.place(&key, at);
            self.given += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(cache: &ReadCache, key: &[u8], now_ms: u64) -> Option<Vec<u8>> {
        cache.get(key, || now_ms, |entry| entry.map(|entry| entry.value.to_vec())).ok().flatten()
    }

    fn keep(cache: &ReadCache, key: &[u8], value: &[u8], expires_at: Option<u64>) {
        cache.keep_all(std::iter::once((key, Entry { value, expires_at })));
    }

    #[test]
    fn what_was_kept_is_found_until_it_is_written_or_expires() {
        let cache = ReadCache::new(1 << 20);
        assert_eq!(kept(&cache, b"a", 0), None);
        keep(&cache, b"a", b"1", None);
        keep(&cache, b"b", b"", Some(10));
        assert_eq!(kept(&cache, b"a", 0), Some(b"1".to_vec()));
        assert_eq!(kept(&cache, b"b", 9), Some(Vec::new()));
        assert_eq!(kept(&cache, b"b", 10), None);
        cache.give_up([&b"a"[..]].into_iter());
        assert_eq!(kept(&cache, b"a", 0), None);
        cache.give_up_all();
        assert_eq!(kept(&cache, b"b", 0), None);
        keep(&cache, b"b", b"2", None);
        assert_eq!(kept(&cache, b"b", 0), Some(b"2".to_vec()));
    }

    #[test]
    fn the_oldest_go_first_and_nothing_is_found_under_another_key() {
        let cache = ReadCache::new(64 << 10);
        let name = |number: u32| format!("key-{number}").into_bytes();
        for number in 0..20_000 {
            keep(&cache, &name(number), &number.to_le_bytes(), None);
            // The ring is a little smaller than 64 KiB: an entry that was just kept is there.
            assert_eq!(kept(&cache, &name(number), 0), Some(number.to_le_bytes().to_vec()));
        }
        let there: Vec<u32> =
            (0..20_000).filter(|&number| kept(&cache, &name(number), 0).is_some()).collect();
        assert!(there.iter().all(|&number| number > 15_000), "old entries are gone");
        assert!(there.len() > 500, "{} of the last entries are kept", there.len());
        for number in there {
            assert_eq!(kept(&cache, &name(number), 0), Some(number.to_le_bytes().to_vec()));
        }
        assert!(cache.memory_bytes() <= 128 << 10);
    }

    #[test]
    fn long_entries_are_not_kept_and_without_memory_nothing_is() {
        let cache = ReadCache::new(1 << 20);
        keep(&cache, b"a", &[0; LONGEST_ENTRY], None);
        assert_eq!(kept(&cache, b"a", 0), None);
        let none = ReadCache::new(0);
        keep(&none, b"a", b"1", None);
        none.give_up([&b"a"[..]].into_iter());
        assert_eq!((kept(&none, b"a", 0), none.memory_bytes()), (None, 0));
    }
}

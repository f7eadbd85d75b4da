//! The slots of one shard: open addressing over words that have a part of the key's hash and the location of its newest
//! record.
//!
//! Slots lie in groups of seven, each a line of the processor's cache that begins with a *control* word: a byte of the hash for
//! each slot, and how many keys were pushed past the group because it was full. A look-up compares all seven bytes at once and nearly
//! always finds one that is equal, in the first group, whose slot leads to the key's record: nothing is left for the
//! processor to guess wrong, which costs more here than all that is computed. (After F14, N. Bronson and X. Shi, 2019.)
//!
//! A key keeps its slot as long as its shard keeps its slots, and words are atomic, so whoever searches while the one owner
//! changes something misses nothing.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::location::Location;
use crate::prefetch::prefetch;

/// Bits of a hash that choose the shard, and those behind them, which a slot has.
pub(crate) const SHARD_BITS: u32 = 10;
const FRAGMENT_BITS: u32 = u64::BITS - Location::BITS;

/// A slot without a key.
const EMPTY: u64 = 0;
/// Added to locations, so that no slot in use is empty.
const IN_USE: u64 = 1;

const GROUP_SLOTS: usize = 7;
/// A line of the cache; as an alignment it leaves room in an address for a class.
const GROUP_BYTES: usize = 64;

#[repr(C, align(64))]
pub(crate) struct Group {
    control: AtomicU64,
    words: [AtomicU64; GROUP_SLOTS],
}

const CLASSES: u64 = 48;

/// How many groups a shard of a class has: powers of two and one and a half times those, so that growing is cheap in memory.
#[inline]
fn groups_of(class: u64) -> usize {
    let groups = 2 << (class / 2);
    groups + if class % 2 == 1 { groups / 2 } else { 0 }
}

/// What the slots of a shard of a class take.
pub(crate) fn bytes_of(class: u64) -> usize {
    groups_of(class) * GROUP_BYTES
}

/// How many keys a shard of a class takes: six for each group.
#[inline]
pub(crate) fn keys_of(class: u64) -> usize {
    groups_of(class) * (GROUP_SLOTS - 1)
}

/// The smallest class that takes so many keys.
pub(crate) fn class_for(keys: usize) -> u64 {
    (0..CLASSES).find(|&class| keys <= keys_of(class)).expect("memory ends before classes do")
}

#[inline]
fn fragment_of(hash: u64) -> u64 {
    hash << SHARD_BITS >> Location::BITS
}

/// A slot in use.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    #[inline]
    fn new(fragment: u64, location: Location) -> Self {
        Self(fragment << Location::BITS | (location.bits() + IN_USE))
    }

    #[inline]
    fn fragment(self) -> u64 {
        self.0 >> Location::BITS
    }

    #[inline]
    fn location(self) -> Location {
        Location::from_bits((self.0 & ((1 << Location::BITS) - 1)) - IN_USE)
    }
}

/// Seven bytes that are the same, and the highest bit of each.
const EACH: u64 = 0x0001_0101_0101_0101;
const HIGHEST: u64 = EACH << 7;
/// The eighth byte of a control word counts the keys that were pushed past its group. The highest count stays.
const PASSED: u64 = 1 << 56;
const PASSED_BITS: u64 = 0xff << 56;

/// The control word of a group, as it was loaded.
#[derive(Clone, Copy)]
struct Control(u64);

/// Slots of a group: the highest bit of each one's byte.
#[derive(Clone, Copy)]
struct Positions(u64);

impl Control {
    /// The byte of a key with this fragment in each of the seven. None is zero, which stands for no key.
    #[inline]
    fn tags(fragment: u64) -> u64 {
        (fragment & 0x7f | 0x80) * EACH
    }

    /// The slots that may hold a key with these tags. One of another key is among them seldom.
    #[inline]
    fn candidates(self, tags: u64) -> Positions {
        let differing = self.0 ^ tags;
        Positions(differing.wrapping_sub(EACH) & !differing & HIGHEST)
    }

    #[inline]
    fn empty(self) -> Positions {
        Positions(!self.0 & HIGHEST)
    }

    #[inline]
    fn was_passed(self) -> bool {
        self.0 & PASSED_BITS != 0
    }

    /// With one more, or one less, that was pushed past the group.
    fn passed(self, comes: bool) -> Self {
        match self.0 & PASSED_BITS {
            PASSED_BITS => self,
            _ if comes => Self(self.0 + PASSED),
            _ => Self(self.0 - PASSED),
        }
    }

    fn with_tag(self, position: usize, tags: u64) -> Self {
        let byte = 0xff << (8 * position);
        Self(self.0 & !byte | tags & byte)
    }
}

impl Iterator for Positions {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let position = self.0.trailing_zeros() / 8;
        self.0 &= self.0 - 1;
        Some(position as usize)
    }
}

impl Group {
    #[inline]
    fn control(&self) -> Control {
        // Acquire: whoever finds a key's byte finds its word.
        Control(self.control.load(Ordering::Acquire))
    }

    fn set_control(&self, control: Control) {
        self.control.store(control.0, Ordering::Release);
    }

    #[inline]
    fn word(&self, position: usize) -> u64 {
        // Acquire: whoever finds a location finds the record there.
        self.words.get(position).map_or(EMPTY, |word| word.load(Ordering::Acquire))
    }

    #[inline]
    fn set_word(&self, position: usize, word: u64) {
        if let Some(slot) = self.words.get(position) {
            slot.store(word, Ordering::Release);
        }
    }

    /// The position of a key in it, and what `is_it` has answered for its location.
    #[inline]
    fn find<T>(
        &self,
        control: Control,
        fragment: u64,
        is_it: &mut impl FnMut(Location) -> Option<T>,
    ) -> Option<(usize, T)> {
        control.candidates(Control::tags(fragment)).find_map(|position| {
            let word = self.word(position);
            let is_candidate = word != EMPTY && Word(word).fragment() == fragment;
            let found = if is_candidate { is_it(Word(word).location()) } else { None };
            found.map(|found| (position, found))
        })
    }

    /// Gives an empty slot to a key.
    #[inline]
    fn take_in(&self, control: Control, position: usize, fragment: u64, word: u64) {
        // Before its byte, which leads to it.
        self.set_word(position, word);
        self.set_control(control.with_tag(position, Control::tags(fragment)));
    }
}

/// Where the slots are and, in the bits that are zero in such an address, their class. 0: there are none yet.
#[derive(Clone, Copy)]
pub(crate) struct Slots(pub(crate) u64);

impl Slots {
    pub(crate) const NONE: Self = Self(0);

    /// Slots without a key.
    pub(crate) fn allocate(class: u64) -> Self {
        let layout = Self::layout(class);
        // SAFETY: the layout has a size.
        let Some(start) = NonNull::new(unsafe { alloc_zeroed(layout) }) else { handle_alloc_error(layout) };
        Self(start.as_ptr().expose_provenance() as u64 | class)
    }

    /// # Safety
    /// Nobody may search them any more, and nobody else frees them.
    pub(crate) unsafe fn free(self) {
        if self.0 != 0 {
            // SAFETY: they were allocated with this layout.
            unsafe { dealloc(self.start().cast_mut().cast(), Self::layout(self.bits())) };
        }
    }

    fn layout(class: u64) -> Layout {
        Layout::array::<Group>(groups_of(class)).expect("classes are far shorter than the address space")
    }

    #[inline]
    fn bits(self) -> u64 {
        self.0 % GROUP_BYTES as u64
    }

    #[inline]
    fn start(self) -> *const Group {
        std::ptr::with_exposed_provenance((self.0 - self.bits()) as usize)
    }

    pub(crate) fn class(self) -> Option<u64> {
        (self.0 != 0).then(|| self.bits())
    }

    /// # Safety
    /// They are not freed for `'a`.
    #[inline]
    pub(crate) unsafe fn search<'a>(self) -> Search<'a> {
        if self.0 == 0 {
            return Search(&[]);
        }
        // SAFETY: as the caller says; zeros are atomic words.
        Search(unsafe { std::slice::from_raw_parts(self.start(), groups_of(self.bits())) })
    }
}

/// The slots of a shard, to look for keys in.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a>(&'a [Group]);

impl<'a> Search<'a> {
    /// The group in which a fragment is looked for first. It ascends with the fragment, so slots that are visited in order
    /// go to new ones in order.
    #[inline]
    fn home(self, fragment: u64) -> usize {
        ((fragment * self.0.len() as u64) >> FRAGMENT_BITS) as usize
    }

    /// Visits the groups of a probe until `visit` answers.
    #[inline(always)]
    fn probe<T>(self, fragment: u64, mut visit: impl FnMut(&'a Group) -> Option<T>) -> Option<T> {
        let mut at = self.home(fragment);
        for _ in 0..self.0.len() {
            let answer = visit(self.0.get(at)?);
            if answer.is_some() {
                return answer;
            }
            at = if at + 1 == self.0.len() { 0 } else { at + 1 };
        }
        None
    }

    /// Where a key is, and what `is_it` has answered for its location.
    #[inline]
    fn find_slot<T>(
        self,
        fragment: u64,
        mut is_it: impl FnMut(Location) -> Option<T>,
    ) -> Option<(&'a Group, usize, T)> {
        let found = self.probe(fragment, |group| {
            let control = group.control();
            match group.find(control, fragment, &mut is_it) {
                Some((position, found)) => Some(Some((group, position, found))),
                None if control.was_passed() => None,
                None => Some(None),
            }
        });
        found.flatten()
    }

    /// What `is_it` answers for the location of the key with this hash that it knows.
    #[inline]
    pub(crate) fn find<T>(self, hash: u64, is_it: impl FnMut(Location) -> Option<T>) -> Option<T> {
        self.find_slot(fragment_of(hash), is_it).map(|(.., found)| found)
    }

    /// Has the processor load where a key with this hash is looked for first.
    #[inline]
    pub(crate) fn prefetch(self, hash: u64) {
        if let Some(group) = self.0.get(self.home(fragment_of(hash))) {
            prefetch(group);
        }
    }

    /// Puts a key where it belongs and returns the location it had. There is an empty slot to spare.
    #[inline]
    pub(crate) fn put(
        self,
        hash: u64,
        location: Location,
        mut is_it: impl FnMut(Location) -> bool,
    ) -> Option<Location> {
        let fragment = fragment_of(hash);
        let word = Word::new(fragment, location).0;
        let mut is_there = |there| is_it(there).then_some(there);
        let group = self.0.get(self.home(fragment)).expect("room was made before");
        let control = group.control();
        if let Some((position, there)) = group.find(control, fragment, &mut is_there) {
            group.set_word(position, word);
            return Some(there);
        }
        if !control.was_passed()
            && let Some(position) = control.empty().next()
        {
            group.take_in(control, position, fragment, word);
            return None;
        }
        self.put_elsewhere(fragment, word, is_there)
    }

    /// The same for a key whose first group is full, or was.
    fn put_elsewhere(
        self,
        fragment: u64,
        word: u64,
        mut is_there: impl FnMut(Location) -> Option<Location>,
    ) -> Option<Location> {
        if let Some((group, position, there)) = self.find_slot(fragment, &mut is_there) {
            group.set_word(position, word);
            return Some(there);
        }
        self.insert(fragment, word);
        None
    }

    /// Puts a key that is not there yet.
    #[inline]
    fn insert(self, fragment: u64, word: u64) {
        let inserted = self.probe(fragment, |group| {
            let control = group.control();
            let Some(position) = control.empty().next() else {
                group.set_control(control.passed(true));
                return None;
            };
            group.take_in(control, position, fragment, word);
            Some(())
        });
        inserted.expect("room was made before");
    }

    /// Takes a key away: what `is_it` has answered for its location.
    pub(crate) fn remove<T>(self, hash: u64, is_it: impl FnMut(Location) -> Option<T>) -> Option<T> {
        let fragment = fragment_of(hash);
        let (group, position, found) = self.find_slot(fragment, is_it)?;
        group.set_control(group.control().with_tag(position, 0));
        group.set_word(position, EMPTY);
        self.probe(fragment, |passed| {
            if std::ptr::eq(passed, group) {
                return Some(());
            }
            passed.set_control(passed.control().passed(false));
            None
        });
        Some(found)
    }

    /// Follows a record that has moved; `false` if it is no key's newest.
    pub(crate) fn relocate(self, hash: u64, from: Location, to: Location) -> bool {
        let fragment = fragment_of(hash);
        let found = self.find_slot(fragment, |there| (there == from).then_some(()));
        if let Some((group, position, ())) = found {
            group.set_word(position, Word::new(fragment, to).0);
        }
        found.is_some()
    }

    fn words(self) -> impl Iterator<Item = Word> {
        let words = self.0.iter().flat_map(|group| (0..GROUP_SLOTS).map(|position| group.word(position)));
        words.filter(|&word| word != EMPTY).map(Word)
    }

    /// Copies all keys to slots without any, which they fit.
    pub(crate) fn copy_to(self, new: Search<'_>) {
        self.words().for_each(|word| new.insert(word.fragment(), word.0));
    }

    /// All locations, in no order that means anything.
    pub(crate) fn locations(self) -> impl Iterator<Item = Location> {
        self.words().map(Word::location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_grow_by_a_half_or_a_third() {
        assert_eq!([0, 1, 2, 3, 4, 14].map(groups_of), [2, 3, 4, 6, 8, 256]);
        assert_eq!([0, 12, 13, 18, 19].map(class_for), [0, 0, 1, 1, 2]);
        assert!(CLASSES < GROUP_BYTES as u64 && keys_of(CLASSES - 1) > 1 << FRAGMENT_BITS);
        assert_eq!((size_of::<Group>(), align_of::<Group>()), (GROUP_BYTES, GROUP_BYTES));
    }

    #[test]
    fn a_slot_keeps_its_fragment_and_its_location() {
        let last = Location::new(Location::CHUNKS - 1, Location::MAX_CHUNK_BYTES - 1);
        for (fragment, location) in [(0, Location::new(0, 0)), ((1 << FRAGMENT_BITS) - 1, last)] {
            let word = Word::new(fragment, location);
            assert_ne!(word.0, EMPTY);
            assert_eq!((word.fragment(), word.location()), (fragment, location));
        }
        assert_eq!(fragment_of(u64::MAX), (1 << FRAGMENT_BITS) - 1);
    }

    #[test]
    fn a_control_word_knows_its_keys_its_room_and_how_many_were_pushed_past() {
        let mut control = Control(0);
        assert_eq!(control.empty().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        for (position, fragment) in [(0, 0), (2, 0x7f), (3, 1), (6, 0x80)] {
            control = control.with_tag(position, Control::tags(fragment));
        }
        assert_eq!(control.empty().collect::<Vec<_>>(), [1, 4, 5]);
        for (fragment, expected) in [(0x100, &[0, 6][..]), (0xff, &[2]), (0x81, &[3]), (2, &[])] {
            let candidates: Vec<_> = control.candidates(Control::tags(fragment)).collect();
            assert!(expected.iter().all(|position| candidates.contains(position)), "{fragment}");
            assert!(candidates.iter().all(|&position| control.0 >> (8 * position) & 0xff != 0));
        }
        assert!(!control.was_passed());
        let passed = (0..3).fold(control, |control, _| control.passed(true));
        assert!(passed.was_passed() && passed.passed(false).passed(false).was_passed());
        assert!(!passed.passed(false).passed(false).passed(false).was_passed());
        let often = (0..1_000).fold(control, |control, _| control.passed(true));
        assert!((0..1_000).fold(often, |control, _| control.passed(false)).was_passed());
        assert_eq!(often.empty().collect::<Vec<_>>(), [1, 4, 5]);
    }
}

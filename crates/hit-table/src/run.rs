//! A sorted run: the keys of some operations in byte order, as the first eight bytes of each and its location.
//!
//! Eight big-endian bytes, short keys filled up with zeros, compare as the keys do; only where they are equal are
//! the keys themselves read. A marked location is a deletion: it stands at the record that was deleted, whose bytes
//! have the key, so that deleting takes no memory in the arena.

use std::ops::Range;

use hit_core::KeyRange;

use crate::chunks::Records;
use crate::location::Location;
use crate::tombstone::RangeTombstone;

#[derive(Clone, Copy, Debug)]
pub(crate) struct RunEntry {
    pub(crate) prefix: u64,
    pub(crate) location: Location,
}

/// Entries of a block, of which it is known whether all of them are surely seen.
const BLOCK: usize = 1_024;

/// Keys in order, each once.
#[derive(Default)]
pub(crate) struct Run {
    entries: Vec<RunEntry>,
    /// Whether a block has an entry that may not be seen; none where all are.
    doubtful_blocks: Vec<bool>,
}

impl RunEntry {
    pub(crate) fn new(location: Location, records: Records<'_>) -> Self {
        match records.record(location) {
            Some(record) if record.expires_at.is_some() => {
                Self { prefix: word_at(record.key, 0), location: location.expiring() }
            }
            record => Self { prefix: record.map_or(0, |record| word_at(record.key, 0)), location },
        }
    }

    /// Whether it is deleted or can expire.
    fn is_doubtful(&self) -> bool {
        self.location.is_marked() || self.location.can_expire()
    }
}

impl Run {
    /// Entries that are in order, each key once.
    pub(crate) fn new(entries: Vec<RunEntry>) -> Self {
        let mut doubtful_blocks = Vec::new();
        if entries.iter().any(RunEntry::is_doubtful) {
            doubtful_blocks
                .extend(entries.chunks(BLOCK).map(|block| block.iter().any(RunEntry::is_doubtful)));
        }
        Self { entries, doubtful_blocks }
    }

    pub(crate) fn entries(&self) -> &[RunEntry] {
        &self.entries
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<RunEntry>() + self.doubtful_blocks.capacity()
    }

    /// The positions of a range.
    pub(crate) fn window(&self, range: KeyRange<'_>, records: Records<'_>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let low = if range.start.is_empty() { 0 } else { seek(&self.entries, 0, range.start, records) };
        low..range.end.map_or(self.len(), |end| seek(&self.entries, low, end, records))
    }

    /// The entries among these positions that may not be seen. Passes over blocks without any.
    pub(crate) fn doubtful(&self, within: Range<usize>) -> impl Iterator<Item = &RunEntry> {
        let blocks = self.doubtful_blocks.iter().enumerate();
        let (first, last) = (within.start / BLOCK, within.end.div_ceil(BLOCK));
        let blocks = blocks.take(last).skip(first).filter(|&(_, &is_doubtful)| is_doubtful);
        blocks.flat_map(move |(block, _)| {
            let part = (block * BLOCK).max(within.start)..((block + 1) * BLOCK).min(within.end);
            let entries = self.entries.get(part).unwrap_or_default();
            entries.iter().filter(|entry| entry.is_doubtful())
        })
    }

    /// The entry of a key.
    pub(crate) fn find(&self, key: &[u8], records: Records<'_>) -> Option<&RunEntry> {
        let entry = self.entries.get(seek(&self.entries, 0, key, records))?;
        (records.key(entry.location) == key).then_some(entry)
    }
}

/// Eight bytes of a key from `depth` on.
#[inline]
pub(crate) fn word_at(key: &[u8], depth: usize) -> u64 {
    let rest = key.get(depth..).unwrap_or_default();
    if let Some(word) = rest.first_chunk() {
        return u64::from_be_bytes(*word);
    }
    let mut word = [0; 8];
    word.iter_mut().zip(rest).for_each(|(target, &byte)| *target = byte);
    u64::from_be_bytes(word)
}

/// The first position at or behind `from` whose key is not below `key`. Gallops, so a near one is found at once.
pub(crate) fn seek(run: &[RunEntry], from: usize, key: &[u8], records: Records<'_>) -> usize {
    let prefix = word_at(key, 0);
    let below = |entry: &RunEntry| {
        entry.prefix < prefix || entry.prefix == prefix && records.key(entry.location) < key
    };
    let rest = run.get(from..).unwrap_or_default();
    let mut reach = 1;
    while rest.get(reach - 1).is_some_and(below) {
        reach *= 2;
    }
    let (low, high) = (reach / 2, reach.min(rest.len()));
    from + low + rest.get(low..high).unwrap_or_default().partition_point(below)
}

/// One run of two, where the newer one wins. With `bottom` there is nothing below it, so deletions have done
/// their work.
pub(crate) fn merge(older: &Run, newer: &Run, records: Records<'_>, bottom: bool) -> Run {
    let older = older.entries();
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut at = 0;
    for entry in newer.entries() {
        let key = records.key(entry.location);
        let next = seek(older, at, key, records);
        merged.extend_from_slice(older.get(at..next).unwrap_or_default());
        at = next;
        if older.get(at).is_some_and(|old| old.prefix == entry.prefix && records.key(old.location) == key) {
            at += 1;
        }
        if !(bottom && entry.location.is_marked()) {
            merged.push(*entry);
        }
    }
    merged.extend_from_slice(older.get(at..).unwrap_or_default());
    Run::new(merged)
}

/// Marks what a range delete covers as deleted.
pub(crate) fn hide(run: &mut [RunEntry], tombstone: &RangeTombstone, records: Records<'_>) {
    let range = tombstone.range();
    let start = seek(run, 0, range.start, records);
    let end = range.end.map_or(run.len(), |end| seek(run, start, end, records));
    for entry in run.get_mut(start..end).unwrap_or_default() {
        if records.record(entry.location).is_none_or(|record| tombstone.covers(&record)) {
            entry.location = entry.location.marked();
        }
    }
}

/// Puts entries in key order, those of a key side by side and in the order in which they were.
pub(crate) fn sort(entries: &mut [RunEntry], records: Records<'_>) {
    sort_from(entries, 0, records);
}

/// Sorts by the word at `depth`, which stands in `prefix`, and ties by the words behind it.
///
/// Reading the next word of a whole group at once lets its cache misses overlap, where comparing keys one with the
/// other would wait for each.
fn sort_from(entries: &mut [RunEntry], depth: usize, records: Records<'_>) {
    entries.sort_by_key(|entry| entry.prefix);
    for group in
        entries.chunk_by_mut(|left, right| left.prefix == right.prefix).filter(|group| group.len() > 1)
    {
        let word = group.first().map_or(0, |entry| entry.prefix);
        let mut is_longer = false;
        for entry in group.iter_mut() {
            let key = records.key(entry.location);
            is_longer |= key.len() > depth + 8;
            entry.prefix = word_at(key, depth + 8);
        }
        if is_longer {
            sort_from(group, depth + 8, records);
        } else {
            // All the same but for zero bytes at the end, which a key that has ended lacks.
            group.sort_by_key(|entry| records.key(entry.location).len());
        }
        group.iter_mut().for_each(|entry| entry.prefix = word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::bounds::Bounds;
    use crate::record::Record;
    use crate::value::Value;

    fn entry(arena: &mut Arena, key: &[u8], expires_at: Option<u64>) -> RunEntry {
        let location = arena.append(&Record { sequence: 1, expires_at, key, value: Value::Memory(b"") });
        RunEntry::new(location, arena.records())
    }

    fn entries_of(arena: &mut Arena, keys: &[&[u8]]) -> Vec<RunEntry> {
        keys.iter().map(|key| entry(arena, key, None)).collect()
    }

    fn keys<'a>(run: &[RunEntry], arena: &'a Arena) -> Vec<&'a [u8]> {
        run.iter().map(|entry| arena.key(entry.location)).collect()
    }

    #[test]
    fn keys_that_share_their_first_bytes_are_sorted_whole() {
        let mut arena = Arena::new(&Bounds::default());
        let long = [b'x'; 2_048];
        let mut expected: Vec<&[u8]> = vec![
            b"",
            b"\0",
            b"\0\0",
            b"a",
            b"a\0",
            b"a\0\0\0\0\0\0\0",
            b"a\0\0\0\0\0\0\0\0",
            b"a\0\0\0\0\0\0\0\0b",
            b"same-prefix",
            b"same-prefix-1",
            b"same-prefix-1\0",
            b"same-prefix-2",
            b"same-prefiy",
            &long[..2_047],
            &long,
            b"\xff\xff",
        ];
        expected.sort();
        let mut shuffled = expected.clone();
        shuffled.reverse();
        shuffled.swap(3, 11);
        let mut run = entries_of(&mut arena, &shuffled);
        let records = arena.records();
        sort(&mut run, records);
        assert_eq!(keys(&run, &arena), expected);
        assert!(run.iter().zip(&expected).all(|(entry, key)| entry.prefix == word_at(key, 0)));
        for (position, key) in expected.iter().enumerate() {
            assert_eq!(seek(&run, 0, key, records), position);
            assert_eq!(seek(&run, position, key, records), position);
        }
        assert_eq!(seek(&run, 0, b"\xff\xff\xff", records), run.len());
        assert_eq!(seek(&[], 0, b"a", records), 0);
    }

    #[test]
    fn entries_of_a_key_stay_in_the_order_in_which_they_were() {
        let mut arena = Arena::new(&Bounds::default());
        let keys: [&[u8]; 4] = [b"a longer key", b"b", b"a longer key", b"a longer key"];
        let mut run = entries_of(&mut arena, &keys);
        let before: Vec<Location> = [0, 2, 3, 1].map(|at: usize| run[at].location).into();
        sort(&mut run, arena.records());
        assert_eq!(run.iter().map(|entry| entry.location).collect::<Vec<_>>(), before);
    }

    #[test]
    fn the_newer_run_wins_a_merge() {
        let mut arena = Arena::new(&Bounds::default());
        let older = Run::new(entries_of(&mut arena, &[b"a", b"b", b"c", b"d"]));
        let mut newer = entries_of(&mut arena, &[b"b", b"c", b"e", b"f"]);
        for deleted in [1, 3] {
            newer[deleted].location = newer[deleted].location.marked();
        }
        let newer = Run::new(newer);
        let merged = merge(&older, &newer, arena.records(), false);
        let merged = merged.entries();
        assert_eq!(keys(merged, &arena), [b"a", b"b", b"c", b"d", b"e", b"f"]);
        assert_eq!(merged[1].location, newer.entries()[0].location);
        assert!(merged[2].location.is_marked() && merged[5].location.is_marked());
        let bottom = merge(&older, &newer, arena.records(), true);
        assert_eq!(keys(bottom.entries(), &arena), [b"a", b"b", b"d", b"e"]);
    }

    #[test]
    fn what_can_expire_is_found_among_many_that_cannot() {
        let mut arena = Arena::new(&Bounds::default());
        let can_expire = [5, BLOCK - 1, BLOCK, 3 * BLOCK + 7];
        let entries = (0..4 * BLOCK).map(|number| {
            let expires_at = can_expire.contains(&number).then_some(1);
            entry(&mut arena, &(number as u64).to_be_bytes(), expires_at)
        });
        let run = Run::new(entries.collect());
        for (within, count) in [
            (0..4 * BLOCK, 4),
            (6..4 * BLOCK, 3),
            (BLOCK - 1..BLOCK, 1),
            (BLOCK - 1..BLOCK + 1, 2),
            (BLOCK + 1..3 * BLOCK + 7, 0),
            (3 * BLOCK + 7..3 * BLOCK + 8, 1),
            (9..9, 0),
        ] {
            assert_eq!(run.doubtful(within.clone()).count(), count, "{within:?}");
        }
    }
}

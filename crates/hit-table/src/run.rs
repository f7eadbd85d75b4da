//! A sorted run: the keys of some operations in byte order, as the first eight bytes of each and its location.
//!
//! Eight big-endian bytes, short keys filled up with zeros, compare as the keys do; only where they are equal are
//! the keys themselves read. A marked location is a deletion: it stands at the record that was deleted, whose bytes
//! have the key, so that deleting takes no memory in the arena.

use crate::arena::Arena;
use crate::location::Location;
use crate::tombstone::RangeTombstone;

#[derive(Clone, Copy, Debug)]
pub(crate) struct RunEntry {
    pub(crate) prefix: u64,
    pub(crate) location: Location,
}

/// Keys in order, each once.
pub(crate) type Run = Vec<RunEntry>;

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
pub(crate) fn seek(run: &[RunEntry], from: usize, key: &[u8], arena: &Arena) -> usize {
    let prefix = word_at(key, 0);
    let below =
        |entry: &RunEntry| entry.prefix < prefix || entry.prefix == prefix && arena.key(entry.location) < key;
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
pub(crate) fn merge(older: &[RunEntry], newer: &[RunEntry], arena: &Arena, bottom: bool) -> Run {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut at = 0;
    for entry in newer {
        let key = arena.key(entry.location);
        let next = seek(older, at, key, arena);
        merged.extend_from_slice(older.get(at..next).unwrap_or_default());
        at = next;
        if older.get(at).is_some_and(|old| old.prefix == entry.prefix && arena.key(old.location) == key) {
            at += 1;
        }
        if !(bottom && entry.location.is_marked()) {
            merged.push(*entry);
        }
    }
    merged.extend_from_slice(older.get(at..).unwrap_or_default());
    merged
}

/// Marks what a range delete covers as deleted.
pub(crate) fn hide(run: &mut [RunEntry], tombstone: &RangeTombstone, arena: &Arena) {
    let range = tombstone.range();
    let start = seek(run, 0, range.start, arena);
    let end = range.end.map_or(run.len(), |end| seek(run, start, end, arena));
    for entry in run.get_mut(start..end).unwrap_or_default() {
        if arena.record(entry.location).is_none_or(|record| tombstone.covers(&record)) {
            entry.location = entry.location.marked();
        }
    }
}

/// Puts entries in key order, equal keys side by side.
pub(crate) fn sort(entries: &mut [RunEntry], arena: &Arena) {
    sort_from(entries, 0, arena);
}

/// Sorts by the word at `depth`, which stands in `prefix`, and ties by the words behind it.
///
/// Reading the next word of a whole group at once lets its cache misses overlap, where comparing keys one with the
/// other would wait for each.
fn sort_from(entries: &mut [RunEntry], depth: usize, arena: &Arena) {
    entries.sort_unstable_by_key(|entry| entry.prefix);
    for group in
        entries.chunk_by_mut(|left, right| left.prefix == right.prefix).filter(|group| group.len() > 1)
    {
        let word = group.first().map_or(0, |entry| entry.prefix);
        let mut is_longer = false;
        for entry in group.iter_mut() {
            let key = arena.key(entry.location);
            is_longer |= key.len() > depth + 8;
            entry.prefix = word_at(key, depth + 8);
        }
        if is_longer {
            sort_from(group, depth + 8, arena);
        } else {
            // All the same but for zero bytes at the end, which a key that has ended lacks.
            group.sort_unstable_by_key(|entry| arena.key(entry.location).len());
        }
        group.iter_mut().for_each(|entry| entry.prefix = word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Bounds;
    use crate::record::Record;
    use crate::value::Value;

    fn run_of(arena: &mut Arena, keys: &[&[u8]]) -> Run {
        let entry = |key: &&[u8]| {
            let location =
                arena.append(&Record { sequence: 1, expires_at: None, key, value: Value::Memory(b"") });
            RunEntry { prefix: word_at(key, 0), location }
        };
        keys.iter().map(entry).collect()
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
        let mut run = run_of(&mut arena, &shuffled);
        sort(&mut run, &arena);
        assert_eq!(keys(&run, &arena), expected);
        assert!(run.iter().zip(&expected).all(|(entry, key)| entry.prefix == word_at(key, 0)));
        for (position, key) in expected.iter().enumerate() {
            assert_eq!(seek(&run, 0, key, &arena), position);
            assert_eq!(seek(&run, position, key, &arena), position);
        }
        assert_eq!(seek(&run, 0, b"\xff\xff\xff", &arena), run.len());
        assert_eq!(seek(&[], 0, b"a", &arena), 0);
    }

    #[test]
    fn the_newer_run_wins_a_merge() {
        let mut arena = Arena::new(&Bounds::default());
        let older = run_of(&mut arena, &[b"a", b"b", b"c", b"d"]);
        let mut newer = run_of(&mut arena, &[b"b", b"c", b"e", b"f"]);
        for deleted in [1, 3] {
            newer[deleted].location = newer[deleted].location.marked();
        }
        let merged = merge(&older, &newer, &arena, false);
        assert_eq!(keys(&merged, &arena), [b"a", b"b", b"c", b"d", b"e", b"f"]);
        assert_eq!(merged[1].location, newer[0].location);
        assert!(merged[2].location.is_marked() && merged[5].location.is_marked());
        assert_eq!(keys(&merge(&older, &newer, &arena, true), &arena), [b"a", b"b", b"d", b"e"]);
    }
}

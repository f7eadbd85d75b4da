//! Scans: order, bounds, limits.

use std::collections::{BTreeMap, BTreeSet};

use hit::{KeyRange, Operation, prefix_end};

use super::opened::{Opened, delete, range, set};
use super::{Pending, Trial, wait};

fn put_all<K: AsRef<[u8]>>(store: &Opened, keys: &[K]) {
    let operations: Vec<_> = keys.iter().map(|key| set(key, "v")).collect();
    store.begin(&operations).wait();
}

/// The key behind `key`: the bounds `> key` and `<= key` are written with it.
fn next(key: &str) -> Vec<u8> {
    [key.as_bytes(), b"\0"].concat()
}

/// A scan finds every entry once.
pub fn a_scan_finds_every_entry_once(trial: &Trial) {
    let store = trial.open();
    let entries: Vec<_> =
        (0..3_000).map(|number| (format!("key{number}"), "v".repeat(number % 400))).collect();
    let operations: Vec<_> = entries.iter().map(|(key, value)| set(key, value)).collect();
    store.begin(&operations).wait();
    let found = store.entries();
    assert_eq!(found.len(), entries.len());
    assert_eq!(BTreeSet::from_iter(found), BTreeSet::from_iter(entries));
}

/// A scan of nothing ends at once.
pub fn a_scan_of_nothing_ends_at_once(trial: &Trial) {
    let store = trial.open();
    assert_eq!(store.scanned(KeyRange::ALL, false), []);
    assert_eq!(store.scanned(KeyRange::ALL, true), []);
    store.put("key", "value");
    store.remove("key");
    assert_eq!(store.scanned(KeyRange::ALL, false), []);
}

/// A scan comes in key byte order.
pub fn a_scan_comes_in_key_byte_order(trial: &Trial) {
    let store = trial.open();
    let mut keys: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    let texts =
        ["a\0", "aa", "eightlongA", "eightlongB", "eightlong", "Z", "é", "\u{ffff}", "\u{10000}", "𝒳"];
    keys.extend(texts.map(|text| text.as_bytes().to_vec()));
    keys.extend([vec![0xff; 2_048], vec![0xff; 2_047]]);
    // Written in an order that is not theirs.
    let shuffled: Vec<_> = (0..keys.len()).filter_map(|index| keys.get((index * 101) % keys.len())).collect();
    put_all(&store, &shuffled);
    keys.sort();
    // "Z" is one of the bytes too.
    keys.dedup();
    let scanned = |reverse| -> Vec<_> {
        store.scanned(KeyRange::ALL, reverse).into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(scanned(false), keys);
    keys.reverse();
    assert_eq!(scanned(true), keys);
}

/// A scan of many pages misses nothing.
pub fn a_scan_of_many_pages_misses_nothing(trial: &Trial) {
    let store = trial.open();
    let keys: Vec<_> = (0..10_000).map(|number| format!("key{}", (number * 7_919) % 10_000)).collect();
    let values: Vec<_> = keys.iter().map(|key| format!("of {key}")).collect();
    let operations: Vec<_> = keys.iter().zip(&values).map(|(key, value)| set(key, value)).collect();
    store.begin(&operations).wait();
    let mut sorted: Vec<_> = keys
        .iter()
        .zip(&values)
        .map(|(key, value)| (key.clone().into_bytes(), value.clone().into_bytes()))
        .collect();
    sorted.sort();
    assert!(store.scanned(KeyRange::ALL, false) == sorted);
    sorted.reverse();
    assert!(store.scanned(KeyRange::ALL, true) == sorted);
}

/// Writes after a scan are in the next one.
pub fn writes_after_a_scan_are_in_the_next_one(trial: &Trial) {
    let store = trial.open();
    let mut model = BTreeMap::new();
    for round in 0..30 {
        for number in 0..40 {
            let key = format!("key{}", (round * 17 + number * 29) % 300);
            let value = round.to_string();
            let pending = if (round + number) % 4 == 0 {
                model.remove(&key);
                store.begin(&[delete(&key)])
            } else {
                model.insert(key.clone(), value.clone());
                store.begin(&[set(&key, &value)])
            };
            drop(pending);
        }
        assert!(store.entries().into_iter().eq(model.clone()), "after round {round}");
    }
    wait(store.flush()).expect("the store can be flushed");
}

/// Every kind of bound is kept.
pub fn every_kind_of_bound_is_kept(trial: &Trial) {
    let store = trial.open();
    let mut keys = ["a", "a\0", "aa", "b", "b\0", "ba", "c", "é", "\u{ffff}", "\u{10000}"];
    keys.sort_unstable();
    put_all(&store, &keys);
    let select =
        |holds: &dyn Fn(&str) -> bool| -> Vec<&str> { keys.into_iter().filter(|key| holds(key)).collect() };
    let bounds = ["\0", "a", "a\0", "ab", "b", "c", "d", "\u{10001}"];
    for low in bounds {
        let behind_low = next(low);
        assert_eq!(store.keys(range(&behind_low, "")), select(&|key| key > low), "> {low:?}");
        assert_eq!(store.keys(range(low, "")), select(&|key| key >= low), ">= {low:?}");
        assert_eq!(store.keys(range("", low)), select(&|key| key < low), "< {low:?}");
        assert_eq!(store.keys(range("", &behind_low)), select(&|key| key <= low), "<= {low:?}");
        for high in bounds {
            let open = select(&|key| key > low && key < high);
            assert_eq!(store.keys(range(&behind_low, high)), open, "> {low:?} < {high:?}");
            let behind_high = next(high);
            let closed = range(low, &behind_high);
            let mut expected = select(&|key| key >= low && key <= high);
            assert_eq!(store.number_of(closed), expected.len() as u64, ">= {low:?} <= {high:?}");
            expected.reverse();
            let reversed: Vec<_> = store.scanned(closed, true).into_iter().map(|(key, _)| key).collect();
            assert!(reversed.iter().map(Vec::as_slice).eq(expected.iter().map(|key| key.as_bytes())));
        }
    }
}

/// A prefix selects its keys.
pub fn a_prefix_selects_its_keys(trial: &Trial) {
    let store = trial.open();
    let keys: [&[u8]; 10] = [
        &[1],
        &[1, 0],
        &[1, 255],
        &[1, 255, 255],
        &[1, 255, 255, 7],
        &[2],
        &[254, 255],
        &[255],
        &[255, 0],
        &[255, 255],
    ];
    put_all(&store, &keys);
    for prefix in [&[1][..], &[1, 255], &[1, 255, 255], &[2], &[3], &[254], &[255], &[255, 255]] {
        let end = prefix_end(prefix);
        let range = KeyRange { start: prefix, end: end.as_deref() };
        let expected: Vec<_> =
            keys.iter().filter(|key| key.starts_with(prefix)).map(|key| key.to_vec()).collect();
        let scanned = |reverse| store.scanned(range, reverse).into_iter().map(|(key, _)| key);
        assert!(scanned(false).eq(expected.iter().cloned()), "{prefix:?}");
        assert!(scanned(true).eq(expected.iter().rev().cloned()), "{prefix:?}");
        assert_eq!(store.number_of(range), expected.len() as u64);
    }
}

/// A prefix and bounds intersect: what a caller has intersected is what is scanned.
pub fn a_prefix_and_bounds_intersect(trial: &Trial) {
    let store = trial.open();
    put_all(&store, &["a1", "a2", "a3", "b1", "b2", "c1"]);
    assert_eq!(store.keys(range("a1\0", "b")), ["a2", "a3"]);
    assert_eq!(store.keys(range("b", "b1\0")), ["b1"]);
    assert_eq!(store.keys(range("b", "c")), ["b1", "b2"]);
    assert_eq!(store.keys(range("c", "c")), Vec::<String>::new());
    assert_eq!(store.number_of(range("a1\0", "a3")), 1);
}

/// Crossing bounds select nothing.
pub fn crossing_bounds_select_nothing(trial: &Trial) {
    let store = trial.open();
    put_all(&store, &["a", "b", "c"]);
    for crossing in [range("b\0", "b"), range("c", "a"), range("c\0", "a\0"), range("b", "b")] {
        assert_eq!(store.scanned(crossing, false), []);
        assert_eq!(store.scanned(crossing, true), []);
        assert_eq!(store.number_of(crossing), 0);
        store.remove_range(crossing);
    }
    assert_eq!(store.number_of(KeyRange::ALL), 3);
}

/// A limit cuts a scan, which goes on behind it.
pub fn a_limit_cuts_a_scan(trial: &Trial) {
    let store = trial.open();
    let keys: Vec<_> = (0..300).map(|number| format!("key{number:03}").into_bytes()).collect();
    put_all(&store, &keys);
    for reverse in [false, true] {
        for limit in [1, 63, 64, 65, 128, 299, 300, 301] {
            let mut scan = store.scan(KeyRange::ALL, reverse).expect("the store can be scanned");
            let mut found = Vec::new();
            loop {
                let page = scan.page(limit).expect("the store is open");
                if page.is_empty() {
                    break;
                }
                assert_eq!(page.len(), limit.min(keys.len() - found.len()));
                found.extend(page.into_iter().map(|(key, _)| key));
            }
            if reverse {
                found.reverse();
            }
            assert!(found == keys, "pages of {limit}, reverse: {reverse}");
        }
    }
}

/// Count agrees with a scan.
pub fn count_agrees_with_a_scan(trial: &Trial) {
    let store = trial.open();
    let keys: Vec<_> = (0..500).map(|number| format!("key{number}")).collect();
    put_all(&store, &keys);
    store.remove_range(range("key3", "key4"));
    store.remove("key1");
    store.put("new", "v");
    let ranges = [
        KeyRange::ALL,
        range("key1", "key2"),
        range("key3", "key4"),
        range("key2\0", "key4\0"),
        range("", "a"),
    ];
    for range in ranges {
        assert_eq!(store.number_of(range), store.keys(range).len() as u64, "{range:?}");
    }
}

/// Clear removes everything.
pub fn clear_removes_everything(trial: &Trial) {
    let store = trial.open();
    let keys: Vec<_> = (0..1_000).map(|number| format!("key{number}")).collect();
    put_all(&store, &keys);
    store.remove_range(KeyRange::ALL);
    assert_eq!(store.number_of(KeyRange::ALL), 0);
    assert_eq!(store.texts(&["key0", "key999"]), [None, None]);
    store.put("key0", "again");
    assert_eq!(store.entries(), [("key0".to_owned(), "again".to_owned())]);
}

/// Clear removes only its range.
pub fn clear_removes_only_its_range(trial: &Trial) {
    let store = trial.open();
    put_all(&store, &["a", "b", "b1", "b2", "c", "d"]);
    store.remove_range(range("b", "c"));
    assert_eq!(store.keys(KeyRange::ALL), ["a", "c", "d"]);
    store.remove_range(range("c\0", ""));
    assert_eq!(store.keys(KeyRange::ALL), ["a", "c"]);
    store.remove_range(range("", "a"));
    store.remove_range(range("", "a\0"));
    assert_eq!(store.keys(KeyRange::ALL), ["c"]);
}

/// Many small clears leave the rest.
pub fn many_small_clears_leave_the_rest(trial: &Trial) {
    let store = trial.open();
    let key = |number: usize| format!("key{number:04}");
    put_all(&store, &(0..2_000).map(key).collect::<Vec<_>>());
    let pending: Vec<_> = (0..500)
        .map(|number| {
            let (start, end) = (key(number * 4), key(number * 4 + 3));
            store.begin(&[Operation::DeleteRange { range: range(&start, &end) }])
        })
        .collect();
    pending.into_iter().for_each(Pending::wait);
    assert!(store.keys(KeyRange::ALL).into_iter().eq((0..500).map(|number| key(number * 4 + 3))));
    assert_eq!(store.text(&key(0)), None);
    assert_eq!(store.number_of(KeyRange::ALL), 500);
}

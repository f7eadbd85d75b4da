//! What could go wrong in a table, one by one, through its public API.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use hit_core::{KeyRange, Operation};
use hit_table::{Bounds, Cursor, Entry, LookupSlot, Snapshot, StoredValue, Table, Value};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn bytes(value: Value<'_>) -> &[u8] {
    value.in_memory().expect("a value that nobody stored")
}

fn apply(table: &mut Table, operations: &[Operation<'_>]) {
    let undo = table.apply(table.last_sequence() + 1, operations.iter().copied());
    table.settle(undo);
}

fn set(table: &mut Table, key: &[u8], value: &[u8]) {
    apply(table, &[Operation::Set { key, value, expires_at: None }]);
}

fn delete(table: &mut Table, key: &[u8]) {
    apply(table, &[Operation::Delete { key }]);
}

fn number(n: usize) -> Vec<u8> {
    format!("key{n:06}").into_bytes()
}

/// Sets the keys of some numbers, the value filled up to `length` bytes.
fn fill(table: &mut Table, numbers: impl Iterator<Item = usize>, length: usize) {
    for n in numbers {
        let mut value = number(n);
        value.resize(length.max(value.len()), b'.');
        set(table, &number(n), &value);
    }
}

fn sweep(table: &mut Table, now_ms: u64) {
    while table.sweep(now_ms, 1_000) {}
}

fn scan_from(snapshot: &Snapshot, range: KeyRange<'_>, reverse: bool) -> Pairs {
    let mut pairs = Vec::new();
    let mut cursor = Cursor::new(snapshot.clone(), range, reverse);
    let flow: ControlFlow<()> = cursor.visit(0, |key, entry| {
        pairs.push((key.to_vec(), bytes(entry.value).to_vec()));
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    pairs
}

fn scan(table: &mut Table) -> Pairs {
    let snapshot = table.snapshot();
    scan_from(&snapshot, KeyRange::ALL, false)
}

fn value(table: &Table, key: &[u8]) -> Option<Vec<u8>> {
    table.get(key, 0).map(|entry| bytes(entry.value).to_vec())
}

#[test]
fn odd_keys_and_values_come_back_in_byte_order() {
    let mut table = Table::new();
    let (long, longer) = (vec![b'k'; 2_048], vec![0xff; 2_048]);
    let large = vec![9; 3 << 20];
    let mut keys: Vec<&[u8]> = vec![
        b"",
        b"\0",
        b"\0\0",
        b"a",
        b"a\0",
        b"ab",
        b"12345678",
        b"12345678\0",
        b"123456789",
        b"12345679",
        &long,
        b"kkkkkkkkk",
        &longer,
        b"\xff",
        "ключ".as_bytes(),
        "😀".as_bytes(),
    ];
    for (position, key) in keys.iter().enumerate() {
        let value: &[u8] = if position % 3 == 0 {
            b""
        } else if position % 3 == 1 {
            &large
        } else {
            key
        };
        set(&mut table, key, value);
    }
    keys.sort();
    let pairs = scan(&mut table);
    assert_eq!(pairs.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(), keys);
    for (key, scanned) in &pairs {
        assert_eq!(value(&table, key).as_ref(), Some(scanned));
        assert!(scanned.is_empty() || *scanned == large || scanned == key);
    }
    let snapshot = table.snapshot();
    let mut backwards = scan_from(&snapshot, KeyRange::ALL, true);
    backwards.reverse();
    assert_eq!(backwards, pairs);
    for key in &keys {
        let range = KeyRange { start: key, end: None };
        assert_eq!(scan_from(&snapshot, range, false).first().unwrap().0, *key);
        let range = KeyRange { start: b"", end: Some(key) };
        assert!(scan_from(&snapshot, range, true).first().is_none_or(|(before, _)| &before[..] < *key));
    }
}

#[test]
fn keys_whose_hashes_collide_are_told_apart() {
    let mut table = Table::with_bounds(Bounds { hash_mask: 0, ..Bounds::default() });
    fill(&mut table, 0..300, 0);
    for n in (0..300).step_by(3) {
        delete(&mut table, &number(n));
    }
    for n in 0..300 {
        assert_eq!(value(&table, &number(n)), (n % 3 != 0).then(|| number(n)));
    }
    let keys: Vec<Vec<u8>> = (0..300).map(number).collect();
    let mut found = Vec::new();
    table.get_many(keys.iter().map(|key| &key[..]), 0, |entry| found.push(entry.is_some()));
    assert_eq!(found, (0..300).map(|n| n % 3 != 0).collect::<Vec<_>>());
}

#[test]
fn a_snapshot_outlives_the_tables_use_of_its_memory() {
    let mut table = Table::with_bounds(Bounds { chunk_bytes: 4_096, ..Bounds::default() });
    fill(&mut table, 0..5_000, 50);
    let snapshot = table.snapshot();
    let before = scan_from(&snapshot, KeyRange::ALL, false);
    let held = table.stats().arena_bytes;
    fill(&mut table, 0..2_500, 80);
    apply(
        &mut table,
        &[Operation::DeleteRange { range: KeyRange { start: &number(2_000), end: Some(&number(4_000)) } }],
    );
    sweep(&mut table, 0);
    apply(&mut table, &[Operation::DeleteRange { range: KeyRange::ALL }]);
    sweep(&mut table, 0);
    assert_eq!((table.len(), table.stats().live_bytes), (0, 0));
    assert!(table.stats().arena_bytes >= held && table.oldest_snapshot().is_some());
    assert_eq!(scan_from(&snapshot, KeyRange::ALL, false), before);
    assert_eq!(snapshot.count(KeyRange::ALL, 0), 5_000);
    let clone = snapshot.clone();
    drop(snapshot);
    sweep(&mut table, 0);
    assert_eq!(scan_from(&clone, KeyRange::ALL, true).len(), 5_000);
    std::thread::spawn(move || drop(clone)).join().unwrap();
    assert!(table.oldest_snapshot().is_none());
    sweep(&mut table, 0);
    assert!(table.stats().arena_bytes <= 2 * 4_096, "{:?}", table.stats());
}

#[test]
fn a_snapshot_outlives_its_table() {
    let mut table = Table::new();
    fill(&mut table, 0..1_000, 0);
    let snapshot = table.snapshot();
    let large = vec![7; 2 << 20];
    set(&mut table, b"large", &large);
    let with_large = table.snapshot();
    assert!(table.has_taken(&snapshot) && !Table::new().has_taken(&snapshot));
    drop(table);
    assert_eq!(scan_from(&snapshot, KeyRange::ALL, false).len(), 1_000);
    assert_eq!(scan_from(&with_large, KeyRange::ALL, true).pop().unwrap().0, number(0));
    assert_eq!(
        scan_from(&with_large, KeyRange { start: b"large", end: None }, false),
        [(b"large".to_vec(), large)]
    );
}

#[test]
fn memory_falls_after_everything_is_deleted() {
    for with_view in [false, true] {
        for with_clear in [false, true] {
            let mut table = Table::new();
            fill(&mut table, 0..20_000, 500);
            if with_view {
                assert_eq!(scan(&mut table).len(), 20_000);
            }
            let full = table.stats().memory_bytes;
            if with_clear {
                apply(&mut table, &[Operation::DeleteRange { range: KeyRange::ALL }]);
            } else {
                (0..20_000).for_each(|n| delete(&mut table, &number(n)));
            }
            assert_eq!(table.stats().entries, 0);
            sweep(&mut table, 0);
            let stats = table.stats();
            assert!(full > 10 << 20 && stats.memory_bytes <= 2 << 20, "{full} {stats:?}");
            fill(&mut table, 0..10, 0);
            assert_eq!(scan(&mut table).len(), 10);
        }
    }
}

#[test]
fn memory_falls_after_most_is_deleted() {
    let mut table = Table::with_bounds(Bounds { chunk_bytes: 16 << 10, ..Bounds::default() });
    fill(&mut table, 0..20_000, 200);
    let full = table.stats().arena_bytes;
    (0..20_000).filter(|n| n % 10 != 0).for_each(|n| delete(&mut table, &number(n)));
    sweep(&mut table, 0);
    let stats = table.stats();
    assert!(stats.arena_bytes < full / 4, "{full} {stats:?}");
    assert!((0..20_000).all(|n| value(&table, &number(n)).is_some() == (n % 10 == 0)));
}

#[test]
fn memory_stays_bounded_under_overwriting_that_no_sweep_keeps_up_with() {
    for length in [40, 4_000, 200_000] {
        for with_scans in [false, true] {
            let mut table = Table::with_bounds(Bounds { chunk_bytes: 64 << 10, ..Bounds::default() });
            let entries = if length == 40 { 2_000 } else { 30 };
            let mut most = 0;
            for round in 0..20 {
                // Some keys far more often than others, so that chunks die at different speeds.
                fill(&mut table, (0..entries).map(|n| n * (n + round) % entries), length);
                if with_scans {
                    scan(&mut table);
                }
                most = most.max(table.stats().arena_bytes);
            }
            let live = table.stats().live_bytes;
            assert!(most <= live * 4 + 24 * (64 << 10), "{length} {with_scans}: {most} for {live}");
        }
    }
}

#[test]
fn many_small_clears_leave_few_traces() {
    for with_scans in [false, true] {
        let mut table = Table::new();
        fill(&mut table, 0..20_000, 0);
        for n in 0..2_000 {
            let (start, end) = (number(n * 5), number(n * 5 + 4));
            apply(
                &mut table,
                &[Operation::DeleteRange { range: KeyRange { start: &start, end: Some(&end) } }],
            );
            if with_scans && n % 10 == 0 {
                let snapshot = table.snapshot();
                let range = KeyRange { start: &start, end: Some(&number(n * 5 + 10)) };
                let left = scan_from(&snapshot, range, false).len();
                assert_eq!(left, 1 + 5);
            }
            if n % 100 == 0 {
                let stats = table.stats();
                assert!(stats.range_tombstones <= Bounds::default().range_tombstones, "{stats:?}");
                assert!(stats.runs <= 12, "{stats:?}");
            }
        }
        assert_eq!(table.stats().entries, 12_000);
        sweep(&mut table, 0);
        assert_eq!((table.len(), table.stats().range_tombstones), (12_000, 0));
        let left: Vec<_> = scan(&mut table).into_iter().map(|(key, _)| key).collect();
        let expected = (0..20_000).filter(|n| *n >= 10_000 || n % 5 == 4).map(number);
        assert_eq!(left, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_range_delete_counts_at_once_and_is_swept_in_steps() {
    let mut table = Table::new();
    fill(&mut table, 0..10_000, 0);
    let range = KeyRange { start: &number(1_000), end: Some(&number(9_000)) };
    let undo = table.apply(table.last_sequence() + 1, [Operation::DeleteRange { range }].into_iter());
    assert_eq!((table.stats().entries, table.stats().range_tombstones), (2_000, 1));
    assert!(table.get(&number(5_000), 0).is_none() && table.get(&number(999), 0).is_some());
    assert_eq!(scan(&mut table).len(), 2_000);
    sweep(&mut table, 0);
    assert_eq!(table.len(), 10_000, "what is not durable is not swept");
    table.settle(undo);
    set(&mut table, &number(5_000), b"new");
    let mut steps = 0;
    while table.sweep(0, 500) {
        steps += 1;
        assert_eq!(table.stats().entries, 2_001);
        assert_eq!(value(&table, &number(5_000)).as_deref(), Some(&b"new"[..]));
    }
    assert!(steps >= 10, "{steps}");
    assert_eq!((table.len(), table.stats().range_tombstones), (2_001, 0));
    assert_eq!(scan(&mut table).len(), 2_001);
}

#[test]
fn an_undone_batch_leaves_no_trace() {
    for entries in [10, 5_000] {
        for with_view in [false, true] {
            let mut table = Table::new();
            fill(&mut table, 0..entries, 0);
            let before = if with_view { scan(&mut table) } else { Pairs::new() };
            let first = table.last_sequence() + 1;
            let middle = KeyRange { start: &number(3), end: Some(&number(entries - 3)) };
            let operations = [
                Operation::Set { key: &number(1), value: b"other", expires_at: Some(5) },
                Operation::Delete { key: &number(2) },
                Operation::DeleteRange { range: middle },
                Operation::Set { key: &number(5), value: b"between", expires_at: None },
                Operation::DeleteRange { range: KeyRange::ALL },
                Operation::Set { key: &number(1), value: b"last", expires_at: None },
                Operation::Set { key: b"new", value: b"", expires_at: None },
            ];
            let one = table.apply(first, operations.into_iter());
            let two = table.apply(first + 7, [Operation::Delete { key: b"new" }].into_iter());
            assert_eq!(table.stats().entries, 1);
            table.undo(two);
            assert!(table.get(b"new", 0).is_some());
            table.undo(one);
            assert_eq!((table.stats().entries, table.stats().expiring_entries), (entries, 0));
            let after = scan(&mut table);
            assert!(after.iter().all(|(key, value)| key == value) && after.len() == entries);
            assert!(!with_view || after == before);
        }
    }
}

#[test]
fn a_view_is_built_while_others_write() {
    let mut table = Table::with_bounds(Bounds { large_view_entries: 100, ..Bounds::default() });
    fill(&mut table, 0..3_000, 0);
    let plan = table.plan_view().unwrap();
    assert_eq!(plan.entries(), 3_000);
    fill(&mut table, 3_000..3_100, 0);
    let build = plan.build();
    fill(&mut table, 3_100..3_200, 0);
    (0..50).for_each(|n| delete(&mut table, &number(n)));
    assert!(table.try_snapshot().is_none());
    table.install_view(build);
    assert_eq!(table.view_backlog(), 250);
    let keys: Vec<_> = scan(&mut table).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, (50..3_200).map(number).collect::<Vec<_>>());
    assert!(table.plan_view().is_none(), "nothing is left to do");
}

#[test]
fn a_view_is_gathered_by_another_thread_while_this_one_writes() {
    let mut table = Table::with_bounds(Bounds { large_view_entries: 100, ..Bounds::default() });
    fill(&mut table, 0..20_000, 0);
    let plan = table.plan_view().unwrap();
    let build = std::thread::scope(|scope| {
        let building = scope.spawn(|| plan.build());
        for n in 0..20_000 {
            match n % 4 {
                0 => delete(&mut table, &number(n)),
                1 => set(&mut table, &number(n), b"again"),
                _ => set(&mut table, &number(n + 20_000), b"new"),
            }
        }
        sweep(&mut table, 0);
        building.join().unwrap()
    });
    table.install_view(build);
    let mut expected: Pairs = (0..20_000).filter(|n| n % 4 > 1).map(|n| (number(n), number(n))).collect();
    expected.extend((0..20_000).filter(|n| n % 4 == 1).map(|n| (number(n), b"again".to_vec())));
    expected.extend((20_000..40_000).filter(|n| n % 4 > 1).map(|n| (number(n), b"new".to_vec())));
    expected.sort();
    assert_eq!(scan(&mut table), expected);
}

#[test]
fn long_runs_are_merged_on_the_side_while_scans_go_on() {
    let mut table = Table::new();
    fill(&mut table, 0..1_000, 0);
    drop(table.snapshot_within(100));
    fill(&mut table, 1_000..1_240, 0);
    drop(table.snapshot_within(100));
    fill(&mut table, 1_240..1_300, 0);
    assert_eq!(table.merge_backlog(), 0, "240 are no fourth of 1,000");
    drop(table.snapshot_within(100));
    assert_eq!(table.stats().runs, 3);
    assert_eq!(table.merge_backlog(), 240 + 60 + 1_300);
    let plan = table.plan_view().unwrap();
    assert_eq!(table.merge_backlog(), 0, "somebody does it");
    fill(&mut table, 1_300..1_320, 0);
    delete(&mut table, &number(5));
    let during = table.snapshot_within(100);
    let build = plan.build();
    table.install_view(build);
    assert_eq!(table.stats().runs, 2);
    let after = table.snapshot_within(100);
    for snapshot in [during, after] {
        let keys: Vec<_> =
            scan_from(&snapshot, KeyRange::ALL, false).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, (0..1_320).filter(|&n| n != 5).map(number).collect::<Vec<_>>());
        assert_eq!(snapshot.count(KeyRange { start: &number(1), end: None }, 0), 1_318);
    }
    let given_up = table.plan_view();
    assert!(given_up.is_none(), "nothing is left to do");
}

#[test]
fn a_plan_that_nobody_builds_keeps_nothing_from_being_merged() {
    let mut table = Table::new();
    fill(&mut table, 0..1_000, 0);
    drop(table.snapshot_within(10));
    fill(&mut table, 1_000..1_500, 0);
    drop(table.snapshot_within(10));
    assert_eq!(table.merge_backlog(), 1_500);
    drop(table.plan_view());
    assert_eq!(table.merge_backlog(), 1_500);
    drop(table.snapshot());
    assert_eq!((table.merge_backlog(), table.stats().runs), (0, 1));
}

#[test]
fn a_view_that_was_overtaken_is_discarded() {
    let mut table = Table::new();
    fill(&mut table, 0..100, 0);
    let undone = table.apply(table.last_sequence() + 1, [Operation::Delete { key: &number(7) }].into_iter());
    let build = table.plan_view().unwrap().build();
    table.undo(undone);
    table.install_view(build);
    assert_eq!(scan(&mut table).len(), 100);

    fill(&mut table, 100..110, 0);
    let build = table.plan_view().unwrap().build();
    fill(&mut table, 110..120, 0);
    assert_eq!(scan(&mut table).len(), 120);
    table.install_view(build);
    assert_eq!(scan(&mut table).len(), 120);
}

#[test]
fn an_entry_is_gone_from_the_millisecond_of_its_expiry() {
    let mut table = Table::new();
    let expiring = |key, expires_at| Operation::Set { key, value: b"v", expires_at: Some(expires_at) };
    apply(&mut table, &[expiring(b"a", 1_000), expiring(b"b", 2_000), expiring(b"c", 10_000_000)]);
    set(&mut table, b"d", b"v");
    let snapshot = table.snapshot();
    for (now_ms, left) in [(999, 4), (1_000, 3), (1_999, 3), (2_000, 2), (9_999_999, 2), (10_000_000, 1)] {
        let seen =
            [b"a", b"b", b"c", b"d"].iter().filter(|key| table.get(&key[..], now_ms).is_some()).count();
        assert_eq!((seen, snapshot.count(KeyRange::ALL, now_ms)), (left, left as u64), "{now_ms}");
    }
    assert_eq!(table.exact_len(), None);
    let slack_ms = Bounds::default().expiry_slack_ms;
    sweep(&mut table, 999 + slack_ms);
    assert_eq!(table.len(), 4, "nobody looks for a few");
    sweep(&mut table, 1_000 + slack_ms);
    assert_eq!(table.len(), 2, "but when somebody looks, everything expired goes");
    sweep(&mut table, 10_000_000 + slack_ms);
    assert_eq!((table.len(), table.exact_len()), (1, Some(1)));
}

#[test]
fn setting_a_key_again_clears_its_expiry() {
    let mut table = Table::new();
    apply(&mut table, &[Operation::Set { key: b"a", value: b"1", expires_at: Some(5) }]);
    set(&mut table, b"a", b"2");
    assert_eq!(
        table.get(b"a", 1_000).map(|entry| (bytes(entry.value), entry.expires_at)),
        Some((&b"2"[..], None))
    );
    sweep(&mut table, u64::MAX);
    assert_eq!((table.len(), table.stats().expiring_entries), (1, 0));
}

#[test]
fn a_cursor_goes_on_where_a_page_ended_whatever_happened_between() {
    let mut table = Table::with_bounds(Bounds { chunk_bytes: 4_096, ..Bounds::default() });
    fill(&mut table, 0..2_000, 40);
    for reverse in [false, true] {
        let snapshot = table.snapshot();
        let expected = scan_from(&snapshot, KeyRange::ALL, reverse);
        let mut cursor = Cursor::new(snapshot, KeyRange::ALL, reverse);
        let mut seen = Pairs::new();
        for page in 1.. {
            let mut left = page % 70 + 1;
            let flow = cursor.visit(0, |key, entry| {
                seen.push((key.to_vec(), bytes(entry.value).to_vec()));
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if flow.is_continue() {
                break;
            }
            delete(&mut table, &number(page * 7));
            fill(&mut table, page * 11..page * 11 + 20, 60);
            sweep(&mut table, 0);
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_count_of_everything_costs_nothing() {
    let mut table = Table::new();
    fill(&mut table, 0..2_000, 0);
    assert_eq!(table.exact_len(), Some(2_000));
    let snapshot = table.snapshot();
    delete(&mut table, &number(0));
    assert_eq!((snapshot.count(KeyRange::ALL, 0), table.exact_len()), (2_000, Some(1_999)));
    let range = KeyRange { start: &number(100), end: Some(&number(300)) };
    assert_eq!(snapshot.count(range, 0), 200);
    let crossing = KeyRange { start: b"z", end: Some(b"a") };
    assert_eq!(snapshot.count(crossing, 0), 0);
}

#[test]
fn a_count_tells_replaced_deleted_and_expired_entries_apart() {
    let mut table = Table::new();
    fill(&mut table, 0..1_000, 0);
    let set_expiring = |table: &mut Table, n: usize, at: u64| {
        apply(table, &[Operation::Set { key: &number(n), value: b"v", expires_at: Some(at) }]);
    };
    [(10, 5), (20, 500), (2_000, 5)].into_iter().for_each(|(n, at)| set_expiring(&mut table, n, at));
    assert_eq!(table.snapshot().count(KeyRange::ALL, 100), 999);
    // Few enough that they stay in runs of their own.
    delete(&mut table, &number(0));
    delete(&mut table, &number(3_000));
    set(&mut table, &number(1), b"again");
    set(&mut table, &number(10), b"lives again");
    [(30, 50), (3_001, 50), (3_002, 500)].into_iter().for_each(|(n, at)| set_expiring(&mut table, n, at));
    let snapshot = table.snapshot();
    assert!(table.stats().runs > 1);
    let count = |start: usize, end: usize, now_ms| {
        snapshot.count(KeyRange { start: &number(start), end: Some(&number(end)) }, now_ms)
    };
    assert_eq!(count(0, 10_000, 100), 1_000 - 1 - 1 + 1);
    assert_eq!(count(0, 10_000, 0), 1_000 - 1 + 1 + 2);
    assert_eq!((count(0, 2, 0), count(10, 11, 100), count(30, 31, 100)), (1, 1, 0));
    assert_eq!((count(20, 21, 499), count(20, 21, 500), count(2_000, 2_001, 4)), (1, 0, 1));
    assert_eq!((count(2_999, 3_003, 0), count(2_999, 3_003, 100)), (2, 1));
}

#[test]
fn keys_are_read_without_the_table_while_it_is_written_to() {
    const KEYS: usize = 2_000;
    let mut table = Table::with_bounds(Bounds { chunk_bytes: 4_096, ..Bounds::default() });
    let slot = LookupSlot::default();
    assert!(slot.get(b"key", || 0, |_| ()).is_err());
    fill(&mut table, 0..KEYS, 0);
    slot.set(Some(table.lookup()));
    let is_over = AtomicBool::new(false);
    let as_written = |key: &[u8], entry: Option<Entry<'_>>| {
        assert!(bytes(entry.unwrap().value).starts_with(key));
    };
    std::thread::scope(|scope| {
        for at_one_moment in [false, true] {
            let (slot, is_over) = (&slot, &is_over);
            scope.spawn(move || {
                let keys: Vec<_> = (0..KEYS).map(number).collect();
                while !is_over.load(Ordering::Relaxed) {
                    for some in keys.chunks(50) {
                        let mut wanted = some.iter();
                        let found = |entry: Option<Entry<'_>>| as_written(wanted.next().unwrap(), entry);
                        let all = some.iter().map(|key| &key[..]);
                        // At one moment it is refused while somebody writes, and has handed out nothing then.
                        let read = slot.get_many(all, at_one_moment, || 0, found);
                        assert!(read.is_ok() || at_one_moment);
                        assert!(wanted.len() == if read.is_ok() { 0 } else { some.len() });
                        let read = slot.get(&some[0], || 0, |entry| as_written(&some[0], entry));
                        assert!(read.is_ok());
                    }
                }
            });
        }
        for round in 0..30 {
            fill(&mut table, 0..KEYS, round);
            fill(&mut table, KEYS..2 * KEYS, round);
            (KEYS..2 * KEYS).for_each(|n| delete(&mut table, &number(n)));
            sweep(&mut table, 0);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    slot.set(None);
    assert!(slot.get(b"key", || 0, |_| ()).is_err());
}

#[test]
fn many_keys_are_read_at_one_moment() {
    let mut table = Table::new();
    let slot = LookupSlot::default();
    slot.set(Some(table.lookup()));
    let keys: Vec<_> = (0..40).map(number).collect();
    let write = |table: &mut Table, value: &[u8]| {
        let sets = keys.iter().map(|key| Operation::Set { key, value, expires_at: None });
        let undo = table.apply(table.last_sequence() + 1, sets);
        table.settle(undo);
    };
    write(&mut table, &0_u32.to_le_bytes());
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut last, mut reads) = (0, 0);
            while last < 20_000 {
                let mut seen = Vec::new();
                let found = |entry: Option<Entry<'_>>| {
                    seen.push(u32::from_le_bytes(bytes(entry.unwrap().value).try_into().unwrap()));
                };
                if slot.get_many(keys.iter().map(|key| &key[..]), true, || 0, found).is_ok() {
                    assert!(seen.iter().all(|value| *value == seen[0]), "{seen:?}");
                    assert!(seen[0] >= last);
                    (last, reads) = (seen[0], reads + 1);
                }
            }
            reads
        });
        for value in 1..=20_000_u32 {
            write(&mut table, &value.to_le_bytes());
        }
        assert!(reader.join().unwrap() > 0);
    });
}

#[test]
fn what_a_range_delete_hides_is_asked_of_the_table() {
    let mut table = Table::with_bounds(Bounds { expand_entries: 1, ..Bounds::default() });
    let slot = LookupSlot::default();
    fill(&mut table, 0..100, 0);
    slot.set(Some(table.lookup()));
    let range = KeyRange { start: &number(10), end: Some(&number(90)) };
    apply(&mut table, &[Operation::DeleteRange { range }]);
    assert!(slot.get(&number(50), || 0, |_| ()).is_err());
    assert!(slot.get_many([&number(50)[..]].into_iter(), false, || 0, |_| ()).is_err());
    sweep(&mut table, 0);
    assert!(slot.get(&number(50), || 0, |entry| entry.is_none()).is_ok_and(|is_gone| is_gone));
    let cleared =
        table.apply(table.last_sequence() + 1, [Operation::DeleteRange { range: KeyRange::ALL }].into_iter());
    assert!(slot.get(&number(5), || 0, |entry| entry.is_none()).is_ok_and(|is_gone| is_gone));
    table.undo(cleared);
    assert!(slot.get(&number(5), || 0, |entry| entry.is_some()).is_ok_and(|is_there| is_there));
}

#[test]
fn a_snapshot_can_be_sent_and_shared() {
    fn is_shareable<T: Send + Sync + 'static>() {}
    is_shareable::<Snapshot>();
    is_shareable::<Table>();
    is_shareable::<Cursor>();
    is_shareable::<hit_table::Undo>();
}

#[test]
fn a_range_deleted_while_a_view_is_built_stays_deleted_after_an_undo() {
    let mut table = Table::with_bounds(Bounds { large_view_entries: 1, ..Bounds::default() });
    fill(&mut table, 0..5_000, 0);
    let before = table.last_sequence();
    let batch: Vec<_> = (0..1_000).map(|n| [b"x".to_vec(), number(n)].concat()).collect();
    let refused =
        table.apply(before + 1, batch.iter().map(|key| Operation::Set { key, value: b"", expires_at: None }));
    table.undo(refused);
    assert_eq!(table.last_sequence(), before);
    let build = table.plan_view().unwrap().build();
    let range = KeyRange { start: b"key000100", end: Some(b"key004900") };
    apply(&mut table, &[Operation::DeleteRange { range }]);
    table.install_view(build);
    assert_eq!(scan(&mut table).len(), 200);
}

fn place(file: u64) -> StoredValue {
    StoredValue { file, offset: 1, length: 300 }
}

fn file_of(table: &Table, key: &[u8]) -> Option<u64> {
    match table.get(key, 0)?.value {
        Value::Stored(at) => Some(at.file),
        Value::Memory(_) => None,
    }
}

#[test]
fn a_value_that_moves_below_a_write_that_is_undone_is_at_its_new_place() {
    let all = Operation::DeleteRange { range: KeyRange::ALL };
    let some = Operation::DeleteRange { range: KeyRange { start: b"key", end: Some(b"l") } };
    let delete = Operation::Delete { key: b"key" };
    let newer = Operation::Set { key: b"key", value: b"newer", expires_at: None };
    for writes in [&[newer][..], &[delete], &[all], &[some], &[newer, delete, newer, all, newer, some]] {
        for are_separate in [false, true] {
            let mut table = Table::with_bounds(Bounds { expand_entries: 0, ..Bounds::default() });
            set(&mut table, b"other", b"1");
            set(&mut table, b"key", &[7; 300]);
            let sequence = table.last_sequence();
            assert!(table.store_value(b"key", sequence, place(1)) && file_of(&table, b"key") == Some(1));
            let size = if are_separate { 1 } else { writes.len() };
            let mut undos = Vec::new();
            for group in writes.chunks(size) {
                undos.push(table.apply(table.last_sequence() + 1, group.iter().copied()));
            }
            table.store_value(b"key", sequence, place(2));
            while let Some(undo) = undos.pop() {
                table.undo(undo);
            }
            assert_eq!(file_of(&table, b"key"), Some(2), "{writes:?}");
            assert_eq!((table.stored_values(), table.large_value_bytes()), ((1, 300), 0));
        }
    }
}

#[test]
fn a_snapshot_sees_a_value_where_it_was_and_pins_that_place() {
    let mut table = Table::new();
    set(&mut table, b"key", &[7; 300]);
    let sequence = table.last_sequence();
    let files = |snapshot: &Snapshot| {
        let mut files = Vec::new();
        let mut cursor = Cursor::new(snapshot.clone(), KeyRange::ALL, false);
        let flow: ControlFlow<()> = cursor.visit(0, |_, entry| {
            files.push(match entry.value {
                Value::Memory(bytes) => bytes.len() as u64,
                Value::Stored(at) => at.file,
            });
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        files
    };
    let in_memory = table.snapshot();
    assert!(table.store_value(b"key", sequence, place(1)));
    let stored = table.snapshot();
    assert!(table.store_value(b"key", sequence, place(2)));
    let mark = table.pin_mark();
    let moved = table.snapshot();
    sweep(&mut table, 0);
    assert_eq!(files(&in_memory), [300]);
    assert_eq!(files(&stored), [1]);
    assert_eq!(files(&moved), [2]);
    drop(in_memory);
    assert!(!table.is_past(mark));
    drop(stored);
    assert!(table.is_past(mark) && !table.is_past(table.pin_mark()));
}

#[test]
fn only_the_newest_large_value_of_the_right_length_is_stored() {
    let mut table = Table::new();
    set(&mut table, b"small", &[7; 255]);
    assert!(!table.store_value(b"small", 1, StoredValue { length: 255, ..place(1) }));
    set(&mut table, b"key", &[7; 300]);
    assert_eq!(table.large_value_bytes(), 300);
    assert!(!table.store_value(b"key", 1, place(1)) && !table.store_value(b"absent", 2, place(1)));
    assert!(!table.store_value(b"key", 2, StoredValue { length: 299, ..place(1) }));
    assert!(table.store_value(b"key", 2, place(1)));
    assert_eq!((table.large_value_bytes(), table.stored_values()), (0, (1, 300)));
    table.replay_stored(3, b"key", StoredValue { length: 500, ..place(2) }, Some(1_000));
    assert_eq!((table.stored_values(), table.can_expire()), ((1, 500), true));
    set(&mut table, b"key", &[7; 256]);
    assert_eq!((table.large_value_bytes(), table.stored_values()), (256, (0, 0)));
}

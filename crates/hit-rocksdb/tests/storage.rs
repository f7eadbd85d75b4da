//! What a store asks of a storage, asked of RocksDB.

mod support;

use std::ops::ControlFlow;

use hit_core::{Durability, ErrorCode, KeyRange, Operation, Storage, at_once};
use hit_rocksdb::{Access, RocksDbOptions};
use support::{Database, Scanned, delete, set};

#[test]
fn what_was_written_is_read_back_after_a_reopening() {
    let database = Database::new();
    database.write(&[set(b"a", b"1"), set(b"b", b""), set(b"c", b"3")]);
    database.write(&[delete(b"a"), set(b"c", b"4")]);
    let expected = [None, Some(b"".to_vec()), Some(b"4".to_vec()), None];
    assert_eq!(database.get(&[b"a", b"b", b"c", b"d"]), expected);
    let database = database.reopened();
    assert_eq!(database.get(&[b"a", b"b", b"c", b"d"]), expected);
    assert_eq!(database.get(&[b"c"]), [Some(b"4".to_vec())]);
}

#[test]
fn a_dropped_storage_is_closed() {
    let database = Database::new();
    database.write(&[set(b"a", b"1")]);
    let folder = database.into_folder();
    let database = Database::open(folder, &RocksDbOptions::default(), Access::Write).unwrap();
    assert_eq!(database.get(&[b"a"]), [Some(b"1".to_vec())]);
}

#[test]
fn a_range_delete_takes_its_range_and_may_be_open() {
    let longest = [u8::MAX; hit_core::limits::MAX_KEY_BYTES];
    let database = Database::new();
    let fill = || database.write(&[set(b"a", b"1"), set(b"b", b"2"), set(b"c", b"3"), set(&longest, b"4")]);
    fill();
    database.write(&[Operation::DeleteRange { range: KeyRange { start: b"b", end: Some(b"c") } }]);
    assert_eq!(database.keys(), [b"a".to_vec(), b"c".to_vec(), longest.to_vec()]);
    database.write(&[Operation::DeleteRange { range: KeyRange { start: b"b", end: None } }]);
    assert_eq!(database.keys(), [b"a".to_vec()]);
    fill();
    database.write(&[Operation::DeleteRange { range: KeyRange { start: b"c", end: Some(b"b") } }]);
    assert_eq!(database.keys().len(), 4);
    database.write(&[Operation::DeleteRange { range: KeyRange::ALL }]);
    assert_eq!(database.keys(), Vec::<Vec<u8>>::new());
    fill();
    assert_eq!(database.reopened().keys().len(), 4);
}

#[test]
fn a_group_with_a_range_delete_takes_effect_in_its_order() {
    let database = Database::new();
    database.write(&[set(b"a", b"1"), Operation::DeleteRange { range: KeyRange::ALL }, set(b"b", b"2")]);
    assert_eq!(database.keys(), [b"b".to_vec()]);
}

#[test]
fn scans_keep_to_their_bounds_in_both_directions() {
    let database = Database::new();
    let keys: Vec<Vec<u8>> = (0..1_000_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    let operations: Vec<_> = keys.iter().map(|key| set(key, key)).collect();
    database.write(&operations);
    for (start, end) in [(0, 1_000), (1, 999), (500, 501), (300, 800)] {
        let expected: Vec<Scanned> =
            keys[start..end].iter().map(|key| (key.clone(), key.clone(), None)).collect();
        let upper = (end as u32).to_be_bytes();
        let range = KeyRange { start: &keys[start], end: Some(&upper) };
        assert_eq!(database.scan(range, false), expected);
        let backwards: Vec<Scanned> = expected.into_iter().rev().collect();
        assert_eq!(database.scan(range, true), backwards);
    }
    assert_eq!(database.scan(KeyRange { start: b"\x01", end: None }, false), []);
    assert_eq!(database.scan(KeyRange { start: b"\x01", end: Some(b"\x00") }, true), []);
    assert_eq!(database.scan(KeyRange::ALL, true).len(), 1_000);
}

#[test]
fn a_snapshot_and_its_scans_see_one_moment() {
    let database = Database::new();
    database.write(&[set(b"a", b"1"), set(b"b", b"2")]);
    let snapshot = database.snapshot().unwrap();
    let mut scan = support::begin(&*snapshot, KeyRange::ALL, false).unwrap();
    database.write(&[set(b"a", b"9"), delete(b"b"), set(b"c", b"3")]);
    assert_eq!(
        support::get(&*snapshot, &[b"a", b"b", b"c"]),
        [Some(b"1".to_vec()), Some(b"2".to_vec()), None]
    );
    assert_eq!(support::get(&*snapshot, &[b"b"]), [Some(b"2".to_vec())]);
    let seen: Vec<_> =
        support::rest(&mut *scan).unwrap().into_iter().map(|(key, value, _)| (key, value)).collect();
    assert_eq!(seen, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
    let mut later = support::begin(&*snapshot, KeyRange::ALL, true).unwrap();
    drop(snapshot);
    assert_eq!(support::rest(&mut *later).unwrap().len(), 2);
    assert_eq!(database.keys(), [b"a".to_vec(), b"c".to_vec()]);
}

#[test]
fn closing_ends_open_scans_and_snapshots_and_frees_the_folder() {
    let database = Database::new();
    let keys: Vec<Vec<u8>> = (0..1_000_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    let operations: Vec<_> = keys.iter().map(|key| set(key, key)).collect();
    database.write(&operations);
    let snapshot = database.snapshot().unwrap();
    let mut new = support::begin(&*snapshot, KeyRange::ALL, false).unwrap();
    let mut begun = support::begin(&*snapshot, KeyRange::ALL, true).unwrap();
    assert_eq!(support::page(&mut *begun).unwrap().len(), 256);
    database.close().unwrap();
    for scan in [&mut new, &mut begun] {
        assert_eq!(support::page(&mut **scan).unwrap_err().code(), ErrorCode::NotOpen);
    }
    assert_eq!(support::begin(&*snapshot, KeyRange::ALL, true).err().unwrap().code(), ErrorCode::NotOpen);
    assert_eq!(database.snapshot().err().unwrap().code(), ErrorCode::NotOpen);
    assert_eq!(
        database.try_write(&[set(b"a", b"1")], Durability::Os).unwrap_err().code(),
        ErrorCode::NotOpen
    );
    database.close().unwrap();
    assert_eq!(database.reopened().keys().len(), 1_000);
}

#[test]
fn a_database_is_opened_once() {
    let database = Database::new();
    let error = database.open_again(&RocksDbOptions::default(), Access::Write).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Locked, "{error}");
    assert_eq!(database.keys(), Vec::<Vec<u8>>::new());
}

#[test]
fn closing_ends_what_takes_long() {
    let database = Database::new();
    for round in 0..20_u32 {
        let pairs: Vec<_> =
            (0..2_000_u32).map(|at| ((at * 20 + round).to_be_bytes(), [at as u8; 500])).collect();
        let operations: Vec<_> = pairs.iter().map(|(key, value)| set(key, value)).collect();
        database.try_write(&operations, Durability::Os).unwrap();
    }
    let codes = std::thread::scope(|scope| {
        let long: [Box<dyn Fn() -> hit_core::Result<()> + Send>; 3] = [
            Box::new(|| at_once(database.storage.compact())),
            Box::new(|| at_once(database.storage.verify(&mut |_| ControlFlow::Continue(()))).map(drop)),
            Box::new(|| {
                loop {
                    at_once(database.storage.sweep())?;
                }
            }),
        ];
        let running = long.map(|call| scope.spawn(move || call().err().map(|error| error.code())));
        database.close().unwrap();
        running.map(|running| running.join().unwrap())
    });
    for code in codes {
        assert!(matches!(code, None | Some(ErrorCode::NotOpen)), "{codes:?}");
    }
    assert_eq!(database.reopened().keys().len(), 40_000);
}

#[test]
fn what_is_in_memory_is_read_without_a_file_and_what_is_not_is_not_made_up() {
    let database = Database::new();
    let keys: Vec<_> = (0..5_000).map(|number| format!("key{number:05}").into_bytes()).collect();
    for key in &keys {
        database.write(&[set(key, key)]);
    }
    let database = database.reopened();
    let asked: Vec<&[u8]> = keys.iter().rev().step_by(7).map(Vec::as_slice).chain([&b"absent"[..]]).collect();
    let in_memory = || {
        let mut values = hit_core::Values::default();
        let is_in_memory = database.storage.get_many_in_memory(&asked, &mut values).unwrap();
        is_in_memory
            .then(|| values.iter().map(|value| value.map(|(value, _)| value.to_vec())).collect::<Vec<_>>())
    };
    let first = in_memory();
    let read = database.get(&asked);
    assert_eq!(read.iter().flatten().count(), asked.len() - 1);
    // What the database has cached before it was closed may be in memory still.
    assert!(first.is_none_or(|first| first == read), "what is said is what is stored");
    assert!(in_memory() == Some(read), "what was just read is in memory");
}

//! Beside a writer: reading, backups; and what is not ours.

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use hit_core::{ErrorCode, KeyRange, Storage, Values, at_once};
use hit_rocksdb::{Access, RocksDb, RocksDbOptions};
use rocksdb::DB;
use support::{Database, delete, entries, set};

fn keys(storage: &RocksDb) -> Vec<Vec<u8>> {
    entries(storage, KeyRange::ALL, false).into_iter().map(|(key, _, _)| key).collect()
}

#[test]
fn a_reader_follows_the_writer_when_it_is_refreshed() {
    let database = Database::new();
    database.write(&[set(b"a", b"1"), set(b"b", b"2")]);
    let reader = database.open_again(&RocksDbOptions::default(), Access::Read).unwrap();
    assert_eq!(keys(&reader), [b"a".to_vec(), b"b".to_vec()]);
    database.write(&[delete(b"a"), set(b"c", b"3")]);
    at_once(database.storage.compact()).unwrap();
    database.write(&[set(b"d", b"4")]);
    assert_eq!(keys(&reader), [b"a".to_vec(), b"b".to_vec()]);
    at_once(reader.refresh()).unwrap();
    assert_eq!(keys(&reader), [b"b".to_vec(), b"c".to_vec(), b"d".to_vec()]);
    let mut values = Values::default();
    at_once(reader.get_many(&[b"a", b"d"], &mut values)).unwrap();
    assert_eq!(values.iter().collect::<Vec<_>>(), [None, Some((&b"4"[..], None))]);
    at_once(reader.close()).unwrap();
}

#[test]
fn a_reader_is_not_moved_on_while_a_scan_is_open() {
    let database = Database::new();
    database.write(&[set(b"a", b"1")]);
    let reader = database.open_again(&RocksDbOptions::default(), Access::Read).unwrap();
    let snapshot = at_once(reader.snapshot()).unwrap();
    database.write(&[set(b"b", b"2")]);
    assert_eq!(at_once(reader.refresh()).unwrap_err().code(), ErrorCode::Busy);
    let mut scan = support::begin(&*snapshot, KeyRange::ALL, false).unwrap();
    drop(snapshot);
    assert_eq!(at_once(reader.refresh()).unwrap_err().code(), ErrorCode::Busy);
    assert_eq!(support::rest(&mut *scan).unwrap().len(), 1);
    drop(scan);
    at_once(reader.refresh()).unwrap();
    assert_eq!(keys(&reader).len(), 2);
}

#[test]
fn a_reader_writes_nothing_into_the_folder() {
    let database = Database::new();
    database.write(&[set(b"a", b"1")]);
    database.close().unwrap();
    let listing = || {
        let mut names: Vec<_> = fs::read_dir(database.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap()))
            .collect();
        names.sort();
        names
    };
    let before = listing();
    let reader = database.open_again(&RocksDbOptions::default(), Access::Read).unwrap();
    assert_eq!(keys(&reader), [b"a".to_vec()]);
    assert_eq!(
        at_once(reader.write(&[set(b"b", b"2")], hit_core::Durability::Disk)).unwrap_err().code(),
        ErrorCode::Unsupported
    );
    at_once(reader.refresh()).unwrap();
    at_once(reader.close()).unwrap();
    assert_eq!(listing(), before);
}

#[test]
fn a_backup_holds_what_was_written_before_it() {
    let database = Database::new();
    database.write(&[set(b"a", b"1"), set(b"b", b"2")]);
    let mut told = 0;
    let target = database.folder.path().join("copy");
    at_once(database.storage.backup(&target, &mut |_| {
        told += 1;
        ControlFlow::Continue(())
    }))
    .unwrap();
    assert!(told > 0);
    database.write(&[set(b"c", b"3")]);
    let copy =
        RocksDb::open(&target, &RocksDbOptions::default(), Access::Write, database.clock.clone()).unwrap();
    assert_eq!(keys(&copy), [b"a".to_vec(), b"b".to_vec()]);
    at_once(copy.close()).unwrap();
    let again = at_once(database.storage.backup(&target, &mut |_| ControlFlow::Continue(()))).unwrap_err();
    assert_eq!(again.code(), ErrorCode::Config, "{again}");
    let ended = at_once(
        database.storage.backup(&database.folder.path().join("other"), &mut |_| ControlFlow::Break(())),
    );
    assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
}

#[test]
fn a_backup_that_is_ended_at_its_last_step_leaves_nothing() {
    let database = Database::new();
    database.write(&[set(b"a", b"1")]);
    let target = database.folder.path().join("copy");
    let reader = database.open_again(&RocksDbOptions::default(), Access::Read).unwrap();
    for storage in [&database.storage, &reader] {
        let mut told = 0;
        let count = |told: &mut u32, last: u32| {
            *told += 1;
            if *told == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        at_once(storage.backup(&target, &mut |_| count(&mut told, u32::MAX))).unwrap();
        fs::remove_dir_all(&target).unwrap();
        let last = std::mem::take(&mut told);
        let ended = at_once(storage.backup(&target, &mut |_| count(&mut told, last))).unwrap_err();
        assert_eq!(ended.code(), ErrorCode::Aborted);
        assert!(!target.exists());
    }
}

#[test]
fn a_backup_of_someone_elses_database_goes_into_an_empty_or_missing_folder_and_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs");
    DB::open_default(&path).unwrap().put(b"a", b"1").unwrap();
    let options = RocksDbOptions { raw: true, ..RocksDbOptions::default() };
    let clock = Arc::new(hit_testkit::TestClock::at(support::START_MS));
    let open = |path: &Path, access| RocksDb::open(path, &options, access, clock.clone()).unwrap();
    let back_up = |storage: &RocksDb, target: &Path| {
        at_once(storage.backup(target, &mut |_| ControlFlow::Continue(())))
    };
    for (access, name) in [(Access::Write, "writer"), (Access::Read, "reader")] {
        let storage = open(&path, access);
        let empty = folder.path().join(name);
        fs::create_dir(&empty).unwrap();
        for target in [empty, folder.path().join("more").join(name)] {
            back_up(&storage, &target).unwrap();
            hit_rocksdb::identity(&target).unwrap();
            let copy = open(&target, Access::Write);
            at_once(copy.write(&[set(b"b", b"2")], hit_core::Durability::Disk)).unwrap();
            assert_eq!(keys(&copy), [b"a".to_vec(), b"b".to_vec()]);
            assert_eq!(back_up(&storage, &target).unwrap_err().code(), ErrorCode::Config);
        }
        for inside in [path.clone(), path.join("copy")] {
            let error = back_up(&storage, &inside).unwrap_err();
            assert!(error.code() == ErrorCode::Config && error.message().contains("inside"), "{error}");
        }
        assert!(!path.join("copy").exists());
        let other = folder.path().join(format!("{name}-ended"));
        fs::create_dir(&other).unwrap();
        let ended = at_once(storage.backup(&other, &mut |progress| match progress.done {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }));
        assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
        assert_eq!(fs::read_dir(&other).unwrap().count(), 0);
    }
}

#[test]
fn a_reader_makes_backups_beside_the_writer() {
    let database = Database::new();
    for number in 0..50_u8 {
        database.write(&[set(&[number], b"1")]);
        if number % 10 == 3 {
            at_once(database.storage.compact()).unwrap();
        }
    }
    let reader = database.open_again(&RocksDbOptions::default(), Access::Read).unwrap();
    database.write(&[set(&[50], b"1")]);
    let target = database.folder.path().join("copy");
    at_once(reader.backup(&target, &mut |_| ControlFlow::Continue(()))).unwrap();
    let copy =
        RocksDb::open(&target, &RocksDbOptions::default(), Access::Write, database.clock.clone()).unwrap();
    assert_eq!(keys(&copy).len(), 51);
}

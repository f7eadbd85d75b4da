//! What a damaged or full disk gets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hit_core::{Durability, ErrorCode, KeyRange, Page, Result, Storage, Values, at_once};
use hit_rocksdb::{Access, RocksDb, RocksDbOptions};
use hit_testkit::TestClock;
use rocksdb::{DB, Options};
use support::{Database, START_MS, entries, files, set};

fn read_all(storage: &RocksDb) -> Result<()> {
    for number in 0..3_000_u32 {
        let mut values = Values::default();
        at_once(storage.get_many(&[&number.to_be_bytes()], &mut values))?;
        let expected = [2, number as u8].repeat(30);
        assert_eq!(
            values.iter().next().unwrap().map(|(value, _)| value),
            Some(&expected[..]),
            "a wrong value for {number}"
        );
    }
    Ok(())
}

#[test]
fn damage_in_a_table_is_never_read_as_something_else() {
    let database = Database::filled();
    let tables: Vec<_> = files(&database.path(), ".sst")
        .into_iter()
        .filter(|table| fs::metadata(table).unwrap().len() > 10_000)
        .collect();
    for table in &tables {
        let whole = fs::read(table).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 15).chain([
            whole.len() - 50,
            whole.len() - 20,
            whole.len() - 2,
        ]) {
            let mut altered = whole.clone();
            altered[at] ^= 0x10;
            fs::write(table, &altered).unwrap();
            for access in [Access::Read, Access::Write] {
                let storage = database.open_again(&RocksDbOptions::default(), access);
                if let Err(error) = storage.and_then(|storage| read_all(&storage)) {
                    assert_eq!(error.code(), ErrorCode::Corruption, "{access:?} {at}: {error}");
                }
            }
        }
        fs::write(table, &whole).unwrap();
    }
}

#[test]
fn a_scan_that_came_upon_damage_does_not_begin_anew() {
    let database = Database::filled();
    let families = ["default", "hitkv", "hitkv-expiry"];
    let db = DB::open_cf(&Options::default(), database.path(), families).unwrap();
    db.put(10_u32.to_be_bytes(), b"\x09 is no flag").unwrap();
    drop(db);
    let storage = database.open_again(&RocksDbOptions::default(), Access::Write).unwrap();
    let snapshot = at_once(storage.snapshot()).unwrap();
    let mut scan = support::begin(&*snapshot, KeyRange::ALL, false).unwrap();
    let mut page = Page::new(true);
    let failed = at_once(scan.fill(&mut page)).unwrap_err();
    assert_eq!((failed.code(), page.len()), (ErrorCode::Corruption, 10));
    let again = at_once(scan.fill(&mut page)).unwrap_err();
    assert_eq!((again.message(), page.len()), (failed.message(), 10));
}

/// A file system of its own in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, mib: u32) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            other => {
                eprintln!("NOT TESTED: a full disk; it mounts a tmpfs, which needs root on Linux: {other:?}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path(), 64) else { return };
    let ballast = folder.path().join("ballast");
    // To go on, RocksDB writes what is in memory, which is in its log already, into a table: as much again.
    fs::write(&ballast, vec![1; 40 << 20]).unwrap();
    let path = folder.path().join("rocksdb");
    let clock = Arc::new(TestClock::at(START_MS));
    let storage = RocksDb::open(&path, &RocksDbOptions::default(), Access::Create, clock.clone()).unwrap();
    let value = |number: u32| -> Vec<u8> {
        (0..25_000_u32).flat_map(|at| (at ^ number).wrapping_mul(0x9e37_79b9).to_be_bytes()).collect()
    };
    let write = |number: u32| {
        let (key, value) = (number.to_be_bytes(), value(number));
        at_once(storage.write(&[set(&key, &value)], Durability::Disk))
    };
    let mut written = Vec::new();
    let mut number = 0;
    let full = loop {
        match write(number) {
            Ok(()) => written.push(number),
            Err(error) => break error,
        }
        number += 1;
        assert!(number < 1_000);
    };
    assert_eq!(full.code(), ErrorCode::DiskFull, "{full}");
    assert!(!written.is_empty());
    // What was answered before is in the log, and this asks nothing of RocksDB that would end it.
    at_once(storage.sync()).unwrap();
    assert_eq!(write(1_000).unwrap_err().code(), ErrorCode::DiskFull);
    let background = storage.figures().background_error.map(|error| error.code());
    assert_eq!(background, Some(ErrorCode::DiskFull));
    at_once(storage.sync()).unwrap();
    let mut values = Values::default();
    at_once(storage.get_many(&[&0_u32.to_be_bytes()], &mut values)).unwrap();
    assert_eq!(values.iter().next().unwrap().unwrap().0, value(0));

    fs::remove_file(&ballast).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = write(2_000) {
        assert_eq!(error.code(), ErrorCode::DiskFull, "{error}");
        assert!(
            Instant::now() < deadline,
            "RocksDB did not go on: {}",
            fs::read_to_string(path.join("LOG"))
                .unwrap()
                .lines()
                .rev()
                .take(30)
                .collect::<Vec<_>>()
                .join("\n")
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    written.push(2_000);
    assert!(storage.figures().background_error.is_none());
    at_once(storage.close()).unwrap();
    let storage = RocksDb::open(&path, &RocksDbOptions::default(), Access::Write, clock).unwrap();
    let keys: Vec<_> = entries(&storage, KeyRange::ALL, false)
        .into_iter()
        .map(|(key, value, _)| (key, value.len()))
        .collect();
    let expected: Vec<_> = written.iter().map(|number| (number.to_be_bytes().to_vec(), 100_000)).collect();
    assert_eq!(keys, expected);
}

#[test]
fn a_full_disk_does_not_keep_a_store_from_being_closed_and_opened_later() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path(), 32) else { return };
    let path = folder.path().join("rocksdb");
    let clock = Arc::new(TestClock::at(START_MS));
    let storage = RocksDb::open(&path, &RocksDbOptions::default(), Access::Create, clock.clone()).unwrap();
    at_once(storage.write(&[set(b"a", b"1")], Durability::Disk)).unwrap();
    let ballast = folder.path().join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 4_096]).is_ok() {}
    drop(file);
    let error = loop {
        if let Err(error) = at_once(storage.write(&[set(b"b", &[2; 4_096])], Durability::Os)) {
            break error;
        }
    };
    assert_eq!(error.code(), ErrorCode::DiskFull, "{error}");
    let closed = at_once(storage.close());
    assert!(
        closed.as_ref().is_ok_and(|()| true) || closed.as_ref().unwrap_err().code() == ErrorCode::DiskFull,
        "{closed:?}"
    );
    let error = RocksDb::open(&path, &RocksDbOptions::default(), Access::Write, clock.clone()).err();
    assert!(error.as_ref().is_none_or(|error| error.code() == ErrorCode::DiskFull), "{error:?}");
    fs::remove_file(&ballast).unwrap();
    let storage = RocksDb::open(&path, &RocksDbOptions::default(), Access::Write, clock).unwrap();
    let mut values = Values::default();
    at_once(storage.get_many(&[b"a"], &mut values)).unwrap();
    assert_eq!(values.iter().next().unwrap().unwrap().0, b"1");
}

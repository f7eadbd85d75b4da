//! What is not ours, or not for this version, is refused before it is touched; what can be taken raw is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use hit_core::{Durability, Error, ErrorCode, KeyRange, Operation, Storage, at_once};
use hit_rocksdb::{Access, RocksDb, RocksDbOptions};
use hit_testkit::TestClock;
use rocksdb::{DB, Options};
use support::{Database, START_MS, entries, expiring, files, set};
use tempfile::TempDir;

const RAW: RocksDbOptions = RocksDbOptions {
    raw: true,
    memory_bytes: None,
    compression: hit_rocksdb::Compression::Lz4,
    block_bytes: 8 << 10,
    background_threads: None,
};

fn open(folder: &Path, options: &RocksDbOptions, access: Access) -> Result<RocksDb, Error> {
    RocksDb::open(folder, options, access, Arc::new(TestClock::at(START_MS)))
}

fn refused(folder: &Path, options: &RocksDbOptions) -> Error {
    refused_with(ErrorCode::Config, folder, options)
}

fn refused_with(code: ErrorCode, folder: &Path, options: &RocksDbOptions) -> Error {
    let listing = || -> Vec<(PathBuf, u64, SystemTime)> {
        let mut all: Vec<_> = files(folder, "")
            .into_iter()
            .map(|path| (path.clone(), fs::metadata(&path).unwrap()))
            .map(|(path, metadata)| (path, metadata.len(), metadata.modified().unwrap()))
            .collect();
        all.sort();
        all
    };
    let before = listing();
    let errors = [Access::Create, Access::Write, Access::Read]
        .map(|access| open(folder, options, access).err().unwrap());
    assert_eq!(listing(), before, "it was touched");
    assert!(errors.iter().all(|error| error.code() == code), "{errors:?}");
    errors[0].clone()
}

/// A database of someone else's with two column families.
fn foreign(options: &Options) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options.clone();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    let other = rocksdb::ColumnFamilyDescriptor::new("other", Options::default());
    let default = rocksdb::ColumnFamilyDescriptor::new("default", options.clone());
    let db = DB::open_cf_descriptors(&options, folder.path(), [default, other]).unwrap();
    db.put(b"a", b"\x01x").unwrap();
    db.put(b"b", b"").unwrap();
    drop(db);
    folder
}

#[test]
fn a_missing_database_is_made_only_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rocksdb");
    for access in [Access::Write, Access::Read] {
        assert_eq!(open(&path, &RocksDbOptions::default(), access).err().unwrap().code(), ErrorCode::Config);
    }
    assert!(!path.exists());
}

#[test]
fn a_database_without_its_current_file_is_damaged_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap();
    at_once(storage.write(&[set(b"a", b"1")], Durability::Disk)).unwrap();
    drop(storage);
    fs::remove_file(folder.path().join("CURRENT")).unwrap();
    let check = || {
        let error = refused_with(ErrorCode::Corruption, folder.path(), &RocksDbOptions::default());
        assert!(error.message().contains("CURRENT"), "{error}");
        assert_eq!(hit_rocksdb::identity(folder.path()).unwrap_err().code(), ErrorCode::Corruption);
        let mut tell = |_| ControlFlow::Continue(());
        let (problems, _) =
            hit_rocksdb::verify(folder.path(), &RocksDbOptions::default(), &mut tell).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
    };
    check();
    // Whatever else is gone.
    for end in [".log", ".sst"] {
        files(folder.path(), end).iter().for_each(|path| fs::remove_file(path).unwrap());
        check();
    }
}

#[test]
fn a_database_of_which_only_the_first_manifest_was_made_is_made_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("MANIFEST-000001"), b"").unwrap();
    fs::write(folder.path().join("IDENTITY"), b"x").unwrap();
    fs::write(folder.path().join("LOG"), b"").unwrap();
    let storage = open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap();
    assert_eq!(entries(&storage, KeyRange::ALL, false), []);
}

#[test]
fn someone_elses_database_opens_raw_only() {
    let folder = foreign(&Options::default());
    let error = refused(folder.path(), &RocksDbOptions::default());
    assert!(error.message().contains("raw"), "{error}");

    let storage = open(folder.path(), &RAW, Access::Write).unwrap();
    assert!(!storage.capabilities().ttl);
    at_once(storage.write(&[set(b"c", b"\x02"), set(&[u8::MAX; 3_000], b"long")], Durability::Disk)).unwrap();
    let refused = at_once(storage.write(&[expiring(b"d", b"", START_MS + 1)], Durability::Disk)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unsupported);
    assert_eq!(entries(&storage, KeyRange::ALL, false).len(), 4);
    let reader = open(folder.path(), &RAW, Access::Read).unwrap();
    assert_eq!(entries(&reader, KeyRange::ALL, false)[0], (b"a".to_vec(), b"\x01x".to_vec(), None));
    at_once(
        storage.write(
            &[Operation::DeleteRange { range: KeyRange { start: b"b", end: None } }],
            Durability::Disk,
        ),
    )
    .unwrap();
    assert_eq!(entries(&storage, KeyRange::ALL, false).len(), 1);
    drop(storage);
    let db = DB::open_cf(&Options::default(), folder.path(), ["default", "other"]).unwrap();
    assert_eq!(db.get(b"a").unwrap().unwrap(), b"\x01x");
}

#[test]
fn tables_of_someone_elses_database_are_written_so_that_older_versions_read_them() {
    let folder = foreign(&Options::default());
    drop(open(folder.path(), &RAW, Access::Write).unwrap());
    let ours = tempfile::tempdir().unwrap();
    drop(open(ours.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    for (folder, version) in [(&folder, 5), (&ours, 6)] {
        let options =
            files(folder.path(), "").into_iter().filter(|path| path.to_string_lossy().contains("OPTIONS-"));
        let text = fs::read_to_string(options.max().unwrap()).unwrap();
        let versions: Vec<_> =
            text.lines().filter(|line| line.trim().starts_with("format_version=")).collect();
        assert!(!versions.is_empty());
        let expected = format!("format_version={version}");
        assert!(versions.iter().all(|line| line.trim() == expected), "{versions:?}");
    }
}

#[test]
fn our_database_does_not_open_raw() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    let error = refused(folder.path(), &RAW);
    assert!(error.message().contains("without raw"), "{error}");
}

#[test]
fn what_needs_code_of_its_owner_is_refused() {
    let mut options = Options::default();
    options.set_comparator("backwards", Box::new(|a: &[u8], b: &[u8]| b.cmp(a)));
    let error = refused(foreign(&options).path(), &RAW);
    assert!(error.message().contains("comparator 'backwards'"), "{error}");
    let mut options = Options::default();
    options.set_merge_operator_associative("adding", |_, _, _| None);
    let error = refused(foreign(&options).path(), &RAW);
    assert!(error.message().contains("merge operator 'adding'"), "{error}");
}

#[test]
fn a_database_whose_log_lies_elsewhere_is_refused() {
    let logs = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.set_wal_dir(logs.path());
    let folder = foreign(&options);
    assert!(!files(logs.path(), ".log").is_empty());
    let error = refused(folder.path(), &RAW);
    assert!(error.message().contains(&logs.path().display().to_string()), "{error}");

    // The same folder by another path is none.
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_wal_dir(folder.path().join("."));
    let db = DB::open(&options, folder.path()).unwrap();
    db.put(b"a", b"1").unwrap();
    drop(db);
    let newest =
        files(folder.path(), "").into_iter().filter(|path| path.to_string_lossy().contains("OPTIONS-"));
    assert!(fs::read_to_string(newest.max().unwrap()).unwrap().contains("wal_dir=/"), "RocksDB names it");
    let storage = open(folder.path(), &RAW, Access::Write).unwrap();
    assert_eq!(entries(&storage, KeyRange::ALL, false).len(), 1);
}

#[test]
fn a_newer_rocksdb_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    let newest =
        files(folder.path(), "").into_iter().filter(|path| path.to_string_lossy().contains("OPTIONS-")).max();
    let newest = newest.unwrap();
    let text = fs::read_to_string(&newest).unwrap();
    assert!(text.contains("rocksdb_version=11.8."), "the version in folder.rs is that of the library");
    for (version, fine) in [("11.9.0", false), ("12.0.1", false), ("11.8.99", true), ("9.11.2", true)] {
        let start = text.find("rocksdb_version=").unwrap();
        let end = start + text[start..].find('\n').unwrap();
        fs::write(&newest, format!("{}rocksdb_version={version}{}", &text[..start], &text[end..])).unwrap();
        if fine {
            drop(open(folder.path(), &RocksDbOptions::default(), Access::Read).unwrap());
        } else {
            let error = refused(folder.path(), &RocksDbOptions::default());
            assert!(error.message().contains(version) && error.message().contains("11.8"), "{error}");
        }
    }
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    let families = ["default", "hitkv", "hitkv-expiry"];
    let db = DB::open_cf(&Options::default(), folder.path(), families).unwrap();
    db.put_cf(db.cf_handle("hitkv").unwrap(), b"format", b"2").unwrap();
    db.put(b"a", b"\x07of format 2").unwrap();
    drop(db);
    for access in [Access::Write, Access::Read] {
        let error = open(folder.path(), &RocksDbOptions::default(), access).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Config);
        assert!(error.message().contains("format 2"), "{error}");
    }
    let mut db = DB::open_cf(&Options::default(), folder.path(), families).unwrap();
    assert_eq!(db.get(b"a").unwrap().unwrap(), b"\x07of format 2");
    db.put_cf(db.cf_handle("hitkv").unwrap(), b"format", b"1").unwrap();
    db.create_cf("hitkv-more", &Options::default()).unwrap();
    drop(db);
    let error = refused(folder.path(), &RocksDbOptions::default());
    assert!(error.message().contains("hitkv-more"), "{error}");
}

#[test]
fn a_database_whose_making_was_interrupted_is_made_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    let db = DB::open_cf(&Options::default(), folder.path(), ["default", "hitkv", "hitkv-expiry"]).unwrap();
    db.delete_cf(db.cf_handle("hitkv").unwrap(), b"format").unwrap();
    drop(db);
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Write).unwrap());

    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    drop(DB::open(&options, folder.path()).unwrap());
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    assert_eq!(refused(folder.path(), &RAW).code(), ErrorCode::Config);
}

#[test]
fn a_value_that_hitkv_did_not_write_is_corruption() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), &RocksDbOptions::default(), Access::Create).unwrap());
    let db = DB::open_cf(&Options::default(), folder.path(), ["default", "hitkv", "hitkv-expiry"]).unwrap();
    db.put(b"a", b"\x09x").unwrap();
    drop(db);
    let storage = open(folder.path(), &RocksDbOptions::default(), Access::Write).unwrap();
    let mut values = hit_core::Values::default();
    let error = at_once(storage.get_many(&[b"a"], &mut values)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corruption);
    assert_eq!(error.keys(), [b"a".to_vec()]);
}

#[test]
fn memory_is_decided_by_the_first_store_of_the_process() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = open(folders[0].path(), &RocksDbOptions::default(), Access::Create).unwrap();
    let decided = first.figures().own.iter().find(|(name, _)| *name == "memoryLimitBytes").unwrap().1;
    let naming = |bytes| RocksDbOptions { memory_bytes: Some(bytes), ..RocksDbOptions::default() };
    let error = open(folders[1].path(), &naming(decided + 1), Access::Create).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(files(folders[1].path(), "").is_empty(), "it was touched");
    open(folders[1].path(), &naming(decided), Access::Create).unwrap();
}

#[cfg(unix)]
#[test]
fn a_folder_that_was_put_in_the_place_of_ours_is_left_alone() {
    let ours = Database::new();
    ours.write(&[set(b"a", b"1")]);
    let (place, moved) = (ours.path(), ours.path().with_file_name("moved"));
    fs::rename(&place, &moved).unwrap();
    // As another process: within one, RocksDB goes by the name.
    fs::create_dir(&place).unwrap();
    let alias = place.with_file_name("alias");
    std::os::unix::fs::symlink(&place, &alias).unwrap();
    let other =
        RocksDb::open(&alias, &RocksDbOptions::default(), Access::Create, ours.clock.clone()).unwrap();
    at_once(other.write(&[set(b"b", b"2")], Durability::Disk)).unwrap();
    at_once(other.compact()).unwrap();
    let image =
        || files(&place, "").into_iter().map(|file| (fs::read(&file).unwrap(), file)).collect::<Vec<_>>();
    let before = image();
    for failed in [
        ours.try_write(&[set(b"c", b"3")], Durability::Disk),
        at_once(ours.storage.compact()),
        at_once(ours.storage.sweep()),
        ours.close(),
    ] {
        assert_eq!(failed.unwrap_err().code(), ErrorCode::Io);
    }
    assert!(image() == before, "nothing was made, changed or removed");
    at_once(other.close()).unwrap();
    // The moved one is held as long as this process lives, so it is read as another program reads it.
    for (path, key, access) in [(&alias, b"b", Access::Write), (&moved, b"a", Access::Read)] {
        let database = RocksDb::open(path, &RocksDbOptions::default(), access, ours.clock.clone()).unwrap();
        let mut values = hit_core::Values::default();
        at_once(database.get_many(&[key], &mut values)).unwrap();
        assert!(values.iter().all(|value| value.is_some()), "{} is whole", path.display());
    }
}

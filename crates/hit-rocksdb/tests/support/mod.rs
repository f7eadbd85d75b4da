//! A database in a folder of its own, used as a store uses it.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hit_core::{
    Durability, KeyRange, Operation, Page, Result, Storage, StorageScan, StorageSnapshot, Values, at_once,
};
use hit_rocksdb::{Access, RocksDb, RocksDbOptions};
use hit_testkit::TestClock;
use tempfile::TempDir;

/// A key, its value and its expiry.
pub type Scanned = (Vec<u8>, Vec<u8>, Option<u64>);

/// When the clock of every test begins.
pub const START_MS: u64 = 1_700_000_000_000;

pub struct Database {
    // Closed before its folder goes.
    pub storage: RocksDb,
    pub clock: Arc<TestClock>,
    pub folder: TempDir,
}

impl Database {
    pub fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), &RocksDbOptions::default(), Access::Create).unwrap()
    }

    pub fn open(folder: TempDir, options: &RocksDbOptions, access: Access) -> Result<Self> {
        let clock = Arc::new(TestClock::at(START_MS));
        let storage = RocksDb::open(&path(&folder), options, access, clock.clone())?;
        Ok(Self { storage, clock, folder })
    }

    /// Three tables of the same 3,000 keys, closed.
    pub fn filled() -> Self {
        let mut database = Self::new();
        for round in 0..3_u8 {
            let pairs: Vec<_> = (0..3_000_u32)
                .map(|number| (number.to_be_bytes(), [round, number as u8].repeat(30)))
                .collect();
            let operations: Vec<_> = pairs.iter().map(|(key, value)| set(key, value)).collect();
            database.write(&operations);
            database = database.reopened();
        }
        database.close().unwrap();
        database
    }

    /// Another storage on the same folder, with the same clock.
    pub fn open_again(&self, options: &RocksDbOptions, access: Access) -> Result<RocksDb> {
        RocksDb::open(&self.path(), options, access, self.clock.clone())
    }

    pub fn reopened(self) -> Self {
        self.close().unwrap();
        let Self { storage, clock, folder } = self;
        drop(storage);
        let storage =
            RocksDb::open(&path(&folder), &RocksDbOptions::default(), Access::Write, clock.clone()).unwrap();
        Self { storage, clock, folder }
    }

    pub fn into_folder(self) -> TempDir {
        self.folder
    }

    pub fn path(&self) -> PathBuf {
        path(&self.folder)
    }

    pub fn close(&self) -> Result<()> {
        at_once(self.storage.close())
    }

    pub fn try_write(&self, operations: &[Operation<'_>], durability: Durability) -> Result<()> {
        at_once(self.storage.write(operations, durability))
    }

    pub fn write(&self, operations: &[Operation<'_>]) {
        self.try_write(operations, Durability::Disk).unwrap();
    }

    pub fn get(&self, keys: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut values = Values::default();
        at_once(self.storage.get_many(keys, &mut values)).unwrap();
        owned(&values)
    }

    pub fn snapshot(&self) -> Result<Box<dyn StorageSnapshot>> {
        at_once(self.storage.snapshot())
    }

    pub fn scan(&self, range: KeyRange<'_>, reverse: bool) -> Vec<Scanned> {
        entries(&self.storage, range, reverse)
    }

    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.scan(KeyRange::ALL, false).into_iter().map(|(key, _, _)| key).collect()
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("rocksdb")
}

fn owned(values: &Values) -> Vec<Option<Vec<u8>>> {
    values.iter().map(|value| value.map(|(value, _)| value.to_vec())).collect()
}

pub fn set<'a>(key: &'a [u8], value: &'a [u8]) -> Operation<'a> {
    Operation::Set { key, value, expires_at: None }
}

pub fn expiring<'a>(key: &'a [u8], value: &'a [u8], expires_at: u64) -> Operation<'a> {
    Operation::Set { key, value, expires_at: Some(expires_at) }
}

pub fn delete(key: &[u8]) -> Operation<'_> {
    Operation::Delete { key }
}

pub fn get(snapshot: &dyn StorageSnapshot, keys: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let mut values = Values::default();
    at_once(snapshot.get_many(keys, &mut values)).unwrap();
    owned(&values)
}

pub fn begin(
    snapshot: &dyn StorageSnapshot,
    range: KeyRange<'_>,
    reverse: bool,
) -> Result<Box<dyn StorageScan>> {
    at_once(snapshot.scan(range, reverse))
}

pub fn page(scan: &mut dyn StorageScan) -> Result<Vec<Scanned>> {
    let mut page = Page::new(true);
    at_once(scan.fill(&mut page))?;
    let entries = (0..page.len()).filter_map(|position| page.get(position));
    Ok(entries.map(|(key, (value, at))| (key.to_vec(), value.to_vec(), at)).collect())
}

pub fn rest(scan: &mut dyn StorageScan) -> Result<Vec<Scanned>> {
    let mut all = Vec::new();
    loop {
        let page = page(scan)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

pub fn entries(storage: &RocksDb, range: KeyRange<'_>, reverse: bool) -> Vec<Scanned> {
    let snapshot = at_once(storage.snapshot()).unwrap();
    rest(&mut *begin(&*snapshot, range, reverse).unwrap()).unwrap()
}

/// Files of a folder whose names end so, sorted.
pub fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    paths.sort();
    paths
}

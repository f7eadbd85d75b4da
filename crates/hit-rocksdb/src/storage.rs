use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use hit_core::limits::MAX_VALUE_BYTES;
use hit_core::{
    AtomicBatch, Capabilities, Clock, Durability, Operation, Pending, Problem, Result, Storage,
    StorageFigures, StorageSnapshot, Tell, Values,
};

use crate::config::RocksDbOptions;
use crate::database::Database;
use crate::memory::Memory;
use crate::open::Open;
use crate::read_cache::ReadCacheShare;
use crate::snapshot::{SharedSnapshot, Snapshot};
use crate::value::Codec;
use crate::verify;

/// What an opening may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write; a missing database is made.
    Create,
    /// Read and write what is there.
    Write,
    /// Read beside whoever writes.
    Read,
}

/// An open RocksDB.
pub struct RocksDb {
    open: Arc<Open>,
    raw: bool,
    read_cache: ReadCacheShare,
}

impl RocksDb {
    /// Refuses options that no opening would take, before anything is made for it.
    ///
    /// # Errors
    /// `HIT_CONFIG`.
    pub fn check(options: &RocksDbOptions) -> Result<()> {
        options.check()?;
        Memory::shared(options.memory_bytes).map(drop)
    }

    /// Opens the database in the folder `path`. What expires is judged by `clock`.
    ///
    /// # Errors
    /// `HIT_CONFIG` (options, no such database, one of a newer version), `HIT_LOCKED`, `HIT_CORRUPTION`, `HIT_DISK_FULL`, `HIT_IO`.
    pub fn open(
        path: &Path,
        options: &RocksDbOptions,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let database = Database::open(path, options, access, clock)?;
        let raw = database.codec == Codec::Raw;
        let read_cache = ReadCacheShare::take(database.memory.bytes);
        Ok(Self { open: Arc::new(Open::new(database)), raw, read_cache })
    }
}

impl Drop for RocksDb {
    fn drop(&mut self) {
        let _ = self.open.close();
    }
}

/// Every call answers at the first poll, on the thread that polls.
impl Storage for RocksDb {
    fn lanes(&self) -> usize {
        // One keeps the order of all writes in the WAL, and RocksDB writes groups one after the other anyway.
        1
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sync_reads: true,
            ordered_scans: true,
            snapshots: true,
            atomic_batch: AtomicBatch::All,
            checks: true,
            ttl: !self.raw,
            backup: true,
            workers: true,
            max_value_bytes: MAX_VALUE_BYTES,
        }
    }

    fn read_cache_bytes(&self) -> usize {
        usize::try_from(self.read_cache.bytes).unwrap_or(usize::MAX)
    }

    fn write<'a>(&'a self, operations: &'a [Operation<'a>], durability: Durability) -> Pending<'a, ()> {
        Box::pin(async move { self.open.database()?.write(operations, durability) })
    }

    fn sync(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.open.database()?.sync() })
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a [u8]], values: &'a mut Values) -> Pending<'a, ()> {
        Box::pin(async move {
            let database = self.open.database()?;
            database.read(keys, &database.reads, values)
        })
    }

    fn get_many_in_memory(&self, keys: &[&[u8]], values: &mut Values) -> Result<bool> {
        self.open.database()?.read_in_memory(keys, values)
    }

    fn snapshot(&self) -> Pending<'_, Box<dyn StorageSnapshot>> {
        Box::pin(async move {
            let snapshot = SharedSnapshot(Snapshot::take(&self.open)?);
            Ok(Box::new(snapshot) as Box<dyn StorageSnapshot>)
        })
    }

    fn sweep(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.open.database()?.sweep(&self.open) })
    }

    fn compact(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.open.database()?.compact(&self.open) })
    }

    fn refresh(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.open.database()?.refresh() })
    }

    fn verify<'a>(&'a self, tell: &'a mut Tell<'_>) -> Pending<'a, (Vec<Problem>, u64)> {
        Box::pin(async move {
            let database = self.open.database()?;
            // What is only in memory yet is read from the log.
            let mut going_on = |progress| match self.open.check_going_on() {
                Ok(()) => tell(progress),
                Err(_) => ControlFlow::Break(()),
            };
            let options = RocksDbOptions { raw: self.raw, ..RocksDbOptions::default() };
            let checked = verify::verify(&database.path, &options, &mut going_on);
            self.open.check_going_on().and(checked)
        })
    }

    fn backup<'a>(&'a self, folder: &'a Path, tell: &'a mut Tell<'_>) -> Pending<'a, ()> {
        Box::pin(async move { self.open.database()?.backup(folder, &self.open, tell) })
    }

    fn figures(&self) -> StorageFigures {
        self.open.database().map_or_else(|_| StorageFigures::default(), |database| database.figures())
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.open.close() })
    }
}

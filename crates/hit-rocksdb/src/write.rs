//! Writing: a group of operations is one write batch of RocksDB's.

use std::fs::{self, File};
use std::io;
use std::sync::atomic::Ordering;

use hit_core::limits::MAX_KEY_BYTES;
use hit_core::{Durability, Error, ErrorCode, KeyRange, Operation, Result};
use rocksdb::{ColumnFamily, WriteBatch, properties};

use crate::Access;
use crate::database::Database;
use crate::error::{cannot, write_error};
use crate::expiry;
use crate::folder::{ENTRIES, EXPIRY};
use crate::tuning::LEVEL_0_SLOWS;
use crate::value::Codec;

/// What RocksDB adds to an operation in a batch, about.
const OPERATION_BYTES: usize = 16;

impl Database {
    /// Writes operations as one.
    pub(crate) fn write(&self, operations: &[Operation<'_>], durability: Durability) -> Result<()> {
        self.check_writable()?;
        let batch = self.batch(operations)?;
        let options = if durability == Durability::Disk { &self.synced } else { &self.unsynced };
        self.db.write_opt(batch, options).map_err(|error| self.note(write_error("write", error)))
    }

    /// Syncs RocksDB's log.
    pub(crate) fn sync(&self) -> Result<()> {
        if self.access == Access::Read {
            return Ok(());
        }
        self.check_writable()?;
        match self.db.flush_wal(true) {
            // Durability: since a write could not be appended, RocksDB does not touch that log any more. What it answered before
            // that is in it nevertheless.
            Err(error) if error.as_ref().contains("Writer has previous error") => {
                self.sync_logs().map_err(|error| self.note(error))
            }
            other => other.map_err(|error| self.note(write_error("sync its log", error))),
        }
    }

    fn sync_logs(&self) -> Result<()> {
        let sync = || -> io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    match File::open(&path) {
                        Ok(log) => log.sync_all()?,
                        // Its entries are in tables by now.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok(())
        };
        sync().map_err(|error| {
            let message = format!(
                "the logs in {} cannot be synced: {error}; what of them is on disk is unknown: check the disk, then close \
                 the store and open it again",
                self.path.display()
            );
            Error::new(ErrorCode::Poisoned, message).with_source(error)
        })
    }

    /// What a close writes: the log, synced, and the tables in memory as files, so that the next open replays nothing.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.access == Access::Read || self.poison.get().is_some() {
            return Ok(());
        }
        self.sync()?;
        // Durability: the log has it all. Where writing files fails, or would wait for compactions, the next open replays it.
        if !self.is_behind() {
            let _ = self.flush();
        }
        Ok(())
    }

    /// Whether compactions are so far behind that a flush waits for them.
    fn is_behind(&self) -> bool {
        let of = |name| self.db.property_int_value(name).ok().flatten().unwrap_or(0);
        let level_0 = self.db.property_value(properties::num_files_at_level(0)).ok().flatten();
        of(properties::ACTUAL_DELAYED_WRITE_RATE) > 0
            || of(properties::IS_WRITE_STOPPED) > 0
            || level_0.and_then(|files| files.parse().ok()).unwrap_or(0) + 2 >= LEVEL_0_SLOWS
    }

    /// Writes the tables in memory as files.
    pub(crate) fn flush(&self) -> Result<(), rocksdb::Error> {
        let mut families = [ENTRIES, EXPIRY].into_iter().filter_map(|name| self.db.cf_handle(name));
        families.try_for_each(|family| self.db.flush_cf(family))
    }

    fn check_writable(&self) -> Result<()> {
        if self.access == Access::Read {
            return Err(Error::new(
                ErrorCode::Unsupported,
                "the store was opened with readOnly: open it without",
            ));
        }
        self.poison.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Remembers what makes it refuse all further writes. RocksDB itself may be ready for more before it is opened again; but what
    /// is on disk of the write that failed is unknown until then.
    fn note(&self, error: Error) -> Error {
        self.is_suspect.store(true, Ordering::Relaxed);
        if error.code() == ErrorCode::Poisoned {
            let _ = self.poison.set(error.clone());
        }
        error
    }

    fn batch(&self, operations: &[Operation<'_>]) -> Result<WriteBatch> {
        let mut batch = WriteBatch::with_capacity_bytes(operations.iter().map(bytes).sum());
        let mut buffer = Vec::new();
        for operation in operations {
            match *operation {
                Operation::Set { key, value, expires_at } => {
                    batch.put(key, self.codec.encode(value, expires_at, &mut buffer));
                    if let Some(at) = expires_at {
                        batch.put_cf(self.expiry_family()?, expiry::index_key(at, key), []);
                    }
                }
                Operation::Delete { key } => batch.delete(key),
                Operation::DeleteRange { range } => self.delete_range(&mut batch, range)?,
            }
        }
        Ok(batch)
    }

    fn expiry_family(&self) -> Result<&ColumnFamily> {
        if self.codec == Codec::Raw {
            return Err(Error::new(
                ErrorCode::Unsupported,
                "a RocksDB that was opened raw keeps no expiry: write without ttlMs and expiresAt",
            ));
        }
        self.family(EXPIRY)
    }

    fn delete_range(&self, batch: &mut WriteBatch, range: KeyRange<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        match range.end {
            Some(end) => batch.delete_range(range.start, end),
            None => batch.delete_range(range.start, &self.behind_all_keys()?),
        }
        if range == KeyRange::ALL && self.codec == Codec::Flagged {
            batch.delete_range_cf(self.family(EXPIRY)?, &[][..], &expiry::BEHIND_ALL);
        }
        Ok(())
    }

    /// RocksDB's range deletes have an end. Behind every key that hitkv allows comes one that is longer, all `0xff`; someone
    /// else's database may have longer ones.
    fn behind_all_keys(&self) -> Result<Vec<u8>> {
        let mut behind = vec![u8::MAX; MAX_KEY_BYTES + 1];
        if self.codec == Codec::Raw {
            let mut last = self.db.raw_iterator();
            last.seek_to_last();
            last.status().map_err(cannot("find the last key"))?;
            if let Some(key) = last.key().filter(|&key| key >= behind.as_slice()) {
                behind = [key, &[0]].concat();
            }
        }
        Ok(behind)
    }
}

fn bytes(operation: &Operation<'_>) -> usize {
    OPERATION_BYTES
        + match *operation {
            Operation::Set { key, value, .. } => key.len() + value.len(),
            Operation::Delete { key } => key.len(),
            Operation::DeleteRange { range } => {
                range.start.len() + range.end.map_or(MAX_KEY_BYTES, <[u8]>::len)
            }
        }
}

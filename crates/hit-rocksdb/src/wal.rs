//! RocksDB's log (WAL): appending to it, syncing it, and what it does when that has failed.

use std::fs::{self, OpenOptions};
use std::io;
use std::sync::atomic::Ordering;

use hit_core::{Error, ErrorCode, Result};
use rocksdb::{ErrorKind, WriteBatch, WriteOptions, properties};

use crate::Access;
use crate::copy::sync_folder;
use crate::database::Database;
use crate::error::write_error;

impl Database {
    /// Writes a batch. `action` completes "RocksDB could not".
    pub(crate) fn append(&self, batch: WriteBatch, options: &WriteOptions, action: &str) -> Result<()> {
        let _appending = self.appending.read();
        self.db.write_opt(batch, options).map_err(|error| self.note(write_error(action, error)))
    }

    /// Syncs the log.
    pub(crate) fn sync(&self) -> Result<()> {
        if self.access == Access::Read {
            return Ok(());
        }
        self.check_writable()?;
        // Invariant: RocksDB is not asked to sync a log to which a write could not be appended. It would answer with an error, take that
        // for worse than a full disk, and not go on when there is room again.
        let _nothing_is_appended = self.appending.write();
        if self.is_suspect.load(Ordering::Relaxed)
            && let Some(error) = self.probe()
        {
            // What it answered before the disk was full is in the log nevertheless.
            return if error.code() == ErrorCode::DiskFull {
                self.sync_logs()
            } else {
                Err(self.note(error))
            };
        }
        self.db.flush_wal(true).map_err(|error| self.note(write_error("sync its log", error)))
    }

    /// Without RocksDB.
    fn sync_logs(&self) -> Result<()> {
        let sync = || -> io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    // Some systems sync only what may be written.
                    match OpenOptions::new().write(true).open(&path) {
                        Ok(log) => log.sync_all()?,
                        // Its entries are in tables by now.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            sync_folder(&self.path)
        };
        sync().map_err(|error| {
            let message = format!(
                "the logs in {} cannot be synced: {error}; what of them is on disk is unknown: check the disk, then close \
                 the store and open it again",
                self.path.display()
            );
            self.note(Error::new(ErrorCode::Poisoned, message).with_source(error))
        })
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        if self.access == Access::Read {
            return Err(Error::new(
                ErrorCode::Unsupported,
                "the store was opened with readOnly: open it without",
            ));
        }
        self.poison.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// What keeps it from writing. Asks RocksDB only when something has failed since it last went well.
    pub(crate) fn background_error(&self) -> Option<Error> {
        if let Some(poison) = self.poison.get() {
            return Some(poison.clone());
        }
        let failed = self.background_errors();
        let is_suspect =
            self.is_suspect.load(Ordering::Relaxed) || failed > self.settled_errors.load(Ordering::Relaxed);
        if !is_suspect || self.access == Access::Read {
            return None;
        }
        let _appending = self.appending.read();
        let error = self.probe();
        if error.is_none() {
            self.settled_errors.fetch_max(failed, Ordering::Relaxed);
        }
        error
    }

    /// RocksDB tells only whoever writes, so this writes nothing: an empty batch, which does not wait.
    fn probe(&self) -> Option<Error> {
        let mut at_once = WriteOptions::default();
        at_once.set_no_slowdown(true);
        match self.db.write_opt(WriteBatch::default(), &at_once) {
            Ok(()) => {
                self.is_suspect.store(false, Ordering::Relaxed);
                None
            }
            // It is slowed or held, not stopped.
            Err(error) if error.kind() == ErrorKind::Incomplete => None,
            Err(error) => {
                self.is_suspect.store(true, Ordering::Relaxed);
                Some(write_error("go on", error))
            }
        }
    }

    /// How often flushes and compactions have failed.
    pub(crate) fn background_errors(&self) -> u64 {
        self.db.property_int_value(properties::BACKGROUND_ERRORS).ok().flatten().unwrap_or(0)
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
}

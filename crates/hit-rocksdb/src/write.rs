//! Writing: a group of operations is one write batch of RocksDB's.

use hit_core::limits::MAX_KEY_BYTES;
use hit_core::{Durability, Error, ErrorCode, KeyRange, Operation, Result};
use rocksdb::{ColumnFamily, WriteBatch, properties};

use crate::Access;
use crate::database::Database;
use crate::error::cannot;
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
        self.check_place()?;
        let batch = self.batch(operations)?;
        let options = if durability == Durability::Disk { &self.synced } else { &self.unsynced };
        self.append(batch, options, "write")?;
        for operation in operations {
            if let Operation::Set { expires_at: Some(at), .. } = *operation {
                self.found.note(at);
            }
        }
        Ok(())
    }

    /// What a close writes: the log, synced, and the tables in memory as files, so that the next open replays nothing.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.access == Access::Read || self.poison.get().is_some() {
            return Ok(());
        }
        self.sync()?;
        self.check_place()?;
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

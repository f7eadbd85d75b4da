//! Reading by key.

use hit_core::{Result, Values};
use rocksdb::{DBPinnableSlice, Error, ErrorKind, ReadOptions, ReadTier};

use crate::database::Database;
use crate::error::cannot;
use crate::folder::ENTRIES;
use crate::value::Codec;

/// What RocksDB says of a key.
type Stored<'a> = std::result::Result<Option<DBPinnableSlice<'a>>, Error>;

impl Database {
    /// Reads keys at one moment: that of `reads`, or now.
    pub(crate) fn read(&self, keys: &[&[u8]], reads: &ReadOptions, values: &mut Values) -> Result<()> {
        let mut now = Now::new(self);
        if let [key] = keys {
            let stored = self.db.get_pinned_opt(key, reads).map_err(cannot("read"))?;
            return now.push(key, stored.as_deref(), values);
        }
        for (key, stored) in keys.iter().zip(self.read_sorted(keys, reads)?) {
            now.push(key, stored.map_err(cannot("read"))?.as_deref(), values)?;
        }
        Ok(())
    }

    /// Reads keys if RocksDB needs no file for it: false where it does.
    pub(crate) fn read_in_memory(&self, keys: &[&[u8]], values: &mut Values) -> Result<bool> {
        if self.codec == Codec::Raw {
            return Ok(false);
        }
        let mut reads = ReadOptions::default();
        reads.set_read_tier(ReadTier::BlockCache);
        let mut now = Now::new(self);
        for (key, stored) in keys.iter().zip(self.read_sorted(keys, &reads)?) {
            match stored {
                // So it says of a key that may be there in a file it has not open. A value of ours is never empty.
                Ok(Some(stored)) if stored.is_empty() => return Ok(false),
                Ok(stored) => now.push(key, stored.as_deref(), values)?,
                Err(error) if error.kind() == ErrorKind::Incomplete => return Ok(false),
                Err(error) => return Err(cannot("read")(error)),
            }
        }
        Ok(true)
    }

    /// What is stored under keys, in their order. RocksDB walks its files once for all of them if they are sorted.
    fn read_sorted(&self, keys: &[&[u8]], reads: &ReadOptions) -> Result<Vec<Stored<'_>>> {
        let mut order: Vec<(usize, &[u8])> = keys.iter().copied().enumerate().collect();
        order.sort_unstable_by_key(|&(_, key)| key);
        let sorted = order.iter().map(|&(_, key)| key);
        let read = self.db.batched_multi_get_cf_opt(self.family(ENTRIES)?, sorted, true, reads);
        let mut stored: Vec<_> = order.into_iter().map(|(position, _)| position).zip(read).collect();
        stored.sort_unstable_by_key(|&(position, _)| position);
        Ok(stored.into_iter().map(|(_, stored)| stored).collect())
    }
}

/// The time of one call, asked for when the first entry with an expiry comes along.
pub(crate) struct Now<'a> {
    database: &'a Database,
    now_ms: Option<u64>,
}

impl<'a> Now<'a> {
    pub(crate) fn new(database: &'a Database) -> Self {
        Self { database, now_ms: None }
    }

    /// Whether an entry is still seen.
    pub(crate) fn sees(&mut self, expires_at: Option<u64>) -> bool {
        let clock = &self.database.clock;
        expires_at.is_none_or(|at| at > *self.now_ms.get_or_insert_with(|| clock.now_ms()))
    }

    fn push(&mut self, key: &[u8], stored: Option<&[u8]>, values: &mut Values) -> Result<()> {
        let value = match stored {
            Some(stored) => Some(self.database.codec.decode(key, stored)?),
            None => None,
        };
        values.push(value.filter(|&(_, expires_at)| self.sees(expires_at)));
        Ok(())
    }
}

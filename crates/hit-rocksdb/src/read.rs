//! Reading by key.

use hit_core::{Result, Values};
use rocksdb::ReadOptions;

use crate::database::Database;
use crate::error::cannot;
use crate::folder::ENTRIES;

impl Database {
    /// Reads keys at one moment: that of `reads`, or now.
    pub(crate) fn read(&self, keys: &[&[u8]], reads: &ReadOptions, values: &mut Values) -> Result<()> {
        let mut now = Now::new(self);
        if let [key] = keys {
            let stored = self.db.get_pinned_opt(key, reads).map_err(cannot("read"))?;
            return now.push(key, stored.as_deref(), values);
        }
        let stored =
            self.db.batched_multi_get_cf_opt(self.family(ENTRIES)?, keys.iter().copied(), false, reads);
        for (key, stored) in keys.iter().zip(stored) {
            now.push(key, stored.map_err(cannot("read"))?.as_deref(), values)?;
        }
        Ok(())
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

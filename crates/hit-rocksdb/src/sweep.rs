//! Giving back the space of what has expired.
//!
//! Compactions drop what has expired wherever they pass. A sweep sees to it that they pass: it walks the index of what has
//! expired by now, counts for each file what is dead in it, and has those rewritten in which that is much. It deletes no
//! entries itself, so it cannot race with writes of the same keys.

use std::collections::HashMap;

use hit_core::Result;
use parking_lot::Mutex;
use rocksdb::{ReadOptions, WriteBatch};

use crate::Access;
use crate::compact::rewriting;
use crate::database::Database;
use crate::error::cannot;
use crate::expiry;
use crate::folder::{ENTRIES, EXPIRY};
use crate::open::Open;
use crate::tables::Tables;
use crate::value::Codec;

/// Entries that are looked at between two looks at whether the store is being closed.
const STEP_ENTRIES: usize = 1_024;
/// A file is rewritten when dead bytes, uncompressed, are this part of it …
const DEAD_PART: u64 = 4;
/// … and at least so many; what lies in no file of a deeper level, when it is that many.
const LEAST_DEAD_BYTES: u64 = 1 << 20;

/// What is dead in a file, or in memory and level 0.
#[derive(Debug, Default)]
struct Dead {
    bytes: u64,
    file_bytes: u64,
    first: Vec<u8>,
    last: Vec<u8>,
}

/// What sweeps have found and what was not worth rewriting yet, by the name of the file.
#[derive(Debug, Default)]
pub(crate) struct Found(Mutex<HashMap<String, Dead>>);

impl Database {
    /// Looks for what has expired since the last time.
    pub(crate) fn sweep(&self, open: &Open) -> Result<()> {
        if self.codec == Codec::Raw || self.access == Access::Read {
            return Ok(());
        }
        // One sweep at a time.
        let mut found = self.found.0.lock();
        self.count_dead(open, &mut found)?;
        self.rewrite(open, &mut found)
    }

    fn count_dead(&self, open: &Open, found: &mut HashMap<String, Dead>) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let index = self.family(EXPIRY)?;
        let mut tables = None;
        let mut reads = ReadOptions::default();
        reads.set_iterate_upper_bound(expiry::index_end(now_ms));
        reads.fill_cache(false);
        let mut due = self.db.raw_iterator_cf_opt(index, reads);
        due.seek_to_first();
        while due.valid() {
            open.check_going_on()?;
            let mut step: Vec<Vec<u8>> = Vec::with_capacity(STEP_ENTRIES);
            while let Some(key) = due.key().filter(|_| step.len() < STEP_ENTRIES) {
                step.push(key.to_vec());
                due.next();
            }
            let tables = match &mut tables {
                Some(tables) => tables,
                none => none.insert(Tables::of(self)?),
            };
            self.count_step(&step, now_ms, tables, found)?;
            self.forget(&step)?;
        }
        due.status().map_err(cannot("read what expires"))
    }

    fn count_step(
        &self,
        step: &[Vec<u8>],
        now_ms: u64,
        tables: &Tables,
        found: &mut HashMap<String, Dead>,
    ) -> Result<()> {
        let mut keys: Vec<&[u8]> = step.iter().map(|key| expiry::indexed(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut reads = ReadOptions::default();
        reads.fill_cache(false);
        let stored =
            self.db.batched_multi_get_cf_opt(self.family(ENTRIES)?, keys.iter().copied(), true, &reads);
        for (key, stored) in keys.into_iter().zip(stored) {
            let Some(stored) = stored.map_err(cannot("read what has expired"))? else { continue };
            // It may have got another value since.
            if self.codec.expiry(&stored).is_none_or(|at| at > now_ms) {
                continue;
            }
            let (file, file_bytes) = tables.deepest(key).unwrap_or_default();
            let dead = found.entry(file.to_owned()).or_default();
            if dead.bytes == 0 || key < dead.first.as_slice() {
                dead.first = key.to_vec();
            }
            if dead.bytes == 0 || key > dead.last.as_slice() {
                dead.last = key.to_vec();
            }
            dead.bytes += (key.len() + stored.len()) as u64;
            dead.file_bytes = file_bytes;
        }
        Ok(())
    }

    /// Takes what was counted out of the index.
    fn forget(&self, step: &[Vec<u8>]) -> Result<()> {
        let (Some(first), Some(last)) = (step.first(), step.last()) else { return Ok(()) };
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(self.family(EXPIRY)?, first.as_slice(), &[last.as_slice(), &[0]].concat());
        self.append(batch, &self.unsynced, "write what has expired")
    }

    fn rewrite(&self, open: &Open, found: &mut HashMap<String, Dead>) -> Result<()> {
        let is_much = |dead: &Dead| {
            dead.bytes >= LEAST_DEAD_BYTES && dead.bytes.saturating_mul(DEAD_PART) >= dead.file_bytes
        };
        let due: Vec<String> =
            found.iter().filter(|(_, dead)| is_much(dead)).map(|(file, _)| file.clone()).collect();
        if due.is_empty() {
            return Ok(());
        }
        // The logs go when what they hold is in files.
        self.flush().map_err(cannot("write what is in memory"))?;
        let entries = self.family(ENTRIES)?;
        for file in due {
            open.check_going_on()?;
            if let Some(dead) = found.remove(&file) {
                self.db.compact_range_cf_opt(entries, Some(&dead.first), Some(&dead.last), &rewriting());
            }
        }
        // Files that are gone have been rewritten meanwhile.
        let tables = Tables::of(self)?;
        found.retain(|file, _| file.is_empty() || tables.has(file));
        Ok(())
    }
}

//! Giving back the space of what has expired.
//!
//! Compactions drop what has expired wherever they pass. A sweep sees to it that they pass: it walks the index of what has
//! expired by now, counts for each file what is dead in it, and has those rewritten in which that is much. It deletes no
//! entries itself, so it cannot race with writes of the same keys.
//!
//! The index keeps what was counted until it has been rewritten, since counts are lost with the process. A sweep goes on where the last
//! one ended; the first one, and one after enough was rewritten, walks all of it and takes out what stands for nothing any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

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
/// The index is walked from its beginning when this part of what it keeps may stand for nothing, or was missed.
const STALE_PART: u64 = 4;

/// What is dead in a file, or in memory and level 0.
#[derive(Debug, Default)]
struct Dead {
    entries: u64,
    bytes: u64,
    file_bytes: u64,
    first: Vec<u8>,
    last: Vec<u8>,
}

/// How far the index was walked, and what was found.
#[derive(Debug, Default)]
struct Walk {
    /// Everything before it was walked.
    from: Vec<u8>,
    /// What was not worth rewriting yet, by the name of the file.
    dead: HashMap<String, Dead>,
    /// Entries of the index that stand for what is dead.
    kept: u64,
    /// Those whose file has been rewritten since.
    gone: u64,
}

/// What sweeps have found since the database was opened.
#[derive(Debug, Default)]
pub(crate) struct Found {
    walk: Mutex<Walk>,
    /// The minute before which everything was walked.
    walked_to: AtomicU64,
    /// Entries that were written into the index behind the walk.
    missed: AtomicU64,
}

impl Found {
    /// Hears of a write, when it is done, of something that had expired by then.
    pub(crate) fn note(&self, expires_at: u64) {
        if expiry::step(expires_at) < self.walked_to.load(Ordering::SeqCst) {
            self.missed.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Database {
    /// Looks for what has expired since the last time.
    pub(crate) fn sweep(&self, open: &Open) -> Result<()> {
        if self.codec == Codec::Raw || self.access == Access::Read {
            return Ok(());
        }
        self.check_place()?;
        // One sweep at a time.
        let mut walk = self.found.walk.lock();
        let stale = walk.gone + self.found.missed.load(Ordering::SeqCst);
        if stale > 0 && stale.saturating_mul(STALE_PART) >= walk.kept {
            *walk = Walk::default();
            self.found.missed.store(0, Ordering::SeqCst);
        }
        self.count_dead(open, &mut walk)?;
        self.rewrite(open, &mut walk)
    }

    fn count_dead(&self, open: &Open, walk: &mut Walk) -> Result<()> {
        let now_ms = self.clock.now_ms();
        // What is written from now on and had expired is counted as missed, whether the walk still sees it or not.
        self.found.walked_to.fetch_max(expiry::step(now_ms), Ordering::SeqCst);
        let index = self.family(EXPIRY)?;
        let mut tables = None;
        let mut reads = ReadOptions::default();
        reads.set_iterate_lower_bound(walk.from.as_slice());
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
            self.count_step(&step, tables, walk)?;
            if let Some(last) = step.last() {
                walk.from = [last.as_slice(), &[0]].concat();
            }
        }
        due.status().map_err(cannot("read what expires"))
    }

    fn count_step(&self, step: &[Vec<u8>], tables: &Tables, walk: &mut Walk) -> Result<()> {
        let mut keys: Vec<&[u8]> = step.iter().map(|key| expiry::indexed(key)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut reads = ReadOptions::default();
        reads.fill_cache(false);
        let stored =
            self.db.batched_multi_get_cf_opt(self.family(ENTRIES)?, keys.iter().copied(), true, &reads);
        let mut expiring = HashMap::with_capacity(keys.len());
        for (key, stored) in keys.into_iter().zip(stored) {
            if let Some(stored) = stored.map_err(cannot("read what has expired"))?
                && let Some(at) = self.codec.expiry(&stored)
            {
                expiring.insert(key, (expiry::step(at), stored.len()));
            }
        }
        let index = self.family(EXPIRY)?;
        let mut stale = WriteBatch::default();
        for index_key in step {
            let key = expiry::indexed(index_key);
            // It may be gone, or have got another expiry since.
            match expiring.get(key).filter(|(step, _)| index_key.starts_with(&step.to_be_bytes())) {
                Some((_, value_bytes)) => walk.count(key, *value_bytes, tables),
                None => stale.delete_cf(index, index_key),
            }
        }
        if stale.is_empty() {
            return Ok(());
        }
        self.append(stale, &self.unsynced, "write what has expired")
    }

    fn rewrite(&self, open: &Open, walk: &mut Walk) -> Result<()> {
        if walk.dead.is_empty() {
            return Ok(());
        }
        let is_much = |dead: &Dead| {
            dead.bytes >= LEAST_DEAD_BYTES && dead.bytes.saturating_mul(DEAD_PART) >= dead.file_bytes
        };
        let due: Vec<(&String, &Dead)> = walk.dead.iter().filter(|(_, dead)| is_much(dead)).collect();
        let is_memory_due = due.iter().any(|(file, _)| file.is_empty());
        if !due.is_empty() {
            // The logs go when what they hold is in files.
            self.flush().map_err(cannot("write what is in memory"))?;
            let entries = self.family(ENTRIES)?;
            for (_, dead) in due {
                open.check_going_on()?;
                self.db.compact_range_cf_opt(entries, Some(&dead.first), Some(&dead.last), &rewriting());
            }
        }
        // A file that is still there was not rewritten, which does not say why; the next sweep tries it again.
        let tables = Tables::of(self)?;
        let gone = &mut walk.gone;
        walk.dead.retain(|file, dead| {
            let stays = if file.is_empty() { !is_memory_due } else { tables.has(file) };
            *gone += if stays { 0 } else { dead.entries };
            stays
        });
        Ok(())
    }
}

impl Walk {
    /// Counts an entry that has expired.
    fn count(&mut self, key: &[u8], value_bytes: usize, tables: &Tables) {
        let (file, file_bytes) = tables.deepest(key).unwrap_or_default();
        let dead = self.dead.entry(file.to_owned()).or_default();
        if dead.entries == 0 || key < dead.first.as_slice() {
            dead.first = key.to_vec();
        }
        if dead.entries == 0 || key > dead.last.as_slice() {
            dead.last = key.to_vec();
        }
        dead.entries += 1;
        dead.bytes += (key.len() + value_bytes) as u64;
        dead.file_bytes = file_bytes;
        self.kept += 1;
    }
}

//! Keeping memory near what is live: freeing retired chunks, emptying sparse ones, dropping a view that pins too much.
//!
//! Sweeps do it in small steps. Writes do their share when they outrun the sweeps, so that memory stays below about
//! three times what is live, snapshots and unsettled writes aside.

use crate::record::Record;
use crate::table::Table;

/// Records that a write looks at for each of its operations when memory runs high. A sparse chunk is at most half
/// live, so this gives back more than the operation takes.
const RECORDS_FOR_EACH_OPERATION: usize = 4;

/// Chunks that a write of few operations frees at most: unmapping one takes some 30 µs. A large value is a chunk of
/// its own, so a write of many operations frees as many.
const FREED_BY_A_WRITE: usize = 2;

/// Chunks beyond what is due by proportion before anything is done about them.
const SPARE_CHUNKS: usize = 8;

impl Table {
    /// What every write does for the table's memory.
    #[inline]
    pub(crate) fn keep_house(&mut self, operations: usize) {
        self.trim_view();
        let slack = SPARE_CHUNKS * self.bounds.chunk_bytes;
        if self.arena.retired_bytes() > 0 {
            self.unpin_view(self.arena.live_bytes() / 2 + slack);
            for _ in 0..FREED_BY_A_WRITE + operations {
                if self.reclaim_step() == 0 {
                    break;
                }
            }
        }
        let in_use = self.arena.memory_bytes() - self.arena.retired_bytes();
        if operations > 0 && in_use > self.arena.live_bytes() * 3 + slack {
            self.evacuate(&mut (operations * RECORDS_FOR_EACH_OPERATION));
        }
    }

    /// Drops a view whose fresh locations would take longer to sort than gathering it anew, unless somebody does.
    fn trim_view(&mut self) {
        let bound = self.bounds.fresh_entries + self.index.len() / 4;
        if self.view.as_ref().is_some_and(|view| view.fresh_entries() > bound && !view.is_planned()) {
            self.view = None;
        }
    }

    /// Drops the view if, but for it, more than `bound` bytes could be freed.
    fn unpin_view(&mut self, bound: usize) {
        if self.arena.retired_bytes() > bound
            && !self.arena.can_reclaim(self.horizon())
            && self.arena.can_reclaim(self.horizon_without_view())
        {
            self.view = None;
        }
    }

    fn horizon_without_view(&self) -> u64 {
        let births = [self.snapshots.oldest_birth(), self.undos.oldest()];
        births.into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// Chunks retired up to this moment are read by nobody.
    fn horizon(&self) -> u64 {
        self.view.as_ref().map_or(u64::MAX, |view| view.birth).min(self.horizon_without_view())
    }

    /// Frees a retired chunk if there is one that nobody reads; returns its bytes.
    pub(crate) fn reclaim_step(&mut self) -> usize {
        self.arena.reclaim_step(self.horizon())
    }

    /// Whether a retired chunk can be freed.
    pub(crate) fn can_reclaim(&self) -> bool {
        self.arena.can_reclaim(self.horizon())
    }

    /// Moves what is live out of sparse chunks, looking at no more than `budget` records; `true` when there are more.
    pub(crate) fn evacuate(&mut self, budget: &mut usize) -> bool {
        while *budget > 0 {
            let Some(mut walk) = self.evacuation.take().or_else(|| self.arena.next_sparse()) else {
                return false;
            };
            *budget -= 1;
            let Some((location, record)) = self.arena.step(&mut walk) else {
                self.arena.set_evacuated(walk.chunk);
                continue;
            };
            self.evacuation = Some(walk);
            let hash = self.hasher.hash(record.key);
            if !self.index.holds(hash, location) {
                continue;
            }
            // A covered record must not come into the view again. Where the range delete is not settled it must stay.
            let is_covered = !self.tombstones.is_empty() && self.is_covered(&record);
            if is_covered && self.is_gone(&record) {
                self.index.remove(hash, |there| there == location);
                self.stop_counting(location);
            } else if let Some(moved) = self.arena.append_copy(location) {
                self.index.relocate(hash, location, moved);
                if let Some(view) = self.view.as_mut().filter(|_| !is_covered) {
                    view.note(moved);
                }
            } else {
                continue;
            }
            self.arena.kill(location);
        }
        self.evacuation.is_some() || self.arena.has_sparse()
    }

    /// Whether a range delete that is settled covers a record, so that it may go.
    pub(crate) fn is_gone(&self, record: &Record<'_>) -> bool {
        self.tombstones.iter().any(|active| active.settled && active.tombstone.covers(record))
    }
}

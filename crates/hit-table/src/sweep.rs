//! What is done in the background, a little at a time: removing what settled range deletes cover and what has expired,
//! evacuating sparse chunks, giving memory back.
//!
//! Both walks read records in the order they lie in, chunk by chunk, which is several times faster than the index's
//! order, and no growth or shift of the index disturbs them: a record that moves goes through the evacuation, which
//! makes the same decision. A chunk knows when its first record expires, so only those with expired records are
//! read, and none more often than once in `Bounds::expiry_slack_ms`.

use std::sync::Arc;

use crate::arena::{ChunkId, Walk};
use crate::location::Location;
use crate::range_delete::SweptTombstone;
use crate::table::Table;
use crate::tombstone::RangeTombstone;

/// What freeing a chunk or a shard of an index counts, in records.
const FREE_COST: usize = 256;

/// How far the walks have come.
#[derive(Default)]
pub(crate) struct Sweep {
    ranges: Option<RangePass>,
    expiry: ExpiryPass,
}

/// One walk over all chunks for the range deletes that were settled when it began.
struct RangePass {
    tombstones: Vec<Arc<RangeTombstone>>,
    /// Chunks still to walk. Newer ones have only newer records, and moved ones.
    chunks: Vec<ChunkId>,
    walk: Option<Walk>,
}

#[derive(Default)]
struct ExpiryPass {
    position: usize,
    walk: Option<Walk>,
    /// The earliest expiry seen in the chunk of the walk that is still to come.
    next_expiry: u64,
}

impl Sweep {
    /// Begins again, since something has come back behind the walks.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }
}

impl Table {
    /// Does up to about `budget` records' worth of background work and returns whether there is more to do at once.
    ///
    /// Called every second or so with a few thousand, it takes well under a millisecond when idle: entries are removed
    /// within `Bounds::expiry_slack_ms` (thirty seconds) of their expiry and the time until the budget has sufficed,
    /// so call it again, between writes, while it returns `true`.
    pub fn sweep(&mut self, now_ms: u64, budget: usize) -> bool {
        self.sweep_due(now_ms, now_ms.saturating_sub(self.bounds.expiry_slack_ms), budget)
    }

    /// The same for whoever wants everything that has expired to go now: called until it returns `false`.
    pub fn sweep_all(&mut self, now_ms: u64, budget: usize) -> bool {
        self.sweep_due(now_ms, now_ms, budget)
    }

    fn sweep_due(&mut self, now_ms: u64, due: u64, budget: usize) -> bool {
        let mut left = budget.max(1);
        let mut more = self.sweep_ranges(&mut left);
        more |= self.sweep_expired(now_ms, due, &mut left);
        more |= self.evacuate(&mut left);
        more |= self.give_back(&mut left);
        self.keep_house(0);
        more
    }

    fn sweep_ranges(&mut self, left: &mut usize) -> bool {
        while *left > 0 {
            let Some(mut pass) = self.sweep.ranges.take().or_else(|| self.begin_ranges()) else {
                return false;
            };
            let Some(mut walk) = pass.walk.take().or_else(|| pass.chunks.pop().map(Walk::new)) else {
                let is_done =
                    |sequence| pass.tombstones.iter().any(|tombstone| tombstone.sequence == sequence);
                self.tombstones.retain(|active| !is_done(active.tombstone.sequence));
                self.note_hiding();
                if self.undos.oldest().is_some() {
                    let last_sequence = self.last_sequence;
                    let swept = pass.tombstones.into_iter();
                    self.swept.extend(swept.map(|tombstone| SweptTombstone { tombstone, last_sequence }));
                }
                continue;
            };
            *left -= 1;
            if let Some((location, record)) = self.arena.step(&mut walk) {
                if pass.tombstones.iter().any(|tombstone| tombstone.covers(&record)) {
                    let hash = self.hasher.hash(record.key);
                    // The view hides it by its own copy of the tombstone.
                    self.remove_swept(hash, location);
                }
                pass.walk = Some(walk);
            }
            self.sweep.ranges = Some(pass);
        }
        self.sweep.ranges.is_some() || self.tombstones.iter().any(|active| active.settled)
    }

    fn begin_ranges(&self) -> Option<RangePass> {
        let settled = self.tombstones.iter().filter(|active| active.settled);
        let tombstones: Vec<_> = settled.map(|active| active.tombstone.clone()).collect();
        (!tombstones.is_empty()).then(|| RangePass {
            tombstones,
            chunks: self.arena.ids().collect(),
            walk: None,
        })
    }

    /// Removes what has expired from chunks where something was due.
    fn sweep_expired(&mut self, now_ms: u64, due: u64, left: &mut usize) -> bool {
        if self.tally.expiring == 0 {
            self.sweep.expiry = ExpiryPass::default();
            return false;
        }
        while *left > 0 {
            *left -= 1;
            let pass = &mut self.sweep.expiry;
            let Some(walk) = &mut pass.walk else {
                let Ok(chunk) = self.arena.expiring_at(pass.position, due) else {
                    pass.position = 0;
                    return false;
                };
                pass.position += 1;
                pass.walk = chunk.map(Walk::new);
                pass.next_expiry = u64::MAX;
                continue;
            };
            let Some((location, record)) = self.arena.step(walk) else {
                let (chunk, next_expiry) = (walk.chunk, pass.next_expiry);
                pass.walk = None;
                self.arena.set_next_expiry(chunk, next_expiry);
                continue;
            };
            if record.is_expired(now_ms) {
                let hash = self.hasher.hash(record.key);
                if self.remove_swept(hash, location) {
                    self.note_deleted(location);
                }
            } else if let Some(expires_at) = record.expires_at {
                pass.next_expiry = pass.next_expiry.min(expires_at);
            }
        }
        true
    }

    /// Removes a record if it is its key's newest.
    fn remove_swept(&mut self, hash: u64, location: Location) -> bool {
        let is_newest = self.index.remove(hash, |there| there == location).is_some();
        if is_newest {
            self.stop_counting(location);
            self.arena.kill(location);
        }
        is_newest
    }

    fn give_back(&mut self, left: &mut usize) -> bool {
        while *left > 0 {
            let freed = if let Some(index) = self.cleared.last_mut() {
                if !index.free_step() {
                    self.cleared.pop();
                }
                FREE_COST
            } else if self.reclaim_step() > 0 {
                FREE_COST
            } else {
                self.index.shrink_step()
            };
            if freed == 0 {
                return false;
            }
            *left = left.saturating_sub(freed);
        }
        !self.cleared.is_empty() || self.can_reclaim() || self.index.can_shrink()
    }
}

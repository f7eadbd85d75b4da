//! How much of the disk a store may take, and who waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The disk space of a file store. Bounds are multiples of the live data with some segments on top.
#[derive(Default)]
pub(crate) struct Space {
    /// What the log takes.
    log_bytes: AtomicU64,
    /// Of that, files that are not written to any more.
    closed_bytes: AtomicU64,
    /// What is accepted and on its way to the log.
    pending_bytes: AtomicU64,
    /// What a compaction has written and not installed.
    unfinished_bytes: AtomicU64,
    /// What is live, by the table.
    live_bytes: AtomicU64,
    segment_bytes: u64,
    /// Whether a compaction is at work, so that waiting helps.
    working: Mutex<bool>,
    changed: Condvar,
}

/// From this pressure on writes are slowed, the more the nearer the next one is.
const SLOWED_PRESSURE: f64 = 0.6;
/// From this one on they wait until compaction has given space back.
const HELD_PRESSURE: f64 = 0.95;
/// The longest that a write is slowed.
const SLOWEST: Duration = Duration::from_millis(4);

impl Space {
    pub(crate) fn new(segment_bytes: u64) -> Self {
        Self { segment_bytes, ..Self::default() }
    }

    /// Takes in how long the log is.
    pub(crate) fn set_log(&self, log_bytes: u64, closed_bytes: u64) {
        self.log_bytes.store(log_bytes, Ordering::Relaxed);
        let before = self.closed_bytes.swap(closed_bytes, Ordering::Relaxed);
        if closed_bytes < before {
            let _working = self.working.lock();
            self.changed.notify_all();
        }
    }

    pub(crate) fn set_live(&self, bytes: u64) {
        self.live_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn add_unfinished(&self, bytes: u64) {
        self.unfinished_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn forget_unfinished(&self) {
        self.unfinished_bytes.store(0, Ordering::Relaxed);
        let _working = self.working.lock();
        self.changed.notify_all();
    }

    pub(crate) fn set_working(&self, working: bool) {
        *self.working.lock() = working;
        self.changed.notify_all();
    }

    pub(crate) fn add_pending(&self, bytes: usize) {
        self.pending_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn remove_pending(&self, bytes: usize) {
        self.pending_bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// What is taken, with the room that the next run needs: a run is seldom longer than a segment.
    fn taken(&self) -> u64 {
        let unfinished = self.unfinished_bytes.load(Ordering::Relaxed).max(self.segment_bytes);
        self.log_bytes.load(Ordering::Relaxed) + self.pending_bytes.load(Ordering::Relaxed) + unfinished
    }

    /// Whether the log takes more than it may at rest, twice what is live and two segments, or will with the segment that is
    /// being written.
    pub(crate) fn is_over_rest(&self) -> bool {
        let most = 2 * self.live_bytes() + 2 * self.segment_bytes;
        let closed = self.closed_bytes.load(Ordering::Relaxed);
        // That segment may be longer than its bound, by one append.
        self.log_bytes.load(Ordering::Relaxed) > most || closed + self.segment_bytes > most
    }

    /// How near the bound under load is: 0 at the bound at rest, 1 at three times what is live and four segments.
    pub(crate) fn pressure(&self) -> f64 {
        self.pressure_with(0)
    }

    /// The same once `bytes` more are written.
    fn pressure_with(&self, bytes: usize) -> f64 {
        let live = self.live_bytes();
        let rest = 2 * live + 2 * self.segment_bytes;
        let most = 3 * live + 4 * self.segment_bytes;
        let above = (self.taken() + bytes as u64).saturating_sub(rest);
        above as f64 / (most - rest) as f64
    }

    /// Slows a writer of `bytes` down when the space grows faster than compaction gives back, and holds it when the bound is
    /// near, as long as a compaction is at work. Called without a lock.
    pub(crate) fn wait_for_compaction(&self, bytes: usize) {
        if self.pressure_with(bytes) < SLOWED_PRESSURE {
            return;
        }
        let mut working = self.working.lock();
        let begun = Instant::now();
        while *working {
            let part = (self.pressure_with(bytes) - SLOWED_PRESSURE) / (HELD_PRESSURE - SLOWED_PRESSURE);
            if part >= 1.0 {
                self.changed.wait(&mut working);
            } else if self
                .changed
                .wait_until(&mut working, begun + SLOWEST.mul_f64(part.max(0.0)))
                .timed_out()
            {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_grow_with_what_is_live() {
        let space = Space::new(100);
        space.set_live(1_000);
        space.set_log(2_100, 2_100);
        assert!(!space.is_over_rest() && space.pressure() == 0.0);
        space.set_log(2_101, 2_101);
        assert!(space.is_over_rest());
        space.set_log(2_201, 2_050);
        assert!(space.is_over_rest(), "a segment that is longer than its bound");
        space.set_log(2_600, 2_500);
        space.add_pending(100);
        assert_eq!(space.pressure(), 0.5);
        space.add_unfinished(700);
        assert_eq!(space.pressure(), 1.0);
        space.forget_unfinished();
        space.remove_pending(100);
        assert!(space.pressure() < 0.5);
    }

    #[test]
    fn nobody_waits_for_a_compaction_that_is_not_at_work() {
        let space = Space::new(100);
        space.set_log(10_000, 9_900);
        assert!(space.pressure() > 1.0);
        space.wait_for_compaction(1_000);
    }
}

use std::time::{Duration, Instant};

use hit_core::Result;

use crate::compaction::live_bytes;
use crate::disk::Disk;
use crate::shared::Shared;

/// Read and written a second where the space is far from its bound.
const CALM_BYTES_PER_SECOND: f64 = 24e6;
/// From this pressure on there is no limit.
const FULL_SPEED_PRESSURE: f64 = 0.5;
/// Bytes that are moved before the pace is looked at.
const STEP_BYTES: u64 = 256 << 10;

/// How fast a compaction goes: calm while there is space, so that writers and readers have the disk and the processor, and the
/// faster the nearer the bound is.
pub(super) struct Pace {
    /// Whether there is a limit at all.
    is_limited: bool,
    moved_bytes: u64,
    since: Instant,
}

impl Pace {
    pub(super) fn limited() -> Self {
        Self { is_limited: true, moved_bytes: 0, since: Instant::now() }
    }

    pub(super) fn unlimited() -> Self {
        Self { is_limited: false, ..Self::limited() }
    }

    /// Takes in what was moved, and waits where that was too fast.
    pub(super) fn moved(&mut self, shared: &Shared, disk: &Disk, bytes: u64) -> Result<()> {
        self.moved_bytes += bytes;
        if self.moved_bytes < STEP_BYTES {
            return Ok(());
        }
        disk.space.set_live(live_bytes(shared.applied.read().table.spans()));
        let due = self.due(disk.space.pressure());
        let taken = self.since.elapsed();
        disk.compactor.pause(due.saturating_sub(taken))?;
        self.moved_bytes = 0;
        self.since = Instant::now();
        Ok(())
    }

    /// How long moving so much is to take.
    fn due(&self, pressure: f64) -> Duration {
        if !self.is_limited || pressure >= FULL_SPEED_PRESSURE {
            return Duration::ZERO;
        }
        let rate = CALM_BYTES_PER_SECOND / (1.0 - pressure / FULL_SPEED_PRESSURE);
        Duration::from_secs_f64(self.moved_bytes as f64 / rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_bound_the_faster_it_goes() {
        let pace = Pace { moved_bytes: 24_000_000, ..Pace::limited() };
        assert_eq!(pace.due(0.0), Duration::from_secs(1));
        assert_eq!(pace.due(0.25), Duration::from_millis(500));
        assert_eq!(pace.due(0.5), Duration::ZERO);
        assert_eq!(Pace { is_limited: false, ..pace }.due(0.0), Duration::ZERO);
    }
}

use hit_core::{Operation, Result};
use hit_log::{Decision, FrameOperations, Judge, ValuePlace};
use hit_table::{Verdict, span_bytes};

use crate::disk::Disk;
use crate::shared::Shared;
use crate::values::MovedValues;

use super::pace::Pace;

/// Operations that are judged under one hold of the apply lock: some ten microseconds.
const CHUNK: usize = 128;

/// Judges by what the table holds, and counts what is kept.
pub(super) struct TableJudge<'a> {
    shared: &'a Shared,
    disk: &'a Disk,
    pace: &'a mut Pace,
    /// Below this sequence number nothing older is left that a tombstone could hide.
    droppable_below: u64,
    kept: Kept,
    moved: MovedValues,
}

/// What was kept, in the table's bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Kept {
    pub(super) total_bytes: u64,
    pub(super) tombstone_bytes: u64,
}

impl<'a> TableJudge<'a> {
    pub(super) fn new(shared: &'a Shared, disk: &'a Disk, pace: &'a mut Pace, droppable_below: u64) -> Self {
        Self { shared, disk, pace, droppable_below, kept: Kept::default(), moved: MovedValues::default() }
    }

    /// What was kept, and where its values lie if that matters.
    pub(super) fn finish(self) -> (Kept, MovedValues) {
        (self.kept, self.moved)
    }

    fn decide(&mut self, sequence: u64, operation: &Operation<'_>, verdict: Verdict) -> Decision {
        let decision = match (verdict, operation) {
            (Verdict::Live, _) => Decision::Keep,
            (Verdict::Dead, _) => return Decision::Drop,
            (Verdict::Tombstone, _) if sequence < self.droppable_below => return Decision::Drop,
            (Verdict::Tombstone, Operation::Set { .. }) => Decision::KeepAsDelete,
            (Verdict::Tombstone, _) => Decision::Keep,
        };
        let kept = match (decision, operation) {
            (Decision::KeepAsDelete, Operation::Set { key, .. }) => span_bytes(&Operation::Delete { key }),
            (_, operation) => span_bytes(operation),
        };
        self.kept.total_bytes += kept;
        if verdict == Verdict::Tombstone {
            self.kept.tombstone_bytes += kept;
        }
        decision
    }
}

impl Judge for TableJudge<'_> {
    fn judge(&mut self, operations: FrameOperations<'_>, decisions: &mut Vec<Decision>) -> Result<()> {
        let shared = self.shared;
        let mut rest = operations;
        while rest.len() > 0 {
            let applied = shared.applied.read();
            let now_ms = shared.clock.now_ms();
            applied.table.judge(rest.clone().take(CHUNK), now_ms, |verdict| {
                if let Some((sequence, operation)) = rest.next() {
                    decisions.push(self.decide(sequence, &operation, verdict));
                }
            });
        }
        Ok(())
    }

    fn moved(&mut self, sequence: u64, key: &[u8], length: u32, place: ValuePlace) {
        if self.disk.values.is_some() {
            self.moved.push(sequence, key, length, place);
        }
    }

    fn pace(&mut self, read: u64, written: u64) -> Result<()> {
        self.disk.space.add_unfinished(written);
        self.pace.moved(self.shared, self.disk, read + written)
    }
}

use hit_core::Operation;

use crate::ahead::Ahead;
use crate::table::Table;

/// What compaction does with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A `Set` that reads see: it is the newest of its key, not covered and not expired.
    Live,
    /// Something newer has taken its place: it may go.
    Dead,
    /// It only hides what is older: a `Delete` or a `DeleteRange`, or a `Set` that has expired. It may go where nothing
    /// older is left; elsewhere an expired `Set` is kept as a `Delete`.
    Tombstone,
}

impl Table {
    /// Judges operations, given with their sequence numbers, and hands each verdict to `judged` in order. Looks many up
    /// side by side, as [`Table::get_many`] does.
    ///
    /// A verdict counts writes that are not durable yet. What is judged dead may be removed from disk only when
    /// everything applied before is durable and none of it was undone: see [`Table::undone_writes`].
    pub fn judge<'a>(
        &self,
        operations: impl Iterator<Item = (u64, Operation<'a>)> + Clone,
        now_ms: u64,
        mut judged: impl FnMut(Verdict),
    ) {
        let keys = operations.clone().map(|(_, operation)| operation.key().unwrap_or_default());
        let (mut ahead, mut operations) = (Ahead::new(keys), operations);
        while let Some(group) = self.next_group(&mut ahead) {
            for (&hash, (sequence, operation)) in group.hashes().iter().zip(&mut operations) {
                judged(self.judge_one(hash, sequence, &operation, now_ms));
            }
        }
    }

    fn judge_one(&self, hash: u64, sequence: u64, operation: &Operation<'_>, now_ms: u64) -> Verdict {
        match *operation {
            Operation::Set { key, expires_at, .. } => match self.newest(hash, key) {
                Some(newest) if newest.sequence > sequence => Verdict::Dead,
                // An operation that was not applied: keep it.
                Some(newest) if newest.sequence < sequence => Verdict::Live,
                Some(newest) if self.is_covered(&newest) => Verdict::Dead,
                Some(newest) if newest.is_expired(now_ms) => Verdict::Tombstone,
                Some(_) => Verdict::Live,
                // A sweep may have removed it, and an older one of its key must not come back.
                None if expires_at.is_some_and(|expires_at| now_ms >= expires_at) => Verdict::Tombstone,
                None => Verdict::Dead,
            },
            Operation::Delete { key } => match self.newest(hash, key) {
                Some(newest) if newest.sequence > sequence => Verdict::Dead,
                _ => Verdict::Tombstone,
            },
            Operation::DeleteRange { .. } => Verdict::Tombstone,
        }
    }

    /// How many writes have been undone. Verdicts from before the last one may be wrong: whoever acts on them later
    /// looks whether this is still the same, and judges again where it is not.
    #[must_use]
    pub fn undone_writes(&self) -> u64 {
        self.undone_writes
    }
}

//! Every operation that was written and not undone, as a log would keep it, and a compaction of it.

use std::collections::BTreeMap;
use std::ops::Range;

use hit_core::{KeyRange, Operation};

use crate::{Table, Verdict, span_bytes};

#[derive(Clone, Debug)]
pub(super) enum Owned {
    Set { key: Vec<u8>, value: Vec<u8>, expires_at: Option<u64> },
    Delete { key: Vec<u8> },
    DeleteRange { start: Vec<u8>, end: Option<Vec<u8>> },
}

impl Owned {
    pub(super) fn borrow(&self) -> Operation<'_> {
        match self {
            Self::Set { key, value, expires_at } => Operation::Set { key, value, expires_at: *expires_at },
            Self::Delete { key } => Operation::Delete { key },
            Self::DeleteRange { start, end } => {
                Operation::DeleteRange { range: KeyRange { start, end: end.as_deref() } }
            }
        }
    }

    fn hides(&self, key: &[u8]) -> bool {
        match self.borrow() {
            Operation::Set { key: own, .. } | Operation::Delete { key: own } => own == key,
            Operation::DeleteRange { range } => range.contains(key),
        }
    }

    fn has_expired(&self, now_ms: u64) -> bool {
        matches!(self, Self::Set { expires_at: Some(at), .. } if now_ms >= *at)
    }
}

#[derive(Clone, Default)]
pub(super) struct History(pub(super) BTreeMap<u64, Owned>);

impl History {
    pub(super) fn operations(&self) -> impl Iterator<Item = (u64, Operation<'_>)> + Clone {
        self.0.iter().map(|(&sequence, operation)| (sequence, operation.borrow()))
    }

    /// All bytes and those of tombstones.
    pub(super) fn bytes(&self, sequences: Range<u64>) -> (u64, u64) {
        let operations = || self.0.range(sequences.clone()).map(|(_, operation)| operation.borrow());
        let is_tombstone = |operation: &Operation<'_>| !matches!(operation, Operation::Set { .. });
        (
            operations().map(|operation| span_bytes(&operation)).sum(),
            operations().filter(is_tombstone).map(|operation| span_bytes(&operation)).sum(),
        )
    }

    /// What a table may say about an operation; of two, the second only until it has swept.
    fn expected(&self, sequence: u64, operation: &Owned, now_ms: u64) -> [Verdict; 2] {
        let newer = |key: &[u8]| {
            let mut later = self.0.range(sequence + 1..).map(|(_, later)| later);
            later.rfind(|later| later.hides(key))
        };
        match operation {
            Owned::Set { key, .. } => match (newer(key), operation.has_expired(now_ms)) {
                (Some(_), false) => [Verdict::Dead; 2],
                (Some(_), true) => [Verdict::Tombstone, Verdict::Dead],
                (None, true) => [Verdict::Tombstone; 2],
                (None, false) => [Verdict::Live; 2],
            },
            Owned::Delete { key } => match newer(key) {
                Some(newer @ Owned::Set { .. }) if newer.has_expired(now_ms) => {
                    [Verdict::Tombstone, Verdict::Dead]
                }
                Some(Owned::Set { .. }) => [Verdict::Dead; 2],
                // What it deletes may be there until it is swept: covered by a range, or expired and compacted.
                Some(Owned::Delete { .. } | Owned::DeleteRange { .. }) => [Verdict::Tombstone, Verdict::Dead],
                None => [Verdict::Tombstone; 2],
            },
            Owned::DeleteRange { .. } => [Verdict::Tombstone; 2],
        }
    }

    pub(super) fn check_verdicts(&self, table: &Table, now_ms: u64) {
        let mut operations = self.0.iter();
        table.judge(self.operations(), now_ms, |verdict| {
            let (&sequence, operation) = operations.next().expect("a verdict for each operation");
            let expected = self.expected(sequence, operation, now_ms);
            assert!(
                expected.contains(&verdict),
                "{sequence} {operation:?} is {verdict:?} and not {expected:?}"
            );
        });
        assert!(operations.next().is_none(), "an operation was not judged");
    }

    /// Drops what is dead, and tombstones with nothing below them.
    pub(super) fn compact(&mut self, sequences: Range<u64>, table: &Table, now_ms: u64) {
        let is_oldest = self.0.range(..sequences.start).next().is_none();
        let operations = self.0.range(sequences).map(|(&sequence, operation)| (sequence, operation.clone()));
        let operations: Vec<_> = operations.collect();
        let borrowed = operations.iter().map(|(sequence, operation)| (*sequence, operation.borrow()));
        let mut verdicts = Vec::new();
        table.judge(borrowed, now_ms, |verdict| verdicts.push(verdict));
        for ((sequence, operation), verdict) in operations.iter().zip(verdicts) {
            match (verdict, operation) {
                (Verdict::Live, _) => {}
                (Verdict::Tombstone, _) if !is_oldest => {
                    if let Owned::Set { key, .. } = operation {
                        self.0.insert(*sequence, Owned::Delete { key: key.clone() });
                    }
                }
                (Verdict::Dead | Verdict::Tombstone, _) => {
                    self.0.remove(sequence);
                }
            }
        }
    }
}

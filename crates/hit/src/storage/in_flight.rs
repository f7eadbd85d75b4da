//! What is known of writes in flight besides the table's own records.
//!
//! The table holds a delete in flight as an entry that has expired long ago: it hides what the storage has. A range delete
//! takes what it covers out of the table, so whatever the table has of its range was written behind it; what the table does not
//! have is hidden by the range, as long as it is in flight.

use std::collections::VecDeque;

use hit_core::{KeyRange, Operation};
use hit_table::Value;

use super::lanes::hash;
use crate::read::Entry;
use crate::shared::Applied;

/// When a key was deleted, for the table. Nothing expires at 0, the time by which the table is asked.
const LONG_AGO_MS: u64 = 1;

/// How many marks of last writes are kept; keys that share one are only read once more than needed.
const MARKS: usize = 4096;

/// What the writes in flight say of a key.
pub(crate) enum Seen<'a> {
    /// Its newest entry.
    Here(Entry<'a>),
    /// It is not there.
    Absent,
    /// Nothing: the storage knows.
    Below,
}

/// Range deletes in flight, and when keys were last written.
#[derive(Default)]
pub(crate) struct InFlight {
    /// In the order accepted, which is that in which they land.
    ranges: VecDeque<RangeInFlight>,
    /// The sequence number behind the last write, by a part of the key's hash; empty without a storage.
    marks: Vec<u64>,
    /// The same of the last range delete.
    range_mark: u64,
}

/// A range delete that the storage does not have yet.
#[derive(Clone)]
pub(crate) struct RangeInFlight {
    next_sequence: u64,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

impl RangeInFlight {
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        KeyRange { start: &self.start, end: self.end.as_deref() }.contains(key)
    }
}

impl InFlight {
    /// Of a store that has nothing in flight.
    pub(crate) fn new() -> Self {
        Self { marks: vec![0; MARKS], ..Self::default() }
    }

    /// The range deletes.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = &RangeInFlight> {
        self.ranges.iter()
    }

    fn covers(&self, key: &[u8]) -> bool {
        self.ranges.iter().any(|range| range.contains(key))
    }

    /// Whether a key may have been written at or behind `sequence`.
    pub(crate) fn is_written_since(&self, key: &[u8], sequence: u64) -> bool {
        self.range_mark > sequence || self.mark(key).is_none_or(|&mark| mark > sequence)
    }

    fn mark(&self, key: &[u8]) -> Option<&u64> {
        self.marks.get(hash(key) as usize % MARKS)
    }

    fn note(&mut self, operation: &Operation<'_>, next_sequence: u64) {
        match operation {
            Operation::Set { key, .. } | Operation::Delete { key } => {
                if let Some(mark) = self.marks.get_mut(hash(key) as usize % MARKS) {
                    *mark = next_sequence;
                }
            }
            Operation::DeleteRange { range } => {
                self.range_mark = next_sequence;
                let (start, end) = (range.start.to_vec(), range.end.map(<[u8]>::to_vec));
                self.ranges.push_back(RangeInFlight { next_sequence, start, end });
            }
        }
    }
}

impl Applied {
    /// What the writes in flight say of a key at a moment.
    pub(crate) fn see(&self, key: &[u8], now_ms: u64) -> Seen<'_> {
        let Some(entry) = self.table.get(key, 0) else {
            return if self.in_flight.covers(key) { Seen::Absent } else { Seen::Below };
        };
        let expires_at = entry.expires_at;
        match entry.value {
            Value::Memory(value) if expires_at.is_none_or(|at| at > now_ms) => {
                Seen::Here(Entry { value, expires_at })
            }
            _ => Seen::Absent,
        }
    }

    /// Whether nothing is in flight.
    pub(crate) fn is_settled(&self) -> bool {
        self.table.is_empty() && self.in_flight.ranges.is_empty()
    }

    /// Puts operations in flight and returns the sequence number of the first.
    pub(crate) fn put_in_flight<'a>(
        &mut self,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
    ) -> u64 {
        let first_sequence = self.next_sequence;
        self.next_sequence += operations.len() as u64;
        for operation in operations.clone() {
            self.in_flight.note(&operation, self.next_sequence);
        }
        let undo = self.table.apply(first_sequence, operations.map(as_entry));
        // Nothing is taken back: what fails is taken out, and then the storage has what counts.
        self.table.settle(undo);
        first_sequence
    }

    /// The storage has moved on by itself: what was read before says nothing any more.
    pub(crate) fn note_moved(&mut self) {
        self.next_sequence += 1;
        self.in_flight.range_mark = self.next_sequence;
    }

    /// Takes out what the storage has, or has refused: of these keys, and of range deletes, all that was accepted before
    /// `next_sequence`.
    pub(crate) fn land<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]> + Clone, next_sequence: u64) {
        self.table.forget(keys, next_sequence);
    }

    /// The same of a range delete.
    pub(crate) fn land_ranges(&mut self, next_sequence: u64) {
        let ranges = &mut self.in_flight.ranges;
        while ranges.front().is_some_and(|range| range.next_sequence <= next_sequence) {
            ranges.pop_front();
        }
    }
}

/// An operation as the table holds it.
fn as_entry(operation: Operation<'_>) -> Operation<'_> {
    match operation {
        Operation::Delete { key } => Operation::Set { key, value: &[], expires_at: Some(LONG_AGO_MS) },
        Operation::Set { key, value, expires_at: Some(expires_at) } => {
            Operation::Set { key, value, expires_at: Some(expires_at.max(LONG_AGO_MS)) }
        }
        other => other,
    }
}

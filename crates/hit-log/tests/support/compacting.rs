//! Entries as a log's operations make them, and a judge that knows what of them is needed.

use std::collections::BTreeMap;

use hit_core::{Error, ErrorCode, KeyRange, Operation, Result};
use hit_log::{Decision, FrameOperations, Judge, Log, ValuePlace};

use super::{Open, Written};

/// Key → the sequence number and value of its newest set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newest(pub BTreeMap<Vec<u8>, (u64, Vec<u8>)>);

impl Newest {
    pub fn apply(&mut self, sequence: u64, operation: &Written) {
        match operation {
            Written::Set(key, value, _) => drop(self.0.insert(key.clone(), (sequence, value.clone()))),
            Written::Delete(key) => drop(self.0.remove(key)),
            Written::DeleteRange(start, end) => {
                let range = KeyRange { start, end: end.as_deref() };
                self.0.retain(|key, _| !range.contains(key));
            }
        }
    }

    pub fn of(open: &Open) -> Self {
        let mut newest = Self::default();
        for (&sequence, operation) in open.recorded.sequences.iter().zip(&open.recorded.operations) {
            newest.apply(sequence, operation);
        }
        newest
    }
}

/// Keeps what is newest, and what hides something older unless everything older was looked at.
pub struct Keeper<'a> {
    pub newest: &'a Newest,
    pub droppable_below: u64,
    pub moved: Vec<(u64, Vec<u8>, ValuePlace)>,
    pub fails: bool,
}

impl<'a> Keeper<'a> {
    pub fn new(newest: &'a Newest, droppable_below: u64) -> Self {
        Self { newest, droppable_below, moved: Vec::new(), fails: false }
    }
}

impl Judge for Keeper<'_> {
    fn judge(&mut self, operations: FrameOperations<'_>, decisions: &mut Vec<Decision>) -> Result<()> {
        decisions.extend(operations.map(|(sequence, operation)| {
            let newest = |key: &[u8]| self.newest.0.get(key).map_or(0, |(sequence, _)| *sequence);
            let is_needed = match operation {
                Operation::Set { key, .. } => newest(key) == sequence,
                Operation::Delete { key } => newest(key) < sequence && sequence >= self.droppable_below,
                Operation::DeleteRange { .. } => sequence >= self.droppable_below,
            };
            if is_needed { Decision::Keep } else { Decision::Drop }
        }));
        Ok(())
    }

    fn moved(&mut self, sequence: u64, key: &[u8], _length: u32, place: ValuePlace) {
        self.moved.push((sequence, key.to_vec(), place));
    }

    fn pace(&mut self, read: u64, _written: u64) -> Result<()> {
        assert!(read > 0);
        match self.fails {
            true => Err(Error::new(ErrorCode::Aborted, "enough")),
            false => Ok(()),
        }
    }
}

/// Below this sequence number nothing before `position` hides anything.
pub fn droppable_below(log: &Log, position: usize) -> u64 {
    log.files().iter().take(position).map(|file| file.judged_to).min().unwrap_or(u64::MAX)
}

/// Compacts a stretch and removes what was replaced.
pub fn compact(open: &mut Open, newest: &Newest, position: usize, count: usize) {
    open.log.sync().unwrap();
    let judged_to = open.log.next_sequence();
    let droppable = droppable_below(&open.log, position);
    let stretch = open.log.stretch(position, count).unwrap();
    let run = stretch.compact(judged_to, &mut Keeper::new(newest, droppable)).unwrap();
    open.log.install(&run).unwrap();
    for id in run.replaces() {
        open.log.remover().remove(id).unwrap();
    }
}

//! Values that stay on disk. Values of 256 bytes and more beyond `maxMemoryBytes` are given up by the table, which remembers
//! where they lie, and are read from there, never under the apply lock.
//!
//! A value is in memory until its group is written; then its place waits in `waiting` for the day the budget is
//! exceeded, oldest first. Compaction moves values: it corrects the places that wait, then those in the table, and keeps
//! the replaced files open in `files` until no snapshot is left that sees values in them.

mod files;
mod waiting;

use std::collections::HashMap;

use hit_core::limits::LARGE_VALUE_BYTES;
use hit_core::{Operation, Result};
use hit_log::{FileId, Folder, Frame, Log, ReplayedFrame, ValuePlace};
use hit_table::{StoredValue, Table};
use parking_lot::Mutex;

use crate::shared::Shared;

use self::files::OpenFiles;
use self::waiting::{Place, Waiting};

/// Values that are given up, or moved, under one hold of the apply lock.
const CHUNK: usize = 64;

/// The values of a store with a budget of memory.
pub(crate) struct Values {
    budget_bytes: u64,
    files: OpenFiles,
    /// Whoever holds it waits for no other lock.
    waiting: Mutex<Waiting>,
}

/// Values that a compaction has written anew.
#[derive(Default)]
pub(crate) struct MovedValues(Vec<Place>);

impl MovedValues {
    pub(crate) fn push(&mut self, sequence: u64, key: &[u8], length: u32, place: ValuePlace) {
        self.0.push(Place { key: key.into(), sequence, at: stored(place, length) });
    }
}

fn stored(place: ValuePlace, length: u32) -> StoredValue {
    StoredValue { file: place.file.to_u64(), offset: place.offset, length }
}

impl Values {
    pub(crate) fn new(budget_bytes: u64, folder: Folder) -> Self {
        Self { budget_bytes, files: OpenFiles::new(folder), waiting: Mutex::default() }
    }

    /// The most bytes of large values, and of what is kept to find them on disk, that stay in memory.
    pub(crate) fn budget_bytes(&self) -> u64 {
        self.budget_bytes
    }

    /// Reads a value; `None` where its file is gone, because a compaction has moved the value.
    pub(crate) fn read(&self, key: &[u8], at: StoredValue) -> Result<Option<Vec<u8>>> {
        match self.files.get(at.file)? {
            Some(file) => file.read(key, at.offset, at.length).map(Some),
            None => Ok(None),
        }
    }

    /// Frames were appended. Called under the log's lock: nothing is compacted before the places are known.
    pub(crate) fn note_written(&self, log: &Log, frames: &[Frame]) {
        let Some((file, end)) = log.active() else { return };
        let bytes: u64 =
            frames.iter().filter(|frame| !frame.is_empty()).map(|frame| frame.byte_len() as u64).sum();
        let operations: u64 = frames.iter().map(|frame| u64::from(frame.len())).sum();
        let (mut offset, mut sequence) = (end - bytes, log.next_sequence() - operations);
        let mut waiting = self.waiting.lock();
        for frame in frames.iter().filter(|frame| !frame.is_empty()) {
            for (position, key, within, length) in frame.large_values() {
                let place = ValuePlace { file, offset: offset + within };
                waiting.push(Place {
                    key: key.into(),
                    sequence: sequence + position,
                    at: stored(place, length),
                });
            }
            offset += frame.byte_len() as u64;
            sequence += u64::from(frame.len());
        }
    }

    /// Has the table give values up while there are too many in memory.
    pub(crate) fn keep_budget(&self, shared: &Shared) {
        while !self.waiting.lock().is_empty() {
            let is_over = self.is_over(&shared.applied.read().table, &self.waiting.lock());
            if !is_over {
                return;
            }
            let mut applied = shared.applied.write();
            shared.settle(&mut applied.table);
            if !self.give_up(&mut applied.table, CHUNK) {
                return;
            }
        }
    }

    /// Gives up to `most` values up; false when there are not too many any more, or none whose place is known.
    fn give_up(&self, table: &mut Table, most: usize) -> bool {
        let mut waiting = self.waiting.lock();
        for _ in 0..most {
            if !self.is_over(table, &waiting) {
                return false;
            }
            let Some(Place { key, sequence, at }) = waiting.pop() else { return false };
            // Where it is not the newest any more there is nothing to give up.
            table.store_value(&key, sequence, at);
        }
        true
    }

    fn is_over(&self, table: &Table, waiting: &Waiting) -> bool {
        table.large_value_bytes() + waiting.bytes() > self.budget_bytes
    }

    /// Fills a table that is being opened; values beyond the budget stay where they lie.
    pub(crate) fn replay(&self, table: &mut Table, frame: &ReplayedFrame<'_>) {
        let mut waiting = self.waiting.lock();
        let mut rest = frame.operations();
        let mut small = 0;
        for (sequence, operation) in frame.operations() {
            let (key, value, expires_at) = match operation {
                Operation::Set { key, value, expires_at } if value.len() >= LARGE_VALUE_BYTES => {
                    (key, value, expires_at)
                }
                _ => {
                    small += 1;
                    continue;
                }
            };
            table.replay(rest.clone().take(small));
            let this = rest.nth(small);
            small = 0;
            let at = stored(frame.place_of(value), value.len() as u32);
            let place = Place { key: key.into(), sequence, at };
            let needed = table.large_value_bytes() + waiting.bytes() + value.len() as u64 + place.bytes();
            // What is copied to another file gets its place there.
            if frame.will_be_copied() {
                table.replay(this.into_iter());
            } else if needed > self.budget_bytes {
                table.replay_stored(sequence, key, at, expires_at);
            } else {
                table.replay(this.into_iter());
                waiting.push(place);
            }
        }
        table.replay(rest.take(small));
    }

    /// A frame that was replayed lies elsewhere now.
    pub(crate) fn note_copied(&self, table: &mut Table, frame: &ReplayedFrame<'_>) {
        for (sequence, operation) in frame.operations() {
            if let Operation::Set { key, value, .. } = operation
                && value.len() >= LARGE_VALUE_BYTES
            {
                let at = stored(frame.place_of(value), value.len() as u32);
                self.waiting.lock().push(Place { key: key.into(), sequence, at });
            }
        }
        while self.give_up(table, CHUNK) {}
    }

    /// A compaction has replaced files, and these values of theirs lie elsewhere now. Returns the mark at which nobody sees
    /// them in the replaced files any more, if somebody does now.
    pub(crate) fn note_moved(
        &self,
        shared: &Shared,
        replaced: impl Iterator<Item = FileId>,
        moved: &MovedValues,
    ) -> Option<u64> {
        let files: Vec<u64> = replaced.map(FileId::to_u64).collect();
        let places: HashMap<u64, StoredValue> =
            moved.0.iter().map(|place| (place.sequence, place.at)).collect();
        // First those that wait: from here on no value is given up to a replaced file.
        self.waiting.lock().correct(&files, &places);
        for places in moved.0.chunks(CHUNK) {
            let mut applied = shared.applied.write();
            for Place { key, sequence, at } in places {
                applied.table.move_value(key, *sequence, *at);
            }
        }
        let applied = shared.applied.read();
        let mark = applied.table.pin_mark();
        (!applied.table.is_past(mark)).then_some(mark)
    }

    /// Keeps a file that is about to lose its name until its mark is past; false where that fails.
    pub(crate) fn keep_open(&self, file: FileId, mark: u64) -> bool {
        self.files.keep_open(file.to_u64(), mark).is_ok()
    }

    /// Closes replaced files in which nobody sees values any more; true while there are others.
    pub(crate) fn release(&self, table: &Table) -> bool {
        self.files.release(|mark| table.is_past(mark))
    }

    /// What the files take that are kept though compaction has replaced them.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.files.kept_bytes()
    }

    /// A replaced file has lost its name.
    pub(crate) fn forget(&self, file: FileId) {
        self.files.forget(file.to_u64());
    }

    /// Closes all files.
    pub(crate) fn close(&self) {
        self.files.close();
        *self.waiting.lock() = Waiting::default();
    }
}

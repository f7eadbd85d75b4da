use std::collections::VecDeque;
use std::ops::Range;

use crate::location::Location;
use crate::range_delete::Cleared;
use crate::table::Table;
use crate::tally::Written;

/// How to take a write back that is applied but not durable yet: hand it to [`Table::settle`] when it is, or to
/// [`Table::undo`] when it never will be. Dropping it keeps the memory of what was replaced for good.
#[must_use = "settle it when the write is durable, or undo it"]
pub struct Undo {
    birth: u64,
    /// The table's last sequence number before the write, and its own.
    sequence_before: u64,
    sequences: Range<u64>,
    /// What each operation replaced, or, marked, what it put where nothing was.
    replaced: Vec<Location>,
    pub(crate) written: Written,
    /// Sequence numbers of the range tombstones added.
    pub(crate) tombstones: Vec<u64>,
    /// Clears of everything, each with the number of replaced ones before it.
    pub(crate) cleared: Vec<(usize, Cleared)>,
}

impl Undo {
    pub(crate) fn new(birth: u64, sequence_before: u64, sequences: Range<u64>) -> Self {
        let operations = (sequences.end - sequences.start) as usize;
        Self {
            birth,
            sequence_before,
            sequences,
            written: Written::default(),
            replaced: Vec::with_capacity(operations),
            tombstones: Vec::new(),
            cleared: Vec::new(),
        }
    }

    pub(crate) fn note_replaced(&mut self, old: Location) {
        self.replaced.push(old);
    }

    pub(crate) fn note_inserted(&mut self, new: Location) {
        self.replaced.push(new.marked());
    }

    pub(crate) fn note_cleared(&mut self, cleared: Cleared) {
        self.cleared.push((self.replaced.len(), cleared));
    }
}

/// The births of unsettled undos.
#[derive(Default)]
pub(crate) struct UndoPins(VecDeque<(u64, usize)>);

impl UndoPins {
    /// Births never go back.
    pub(crate) fn pin(&mut self, birth: u64) -> u64 {
        match self.0.back_mut() {
            Some((last, count)) if *last == birth => *count += 1,
            _ => self.0.push_back((birth, 1)),
        }
        birth
    }

    fn unpin(&mut self, birth: u64) {
        if let Some((_, count)) = self.0.iter_mut().find(|(there, _)| *there == birth) {
            *count -= 1;
        }
        while self.0.front().is_some_and(|&(_, count)| count == 0) {
            self.0.pop_front();
        }
    }

    pub(crate) fn oldest(&self) -> Option<u64> {
        self.0.front().map(|&(birth, _)| birth)
    }
}

impl Table {
    /// A write has become durable, so what it replaced is dead. Writes are settled in the order they were applied.
    pub fn settle(&mut self, undo: Undo) {
        for &old in undo.replaced.iter().filter(|location| !location.is_marked()) {
            self.arena.kill(old);
        }
        for active in &mut self.tombstones {
            active.settled |= undo.tombstones.contains(&active.tombstone.sequence);
        }
        for (_, cleared) in undo.cleared {
            self.arena.kill_older_than(cleared.before);
            self.cleared.push(cleared.index);
        }
        self.settled_sequence = self.settled_sequence.max(undo.sequences.end.saturating_sub(1));
        self.unpin(undo.birth, undo.replaced.len());
    }

    /// A write will never be durable: puts everything back as it was before it. Writes are undone in the reverse of the
    /// order they were applied, and none that is older than a settled one.
    ///
    /// A snapshot taken in between still sees the write.
    pub fn undo(&mut self, mut undo: Undo) {
        // The view has the write, and walks may have passed what comes back.
        self.view = None;
        self.sweep.restart();
        if let Some(walk) = self.evacuation.take() {
            self.arena.requeue(walk.chunk);
        }
        let sequences = std::mem::take(&mut undo.tombstones);
        self.tombstones.retain(|active| !sequences.contains(&active.tombstone.sequence));
        self.signs.begin();
        loop {
            let clears_from = undo.cleared.last().map_or(0, |&(position, _)| position);
            while undo.replaced.len() > clears_from {
                if let Some(location) = undo.replaced.pop() {
                    self.undo_one(location);
                }
            }
            let Some((_, cleared)) = undo.cleared.pop() else { break };
            self.undo_clear(cleared, &sequences);
        }
        self.note_hiding();
        self.signs.end();
        // Its numbers are given again.
        self.last_sequence = undo.sequence_before;
        self.tally.unwrite(undo.sequences.start, undo.written);
        self.undone_writes += 1;
        self.place_again();
        self.unpin(undo.birth, 0);
    }

    fn unpin(&mut self, birth: u64, operations: usize) {
        self.undos.unpin(birth);
        let is_settled = self.undos.oldest().is_none();
        self.swept.retain(|swept| !is_settled && swept.last_sequence > self.settled_sequence);
        self.forget_unplaced();
        self.keep_house(operations);
    }

    fn undo_one(&mut self, location: Location) {
        let key = self.arena.key(location);
        let hash = self.hasher.hash(key);
        let replaced = location.unmarked();
        let record = self.arena.record(replaced).filter(|_| !location.is_marked());
        let is_gone = |record| {
            let is_swept = self.swept.iter().any(|swept| swept.tombstone.covers(record));
            is_swept || self.is_gone(record) || !self.arena.can_restore(replaced)
        };
        let restored = record.as_ref().filter(|record| !is_gone(record));
        if let Some(record) = restored {
            self.tally.add(&record.into());
        }
        let is_it = |there| self.arena.key(there) == key;
        let written = if restored.is_some() {
            // A sweep may have removed what the operation wrote, so the key need not be there.
            self.index.put(hash, replaced, is_it)
        } else {
            self.index.remove(hash, is_it)
        };
        let (was_replaced, is_restored) = (record.is_some(), restored.is_some());
        if let Some(written) = written {
            self.stop_counting(written);
            self.arena.kill(written);
        }
        if is_restored {
            self.arena.restore(replaced);
        } else if was_replaced {
            self.arena.kill(replaced);
        }
    }

    fn undo_clear(&mut self, cleared: Cleared, gone: &[u64]) {
        self.tombstones = cleared.tombstones;
        self.tombstones.retain(|active| !gone.contains(&active.tombstone.sequence));
        // Nobody could tell them while they were put aside.
        for active in &mut self.tombstones {
            active.settled |= active.tombstone.sequence <= self.settled_sequence;
        }
        // Before the index has it again what they hide.
        self.note_hiding();
        self.tally.bring_back(&cleared.counted);
        let emptied = self.index.exchange(cleared.index);
        self.cleared.push(emptied);
        self.arena.restore_older_than(cleared.before);
    }
}

use hit_core::Operation;

use crate::ahead::Ahead;
use crate::arena::Arena;
use crate::location::Location;
use crate::record::Record;
use crate::table::Table;
use crate::tally::{Counted, Written};
use crate::undo::Undo;
use crate::value::Value;

impl Table {
    /// Applies operations; without an undo, what they replace is dead at once.
    pub(crate) fn write<'a>(
        &mut self,
        mut operations: impl Iterator<Item = (u64, Operation<'a>)> + Clone,
        mut undo: Option<&mut Undo>,
    ) {
        // Reading an operation twice is cheaper than keeping it.
        let mut ahead =
            Ahead::new(operations.clone().map(|(_, operation)| operation.key().unwrap_or_default()));
        let mut count = 0;
        self.signs.begin();
        while let Some(group) = self.next_group(&mut ahead) {
            for (&hash, (sequence, operation)) in group.hashes().iter().zip(&mut operations) {
                self.write_one(hash, sequence, &operation, undo.as_deref_mut());
                count += 1;
            }
        }
        self.signs.end();
        self.keep_house(count);
    }

    #[inline]
    fn write_one(
        &mut self,
        hash: u64,
        sequence: u64,
        operation: &Operation<'_>,
        mut undo: Option<&mut Undo>,
    ) {
        if !self.tally.spans.is_empty() {
            let written = Written::from(operation);
            self.tally.write(sequence, written);
            if let Some(undo) = &mut undo {
                undo.written += written;
            }
        }
        match *operation {
            Operation::Set { key, value, expires_at } => {
                let value = Value::Memory(value);
                self.set(hash, &Record { sequence, expires_at, key, value }, undo);
            }
            Operation::Delete { key } => self.delete(hash, key, undo),
            Operation::DeleteRange { range } => self.delete_range(sequence, range, undo),
        }
        self.last_sequence = self.last_sequence.max(sequence);
    }

    /// Applies a `Set` that is durable, with a value that is on disk.
    pub(crate) fn write_stored(&mut self, record: &Record<'_>) {
        let hash = self.hasher.hash(record.key);
        self.tally.write(record.sequence, Written::set(record));
        self.set(hash, record, None);
        self.last_sequence = self.last_sequence.max(record.sequence);
    }

    #[inline]
    fn set(&mut self, hash: u64, record: &Record<'_>, undo: Option<&mut Undo>) {
        let location = self.arena.append(record);
        self.tally.enter(&Counted::from(record));
        let mut counted = Counted::default();
        let old = self.index.put(hash, location, |old| is_of(&self.arena, old, record.key, &mut counted));
        match old {
            Some(old) => {
                self.tally.remove(&counted);
                self.supersede(old, undo);
            }
            None => {
                if let Some(undo) = undo {
                    undo.note_inserted(location);
                }
            }
        }
        if let Some(view) = &mut self.view {
            view.note(location);
        }
    }

    fn delete(&mut self, hash: u64, key: &[u8], undo: Option<&mut Undo>) {
        let mut counted = Counted::default();
        if let Some(old) = self.index.remove(hash, |old| is_of(&self.arena, old, key, &mut counted)) {
            self.tally.remove(&counted);
            self.supersede(old, undo);
            self.note_deleted(old);
        }
    }

    /// A record is no longer the newest of its key.
    #[inline]
    pub(crate) fn supersede(&mut self, old: Location, undo: Option<&mut Undo>) {
        match undo {
            Some(undo) => undo.note_replaced(old),
            None => self.arena.kill(old),
        }
    }

    /// A record has left the index.
    #[inline]
    pub(crate) fn stop_counting(&mut self, old: Location) {
        if self.tally.is_idle() {
            return;
        }
        if let Some(record) = self.arena.record(old) {
            self.tally.remove(&Counted::from(&record));
        }
    }

    /// Tells the view of a deletion.
    pub(crate) fn note_deleted(&mut self, old: Location) {
        if let Some(view) = &mut self.view {
            view.note(old.marked());
        }
    }
}

/// Whether a record is that of a key, and what then counts of it: it is read once for both.
#[inline]
fn is_of(arena: &Arena, location: Location, key: &[u8], counted: &mut Counted) -> bool {
    let Some(record) = arena.record(location).filter(|record| record.key == key) else { return false };
    *counted = Counted::from(&record);
    true
}

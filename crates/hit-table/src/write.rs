use hit_core::Operation;

use crate::location::Location;
use crate::read::GROUP;
use crate::record::Record;
use crate::table::Table;
use crate::undo::Undo;

impl Table {
    /// Applies operations; without an undo, what they replace is dead at once.
    pub(crate) fn write<'a>(
        &mut self,
        mut operations: impl Iterator<Item = (u64, Operation<'a>)>,
        mut undo: Option<&mut Undo>,
    ) {
        let mut group = [(0, 0, Operation::Delete { key: &[] }); GROUP];
        let mut count = 0;
        loop {
            let mut taken = 0;
            for (slot, (sequence, operation)) in group.iter_mut().zip(&mut operations) {
                *slot = (self.hash_of(&operation), sequence, operation);
                taken += 1;
            }
            let group = group.get(..taken).unwrap_or_default();
            if taken > 1 {
                self.warm(group.iter().map(|&(hash, ..)| hash));
            }
            for &(hash, sequence, operation) in group {
                let mut undo = undo.as_deref_mut();
                let written = undo.as_mut().map(|undo| &mut undo.written);
                self.tally.write(sequence, &operation, written);
                match operation {
                    Operation::Set { key, value, expires_at } => {
                        self.set(hash, &Record { sequence, expires_at, key, value }, undo);
                    }
                    Operation::Delete { key } => self.delete(hash, key, undo),
                    Operation::DeleteRange { range } => self.delete_range(sequence, range, undo),
                }
                self.last_sequence = self.last_sequence.max(sequence);
            }
            count += taken;
            if taken < GROUP {
                break;
            }
        }
        self.keep_house(count);
    }

    pub(crate) fn hash_of(&self, operation: &Operation<'_>) -> u64 {
        match operation {
            Operation::Set { key, .. } | Operation::Delete { key } => self.hasher.hash(key),
            Operation::DeleteRange { .. } => 0,
        }
    }

    #[inline]
    fn set(&mut self, hash: u64, record: &Record<'_>, undo: Option<&mut Undo>) {
        let location = self.arena.append(record);
        self.tally.add(record);
        let old = self.index.put(hash, location, |old| self.arena.key(old) == record.key);
        match old {
            Some(old) => self.supersede(old, undo),
            None => {
                if let Some(undo) = undo {
                    undo.note_inserted(location);
                }
            }
        }
        if let Some(view) = &mut self.view {
            view.fresh.push(location);
        }
    }

    fn delete(&mut self, hash: u64, key: &[u8], undo: Option<&mut Undo>) {
        if let Some(old) = self.index.remove(hash, |old| self.arena.key(old) == key) {
            self.supersede(old, undo);
            self.note_deleted(old);
        }
    }

    /// A record is no longer the newest of its key.
    #[inline]
    pub(crate) fn supersede(&mut self, old: Location, undo: Option<&mut Undo>) {
        self.stop_counting(old);
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
            self.tally.remove(&record);
        }
    }

    /// Tells the view of a deletion.
    pub(crate) fn note_deleted(&mut self, old: Location) {
        if let Some(view) = &mut self.view {
            view.fresh.push(old.marked());
        }
    }
}

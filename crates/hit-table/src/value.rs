//! Values that lie on disk, and what holds on to them.

use hit_core::limits::LARGE_VALUE_BYTES;

use crate::record::Record;
use crate::table::Table;
use crate::tally::Counted;

/// Where a value lies on disk. The table does not know what `file` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoredValue {
    /// The file, by a number of its owner's.
    pub file: u64,
    /// Where in the file the value begins.
    pub offset: u64,
    /// Bytes of the value.
    pub length: u32,
}

/// A value, or where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// In memory.
    Memory(&'a [u8]),
    /// On disk.
    Stored(StoredValue),
}

impl<'a> Value<'a> {
    /// Its bytes, where it is in memory.
    #[inline]
    #[must_use]
    pub fn in_memory(self) -> Option<&'a [u8]> {
        match self {
            Self::Memory(bytes) => Some(bytes),
            Self::Stored(_) => None,
        }
    }

    /// How many bytes it has.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Stored(at) => at.length as usize,
        }
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A place that could not be given to its record, since a write that may be undone has replaced it.
pub(crate) struct Unplaced {
    key: Box<[u8]>,
    sequence: u64,
    at: StoredValue,
    only_stored: bool,
    /// The last operation then: once it is settled the record cannot come back.
    last_sequence: u64,
}

impl Table {
    /// The value of `key`'s newest record, if that is the one of `sequence`, lies on disk from now on, or moves to
    /// another place there. False where it is not that one any more, or has fewer than
    /// [`LARGE_VALUE_BYTES`] bytes or another length.
    ///
    /// Snapshots go on to see it where it was; see [`Table::pin_mark`] for when that may go. A record that a write has
    /// replaced which is undone later takes the place then.
    pub fn store_value(&mut self, key: &[u8], sequence: u64, at: StoredValue) -> bool {
        self.place_value(key, sequence, at, false)
    }

    /// The same for a value that lies on disk already and has moved there; one that is in memory stays there.
    pub fn move_value(&mut self, key: &[u8], sequence: u64, at: StoredValue) -> bool {
        self.place_value(key, sequence, at, true)
    }

    fn place_value(&mut self, key: &[u8], sequence: u64, at: StoredValue, only_stored: bool) -> bool {
        let hash = self.hasher.hash(key);
        let newest =
            self.locate(hash, key).and_then(|location| Some((location, self.arena.record(location)?)));
        let Some((location, record)) = newest.filter(|(_, record)| record.sequence == sequence) else {
            let is_settled = newest.is_some_and(|(_, record)| record.sequence <= self.settled_sequence);
            if self.undos.oldest().is_some() && !is_settled {
                let last_sequence = self.last_sequence;
                let key = key.into();
                self.unplaced.push_back(Unplaced { key, sequence, at, only_stored, last_sequence });
            }
            return false;
        };
        if record.value.len() < LARGE_VALUE_BYTES || record.value.len() != at.length as usize {
            return false;
        }
        if only_stored && record.value.in_memory().is_some() {
            return false;
        }
        // As in an evacuation: a covered record must not come into the view again, and stays where that is not settled.
        let is_covered = self.is_covered(&record);
        if is_covered && self.is_gone(&record) {
            return false;
        }
        let moved = Record { value: Value::Stored(at), key, ..record };
        self.tally.remove(&Counted::from(&record));
        self.tally.add(&Counted::from(&moved));
        let moved = self.arena.append(&moved);
        self.index.relocate(hash, location, moved);
        if let Some(view) = self.view.as_mut().filter(|_| !is_covered) {
            view.note(moved);
        }
        self.arena.kill(location);
        self.keep_house(1);
        true
    }

    /// Applies a `Set` that is durable already, with a value that stays on disk. Otherwise as [`Table::replay`].
    pub fn replay_stored(&mut self, sequence: u64, key: &[u8], at: StoredValue, expires_at: Option<u64>) {
        self.write_stored(&Record { sequence, expires_at, key, value: Value::Stored(at) });
        self.keep_house(1);
    }

    /// Records that came back take the places that were found for them meanwhile.
    pub(crate) fn place_again(&mut self) {
        for Unplaced { key, sequence, at, only_stored, .. } in std::mem::take(&mut self.unplaced) {
            self.place_value(&key, sequence, at, only_stored);
        }
    }

    /// Forgets the places of records that cannot come back.
    pub(crate) fn forget_unplaced(&mut self) {
        if self.undos.oldest().is_none() {
            self.unplaced.clear();
        }
        let settled = self.settled_sequence;
        while self.unplaced.front().is_some_and(|unplaced| unplaced.last_sequence <= settled) {
            self.unplaced.pop_front();
        }
    }

    /// Bytes of values of [`LARGE_VALUE_BYTES`] and more that are in memory. Only the newest of each key count.
    #[must_use]
    pub fn large_value_bytes(&self) -> u64 {
        self.tally.large_bytes
    }

    /// How many of the newest values are on disk, and their bytes.
    #[must_use]
    pub fn stored_values(&self) -> (u64, u64) {
        (self.tally.stored, self.tally.stored_bytes)
    }

    /// This moment. Once all values of a file have moved, and [`Table::is_past`] says so of a mark taken after that,
    /// nothing in the table refers to the file any more.
    #[must_use]
    pub fn pin_mark(&self) -> u64 {
        self.snapshots.next_id()
    }

    /// Whether no snapshot from before a mark is left.
    #[must_use]
    pub fn is_past(&self, mark: u64) -> bool {
        self.snapshots.are_later(mark)
    }
}

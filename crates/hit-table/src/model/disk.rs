//! Files that hold values, as compactions make them and throw them away.

use std::collections::HashMap;

use super::history::{History, Owned};
use crate::{StoredValue, Table, Value};

/// Values by file and sequence number, which is the offset.
#[derive(Default)]
pub(super) struct Disk {
    values: HashMap<(u64, u64), Vec<u8>>,
    current: u64,
    /// Files whose values have all moved, and since when.
    replaced: Vec<(u64, u64)>,
}

impl Disk {
    fn write(&mut self, sequence: u64, value: &[u8]) -> StoredValue {
        self.values.insert((self.current, sequence), value.to_vec());
        StoredValue { file: self.current, offset: sequence, length: value.len() as u32 }
    }

    /// The bytes of a value, wherever they are.
    pub(super) fn read<'a>(&'a self, value: Value<'a>) -> &'a [u8] {
        match value {
            Value::Memory(bytes) => bytes,
            Value::Stored(at) => {
                let bytes = self.values.get(&(at.file, at.offset)).expect("a value in a file that is there");
                assert_eq!(bytes.len(), at.length as usize);
                bytes
            }
        }
    }

    /// Stores one durable value, if its record is still the newest.
    pub(super) fn store(&mut self, table: &mut Table, sequence: u64, key: &[u8], value: &[u8]) -> bool {
        let at = self.write(sequence, value);
        table.store_value(key, sequence, at)
    }

    /// Copies every durable value to a new file and has the table move what it stores.
    pub(super) fn compact(&mut self, table: &mut Table, durable: &History) {
        let old = self.current;
        self.current += 1;
        for (&sequence, operation) in &durable.0 {
            if let Owned::Set { key, value, .. } = operation
                && self.values.contains_key(&(old, sequence))
            {
                let at = self.write(sequence, value);
                table.move_value(key, sequence, at);
            }
        }
        self.replaced.push((old, table.pin_mark()));
        self.free(table);
    }

    /// Deletes the files that nothing refers to.
    pub(super) fn free(&mut self, table: &Table) {
        let Self { values, replaced, .. } = self;
        replaced.retain(|&(file, mark)| {
            let is_past = table.is_past(mark);
            values.retain(|&(there, _), _| !is_past || there != file);
            !is_past
        });
    }

    /// Whether only the newest file is left.
    pub(super) fn is_compact(&self) -> bool {
        self.replaced.is_empty()
    }
}

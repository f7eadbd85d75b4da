use crate::ahead::Ahead;
use crate::location::Location;
use crate::table::Table;
use crate::tally::Counted;

impl Table {
    /// Forgets keys whose newest operation has a sequence number below `next_sequence`, for a table that holds only what
    /// is not elsewhere yet. Snapshots still see them.
    pub fn forget<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]> + Clone, next_sequence: u64) {
        let (mut ahead, mut keys) = (Ahead::new(keys.clone()), keys);
        let mut count = 0;
        while let Some(group) = self.next_group(&mut ahead) {
            for (&hash, key) in group.hashes().iter().zip(&mut keys) {
                self.forget_one(hash, key, next_sequence);
                count += 1;
            }
        }
        self.keep_house(count);
    }

    fn forget_one(&mut self, hash: u64, key: &[u8], next_sequence: u64) {
        let mut counted = Counted::default();
        let arena = &self.arena;
        let is_landed = |there: Location| {
            let Some(record) = arena.record(there) else { return false };
            let is_it = record.key == key && record.sequence < next_sequence;
            if is_it {
                counted = Counted::from(&record);
            }
            is_it
        };
        if let Some(old) = self.index.remove(hash, is_landed) {
            self.tally.remove(&counted);
            self.arena.kill(old);
            self.note_deleted(old);
        }
    }
}

#[cfg(test)]
mod tests {
    use hit_core::{KeyRange, Operation};

    use super::*;
    use crate::cursor::Cursor;

    fn set<'a>(key: &'a [u8], value: &'a [u8]) -> Operation<'a> {
        Operation::Set { key, value, expires_at: None }
    }

    #[test]
    fn what_was_written_again_is_not_forgotten() {
        let mut table = Table::new();
        let undo = table.apply(1, [set(b"a", b"1"), set(b"b", b"1")].into_iter());
        table.settle(undo);
        let undo = table.apply(3, [set(b"b", b"2")].into_iter());
        table.settle(undo);
        table.forget([&b"a"[..], b"b", b"c"].into_iter(), 3);
        assert!(table.get(b"a", 0).is_none());
        assert_eq!(table.get(b"b", 0).map(|entry| entry.sequence), Some(3));
        assert_eq!((table.len(), table.stats().entries), (1, 1));
    }

    #[test]
    fn a_snapshot_sees_what_is_forgotten_behind_it() {
        let mut table = Table::new();
        let undo = table.apply(1, [set(b"a", b"1")].into_iter());
        table.settle(undo);
        let snapshot = table.snapshot();
        table.forget([&b"a"[..]].into_iter(), 2);
        assert_eq!(snapshot.count(KeyRange::ALL, 0), 1);
        let after = table.snapshot();
        assert_eq!(after.count(KeyRange::ALL, 0), 0);
        drop(Cursor::new(after, KeyRange::ALL, false));
    }
}

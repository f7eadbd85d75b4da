use std::time::Instant;

use crate::table::Table;

/// What a table holds and takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Entries that are not deleted. Expired ones count until a sweep has removed them.
    pub entries: usize,
    /// Entries among them that have an expiry.
    pub expiring_entries: usize,
    /// Everything allocated.
    pub memory_bytes: usize,
    /// Of that, the chunks of the arena.
    pub arena_bytes: usize,
    /// Of those, records that may still be read.
    pub live_bytes: usize,
    /// Of the arena, chunks without a live record that a view, a snapshot or an unsettled write pins.
    pub retired_bytes: usize,
    /// Chunks of the arena.
    pub chunks: usize,
    /// Of everything, the index.
    pub index_bytes: usize,
    /// Of everything, the ordered view. Runs that only a snapshot holds do not count.
    pub view_bytes: usize,
    /// Sorted runs that a scan merges.
    pub runs: usize,
    /// Range deletes that every read consults.
    pub range_tombstones: usize,
    /// Bytes of large values in memory.
    pub large_value_bytes: u64,
    /// Values on disk.
    pub stored_values: u64,
    /// Bytes of the values on disk.
    pub stored_bytes: u64,
    /// Snapshots held.
    pub snapshots: usize,
    /// When the oldest of them was taken.
    pub oldest_snapshot: Option<Instant>,
}

impl Table {
    /// Figures about the table. While range deletes are being swept, the entries are counted one by one.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        let (arena_bytes, view) = (self.arena.memory_bytes(), self.view.as_ref());
        let left_behind: usize = self.cleared.iter().map(|index| index.memory_bytes()).sum();
        let index_bytes = self.index.memory_bytes() + left_behind;
        let view_bytes = view.map_or(0, |view| view.memory_bytes());
        TableStats {
            entries: self.visible_entries(),
            expiring_entries: self.tally.expiring,
            memory_bytes: arena_bytes + index_bytes + view_bytes,
            arena_bytes,
            live_bytes: self.arena.live_bytes(),
            retired_bytes: self.arena.retired_bytes(),
            chunks: self.arena.chunks(),
            index_bytes,
            view_bytes,
            runs: view.map_or(0, |view| view.runs.len()),
            range_tombstones: self.tombstones.len(),
            large_value_bytes: self.tally.large_bytes,
            stored_values: self.tally.stored,
            stored_bytes: self.tally.stored_bytes,
            snapshots: self.snapshots.len(),
            oldest_snapshot: self.oldest_snapshot(),
        }
    }

    /// Whether an entry may expire; while none may, no read has to know the time.
    #[inline]
    #[must_use]
    pub fn can_expire(&self) -> bool {
        self.tally.expiring > 0
    }

    /// The number of entries where it is known without looking at them: nothing expires and no range delete is being
    /// swept.
    #[must_use]
    pub fn exact_len(&self) -> Option<usize> {
        (self.tally.expiring == 0 && self.tombstones.is_empty()).then(|| self.index.len())
    }

    /// When the oldest snapshot still held was taken.
    #[must_use]
    pub fn oldest_snapshot(&self) -> Option<Instant> {
        self.snapshots.oldest()
    }

    fn visible_entries(&self) -> usize {
        if self.tombstones.is_empty() {
            return self.index.len();
        }
        let records = self.index.locations().filter_map(|location| self.arena.record(location));
        records.filter(|record| !self.is_covered(record)).count()
    }
}

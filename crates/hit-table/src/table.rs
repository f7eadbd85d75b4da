use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hit_core::Operation;

use crate::arena::{Arena, Walk};
use crate::bounds::Bounds;
use crate::hasher::KeyHasher;
use crate::index::{Index, IndexAside};
use crate::location::Location;
use crate::lookup::Signs;
use crate::range_delete::{ActiveTombstone, SweptTombstone};
use crate::record::Record;
use crate::snapshot::Registry;
use crate::span::Span;
use crate::sweep::Sweep;
use crate::tally::Tally;
use crate::undo::{Undo, UndoPins};
use crate::value::Unplaced;
use crate::view::View;

/// Key → newest operation, in memory.
///
/// It has no lock of its own: writers take `&mut self`, readers `&self`, so one read-write lock around it is the
/// apply lock of a store. Times are Unix milliseconds and come from the caller.
pub struct Table {
    pub(crate) bounds: Bounds,
    pub(crate) hasher: KeyHasher,
    pub(crate) index: Index,
    pub(crate) arena: Arena,
    pub(crate) tombstones: Vec<ActiveTombstone>,
    pub(crate) signs: Arc<Signs>,
    /// Those that are swept, as long as an undo may bring back what they cover.
    pub(crate) swept: Vec<SweptTombstone>,
    pub(crate) unplaced: VecDeque<Unplaced>,
    pub(crate) view: Option<View>,
    pub(crate) snapshots: Arc<Registry>,
    pub(crate) undos: UndoPins,
    pub(crate) sweep: Sweep,
    /// The evacuation that is under way.
    pub(crate) evacuation: Option<Walk>,
    /// Indexes that a clear of everything has left behind.
    pub(crate) cleared: Vec<IndexAside>,
    pub(crate) tally: Tally,
    pub(crate) last_sequence: u64,
    /// Up to here everything is durable.
    pub(crate) settled_sequence: u64,
    pub(crate) undone_writes: u64,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::with_bounds(Bounds::default())
    }

    /// An empty table with other bounds.
    #[must_use]
    pub fn with_bounds(bounds: Bounds) -> Self {
        Self {
            bounds,
            hasher: KeyHasher::new(bounds.hash_mask),
            index: Index::new(),
            arena: Arena::new(&bounds),
            tombstones: Vec::new(),
            signs: Arc::default(),
            swept: Vec::new(),
            unplaced: VecDeque::new(),
            view: None,
            snapshots: Arc::default(),
            undos: UndoPins::default(),
            sweep: Sweep::default(),
            evacuation: None,
            cleared: Vec::new(),
            tally: Tally::default(),
            last_sequence: 0,
            settled_sequence: 0,
            undone_writes: 0,
        }
    }

    /// Makes room for `entries` more keys at once, where their number is known: growing step by step costs more.
    pub fn reserve(&mut self, entries: usize) {
        self.index.reserve(entries);
    }

    /// How many keys the index holds. Those that have expired or that a range delete covers count until a sweep has
    /// removed them; [`Table::stats`] has the exact number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether the index holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// The sequence number of the last operation, 0 before the first.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// Applies operations as one: operation `i` has the sequence number `first_sequence + i`, the last one on a key
    /// wins, and readers see all of them once this has returned. Sequence numbers ascend from call to call; keys and
    /// values have been checked by [`hit_core::check_key`] and [`hit_core::check_value`].
    ///
    /// What they replace is kept until [`Table::settle`] or [`Table::undo`] is called with the result.
    pub fn apply<'a>(
        &mut self,
        first_sequence: u64,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
    ) -> Undo {
        let sequences = first_sequence..first_sequence + operations.len() as u64;
        let birth = self.undos.pin(self.arena.moment());
        let mut undo = Undo::new(birth, self.last_sequence, sequences.clone());
        self.write(sequences.zip(operations), Some(&mut undo));
        undo
    }

    /// Applies operations that are durable already, as [`Table::apply`] and [`Table::settle`] in one. Their sequence
    /// numbers ascend, and some may be missing.
    pub fn replay<'a>(&mut self, operations: impl Iterator<Item = (u64, Operation<'a>)> + Clone) {
        self.write(operations, None);
    }

    /// Operations from `first_sequence` on count in a span of their own. Nothing happens where one begins there.
    ///
    /// Begin a span before the operation with that number is applied, between two writes; the spans of a replay all
    /// before it. A table without spans counts nothing.
    pub fn begin_span(&mut self, first_sequence: u64) {
        self.tally.spans.begin(first_sequence);
    }

    /// The spans, by sequence number. Undoing a write removes those that begin behind its first operation.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        self.tally.spans.as_slice()
    }

    /// A compaction has rewritten everything from `first` up to below `next`: the spans that begin there become one, with
    /// their live bytes of now and these totals.
    pub fn replace_spans(&mut self, first: u64, next: u64, total_bytes: u64, tombstone_bytes: u64) {
        self.tally.spans.replace(first, next, total_bytes, tombstone_bytes);
    }

    /// The newest location of a key.
    #[inline]
    pub(crate) fn locate(&self, hash: u64, key: &[u8]) -> Option<Location> {
        self.index.find(hash, |location| (self.arena.key(location) == key).then_some(location))
    }

    /// Tells those who read without the table how many range deletes hide what the index has.
    pub(crate) fn note_hiding(&self) {
        self.signs.hiding.store(self.tombstones.len(), Ordering::Release);
    }

    /// Whether an active range delete hides a record.
    #[inline]
    pub(crate) fn is_covered(&self, record: &Record<'_>) -> bool {
        self.tombstones.iter().any(|active| active.tombstone.covers(record))
    }
}

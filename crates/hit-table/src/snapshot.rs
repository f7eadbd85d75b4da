use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::chunks::{Chunks, Records};
use crate::run::Run;
use crate::tombstone::RangeTombstone;

/// What the table knows of who reads its chunks by locations that were taken before. They leave it from any thread when
/// they are dropped.
#[derive(Default)]
pub(crate) struct Registry {
    /// By age.
    open: Mutex<BTreeMap<u64, Open>>,
    next: AtomicU64,
    /// Entries of runs that scans had to step over since the runs were last merged into one.
    pub(crate) skipped: AtomicUsize,
}

struct Open {
    birth: u64,
    /// When a snapshot was taken; none for what only builds a view.
    taken: Option<Instant>,
}

impl Registry {
    /// The birth of the oldest locations that anybody holds. Later ones never hold older ones.
    pub(crate) fn oldest_birth(&self) -> Option<u64> {
        self.open.lock().first_key_value().map(|(_, open)| open.birth)
    }

    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.open.lock().values().find_map(|open| open.taken)
    }

    /// How many snapshots are held.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().values().filter(|open| open.taken.is_some()).count()
    }

    /// What the next snapshot is called.
    pub(crate) fn next_id(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Whether all snapshots that are held have been taken since the next one was called `id`.
    pub(crate) fn are_later(&self, id: u64) -> bool {
        self.open.lock().first_key_value().is_none_or(|(&oldest, _)| oldest >= id)
    }
}

/// Keeps the chunks that were there at its birth from being released.
pub(crate) struct Pin {
    registry: Arc<Registry>,
    memory: Arc<Chunks>,
    id: u64,
}

impl Pin {
    pub(crate) fn new(
        registry: &Arc<Registry>,
        memory: &Arc<Chunks>,
        birth: u64,
        taken: Option<Instant>,
    ) -> Self {
        let mut open = registry.open.lock();
        let id = registry.next.fetch_add(1, Ordering::Relaxed);
        open.insert(id, Open { birth, taken });
        drop(open);
        Self { registry: Arc::clone(registry), memory: Arc::clone(memory), id }
    }

    pub(crate) fn is_of(&self, registry: &Arc<Registry>) -> bool {
        Arc::ptr_eq(&self.registry, registry)
    }

    /// What reads the records of locations that were in the index at its birth or later.
    pub(crate) fn records(&self) -> Records<'_> {
        // SAFETY: no chunk that such a location leads to has been or is released while this is open, and the memory is
        // kept whatever becomes of its owner.
        unsafe { Records::new(&self.memory) }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.registry.open.lock().remove(&self.id);
    }
}

/// What a table held at one moment, for scans, which need the table no more. Cheap to clone and to send; the memory it pins is
/// given back some time after the last clone is dropped.
#[derive(Clone)]
pub struct Snapshot(Arc<Held>);

struct Held {
    pin: Pin,
    sequence: u64,
    contents: Contents,
}

/// What a snapshot sees.
pub(crate) struct Contents {
    /// Oldest first; for one key the newest counts.
    pub(crate) runs: Vec<Arc<Run>>,
    pub(crate) tombstones: Arc<Vec<Arc<RangeTombstone>>>,
    /// How many entries there are, where that was known and none of them can expire.
    pub(crate) entries: Option<usize>,
}

impl Snapshot {
    pub(crate) fn new(pin: Pin, sequence: u64, contents: Contents) -> Self {
        Self(Arc::new(Held { pin, sequence, contents }))
    }

    /// The sequence number of the last operation it sees.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.0.contents
    }

    pub(crate) fn records(&self) -> Records<'_> {
        self.0.pin.records()
    }

    pub(crate) fn is_of(&self, registry: &Arc<Registry>) -> bool {
        self.0.pin.is_of(registry)
    }

    pub(crate) fn note_skipped(&self, entries: usize) {
        if entries > 0 {
            self.0.pin.registry.skipped.fetch_add(entries, Ordering::Relaxed);
        }
    }
}

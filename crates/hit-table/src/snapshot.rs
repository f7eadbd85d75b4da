use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::run::Run;
use crate::tombstone::RangeTombstone;

/// What the table knows of its snapshots. They leave it from any thread when they are dropped.
#[derive(Default)]
pub(crate) struct Registry {
    /// By age.
    open: Mutex<BTreeMap<u64, (u64, Instant)>>,
    next: AtomicU64,
    /// Entries of runs that scans had to step over since the runs were last merged into one.
    pub(crate) skipped: AtomicUsize,
}

impl Registry {
    /// The birth of the oldest runs that a snapshot holds. Later snapshots never hold older ones.
    pub(crate) fn oldest_birth(&self) -> Option<u64> {
        self.open.lock().first_key_value().map(|(_, &(birth, _))| birth)
    }

    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.open.lock().first_key_value().map(|(_, &(_, taken))| taken)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
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

/// What a table held at one moment, for scans. Cheap to clone and to send; the memory it pins is given back some time
/// after the last clone is dropped.
#[derive(Clone)]
pub struct Snapshot(Arc<Held>);

struct Held {
    registry: Arc<Registry>,
    id: u64,
    sequence: u64,
    contents: Contents,
}

/// What a snapshot sees.
pub(crate) struct Contents {
    /// Oldest first; for one key the newest counts.
    pub(crate) runs: Vec<Arc<Run>>,
    pub(crate) tombstones: Arc<Vec<Arc<RangeTombstone>>>,
    /// How many entries there are, where that was known.
    pub(crate) entries: Option<usize>,
    /// Whether any of them can expire.
    pub(crate) can_expire: bool,
}

impl Snapshot {
    pub(crate) fn new(registry: &Arc<Registry>, birth: u64, sequence: u64, contents: Contents) -> Self {
        let mut open = registry.open.lock();
        let id = registry.next.fetch_add(1, Ordering::Relaxed);
        open.insert(id, (birth, Instant::now()));
        drop(open);
        Self(Arc::new(Held { registry: registry.clone(), id, sequence, contents }))
    }

    /// The sequence number of the last operation it sees.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.sequence
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.0.contents
    }

    pub(crate) fn is_of(&self, registry: &Arc<Registry>) -> bool {
        Arc::ptr_eq(&self.0.registry, registry)
    }

    pub(crate) fn note_skipped(&self, entries: usize) {
        if entries > 0 {
            self.0.registry.skipped.fetch_add(entries, Ordering::Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.registry.open.lock().remove(&self.id);
    }
}

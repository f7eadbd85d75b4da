use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Instant;

use hit_core::{Capabilities, Error, Storage};
use hit_log::{Folder, Lock};
use parking_lot::Mutex;

use super::keeper::Keeper;
use super::lanes::Lanes;
use super::read_cache::ReadCache;

/// What a store has whose data lies in a storage.
pub(crate) struct Backing {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) capabilities: Capabilities,
    pub(crate) lanes: Lanes,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) cache: ReadCache,
    /// What was opened read-only moves on, so nothing is kept that is read.
    pub(crate) is_moving: AtomicBool,
    /// Where it lies, of storages on this machine.
    pub(crate) place: Option<Place>,
    /// What every write is answered, where it was opened read-only.
    pub(crate) refusal: Option<Error>,
    /// When the moments were taken that scans hold.
    moments: Mutex<Vec<Weak<Instant>>>,
}

/// Where a storage of this machine lies, and what keeps others out.
pub(crate) struct Place {
    /// Equal for two opens of one store; none where everybody may read.
    pub(crate) identity: Option<(u64, u64)>,
    /// The folder, where it is one of ours.
    pub(crate) folder: Option<Folder>,
    /// The kind of store, and the name of the storage's own files in a folder of ours.
    pub(crate) kind: &'static str,
    pub(crate) lock: Mutex<Option<Lock>>,
    #[cfg(feature = "rocksdb")]
    pub(crate) options: hit_rocksdb::RocksDbOptions,
}

impl Backing {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        lanes: usize,
        place: Option<Place>,
        refusal: Option<Error>,
    ) -> Self {
        let capabilities = storage.capabilities();
        let (lanes, cache) = (Lanes::new(lanes), ReadCache::new(storage.read_cache_bytes()));
        Self {
            storage,
            capabilities,
            lanes,
            keeper: Arc::default(),
            cache,
            is_moving: AtomicBool::new(false),
            place,
            refusal,
            moments: Mutex::default(),
        }
    }

    /// Notes that a moment is held as long as what this returns.
    pub(crate) fn note_moment(&self) -> Arc<Instant> {
        let taken = Arc::new(Instant::now());
        let mut moments = self.moments.lock();
        moments.retain(|moment| moment.strong_count() > 0);
        moments.push(Arc::downgrade(&taken));
        taken
    }

    /// How long the oldest moment has been held.
    pub(crate) fn oldest_snapshot_ms(&self) -> u64 {
        let oldest = self.moments.lock().iter().filter_map(Weak::upgrade).min();
        oldest.map_or(0, |taken| u64::try_from(taken.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

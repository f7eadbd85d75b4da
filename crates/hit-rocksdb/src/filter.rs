//! Drops what has expired while RocksDB compacts.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hit_core::Clock;
use rocksdb::CompactionDecision;
use rocksdb::compaction_filter::CompactionFilter;
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};

use crate::value::Codec;

const NAME: &CStr = c"hitkv.expiry";

/// Makes a filter for each compaction.
pub(crate) struct ExpiryFilters {
    pub(crate) clock: Arc<dyn Clock>,
    /// Set once it is known that the database's format is one whose values can be judged.
    pub(crate) armed: Arc<AtomicBool>,
}

impl CompactionFilterFactory for ExpiryFilters {
    type Filter = ExpiryFilter;

    // RocksDB calls this on several threads at once, so nothing of `self` is changed.
    fn create(&mut self, _context: CompactionFilterContext) -> ExpiryFilter {
        let armed = self.armed.load(Ordering::Acquire);
        ExpiryFilter { now_ms: if armed { self.clock.now_ms() } else { 0 } }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

/// Judges by the time at which its compaction began.
pub(crate) struct ExpiryFilter {
    now_ms: u64,
}

impl CompactionFilter for ExpiryFilter {
    // Nothing in here panics: it is called from C++.
    fn filter(&mut self, _level: u32, _key: &[u8], stored: &[u8]) -> CompactionDecision {
        match Codec::Flagged.expiry(stored) {
            Some(at) if at <= self.now_ms => CompactionDecision::Remove,
            _ => CompactionDecision::Keep,
        }
    }

    fn name(&self) -> &CStr {
        NAME
    }
}

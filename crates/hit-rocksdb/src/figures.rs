//! What RocksDB tells of itself.

use hit_core::StorageFigures;
use rocksdb::properties::{self, PropName};

use crate::database::{Database, file_bytes};
use crate::folder::{ENTRIES, EXPIRY, FORMAT};

/// RocksDB's own figures of the entries, by the names that `stats()` gives them.
const OWN: [(&str, &PropName); 14] = [
    ("sstBytes", properties::TOTAL_SST_FILES_SIZE),
    ("liveDataBytes", properties::ESTIMATE_LIVE_DATA_SIZE),
    ("memtableBytes", properties::SIZE_ALL_MEM_TABLES),
    ("blockCacheBytes", properties::BLOCK_CACHE_USAGE),
    ("blockCachePinnedBytes", properties::BLOCK_CACHE_PINNED_USAGE),
    ("blockCacheCapacityBytes", properties::BLOCK_CACHE_CAPACITY),
    ("tableReaderBytes", properties::ESTIMATE_TABLE_READERS_MEM),
    ("pendingCompactionBytes", properties::ESTIMATE_PENDING_COMPACTION_BYTES),
    ("runningCompactions", properties::NUM_RUNNING_COMPACTIONS),
    ("runningFlushes", properties::NUM_RUNNING_FLUSHES),
    ("delayedWriteBytesPerSecond", properties::ACTUAL_DELAYED_WRITE_RATE),
    ("writesStopped", properties::IS_WRITE_STOPPED),
    ("snapshots", properties::NUM_SNAPSHOTS),
    ("backgroundErrors", properties::BACKGROUND_ERRORS),
];

impl Database {
    /// Counters that RocksDB keeps.
    pub(crate) fn figures(&self) -> StorageFigures {
        let of = |name: &PropName| self.db.property_int_value(name).ok().flatten().unwrap_or(0);
        let mut own: Vec<_> = OWN.iter().map(|&(name, property)| (name, of(property))).collect();
        own.extend(self.level_files());
        own.push(("memoryLimitBytes", self.memory.bytes));
        let table_bytes = |name: &str| {
            let family = self.db.cf_handle(name)?;
            self.db.property_int_value_cf(family, properties::TOTAL_SST_FILES_SIZE).ok().flatten()
        };
        let sst_bytes: u64 = [ENTRIES, EXPIRY, FORMAT].iter().filter_map(|name| table_bytes(name)).sum();
        StorageFigures {
            entries: of(properties::ESTIMATE_NUM_KEYS),
            memory_bytes: self.memory.cache.get_usage() as u64,
            disk_bytes: sst_bytes + file_bytes(&self.path, &[".log"]),
            background_error: self.background_error(),
            own,
        }
    }

    fn level_files(&self) -> [(&'static str, u64); 2] {
        let at = |level: usize| {
            let files = self.db.property_value(properties::num_files_at_level(level)).ok().flatten();
            files.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        let used = (0..7).filter(|&level| at(level) > 0).count();
        [("level0Files", at(0)), ("levels", used as u64)]
    }
}

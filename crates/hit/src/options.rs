use std::fmt;
use std::sync::Arc;

use hit_core::{Clock, Durability, Error, ErrorCode, Result, SystemClock, limits};
use hit_log::{Files, LogOptions, SystemFiles};

/// The most lanes of a store: each is a thread.
const MAX_LANES: usize = 256;

/// Told of failures found after a write was answered.
pub type OnError = Arc<dyn Fn(&Error) + Send + Sync>;

/// How a store is opened. `file` belongs to the store (a second open must agree), everything else to the handle.
#[derive(Clone)]
pub struct OpenOptions {
    /// What an answered write survives where the write does not say. Default: disk.
    pub durability: Durability,
    /// Whether a missing store is created. Default: true.
    pub create_if_missing: bool,
    /// Bytes accepted but not written before promises wait; twice that blocks the writer. Default: 64 MiB.
    pub max_pending_bytes: usize,
    /// Opens without a lock and without writing, beside a live writer too. Default: false.
    pub read_only: bool,
    /// Of values of 256 bytes and more: so many bytes are kept in memory, the others are read from disk. Belongs to the
    /// store. Default: all.
    pub max_memory_bytes: Option<u64>,
    /// How many lanes write at once, for stores over a storage; others have one. Belongs to the first handle of the store.
    /// Default: what serves the storage best.
    pub io_concurrency: Option<usize>,
    /// A file store's own options.
    pub file: FileOptions,
    /// A RocksDB store's own options.
    #[cfg(feature = "rocksdb")]
    pub rocksdb: hit_rocksdb::RocksDbOptions,
    /// Told of failures found after a write was answered.
    pub on_error: Option<OnError>,
    /// Every file operation of the store goes through this. Default: the system's files.
    pub files: Arc<dyn Files>,
    /// What expiry is judged by. Default: the system's clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Disk,
            create_if_missing: true,
            max_pending_bytes: limits::DEFAULT_MAX_PENDING_BYTES,
            read_only: false,
            max_memory_bytes: None,
            io_concurrency: None,
            file: FileOptions::default(),
            #[cfg(feature = "rocksdb")]
            rocksdb: hit_rocksdb::RocksDbOptions::default(),
            on_error: None,
            files: Arc::new(SystemFiles),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

impl OpenOptions {
    pub(crate) fn check(&self) -> Result<()> {
        if self.read_only && self.max_memory_bytes.is_some() {
            let message = "maxMemoryBytes with readOnly is not built yet: leave it out, a reader keeps all values in memory";
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        if let Some(lanes) = self.io_concurrency.filter(|lanes| !(1..=MAX_LANES).contains(lanes)) {
            let message = format!("ioConcurrency is {lanes}: use 1 to {MAX_LANES}");
            return Err(Error::new(ErrorCode::Config, message));
        }
        self.file.check()
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenOptions")
            .field("durability", &self.durability)
            .field("create_if_missing", &self.create_if_missing)
            .field("max_pending_bytes", &self.max_pending_bytes)
            .field("read_only", &self.read_only)
            .field("max_memory_bytes", &self.max_memory_bytes)
            .field("io_concurrency", &self.io_concurrency)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// A file store's own options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The size at which a segment of the log is followed by a new one. 64 KiB to 1 GiB; default 64 MiB.
    pub segment_bytes: u64,
    /// Whether the space of dead operations is given back without being asked. Default: true. Without it the folder grows with
    /// every write until [`crate::Store::compact_blocking`].
    pub compaction: bool,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { segment_bytes: LogOptions::default().segment_bytes, compaction: true }
    }
}

impl FileOptions {
    pub(crate) fn check(&self) -> Result<()> {
        if (64 << 10..=1 << 30).contains(&self.segment_bytes) {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Config,
            format!(
                "file.segmentBytes is {}: use 65,536 (64 KiB) to 1,073,741,824 (1 GiB)",
                self.segment_bytes
            ),
        ))
    }
}

/// How one write is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Unix time in milliseconds from which the entry is not seen. Default: never. Of no meaning for deletes.
    pub expires_at: Option<u64>,
    /// What the write survives when it is answered. Default: the handle's.
    pub durability: Option<Durability>,
}

//! One block cache and one budget for what is not in files yet, for all RocksDB stores of the process.

use std::sync::LazyLock;

use hit_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use rocksdb::{Cache, WriteBufferManager};

use crate::{arenas, read_cache, system_memory};

/// The default is this part of what the process may use …
const PART: u64 = 4;
/// … at most this,
const MOST_BYTES: u64 = 1 << 30;
/// … and at least this, which leaves room for the program itself in a container of 128 MiB.
const LEAST_BYTES: u64 = 32 << 20;
/// Below this memory is little.
const LITTLE_BYTES: u64 = 1 << 30;
/// What is assumed where the system does not tell.
const UNKNOWN_BYTES: u64 = 256 << 20;

/// The cache finds out by itself how large its entries are.
const ANY_CHARGE: usize = 0;

/// The memory that all databases of the process share. What writes take is charged to the cache, so with the
/// share of the read caches its size is all of it.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) cache: Cache,
    pub(crate) write_buffers: WriteBufferManager,
    pub(crate) bytes: u64,
}

static SHARED: LazyLock<Mutex<Option<Memory>>> = LazyLock::new(|| Mutex::new(None));

impl Memory {
    /// The process's memory. The first to ask decides how much it is.
    ///
    /// # Errors
    /// `HIT_CONFIG`: another size was decided.
    pub(crate) fn shared(wanted_bytes: Option<u64>) -> Result<Self> {
        let mut shared = SHARED.lock();
        match (shared.as_ref(), wanted_bytes) {
            (Some(memory), Some(wanted)) if memory.bytes != wanted => Err(Error::new(
                ErrorCode::Config,
                format!(
                    "rocksdb.memoryBytes is {wanted}, but the RocksDB stores of this process share {} bytes, as the \
                     first of them was opened: name that figure, or none",
                    memory.bytes
                ),
            )),
            (Some(memory), _) => Ok(memory.clone()),
            (None, wanted) => {
                if system_memory::limit_bytes().is_some_and(|limit| limit < LITTLE_BYTES) {
                    arenas::bound();
                }
                let memory = Self::of(wanted.unwrap_or_else(default_bytes));
                Ok(shared.insert(memory).clone())
            }
        }
    }

    fn of(bytes: u64) -> Self {
        let capacity = usize::try_from(bytes - bytes / read_cache::PART).unwrap_or(usize::MAX);
        // Without locks, unlike the LRU cache: worker threads read side by side.
        let cache = Cache::new_hyper_clock_cache(capacity, ANY_CHARGE);
        let write_buffers =
            WriteBufferManager::new_write_buffer_manager_with_cache(capacity / 3 * 2, false, cache.clone());
        Self { cache, write_buffers, bytes }
    }

    /// How large a table of writes grows before it is written to a file: so many that a store can have four, up to 64 MiB.
    pub(crate) fn write_buffer_bytes(&self) -> usize {
        usize::try_from(self.bytes / 8).unwrap_or(usize::MAX).clamp(1 << 20, 64 << 20)
    }
}

fn default_bytes() -> u64 {
    system_memory::limit_bytes().map_or(UNKNOWN_BYTES, |limit| (limit / PART).clamp(LEAST_BYTES, MOST_BYTES))
}

use std::path::Path;
use std::sync::Arc;

use hit_core::{Clock, Error, ErrorCode, Result};

use crate::config::RocksDbOptions;

/// What an opening may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write; a missing database is made.
    Create,
    /// Read and write what is there.
    Write,
    /// Read beside whoever writes.
    Read,
}

/// An open RocksDB.
pub struct RocksDb {}

impl RocksDb {
    /// Opens the database in the folder `path`. What expires is judged by `clock`.
    ///
    /// # Errors
    /// `HIT_CONFIG` (options, no such database, one of a newer version), `HIT_LOCKED`, `HIT_CORRUPTION`, `HIT_DISK_FULL`, `HIT_IO`.
    pub fn open(
        path: &Path,
        options: &RocksDbOptions,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let _ = (path, options, access, clock);
        Err(Error::new(ErrorCode::Unsupported, "not built yet"))
    }
}

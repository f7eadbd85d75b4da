//! Reading beside whoever writes.

use std::sync::Arc;

use hit_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;

use crate::Access;
use crate::database::Database;
use crate::error::cannot;

/// RocksDB's secondaries have no snapshots: what is read from one stays the same only while it is not moved on.
#[derive(Debug, Default)]
pub(crate) struct Staying(Mutex<Arc<()>>);

impl Database {
    /// Keeps a secondary where it is as long as what this returns lives.
    pub(crate) fn stay(&self) -> Arc<()> {
        Arc::clone(&self.staying.0.lock())
    }

    /// Moves a secondary on to what the writer has written.
    pub(crate) fn refresh(&self) -> Result<()> {
        if self.access != Access::Read {
            return Ok(());
        }
        // Held while it moves, so that nothing begins to read meanwhile.
        let staying = self.staying.0.lock();
        if Arc::strong_count(&staying) > 1 {
            return Err(Error::new(
                ErrorCode::Busy,
                "a scan is open, and refreshing would change what it sees: end it, then refresh again",
            ));
        }
        self.db.try_catch_up_with_primary().map_err(cannot("read on beside the writer"))
    }
}

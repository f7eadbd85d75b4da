//! Reading beside whoever writes.

use std::path::Path;
use std::sync::Arc;

use hit_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use rocksdb::DB;

use crate::Access;
use crate::database::Database;
use crate::error::cannot;
use crate::manifest;

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
        catch_up(&self.db, &self.path, &self.families)
    }
}

/// Moves a secondary on, and makes sure that it has arrived. Where a table is missing or damaged, RocksDB would answer with
/// the newest state that needs none such, which may be an empty one, and say nothing.
pub(crate) fn catch_up(db: &DB, path: &Path, families: &[String]) -> Result<()> {
    let before = manifest::tables(path, families)?;
    db.try_catch_up_with_primary().map_err(cannot("read on beside the writer"))?;
    let held = db.live_files().map_err(cannot("list its files"))?;
    // What the manifest lists before and after was listed in between too.
    let lacks = |name: &&String| !held.iter().any(|file| file.name == **name);
    let suspects: Vec<_> = before.iter().filter(lacks).collect();
    if suspects.is_empty() {
        return Ok(());
    }
    let after = manifest::tables(path, families)?;
    match suspects.into_iter().find(|name| after.contains(*name)) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorCode::Corruption,
            format!(
                "the table {} is missing or damaged: verify says what is wrong with it; take it from a backup",
                path.join(name.trim_start_matches('/')).display()
            ),
        )),
    }
}

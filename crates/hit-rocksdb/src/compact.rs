//! Giving space back.

use hit_core::Result;
use rocksdb::{BottommostLevelCompaction, CompactOptions};

use crate::Access;
use crate::database::Database;
use crate::error::cannot;
use crate::folder::{ENTRIES, EXPIRY};
use crate::open::Open;

impl Database {
    /// Rewrites everything without what is dead: overwritten, deleted or expired.
    pub(crate) fn compact(&self, open: &Open) -> Result<()> {
        if self.access == Access::Read {
            return Ok(());
        }
        self.flush().map_err(cannot("write what is in memory"))?;
        for name in [ENTRIES, EXPIRY] {
            if let Some(family) = self.db.cf_handle(name) {
                self.db.compact_range_cf_opt(family, None::<&[u8]>, None::<&[u8]>, &rewriting());
            }
            open.check_going_on()?;
        }
        self.background_error().map_or(Ok(()), Err)
    }
}

/// Beside RocksDB's own compactions, and down to the last level.
pub(crate) fn rewriting() -> CompactOptions {
    let mut options = CompactOptions::default();
    options.set_exclusive_manual_compaction(false);
    options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
    options
}

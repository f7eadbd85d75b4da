//! Giving space back.

use std::fs;

use hit_core::{Error, ErrorCode, Result};
use rocksdb::{BottommostLevelCompaction, CompactOptions};

use crate::Access;
use crate::database::Database;
use crate::error::cannot;
use crate::folder::{ENTRIES, EXPIRY};
use crate::open::Open;

/// The end of RocksDB's text log in which a reason is looked for.
const LOG_END_BYTES: usize = 64 << 10;

impl Database {
    /// Rewrites everything without what is dead: overwritten, deleted or expired.
    pub(crate) fn compact(&self, open: &Open) -> Result<()> {
        if self.access == Access::Read {
            return Ok(());
        }
        self.check_place()?;
        let failed = self.background_errors();
        self.flush().map_err(cannot("write what is in memory"))?;
        for name in [ENTRIES, EXPIRY] {
            if let Some(family) = self.db.cf_handle(name) {
                self.db.compact_range_cf_opt(family, None::<&[u8]>, None::<&[u8]>, &rewriting());
            }
            open.check_going_on()?;
        }
        if let Some(error) = self.background_error() {
            return Err(error);
        }
        if self.background_errors() == failed { Ok(()) } else { Err(self.not_compacted()) }
    }

    /// RocksDB says why a compaction has failed only in its text log.
    fn not_compacted(&self) -> Error {
        let log = self.path.join("LOG");
        let text = fs::read(&log).unwrap_or_default();
        let end = text.get(text.len().saturating_sub(LOG_END_BYTES)..).unwrap_or_default();
        let is_full = String::from_utf8_lossy(end).contains("No space left on device");
        let (code, why) = if is_full {
            (ErrorCode::DiskFull, "the disk is full: free space on it, then try again")
        } else {
            (ErrorCode::Io, "a background task failed: its text log says why")
        };
        Error::new(code, format!("RocksDB could not rewrite everything, {why} ({})", log.display()))
    }
}

/// Beside RocksDB's own compactions, and down to the last level.
pub(crate) fn rewriting() -> CompactOptions {
    let mut options = CompactOptions::default();
    options.set_exclusive_manual_compaction(false);
    options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
    options
}

use std::path::Path;

use hit_core::{Error, ErrorCode, Result, Tell};

use crate::Store;
use crate::compaction;
use crate::disk::Disk;

impl Store {
    /// Copies the store as it is at one moment, everything accepted so far included, into an empty or missing folder, which then
    /// is a store. Blocks; writes go on meanwhile. Files are linked where the file system can, else copied. Progress counts
    /// files, and bytes that were copied.
    ///
    /// # Errors
    /// `HIT_CONFIG` where the folder is not empty, `HIT_UNSUPPORTED` in memory, `HIT_CORRUPTION`, `HIT_DISK_FULL`, `HIT_IO`,
    /// `HIT_ABORTED`; what was made is removed then.
    pub fn backup_blocking(&self, folder: &Path, tell: &mut Tell<'_>) -> Result<()> {
        let shared = self.open_shared()?;
        if let Some(backing) = shared.backing() {
            return backing.backup(shared, folder, tell);
        }
        let Some(source) = shared.folder() else {
            let message = "a store in memory has no files to back up: dump it, or open a file store";
            return Err(Error::new(ErrorCode::Unsupported, message));
        };
        let _pinned = shared.disk().map(Disk::pin);
        if let Some(disk) = shared.disk() {
            // What is written to no more can be linked.
            compaction::seal(shared, disk)?;
        }
        hit_log::backup(source, folder, "file", tell)
    }
}

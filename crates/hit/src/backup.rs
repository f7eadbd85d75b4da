use std::path::Path;

use hit_core::{Error, ErrorCode, Result, Tell};

use crate::Store;

impl Store {
    /// Copies the store as it is at one moment into an empty or missing folder, which then is a store. Blocks; writes
    /// go on meanwhile. Progress counts files and bytes.
    ///
    /// # Errors
    /// `HIT_CONFIG` where the folder is not empty, `HIT_DISK_FULL`, `HIT_IO`, `HIT_ABORTED`; what was made is removed then.
    /// `HIT_UNSUPPORTED` for a store in memory.
    pub fn backup_blocking(&self, _folder: &Path, _tell: &mut Tell<'_>) -> Result<()> {
        if self.open_shared()?.disk.is_none() {
            let message = "a memory: store has no files to copy: dump() it into a file or another store";
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        Err(Error::new(ErrorCode::Unsupported, "backup() is not built yet"))
    }
}

use hit_core::{Error, ErrorCode, Result};

use crate::Store;

impl Store {
    /// Gives back all the disk space that dead operations take, at once. Blocks; meant for a thread that may wait.
    ///
    /// # Errors
    /// `HIT_DISK_FULL` and `HIT_IO`, and nothing is lost; `HIT_UNSUPPORTED` on a read-only handle.
    pub fn compact_blocking(&self) -> Result<()> {
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "compact() is not built yet"))
    }
}

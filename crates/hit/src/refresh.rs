use hit_core::{Error, ErrorCode, Result};

use crate::Store;

impl Store {
    /// Moves a read-only handle on to what has been written since. Blocks.
    ///
    /// # Errors
    /// `HIT_UNSUPPORTED` on a handle that is not read-only; as opening otherwise, and what was seen before stays.
    pub fn refresh_blocking(&self) -> Result<()> {
        self.open_shared()?;
        let message = "refresh() moves on a store that was opened with readOnly, and this one was not: its reads see every write";
        Err(Error::new(ErrorCode::Unsupported, message))
    }
}

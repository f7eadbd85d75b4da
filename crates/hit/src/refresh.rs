use hit_core::{Error, ErrorCode, Result};

use crate::Store;
use crate::base::Base;

impl Store {
    /// Moves a store that was opened read-only on to what has been written since; what was on disk before the call is among it.
    /// Blocks. Reads go on and see the state after one write or another, batches whole; open scans stay at their moment.
    ///
    /// Where compaction has rewritten what was not read yet, everything is read anew, and memory holds both until that is done.
    ///
    /// # Errors
    /// `HIT_UNSUPPORTED` on a store that is not read-only, `HIT_CONFIG` where another store, or an older copy, lies in the folder
    /// now; `HIT_UNAVAILABLE` where files are replaced faster than they can be opened; as opening otherwise. What was seen
    /// before stays, or what was written up to the failure is seen too.
    pub fn refresh_blocking(&self) -> Result<()> {
        let shared = self.open_shared()?;
        match shared.base() {
            Base::Follower(reader) => reader.refresh(shared, &self.watch()),
            Base::Storage(backing) if backing.refusal.is_some() => backing.refresh(shared),
            _ => {
                let message = "refresh() moves on a store that was opened with readOnly, and this one was not: its reads see every write";
                Err(Error::new(ErrorCode::Unsupported, message))
            }
        }
    }
}

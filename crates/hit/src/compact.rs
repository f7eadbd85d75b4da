use hit_core::Result;

use crate::base::Base;
use crate::{Store, compaction};

impl Store {
    /// Gives back all the disk space that dead operations take, at once; what writes meanwhile make dead may stay. Blocks;
    /// meant for a thread that may wait. Memory that is not needed any more is given back, too, which is all there is to do for
    /// a store in memory.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` with file and offset, `HIT_DISK_FULL`, `HIT_IO`: nothing is lost then. `HIT_NOT_OPEN` when the store is
    /// closed meanwhile. `HIT_UNSUPPORTED` on a store that was opened read-only.
    pub fn compact_blocking(&self) -> Result<()> {
        let shared = self.open_shared()?;
        shared.check_writable()?;
        match shared.base() {
            Base::Log(disk) => disk.compactor.compact_all(),
            Base::Storage(backing) => backing.compact(),
            Base::Memory | Base::Follower(_) => compaction::sweep(shared),
        }
    }

    /// Waits until the compaction in the background has nothing left to do: closed files take no more than they may at rest.
    /// Blocks.
    ///
    /// # Errors
    /// With what it failed at last; `HIT_NOT_OPEN` when the store is closed meanwhile.
    pub fn wait_for_compaction_blocking(&self) -> Result<()> {
        match self.open_shared()?.disk() {
            Some(disk) => disk.compactor.wait_for_rest(),
            None => Ok(()),
        }
    }
}

//! Whether the folder is still the one that was opened. RocksDB makes, finds and removes files by name: in a folder that somebody has put
//! in the place of its own it would write over another database, and remove its files when it is closed.

use hit_core::{Error, ErrorCode, Result};

use crate::Access;
use crate::database::Database;
use crate::identity;

impl Database {
    /// Lets nothing be made or removed where the folder is another one.
    ///
    /// # Errors
    /// `HIT_IO`.
    pub(crate) fn check_place(&self) -> Result<()> {
        if self.access == Access::Read || identity::of_folder(&self.path).ok() == self.identity {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Io,
            format!(
                "{} was removed, moved or replaced while it was open, and is left alone: close the store and open the \
                 right one",
                self.path.display()
            ),
        ))
    }
}

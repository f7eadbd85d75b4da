//! A copy of the files as of one moment: tables are linked, logs are copied.

use std::fs;
use std::path::Path;

use hit_core::{Progress, Result, Tell, tell};
use rocksdb::checkpoint::Checkpoint;

use crate::Access;
use crate::copy;
use crate::database::{Database, file_bytes};
use crate::error::cannot;
use crate::open::Open;

impl Database {
    /// Copies everything into a folder that does not exist yet.
    pub(crate) fn backup(&self, folder: &Path, open: &Open, told: &mut Tell<'_>) -> Result<()> {
        tell(told, Progress::default(), "the backup")?;
        if self.access == Access::Read {
            return copy::beside_writer(&self.path, folder, open, told);
        }
        let action = format!("copy its files to {}", folder.display());
        let checkpoint = Checkpoint::new(&self.db).map_err(cannot(&action))?;
        checkpoint.create_checkpoint(folder).map_err(cannot(&action))?;
        // Tables are linked, except to another disk.
        let bytes = file_bytes(folder, &[".log"]);
        let files = fs::read_dir(folder).map_or(0, |entries| entries.flatten().count() as u64);
        tell(told, Progress { done: files, total: Some(files), bytes }, "the backup")
    }
}

//! A copy of the files as of one moment: tables are linked, logs are copied.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, absolute};

use hit_core::{Error, ErrorCode, Progress, Result, Tell, tell};
use rocksdb::checkpoint::Checkpoint;

use crate::Access;
use crate::copy::{self, failed, sync_folder};
use crate::database::{Database, file_bytes};
use crate::error::cannot;
use crate::open::Open;
use crate::value::Codec;

/// Where a copy is made that then lies in a folder that was there before.
const STAGING: &str = "hitkv-backup.tmp";
/// Empty file systems have it.
const LOST_AND_FOUND: &str = "lost+found";

impl Database {
    /// Copies everything into a folder: of ours into one that does not exist yet, since a folder of ours is around it; of someone
    /// else's into one that is missing or empty. What was made is removed where it fails.
    pub(crate) fn backup(&self, folder: &Path, open: &Open, told: &mut Tell<'_>) -> Result<()> {
        tell(told, Progress::default(), "the backup")?;
        self.check_place()?;
        if self.codec == Codec::Flagged {
            return self.copy(folder, open, told);
        }
        self.check_target(folder)?;
        fs::create_dir_all(folder).map_err(|error| failed("make the folder", folder, error))?;
        let staging = folder.join(STAGING);
        self.copy(&staging, open, told)?;
        let moved = move_up(&staging, folder);
        if moved.is_err() {
            // Without CURRENT it is no database.
            let _ = fs::remove_dir_all(&staging);
        }
        moved
    }

    fn copy(&self, folder: &Path, open: &Open, told: &mut Tell<'_>) -> Result<()> {
        if self.access == Access::Read {
            return copy::beside_writer(&self.path, folder, open, told);
        }
        let action = format!("copy its files to {}", folder.display());
        let checkpoint = Checkpoint::new(&self.db).map_err(cannot(&action))?;
        checkpoint.create_checkpoint(folder).map_err(cannot(&action))?;
        // Tables are linked, except to another disk.
        let bytes = file_bytes(folder, &[""]) - file_bytes(folder, &[".sst"]);
        let files = fs::read_dir(folder).map_or(0, |entries| entries.flatten().count() as u64);
        tell(told, Progress { done: files, total: Some(files), bytes }, "the backup").inspect_err(|_| {
            let _ = fs::remove_dir_all(folder);
        })
    }

    fn check_target(&self, folder: &Path) -> Result<()> {
        let refuse = |why: String| Err(Error::new(ErrorCode::Config, format!("{} {why}", folder.display())));
        let target = absolute(folder).map_err(|error| failed("find", folder, error))?;
        // Of what does not exist yet, the folder that it would be in.
        let nearest = target.ancestors().find_map(|path| fs::canonicalize(path).ok());
        if let (Ok(own), Some(nearest)) = (fs::canonicalize(&self.path), nearest)
            && nearest.starts_with(own)
        {
            return refuse("is inside the database itself: back up elsewhere".to_owned());
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("look into", folder, error)),
        };
        for entry in entries {
            let name = entry.map_err(|error| failed("look into", folder, error))?.file_name();
            if name != LOST_AND_FOUND {
                return refuse(format!(
                    "holds '{}': a backup needs an empty folder, or one that does not exist",
                    name.display()
                ));
            }
        }
        Ok(())
    }
}

/// Moves a copy to where it belongs. The file that makes it a database comes last.
fn move_up(from: &Path, to: &Path) -> Result<()> {
    let rename = |name: &Path| fs::rename(from.join(name), to.join(name));
    let all = || {
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            if name != "CURRENT" {
                rename(Path::new(&name))?;
            }
        }
        sync_folder(to)?;
        rename(Path::new("CURRENT"))?;
        fs::remove_dir(from)?;
        sync_folder(to)
    };
    all().map_err(|error| failed("move the copy into", to, error))
}

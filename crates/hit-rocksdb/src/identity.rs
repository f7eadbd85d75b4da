use std::fs;
use std::io;
use std::path::Path;

use hit_core::{Error, ErrorCode, Result};

use crate::folder::holds_database;

/// Equal for two opens of one database, whatever path led there: device and inode of its folder. (RocksDB's lock file comes with
/// the first opening only, so a copy that was never opened has none.)
///
/// # Errors
/// `HIT_CONFIG` where no database lies there, `HIT_CORRUPTION` where only parts of one do, `HIT_IO`.
pub fn identity(path: &Path) -> Result<(u64, u64)> {
    if !holds_database(path)? {
        let message = format!(
            "there is no RocksDB at {}: correct the path; a folder of another program is never made",
            path.display()
        );
        return Err(Error::new(ErrorCode::Config, message));
    }
    of_folder(path).map_err(|error| {
        let message = format!("the RocksDB at {} cannot be looked at", path.display());
        Error::new(ErrorCode::Io, message).with_source(error)
    })
}

pub(crate) fn of_folder(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|metadata| of(&metadata))
}

#[cfg(unix)]
fn of(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn of(metadata: &fs::Metadata) -> (u64, u64) {
    // Without inodes: when the folder was made, which never changes.
    let made = metadata.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    (u64::MAX, made.map_or(0, |since| since.as_nanos() as u64))
}

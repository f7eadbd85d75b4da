//! Files that are whole or not there: made under a temporary name and renamed.

use std::io;
use std::path::{Path, PathBuf};

use hit_core::Result;

use crate::files::{File, Files, OpenMode, sync, write_all_at};
use crate::io_error::cannot;
use crate::names::TEMPORARY;

/// The temporary name of the file that will be `path`.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    name.into()
}

/// Opens a new file at `path`; one that an interrupted try has left there goes.
pub(crate) fn create_anew(files: &dyn Files, path: &Path) -> io::Result<Box<dyn File>> {
    match files.open(path, OpenMode::CreateNew) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            files.remove(path)?;
            files.open(path, OpenMode::CreateNew)
        }
        opened => opened,
    }
}

/// Puts `bytes` in the place of `path`. After a power loss either the old file or the new one is there, and the new one
/// for sure once the folder is synced.
///
/// # Errors
/// `HIT_DISK_FULL`, `HIT_IO` or `HIT_CONFIG`; the old file is still there.
pub(crate) fn replace(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = temporary(path);
    let written = write_new(files, &unfinished, bytes).and_then(|file| sync(&*file));
    finish(files, &unfinished, path, written)
}

/// The same for a file that only has to be whole while the machine runs.
pub(crate) fn replace_unsynced(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = temporary(path);
    let written = write_new(files, &unfinished, bytes).map(drop);
    finish(files, &unfinished, path, written)
}

fn write_new(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn File>> {
    let file = create_anew(files, path)?;
    write_all_at(&*file, bytes, 0)?;
    Ok(file)
}

fn finish(files: &dyn Files, unfinished: &Path, path: &Path, written: io::Result<()>) -> Result<()> {
    written.and_then(|()| files.rename(unfinished, path)).map_err(|error| {
        // What is left behind is removed by the next writer if it cannot be removed now.
        let _ = files.remove(unfinished);
        cannot("write", path)(error)
    })
}

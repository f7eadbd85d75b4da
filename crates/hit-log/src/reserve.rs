use std::io;
use std::path::PathBuf;

use hit_core::Result;

use crate::files::{File, OpenMode, write_all_at};
use crate::folder::Folder;
use crate::io_error::{cannot, is_disk_full};
use crate::names::RESERVE;
use crate::replace::{create_anew, temporary};

/// How much is kept at least: enough for deletes.
pub const RESERVE_BYTES: u64 = 1 << 20;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Disk space that is kept so that a store on a full disk can still take deletes and compact what they made dead: a file that
/// is removed when it is needed.
#[derive(Debug)]
pub struct Reserve {
    folder: Folder,
    path: PathBuf,
}

impl Reserve {
    /// Takes `bytes` bytes of disk space, unless they are there from before. Only the owner of the lock may.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, and then nothing is kept; `HIT_IO`, `HIT_CONFIG`.
    pub fn ensure(folder: &Folder, bytes: u64) -> Result<Self> {
        let path = folder.join(RESERVE);
        let filled = folder.files().open(&path, OpenMode::ReadWrite).and_then(|file| fill(&*file, bytes));
        if filled.as_ref().is_err_and(is_disk_full) {
            // A part of it would only make the full disk fuller.
            let _ = folder.files().remove(&path);
        }
        filled.map_err(cannot("reserve space in", &path))?;
        Ok(Self { folder: folder.clone(), path })
    }

    /// Takes more, up to `bytes` bytes in all. Where there is no room it stays as it is.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, `HIT_IO`, `HIT_CONFIG`.
    pub fn grow(&self, bytes: u64) -> Result<()> {
        let file = self.folder.files().open(&self.path, OpenMode::ReadWrite);
        let grown = file.and_then(|file| {
            let before = file.size()?;
            fill(&*file, bytes).inspect_err(|_| drop(file.set_size(before)))
        });
        grown.map_err(cannot("reserve space in", &self.path))
    }

    /// Gives the space back to the disk, for what has to be written now.
    ///
    /// # Errors
    /// `HIT_IO`, `HIT_CONFIG`.
    pub fn release(self) -> Result<()> {
        self.folder.files().remove(&self.path).map_err(cannot("release the space of", &self.path))
    }
}

/// Whether the disk has `bytes` bytes beside what is taken: takes them for a moment. Only the owner of the lock may ask.
#[must_use]
pub fn has_space(folder: &Folder, bytes: u64) -> bool {
    let path = temporary(&folder.join(RESERVE));
    let files = folder.files();
    let taken = create_anew(&**files, &path).and_then(|file| fill(&*file, bytes));
    // Where it stays behind, the next try takes its place.
    let _ = files.remove(&path);
    taken.is_ok()
}

fn fill(file: &dyn File, bytes: u64) -> io::Result<()> {
    let mut size = file.size()?;
    if size >= bytes {
        return Ok(());
    }
    match file.allocate(bytes) {
        Err(error) if !is_disk_full(&error) => {
            while size < bytes {
                let step = ZEROS.get(..(bytes - size).min(ZEROS.len() as u64) as usize).unwrap_or(&ZEROS);
                write_all_at(file, step, size)?;
                size += step.len() as u64;
            }
            Ok(())
        }
        allocated => allocated,
    }
}

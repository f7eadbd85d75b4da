//! The I/O seam: every file access of a store goes through these two traits.
//!
//! The traits mirror single system calls. Retries after an interruption and the rest of a short read or write are
//! done above the seam, once, in `transfer.rs`, so that a test double need not know of them.

mod system;
mod transfer;

use std::ffi::OsString;
use std::io;
use std::path::Path;

pub use system::SystemFiles;
pub(crate) use transfer::{read_available_at, read_whole, sync, write_all_at};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file or, where there is none, a new empty one; to read and write.
    ReadWrite,
    /// A new file, to read and write; an existing one is an error.
    CreateNew,
}

/// A file system.
pub trait Files: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>>;

    /// Makes one folder; its parent exists.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name, atomically, and takes the place of what had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name; fails when something has that name.
    ///
    /// # Errors
    /// What the system says.
    fn link(&self, existing: &Path, new: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in any order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Makes the names in a folder survive power loss.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// An open file. Dropping it closes it and releases its lock.
pub trait File: Send + Sync {
    /// Reads into `buffer` from `offset`; may read less; 0 is the end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes `bytes` at `offset`; may write less.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes the content, and the length, survive power loss.
    ///
    /// # Errors
    /// What the system says.
    fn sync_data(&self) -> io::Result<()>;

    /// The length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn size(&self) -> io::Result<u64>;

    /// Cuts or extends the file to a length.
    ///
    /// # Errors
    /// What the system says.
    fn set_size(&self, bytes: u64) -> io::Result<()>;

    /// Takes disk space for the first `bytes` bytes and extends the file to them with zeros.
    ///
    /// # Errors
    /// What the system says; `Unsupported` where it cannot be done.
    fn allocate(&self, bytes: u64) -> io::Result<()>;

    /// Takes the exclusive kernel lock without waiting; `false` when another open file has it.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&self) -> io::Result<bool>;

    /// Device and inode: equal for two open files exactly when they are the same file.
    ///
    /// # Errors
    /// What the system says.
    fn identity(&self) -> io::Result<(u64, u64)>;
}

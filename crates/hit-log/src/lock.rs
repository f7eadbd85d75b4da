use std::fmt;
use std::io;

use hit_core::{Error, ErrorCode, Result};

use crate::files::{File, OpenMode};
use crate::folder::{Folder, replaced};
use crate::io_error::io_error;
use crate::names;
use crate::owner::Owner;
use crate::replace::replace_unsynced;

/// The lock file of a store, open and not locked. Its identity tells whether this process has the store open already.
pub struct LockFile {
    folder: Folder,
    file: Box<dyn File>,
    identity: (u64, u64),
}

impl LockFile {
    /// Opens the lock file, or makes it.
    ///
    /// # Errors
    /// `HIT_CONFIG` where the folder may not be written, `HIT_LOCKED` where another program has opened the file without
    /// sharing it (Windows), `HIT_DISK_FULL`, `HIT_IO`.
    pub fn open(folder: &Folder) -> Result<Self> {
        let path = folder.join(names::LOCK);
        // Durability: whoever made the folder may have died before its names were synced. The lock is the first file that
        // comes behind the description, so where it is there, they were.
        let first = folder.files().open(&path, OpenMode::Read);
        if first.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            folder.sync_names()?;
        }
        let opened = folder.files().open(&path, OpenMode::ReadWrite).and_then(|file| {
            let identity = file.identity()?;
            Ok((file, identity))
        });
        match opened {
            Ok((file, identity)) => Ok(Self { folder: folder.clone(), file, identity }),
            Err(error) if is_sharing_violation(&error) => Err(locked(folder)),
            Err(error) => Err(io_error("open the lock file", &path, error)),
        }
    }

    /// Device and inode of the lock file: equal for two opens of one store, whatever path led there.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Takes the lock without waiting, and writes who has it. The kernel releases it with the process.
    ///
    /// # Errors
    /// `HIT_LOCKED`, naming the owner and what to do; `HIT_BUSY` when the folder was replaced meanwhile; `HIT_UNSUPPORTED`
    /// where the file system has no locks; `HIT_IO`.
    pub fn acquire(self) -> Result<Lock> {
        let Self { folder, file, identity } = self;
        let path = folder.join(names::LOCK);
        match file.try_lock() {
            Ok(true) => {}
            Ok(false) => return Err(locked(&folder)),
            Err(error) => return Err(io_error("lock", &path, error)),
        }
        // The lock counts only if it is on the file that others will find.
        if !is_in_place(&folder, identity)? {
            return Err(replaced(folder.path()));
        }
        folder.check_unchanged()?;
        folder.remove_unfinished();
        let lock = Lock { owner: Owner::this_process(), folder, identity, _file: file };
        lock.set_address(None);
        Ok(lock)
    }
}

impl fmt::Debug for LockFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LockFile").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// The lock of a store. Dropping it removes `OWNER` and releases it.
pub struct Lock {
    owner: Owner,
    folder: Folder,
    identity: (u64, u64),
    /// Holds the kernel's lock as long as it is open.
    _file: Box<dyn File>,
}

impl Lock {
    /// Writes the address of this process's server into `OWNER`, for those who find the store locked.
    pub fn set_address(&self, address: Option<&str>) {
        let owner = self.owner.with_address(address);
        // It is for messages only: a full disk must not keep a store from being opened.
        let _ = replace_unsynced(&**self.folder.files(), &self.folder.join(names::OWNER), &owner.to_json());
    }

    /// Device and inode of the lock file.
    pub(crate) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// The folder it locks.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if check_place(&self.folder, self.identity).is_err() {
            return;
        }
        // Under the lock still: the next owner's file must not be the one that goes.
        let _ = self.folder.files().remove(&self.folder.join(names::OWNER));
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lock").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Makes sure that the path still leads to the folder that was locked, before anything is made, replaced or removed in it:
/// somebody may have removed the folder and made another store there.
///
/// # Errors
/// `HIT_IO`.
pub(crate) fn check_place(folder: &Folder, identity: (u64, u64)) -> Result<()> {
    if is_in_place(folder, identity)? {
        return Ok(());
    }
    let message = format!(
        "{} was removed, moved or replaced while it was open, and is left alone: close the store and open the right one",
        folder.path().display()
    );
    Err(Error::new(ErrorCode::Io, message))
}

/// Whether the lock file that others find in the folder is the one with this identity.
fn is_in_place(folder: &Folder, identity: (u64, u64)) -> Result<bool> {
    let path = folder.join(names::LOCK);
    match folder.files().open(&path, OpenMode::Read).and_then(|file| file.identity()) {
        Ok(current) => Ok(current == identity),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("open the lock file", &path, error)),
    }
}

fn locked(folder: &Folder) -> Error {
    let owner = Owner::describe(&**folder.files(), &folder.join(names::OWNER));
    Error::new(ErrorCode::Locked, format!("{} is held open {owner}", folder.path().display()))
}

/// Windows: the file is open elsewhere without sharing.
fn is_sharing_violation(error: &io::Error) -> bool {
    cfg!(windows) && error.raw_os_error() == Some(32)
}

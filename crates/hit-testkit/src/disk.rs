//! A disk in memory that loses what a real one may lose when the power fails.
//!
//! # What is modelled
//! Programs see every change at once. What is on the disk for sure is what was synced:
//!
//! - **Content.** [`File::sync_data`] makes a file's content and length durable, and nothing else: not its name, not other
//!   files. Of what was done since, each write may be there, or not, or in part: cut at any byte, without some of its
//!   sectors, torn within a sector; in any subset, so that a later write may be there without an earlier one, also of the
//!   same bytes. What was lost within a longer file reads as zeros. A change of length or an allocation may have
//!   happened or not, whatever became of the writes beside it.
//! - **Names.** A name that was made, changed or removed is so for sure after [`Files::sync_folder`] of its folder. Of the
//!   changes since, a power loss keeps by turns: all up to some moment on the whole disk, as ext4 and XFS do, whose
//!   journals are written in order; all up to some moment in each folder; any subset, as file systems may that log each
//!   synced file for itself (btrfs). A rename is one change: never both names, never none. Names know nothing of
//!   content: a renamed file may be there under its new name and without the content that was not synced.
//! - **A failed sync** ([`Disk::drop_unsynced`]): the system takes what it could not write for written. Programs still see it,
//!   no later sync writes it, and part of it is on the disk.
//!
//! Not modelled: a disk that spoils what it had written, that forgets what it called synced, or stale content of other files in
//! place of zeros (ext4 with `data=writeback`).
//!
//! The death of a program loses nothing but its locks.
//!
//! Everything random follows from a seed. Folders cannot be removed, nor renamed between each other: no store does that.

mod content;
mod node;
mod power_loss;
mod state;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use hit_log::{File, Files, OpenMode};
use parking_lot::Mutex;

use content::Change;
use node::Node;
use state::State;

/// A disk in memory. Clones are the same disk.
///
/// ```
/// use std::path::Path;
/// use hit_log::{Files, OpenMode};
/// use hit_testkit::Disk;
///
/// let disk = Disk::new();
/// let file = disk.open(Path::new("/a"), OpenMode::CreateNew).unwrap();
/// file.write_at(b"text", 0).unwrap();
/// file.sync_data().unwrap();
/// disk.sync_folder(Path::new("/")).unwrap();
/// let found = disk.image().after_power_loss(7);
/// assert_eq!(found.open(Path::new("/a"), OpenMode::Read).unwrap().size().unwrap(), 4);
/// ```
#[derive(Clone)]
pub struct Disk {
    state: Arc<Mutex<State>>,
}

/// A disk at one moment, from which any number of accidents can be tried.
#[derive(Clone)]
pub struct Image {
    state: State,
}

impl Disk {
    /// An empty disk without a limit.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "each is a disk of its own")]
    pub fn new() -> Self {
        Self::of(State::new())
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk as it is now.
    #[must_use]
    pub fn image(&self) -> Image {
        Image { state: self.state.lock().clone() }
    }

    /// Grows with every change and every sync: while it stays the same, so does what a power loss may leave.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// From now on all files together take at most so many bytes, in pages of 4 KiB, or any number.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity_bytes = bytes;
    }

    /// What all files take, as [`Disk::set_capacity`] counts it.
    #[must_use]
    pub fn taken_bytes(&self) -> u64 {
        self.state.lock().taken_bytes()
    }

    /// What a failed sync does to all that was written and not synced: it is still seen, a part of it is on the disk, and no
    /// sync writes the rest any more.
    pub fn drop_unsynced(&self, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let mut state = self.state.lock();
        state.changes += 1;
        for node in state.nodes.values_mut() {
            if let Node::File(file) = Arc::make_mut(node)
                && !file.pending.is_empty()
            {
                file.durable = power_loss::content(file, &mut rng);
                file.pending.clear();
            }
        }
    }
}

impl Image {
    /// What is found when the power has failed at that moment and is back.
    #[must_use]
    pub fn after_power_loss(&self, seed: u64) -> Disk {
        Disk::of(power_loss::after(&self.state, seed))
    }

    /// What is found when the program was killed at that moment: everything it wrote, still unsynced where it was.
    #[must_use]
    pub fn after_kill(&self) -> Disk {
        Disk::of(power_loss::after_kill(&self.state))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        formatter
            .debug_struct("Disk")
            .field("device", &state.device)
            .field("changes", &state.changes)
            .finish_non_exhaustive()
    }
}

impl Files for Disk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        let (node, handle) = self.state.lock().open(path, mode)?;
        Ok(Box::new(DiskFile { disk: self.clone(), node, handle, writes: mode != OpenMode::Read }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.state.lock().create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.lock().rename(from, to)
    }

    fn link(&self, existing: &Path, new: &Path) -> io::Result<()> {
        self.state.lock().link(existing, new)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state.lock().remove(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.state.lock().list(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.state.lock().sync_folder(path)
    }
}

/// An open file of a disk.
struct DiskFile {
    disk: Disk,
    node: u64,
    handle: u64,
    writes: bool,
}

impl DiskFile {
    fn check_writes(&self) -> io::Result<()> {
        if self.writes { Ok(()) } else { Err(io::Error::other("the file is open to read only")) }
    }
}

impl File for DiskFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.disk.state.lock().file(self.node)?.now.read(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.check_writes()?;
        self.disk.state.lock().write(self.node, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.changes += 1;
        state.file(self.node)?.sync();
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state.lock().file(self.node)?.now.size())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.check_writes()?;
        self.disk.state.lock().change_file(self.node, Change::SetSize(bytes))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.check_writes()?;
        self.disk.state.lock().allocate(self.node, bytes)
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.disk.state.lock();
        let holder = &mut state.file(self.node)?.locked_by;
        Ok(*holder.get_or_insert(self.handle) == self.handle)
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        Ok((self.disk.state.lock().device, self.node))
    }
}

impl Drop for DiskFile {
    fn drop(&mut self) {
        self.disk.state.lock().close(self.node, self.handle);
    }
}

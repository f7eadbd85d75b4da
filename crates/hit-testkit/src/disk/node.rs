use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

use super::content::{Change, Content, PAGE_BYTES};

/// A file or a folder, under whatever names.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(FileNode),
    Folder(FolderNode),
}

/// A file as programs see it, and as it is on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FileNode {
    pub(super) now: Content,
    pub(super) durable: Content,
    /// What was done since the last sync.
    pub(super) pending: Vec<Change>,
    /// Up to here space is taken.
    pub(super) allocated: u64,
    /// The open file that holds the kernel lock.
    pub(super) locked_by: Option<u64>,
    pub(super) names: u64,
    pub(super) open: u64,
}

/// A folder as programs see it, and as it is on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FolderNode {
    pub(super) now: Names,
    pub(super) durable: Names,
    /// What was done since the last sync, each with its place in the order of all such changes of the disk.
    pub(super) pending: Vec<(u64, NameChange)>,
}

pub(super) type Names = BTreeMap<OsString, u64>;

/// A change of a folder's names. Each names the node it concerns, so that it means the same if another one is lost.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    /// A new file, folder or link.
    Add {
        name: OsString,
        node: u64,
    },
    Rename {
        from: OsString,
        to: OsString,
        node: u64,
    },
    Remove {
        name: OsString,
        node: u64,
    },
}

impl FileNode {
    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::SetSize(size) => self.allocated = self.allocated.min(size),
            Change::Allocate(size) => self.allocated = self.allocated.max(size),
            Change::Write { .. } => {}
        }
        self.now.apply(&change);
        self.pending.push(change);
    }

    /// Only what was done since the last sync reaches the disk: what a failed sync has dropped stays lost.
    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            self.durable.apply(&change);
        }
    }

    /// What it takes of a disk with a limit; nothing once it has neither name nor user.
    pub(super) fn taken_bytes(&self) -> u64 {
        if self.names == 0 && self.open == 0 {
            return 0;
        }
        (self.allocated.div_ceil(PAGE_BYTES) + self.now.pages_behind(self.allocated)) * PAGE_BYTES
    }
}

impl FolderNode {
    pub(super) fn change(&mut self, order: u64, change: NameChange) {
        change.apply(&mut self.now);
        self.pending.push((order, change));
    }

    pub(super) fn sync(&mut self) {
        for (_, change) in std::mem::take(&mut self.pending) {
            change.apply(&mut self.durable);
        }
    }
}

impl NameChange {
    /// Where changes before it were lost, it still gives its name to its node, and takes it only from that one.
    pub(super) fn apply(&self, names: &mut Names) {
        let mut take = |name: &OsString, node: u64| {
            if names.get(name) == Some(&node) {
                names.remove(name);
            }
        };
        match self {
            Self::Remove { name, node } => take(name, *node),
            Self::Add { name, node } => drop(names.insert(name.clone(), *node)),
            Self::Rename { from, to, node } => {
                take(from, *node);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Node {
    pub(super) fn as_file(&mut self) -> io::Result<&mut FileNode> {
        match self {
            Self::File(file) => Ok(file),
            Self::Folder(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn as_folder(&mut self) -> io::Result<&mut FolderNode> {
        match self {
            Self::Folder(folder) => Ok(folder),
            Self::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }
}

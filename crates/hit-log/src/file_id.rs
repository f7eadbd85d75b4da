use std::path::PathBuf;

use crate::folder::Folder;
use crate::names;

/// What a file of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// What was written, in order.
    Segment,
    /// What compaction kept of others.
    Run,
}

/// A file of the log. Numbers count up for each kind and are never used again while a store is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// What it is.
    pub kind: FileKind,
    /// The number in its name.
    pub number: u64,
}

impl FileId {
    pub(crate) const fn segment(number: u64) -> Self {
        Self { kind: FileKind::Segment, number }
    }

    pub(crate) const fn run(number: u64) -> Self {
        Self { kind: FileKind::Run, number }
    }

    /// Both in one number, for whoever keeps many of them.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        self.number << 1 | u64::from(self.kind == FileKind::Run)
    }

    /// The inverse of [`FileId::to_u64`].
    #[must_use]
    pub fn from_u64(both: u64) -> Self {
        let kind = if both & 1 == 0 { FileKind::Segment } else { FileKind::Run };
        Self { kind, number: both >> 1 }
    }

    /// Its name in the folder of the log.
    #[must_use]
    pub fn name(self) -> String {
        names::log_file(self)
    }

    /// Its path in a store's folder.
    #[must_use]
    pub fn path(self, folder: &Folder) -> PathBuf {
        folder.join(names::LOG).join(self.name())
    }
}

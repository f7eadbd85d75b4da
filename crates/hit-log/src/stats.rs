use std::path::PathBuf;

use crate::file_id::FileId;

/// What followed the last whole frame when the log was opened, and was ignored: a write that power loss or the death
/// of the program cut short. None of it had been synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub file: PathBuf,
    /// Where the first frame that is not whole begins.
    pub offset: u64,
    /// From there to the last byte that is not zero.
    pub bytes: u64,
}

/// A file that will not grow any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Which one.
    pub id: FileId,
    /// Its length.
    pub bytes: u64,
    /// The sequence number with which it begins.
    pub first_sequence: u64,
    /// The one behind its last.
    pub next_sequence: u64,
    /// How many operations it holds.
    pub operations: u64,
    /// Nothing in it is superseded by an operation below this sequence number; 0 where nobody has looked.
    pub judged_to: u64,
}

/// Figures of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Its segments.
    pub segments: u64,
    /// What compaction has made of others.
    pub runs: u64,
    /// What they take on disk, space taken ahead included.
    pub disk_bytes: u64,
    /// Of that, files that are not written to any more.
    pub closed_bytes: u64,
    /// Operations that were read back when it was opened.
    pub replayed_operations: u64,
    /// What was found behind the last whole frame when it was opened.
    pub torn_tail: Option<TornTail>,
    /// The sequence number of the next operation.
    pub next_sequence: u64,
    /// Everything below this sequence number survives power loss.
    pub synced: u64,
}

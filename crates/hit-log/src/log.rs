use std::fmt;
use std::io;
use std::path::PathBuf;

use hit_core::{Error, ErrorCode, Result};

use crate::compaction::{Run, Stretch};
use crate::file_header::FileHeader;
use crate::file_id::{FileId, FileKind};
use crate::folder::Folder;
use crate::frame::Frame;
use crate::io_error::{cannot, io_error};
use crate::lock::{Lock, check_place};
use crate::manifest::{Manifest, SealedFile};
use crate::recovery;
use crate::replay::Replay;
use crate::stats::{LogFile, LogStats, TornTail};
use crate::writer::{Continuation, SegmentWriter};

/// How a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// At this length a segment [is full](Log::is_full). Its owner seals it then; nothing keeps it from growing on.
    pub segment_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20 }
    }
}

/// A file that is not written to any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedFile {
    pub(crate) sealed: SealedFile,
    /// What it takes on disk.
    pub(crate) bytes: u64,
}

/// Removes files of a log that no list has any more.
pub struct Remover {
    folder: Folder,
    place: (u64, u64),
}

impl Remover {
    /// Removes one: a file that was replaced, or a run that was not installed.
    ///
    /// # Errors
    /// `HIT_IO`, `HIT_CONFIG`. The next open removes it then.
    pub fn remove(&self, id: FileId) -> Result<()> {
        check_place(&self.folder, self.place)?;
        let path = id.path(&self.folder);
        match self.folder.files().remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path, error)),
            _ => Ok(()),
        }
    }
}

/// A store's operations on disk, in the order in which they were accepted.
///
/// It has no thread of its own: every call does its work and returns. Dropping it without [`Log::close`] is what a
/// killed process leaves, which the next open recovers.
pub struct Log {
    folder: Folder,
    /// Of the lock file, by which the folder is known again.
    place: (u64, u64),
    options: LogOptions,
    /// All files but the segment being written, in order.
    pub(crate) closed: Vec<ClosedFile>,
    /// How many of them the manifest lists.
    pub(crate) listed: usize,
    /// The segment being written; none until the first append.
    pub(crate) active: Option<SegmentWriter>,
    pub(crate) next_number: u64,
    pub(crate) next_run: u64,
    pub(crate) next_sequence: u64,
    pub(crate) synced: u64,
    pub(crate) replayed_operations: u64,
    pub(crate) torn_tail: Option<TornTail>,
    poisoned: Option<Error>,
}

impl Log {
    /// Opens the log in `folder`, or makes it, and replays it whole into `replay`.
    ///
    /// What the death of a program or a power loss cut short, and was never synced, is ignored ([`LogStats`] says so);
    /// whole frames that may not be synced yet are, before this returns.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` with file and offset where something is missing or damaged that had been synced; `HIT_CONFIG`
    /// for files of a newer version; in both cases nothing in the folder is changed. `HIT_DISK_FULL`, `HIT_IO`, and
    /// whatever `replay` answers.
    pub fn open(folder: &Folder, lock: &Lock, options: LogOptions, replay: &mut dyn Replay) -> Result<Self> {
        if lock.folder().id() != folder.id() {
            let message =
                format!("the lock given is not that of {}: lock this folder", folder.path().display());
            return Err(Error::new(ErrorCode::Argument, message));
        }
        recovery::recover(folder, lock.identity(), options, replay)
    }

    /// A log without files.
    pub(crate) fn empty(folder: &Folder, place: (u64, u64), options: LogOptions) -> Self {
        Self {
            folder: folder.clone(),
            place,
            options,
            closed: Vec::new(),
            listed: 0,
            active: None,
            next_number: 1,
            next_run: 1,
            next_sequence: 1,
            synced: 1,
            replayed_operations: 0,
            torn_tail: None,
            poisoned: None,
        }
    }

    /// The sequence number of the next operation. The first one is 1.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Everything below this sequence number survives power loss.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Appends frames in order; each operation takes the next sequence number. They are written, not synced, when
    /// this returns. Frames without operations are passed over. The frames can be cleared and used again.
    ///
    /// # Errors
    /// None of the frames counts then, now or after a reopening, and the same call may be repeated: `HIT_DISK_FULL`,
    /// `HIT_IO`. `HIT_POISONED` when a sync failed, or what a failed write had left could not be taken away; from then on
    /// every call answers that.
    pub fn append(&mut self, frames: &mut [Frame]) -> Result<()> {
        self.check_not_poisoned()?;
        if frames.iter().all(Frame::is_empty) {
            return Ok(());
        }
        self.prepare_segment()?;
        let (first, synced, segment_bytes) = (self.next_sequence, self.synced, self.options.segment_bytes);
        let written = self.write(|segment| segment.write(frames, first, synced, segment_bytes));
        frames.iter_mut().for_each(Frame::unseal);
        self.next_sequence = written?;
        Ok(())
    }

    /// Makes everything appended survive power loss.
    ///
    /// # Errors
    /// `HIT_POISONED`: after a failed sync nobody knows what is on disk. From then on every call answers that; opening
    /// the log again recovers what is there.
    pub fn sync(&mut self) -> Result<()> {
        self.check_not_poisoned()?;
        if self.synced == self.next_sequence {
            return Ok(());
        }
        self.sync_segment()
    }

    fn sync_segment(&mut self) -> Result<()> {
        if let Some(segment) = &mut self.active
            && let Err(error) = segment.sync()
        {
            let path = segment.path.clone();
            return Err(self.poison("sync", path, error));
        }
        self.synced = self.next_sequence;
        Ok(())
    }

    /// Writes, without a sync, up to where the log is synced, if no frame says so yet. Called at idle: recovery can then
    /// tell damage to the last group from a torn write.
    ///
    /// # Errors
    /// As [`Log::append`]; without the mark nothing is lost.
    pub fn mark(&mut self) -> Result<()> {
        self.check_not_poisoned()?;
        let (next, synced) = (self.next_sequence, self.synced);
        if self.active.as_ref().is_none_or(|segment| !segment.needs_mark(synced)) {
            return Ok(());
        }
        self.write(|segment| segment.write_mark(next, synced))
    }

    /// The segment being written and how far; `None` where the next append begins one.
    #[must_use]
    pub fn active(&self) -> Option<(FileId, u64)> {
        self.active.as_ref().map(|segment| (segment.header.id, segment.end))
    }

    /// Whether the segment being written has its length.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.active_bytes() >= self.options.segment_bytes
    }

    /// How far the segment is written that is being written; 0 where the next append begins one.
    #[must_use]
    pub fn active_bytes(&self) -> u64 {
        self.active.as_ref().map_or(0, |segment| segment.end)
    }

    /// Ends the segment being written, so that the next append begins another one. Durability: synced at every level, so
    /// that all but the last segment are whole.
    ///
    /// # Errors
    /// As [`Log::sync`].
    pub fn seal(&mut self) -> Result<()> {
        self.sync()?;
        if self.active.as_ref().is_some_and(|segment| segment.is_unsynced) {
            // A mark: from here on its end is the segment's, and must be on disk.
            self.sync_segment()?;
        }
        if let Some(mut segment) = self.active.take() {
            segment.trim();
            self.retire(&segment);
        }
        Ok(())
    }

    /// Syncs everything and records in the manifest where the log ends, so that nothing can be missing unnoticed.
    ///
    /// # Errors
    /// `HIT_POISONED` when the sync fails, or one has before. `HIT_DISK_FULL` and `HIT_IO` from the manifest: everything is
    /// synced then, and the next open recovers.
    pub fn close(mut self) -> Result<()> {
        self.seal()?;
        if self.listed == self.closed.len() {
            return Ok(());
        }
        self.manifest(&self.closed)?.write(&**self.folder.files(), &recovery::log_folder(&self.folder))
    }

    /// The files that are not written to any more, in replay order.
    #[must_use]
    pub fn files(&self) -> Vec<LogFile> {
        let figures = |file: &ClosedFile| {
            let SealedFile { id, first_sequence, next_sequence, operations, judged_to, .. } = file.sealed;
            LogFile { id, bytes: file.bytes, first_sequence, next_sequence, operations, judged_to }
        };
        self.closed.iter().map(figures).collect()
    }

    /// Takes closed files for compaction: `count` of them from the one at `position` on. `None` where there are not as
    /// many.
    pub fn stretch(&mut self, position: usize, count: usize) -> Option<Stretch> {
        let files = self.closed.get(position..position + count).filter(|files| !files.is_empty())?;
        let files = files.iter().map(|file| file.sealed).collect();
        let number = self.next_run;
        self.next_run += 1;
        Some(Stretch::new(self.folder.clone(), self.place, files, FileId::run(number)))
    }

    /// Puts a run in the place of the stretch it was made of. Everything that superseded what it leaves out must be
    /// synced. The replaced files do not count from here on and may be removed.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, `HIT_IO`: nothing has changed, and the run may be removed. `HIT_POISONED` where the folder could not be
    /// synced: nobody knows which list is on disk, so the files of both must stay.
    pub fn install(&mut self, run: &Run) -> Result<()> {
        self.check_not_poisoned()?;
        let position = self.closed.iter().position(|file| Some(&file.sealed) == run.replaces.first());
        let count = run.replaces.len();
        let is_there = |position: &usize| {
            let there = self.closed.get(*position..position + count);
            there.is_some_and(|files| files.iter().map(|file| &file.sealed).eq(run.replaces.iter()))
        };
        let position = position.filter(is_there).ok_or_else(|| {
            Error::new(ErrorCode::Io, "a run was made of files that are not in the log: please report this")
        })?;
        let mut closed = self.closed.clone();
        closed.splice(position..position + count, [ClosedFile { sealed: run.sealed, bytes: run.sealed.end }]);
        let folder = recovery::log_folder(&self.folder);
        self.manifest(&closed)?.replace(&**self.folder.files(), &folder)?;
        if let Err(error) = self.folder.files().sync_folder(&folder) {
            return Err(self.poison("sync the folder", folder, error));
        }
        self.listed = closed.len();
        self.closed = closed;
        Ok(())
    }

    /// What removes files of this log, apart from it: that may take long.
    #[must_use]
    pub fn remover(&self) -> Remover {
        Remover { folder: self.folder.clone(), place: self.place }
    }

    fn manifest(&self, closed: &[ClosedFile]) -> Result<Manifest> {
        check_place(&self.folder, self.place)?;
        let sealed = closed.iter().map(|file| file.sealed).collect();
        let first_tail = self.active.as_ref().map_or(self.next_number, |segment| segment.header.id.number);
        Ok(Manifest { store: self.folder.id(), sealed, first_tail })
    }

    /// Figures.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        let active_bytes = self.active.as_ref().map_or(0, SegmentWriter::disk_bytes);
        let closed_bytes: u64 = self.closed.iter().map(|file| file.bytes).sum();
        let runs = self.closed.iter().filter(|file| file.sealed.id.kind == FileKind::Run).count();
        LogStats {
            segments: (self.closed.len() - runs + usize::from(self.active.is_some())) as u64,
            runs: runs as u64,
            disk_bytes: closed_bytes + active_bytes,
            closed_bytes,
            replayed_operations: self.replayed_operations,
            torn_tail: self.torn_tail.clone(),
            next_sequence: self.next_sequence,
            synced: self.synced,
        }
    }

    /// What the next segment continues.
    pub(crate) fn continuation(&self) -> Continuation {
        let last = self.closed.last().map(|file| file.sealed);
        let segment = last.filter(|file| file.id.kind == FileKind::Segment);
        Continuation {
            number: self.next_number,
            predecessor: segment.map_or(0, |file| file.id.number),
            predecessor_end: segment.map_or(0, |file| file.end),
            first_sequence: last.map_or(1, |file| file.next_sequence),
        }
    }

    /// Leaves a segment to append to.
    fn prepare_segment(&mut self) -> Result<()> {
        if self.active.is_none() {
            check_place(&self.folder, self.place)?;
            self.active = Some(SegmentWriter::create(&self.folder, self.continuation(), |_| Ok(()))?);
            self.next_number += 1;
        }
        Ok(())
    }

    /// Counts a synced segment among the closed ones.
    fn retire(&mut self, segment: &SegmentWriter) {
        let FileHeader { id, first_sequence, .. } = segment.header;
        let sealed = SealedFile::segment(id.number, segment.end, first_sequence, self.next_sequence);
        self.closed.push(ClosedFile { sealed, bytes: segment.disk_bytes() });
    }

    fn write<T>(&mut self, write: impl FnOnce(&mut SegmentWriter) -> io::Result<T>) -> Result<T> {
        let segment = self.active.as_mut().ok_or_else(|| {
            Error::new(ErrorCode::Io, "the log has no segment to write to: close the store and open it again")
        })?;
        let error = match write(segment) {
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        let path = segment.path.clone();
        match segment.roll_back() {
            Ok(()) => Err(io_error("write to", &path, error)),
            Err(failed) => Err(self.poison("take a failed write back from", path, failed)),
        }
    }

    fn check_not_poisoned(&self) -> Result<()> {
        self.poisoned.clone().map_or(Ok(()), Err)
    }

    #[cold]
    fn poison(&mut self, action: &str, path: PathBuf, error: io::Error) -> Error {
        let message = format!(
            "cannot {action} {}: {error}; what is on disk is unknown until the store is closed and opened again",
            path.display()
        );
        let poison = Error::new(ErrorCode::Poisoned, message).with_source(cannot(action, &path)(error));
        self.poisoned = Some(poison.clone());
        poison
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Log")
            .field("folder", &self.folder)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

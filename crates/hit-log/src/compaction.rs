//! Compaction's work on files: reads a stretch of the log, asks what of it is still needed, and writes that into a run.
//! What is needed, when it runs and how fast is decided by the store.

mod run_writer;

use hit_core::{Operation, Result};

use crate::corruption::corruption;
use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::file_id::FileId;
use crate::files::{File, OpenMode, read_available_at};
use crate::folder::Folder;
use crate::io_error::cannot;
use crate::lock::check_place;
use crate::manifest::SealedFile;
use crate::operation::FrameOperations;
use crate::reader::{FrameReader, Step, Window};
use crate::replay::ValuePlace;

use self::run_writer::RunWriter;

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is kept as it is.
    Keep,
    /// A set of which only that it hides what is older is kept.
    KeepAsDelete,
    /// It is left out.
    Drop,
}

/// Knows what is still needed.
pub trait Judge {
    /// Pushes one decision for each operation, in order.
    ///
    /// # Errors
    /// Any error ends the compaction; nothing has changed then.
    fn judge(&mut self, operations: FrameOperations<'_>, decisions: &mut Vec<Decision>) -> Result<()>;

    /// Hears where the value of a set that was kept lies now, and how long it is, for values of 256 bytes and more.
    fn moved(&mut self, sequence: u64, key: &[u8], length: u32, place: ValuePlace);

    /// Hears how many bytes were read and written since the last call, and may wait.
    ///
    /// # Errors
    /// Any error ends the compaction; nothing has changed then.
    fn pace(&mut self, read: u64, written: u64) -> Result<()>;
}

/// Neighbours in a log, taken out of its list for compaction while they stay in it.
pub struct Stretch {
    folder: Folder,
    place: (u64, u64),
    files: Vec<SealedFile>,
    run: FileId,
}

/// What a stretch became: [`crate::Log::install`] puts it in the stretch's place.
#[derive(Debug)]
pub struct Run {
    pub(crate) sealed: SealedFile,
    pub(crate) replaces: Vec<SealedFile>,
}

impl Run {
    /// Its file.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.sealed.id
    }

    /// The files in whose place it comes.
    pub fn replaces(&self) -> impl Iterator<Item = FileId> {
        self.replaces.iter().map(|file| file.id)
    }

    /// What those take.
    #[must_use]
    pub fn replaced_bytes(&self) -> u64 {
        self.replaces.iter().map(|file| file.end).sum()
    }

    /// The sequence numbers that it covers, the second exclusive.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        (self.sealed.first_sequence, self.sealed.next_sequence)
    }
}

impl Stretch {
    pub(crate) fn new(folder: Folder, place: (u64, u64), files: Vec<SealedFile>, run: FileId) -> Self {
        Self { folder, place, files, run }
    }

    /// Writes what `judge` keeps into a run, synced, which counts only once it is installed. `judged_to` is a sequence
    /// number that every operation the judge knew of at its first decision was below.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` with file and offset, `HIT_DISK_FULL`, `HIT_IO`, and what `judge` answers; what was written is removed.
    pub fn compact(&self, judged_to: u64, judge: &mut dyn Judge) -> Result<Run> {
        check_place(&self.folder, self.place)?;
        let run = self.write(judged_to, judge);
        if run.is_err() {
            // What cannot be removed now is removed by the next open, since no list has it.
            let _ = self.folder.files().remove(&self.run.path(&self.folder));
        }
        run
    }

    fn write(&self, judged_to: u64, judge: &mut dyn Judge) -> Result<Run> {
        let first_sequence = self.files.first().map_or(1, |file| file.first_sequence);
        let next_sequence = self.files.last().map_or(1, |file| file.next_sequence);
        let mut writer = RunWriter::create(&self.folder, self.run, first_sequence)?;
        let mut window = Window::default();
        let mut decisions = Vec::new();
        for file in &self.files {
            self.copy(file, &mut window, &mut decisions, &mut writer, judge)?;
        }
        let (end, operations) = writer.finish(&self.folder)?;
        let sealed = SealedFile { id: self.run, end, first_sequence, next_sequence, operations, judged_to };
        Ok(Run { sealed, replaces: self.files.clone() })
    }

    fn copy(
        &self,
        source: &SealedFile,
        window: &mut Window,
        decisions: &mut Vec<Decision>,
        target: &mut RunWriter,
        judge: &mut dyn Judge,
    ) -> Result<()> {
        let path = source.id.path(&self.folder);
        let file = self.folder.files().open(&path, OpenMode::Read).map_err(cannot("read", &path))?;
        let header = read_header(&*file, &self.folder, source.id)?;
        window.reset();
        let mut reader = FrameReader {
            kind: source.id.kind,
            file: &*file,
            path: &path,
            salt: header.salt,
            position: FILE_HEADER_BYTES as u64,
            limit: source.end,
            next_sequence: source.first_sequence,
            window,
        };
        loop {
            let offset = reader.position;
            let frame = match reader.next()? {
                Step::Frame(frame) => frame,
                Step::Bad(what) => return Err(corruption(&path, offset, what)),
                Step::End => return Ok(()),
            };
            let written = target.end();
            decisions.clear();
            judge.judge(frame.operations(), decisions)?;
            for ((sequence, operation), decision) in frame.operations().zip(decisions.iter()) {
                match (decision, operation) {
                    (Decision::Drop, _) => {}
                    (Decision::KeepAsDelete, Operation::Set { key, .. }) => {
                        target.push(sequence, &Operation::Delete { key }, judge)?;
                    }
                    (Decision::Keep | Decision::KeepAsDelete, operation) => {
                        target.push(sequence, &operation, judge)?;
                    }
                }
            }
            let read = frame.header.frame_bytes() as u64;
            judge.pace(read, target.end() - written)?;
        }
    }
}

/// Reads the header of a file that must have one.
///
/// # Errors
/// `HIT_CORRUPTION`, `HIT_CONFIG` for a newer version, `HIT_IO`.
pub(crate) fn read_header(file: &dyn File, folder: &Folder, id: FileId) -> Result<FileHeader> {
    let path = id.path(folder);
    let mut bytes = [0; FILE_HEADER_BYTES];
    let read = read_available_at(file, &mut bytes, 0).map_err(cannot("read", &path))?;
    let header = FileHeader::decode(bytes.get(..read).unwrap_or_default(), &path, folder.id(), id)?;
    header.ok_or_else(|| corruption(&path, 0, "its header is not whole"))
}

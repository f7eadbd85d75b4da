//! Reads everything in a store's folder and names what is not as it was written. Unlike recovery it goes on behind damage, and
//! changes nothing.

use std::io;
use std::path::{Path, PathBuf};

use hit_core::{Error, ErrorCode, Problem, Progress, Result, Tell, tell};

use crate::corruption::corruption;
use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::file_id::{FileId, FileKind};
use crate::files::{File, OpenMode, read_available_at};
use crate::folder::Folder;
use crate::io_error::{cannot, io_error};
use crate::manifest::{Manifest, SealedFile};
use crate::names;
use crate::reader::{FrameReader, Step, Window};

/// How often the list is read again because compaction has replaced a file meanwhile.
const TRIES: usize = 100;
/// Bytes between two reports of progress.
const STEP_BYTES: u64 = 1 << 20;

/// Checks the store in `folder`, beside its writer if there is one: returns what is wrong, and how many bytes were read.
/// Progress counts files and bytes.
///
/// # Errors
/// `HIT_IO` and `HIT_CONFIG` where the folder or its list cannot be read at all, `HIT_ABORTED`.
pub fn verify(folder: &Folder, progress: &mut Tell<'_>) -> Result<(Vec<Problem>, u64)> {
    for _ in 1..TRIES {
        let mut check = Check::new(folder, progress);
        check.log()?;
        if !check.was_replaced()? {
            return Ok((check.problems, check.done.bytes));
        }
    }
    let mut check = Check::new(folder, progress);
    check.log()?;
    Ok((check.problems, check.done.bytes))
}

struct Check<'a, 't> {
    folder: &'a Folder,
    path: PathBuf,
    progress: &'a mut Tell<'t>,
    done: Progress,
    told_bytes: u64,
    window: Window,
    manifest: Option<Manifest>,
    problems: Vec<Problem>,
    /// Listed files that are not there.
    is_missing_some: bool,
}

/// What a file must be.
struct Expected {
    id: FileId,
    /// Where it ends; unknown of a segment that is being written, or was when the program died.
    end: Option<u64>,
    first_sequence: Option<u64>,
    next_sequence: Option<u64>,
    operations: Option<u64>,
}

impl From<&SealedFile> for Expected {
    fn from(file: &SealedFile) -> Self {
        Self {
            id: file.id,
            end: Some(file.end),
            first_sequence: Some(file.first_sequence),
            next_sequence: Some(file.next_sequence),
            operations: Some(file.operations),
        }
    }
}

impl<'a, 't> Check<'a, 't> {
    fn new(folder: &'a Folder, progress: &'a mut Tell<'t>) -> Self {
        Self {
            folder,
            path: folder.join(names::LOG),
            progress,
            done: Progress::default(),
            told_bytes: 0,
            window: Window::default(),
            manifest: None,
            problems: Vec::new(),
            is_missing_some: false,
        }
    }

    /// Whether what is missing was replaced by a compaction: then there is another list now.
    fn was_replaced(&self) -> Result<bool> {
        if !self.is_missing_some {
            return Ok(false);
        }
        match Manifest::read(&**self.folder.files(), &self.path, self.folder.id()) {
            Ok(manifest) => Ok(manifest != self.manifest),
            Err(error) if error.code() == ErrorCode::Corruption => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn log(&mut self) -> Result<()> {
        let files = &**self.folder.files();
        // The list first: what is sealed later is in the tail then.
        let manifest = Manifest::read(files, &self.path, self.folder.id());
        let names = match files.list(&self.path) {
            Ok(names) => names,
            // A store that was never written to.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error("open the folder", &self.path, error)),
        };
        let ids = names.iter().filter_map(|name| names::parse_log_file(name.to_str()?));
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        let path = self.path.join(names::MANIFEST);
        match manifest {
            Ok(manifest) => self.manifest = manifest,
            Err(error) if error.code() == ErrorCode::Corruption => {
                self.problems.push(Problem::new(&path, 0, &error));
            }
            Err(error) => return Err(error),
        }
        let Some(manifest) = self.manifest.clone() else {
            if !ids.is_empty() && self.problems.is_empty() {
                self.problems.push(Problem::new(&path, 0, &corruption(&path, 0, "it is missing")));
            }
            // Without the list nobody knows which of the files count, but what is whole in them.
            self.done.total = Some(ids.len() as u64);
            return ids.into_iter().try_for_each(|id| self.file(&unknown(id)).map(drop));
        };
        let is_tail = |id: &FileId| id.kind == FileKind::Segment && id.number >= manifest.first_tail;
        let tail: Vec<_> = ids.into_iter().filter(is_tail).collect();
        self.done.total = Some((manifest.sealed.len() + tail.len()) as u64);
        for sealed in &manifest.sealed {
            self.file(&sealed.into())?;
        }
        self.tail(&tail, &manifest)
    }

    /// The segments that no list has yet, which say of each other where they end.
    fn tail(&mut self, tail: &[FileId], manifest: &Manifest) -> Result<()> {
        let headers = tail.iter().map(|&id| self.header(id)).collect::<Result<Vec<_>>>()?;
        let mut first_sequence = Some(manifest.next_sequence());
        for (position, (&id, number)) in tail.iter().zip(manifest.first_tail..).enumerate() {
            if id.number != number {
                let path = FileId::segment(number).path(self.folder);
                let what = format!("it is missing, {} is there", id.name());
                self.problems.push(Problem::new(&path, 0, &corruption(&path, 0, &what)));
                return Ok(());
            }
            let successor = headers.get(position + 1).copied().flatten();
            let expected = Expected {
                end: successor
                    .filter(|header| header.predecessor == id.number)
                    .map(|header| header.predecessor_end),
                first_sequence,
                next_sequence: successor.map(|header| header.first_sequence),
                ..unknown(id)
            };
            let is_last = position + 1 == tail.len();
            let is_begun = headers.get(position).is_some_and(Option::is_some);
            if is_last && !is_begun && self.is_zero_behind_header(id)? {
                return Ok(());
            }
            first_sequence = self.file(&expected)?;
        }
        Ok(())
    }

    /// The header of a tail segment; `None` where it is not whole or not right, which the check of the file names.
    fn header(&self, id: FileId) -> Result<Option<FileHeader>> {
        let path = id.path(self.folder);
        let Ok(file) = self.folder.files().open(&path, OpenMode::Read) else { return Ok(None) };
        let mut bytes = [0; FILE_HEADER_BYTES];
        let read = read_available_at(&*file, &mut bytes, 0).map_err(cannot("read", &path))?;
        let bytes = bytes.get(..read).unwrap_or_default();
        Ok(FileHeader::decode(bytes, &path, self.folder.id(), id).ok().flatten())
    }

    fn is_zero_behind_header(&self, id: FileId) -> Result<bool> {
        crate::recovery::survey::is_zero_behind_header(&**self.folder.files(), &id.path(self.folder))
    }

    /// Checks one file, and says which sequence number follows it where that is known.
    fn file(&mut self, expected: &Expected) -> Result<Option<u64>> {
        let path = expected.id.path(self.folder);
        let problems = self.problems.len();
        let next = match self.folder.files().open(&path, OpenMode::Read) {
            Ok(file) => self.content(&*file, &path, expected),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.is_missing_some = true;
                Err((0, corruption(&path, 0, "it is missing")))
            }
            Err(error) => Err((0, io_error("read", &path, error))),
        };
        self.done.done += 1;
        let next = match next {
            Ok(next) => Some(next),
            Err((_, error)) if error.code() == ErrorCode::Aborted => return Err(error),
            Err((offset, error)) => {
                self.problems.push(Problem::new(&path, offset, &error));
                None
            }
        };
        self.tell()?;
        // Behind damage only its own list or successor knows what follows.
        let is_whole = self.problems.len() == problems;
        Ok(next.filter(|_| is_whole).or(expected.next_sequence))
    }

    /// Reads a file to its end; damage between whole frames is noted on the way.
    fn content(
        &mut self,
        file: &dyn File,
        path: &Path,
        expected: &Expected,
    ) -> std::result::Result<u64, (u64, Error)> {
        let at = |offset: u64| move |error: Error| (offset, error);
        let size = file.size().map_err(|error| (0, io_error("read", path, error)))?;
        let mut bytes = [0; FILE_HEADER_BYTES];
        let read =
            read_available_at(file, &mut bytes, 0).map_err(|error| (0, io_error("read", path, error)))?;
        let bytes = bytes.get(..read).unwrap_or_default();
        let header = FileHeader::decode(bytes, path, self.folder.id(), expected.id).map_err(at(0))?;
        let header = header.ok_or_else(|| (0, corruption(path, 0, "its header is not whole")))?;
        if let Some(first) = expected.first_sequence.filter(|&first| first != header.first_sequence) {
            let what = format!("it begins with operation {}, not with {first}", header.first_sequence);
            return Err((56, corruption(path, 56, &what)));
        }
        if let Some(end) = expected.end.filter(|&end| end > size) {
            let what = format!("it has {size} bytes and should have at least {end}");
            self.problems.push(Problem::new(path, size, &corruption(path, size, &what)));
        }
        let mut window = std::mem::take(&mut self.window);
        window.reset();
        let mut reader = FrameReader {
            kind: expected.id.kind,
            file,
            path,
            salt: header.salt,
            position: FILE_HEADER_BYTES as u64,
            limit: expected.end.map_or(size, |end| end.min(size)),
            next_sequence: header.first_sequence,
            window: &mut window,
        };
        let read = self.frames(&mut reader, path, expected);
        let (end, next) = (reader.position, reader.next_sequence);
        self.window = window;
        let operations = read?;
        self.done.bytes += FILE_HEADER_BYTES as u64;
        let Some(operations) = operations else { return Ok(next) };
        if let Some(listed) = expected.operations.filter(|&listed| listed != operations) {
            let what = format!("it holds {operations} operations, the manifest says {listed}");
            return Err((end, corruption(path, end, &what)));
        }
        let is_segment = expected.id.kind == FileKind::Segment;
        match expected.next_sequence {
            Some(expected) if next > expected || is_segment && next < expected => {
                let what = format!("its operations end before {next}, not before {expected}");
                Err((end, corruption(path, end, &what)))
            }
            expected => Ok(expected.unwrap_or(next)),
        }
    }

    /// Reads the frames of a file: how many operations there are, or `None` behind damage.
    fn frames(
        &mut self,
        reader: &mut FrameReader<'_>,
        path: &Path,
        expected: &Expected,
    ) -> std::result::Result<Option<u64>, (u64, Error)> {
        let mut operations = Some(0);
        loop {
            let offset = reader.position;
            let damage = match reader.next() {
                Ok(Step::Frame(frame)) => {
                    let bytes = frame.header.frame_bytes() as u64;
                    operations = operations.map(|before| before + u64::from(frame.header.operations));
                    self.done.bytes += bytes;
                    if self.done.bytes - self.told_bytes >= STEP_BYTES {
                        self.tell().map_err(|error| (offset, error))?;
                    }
                    continue;
                }
                Ok(Step::End) => return Ok(operations),
                Ok(Step::Bad(what)) => corruption(path, offset, what),
                Err(error) => error,
            };
            if damage.code() != ErrorCode::Corruption {
                return Err((offset, damage));
            }
            let before = reader.next_sequence;
            if expected.end.is_none() {
                // A write may be under way, and what follows the last whole frame was never promised unless something behind
                // it says so.
                let synced_to = reader.synced_behind().map_err(|error| (offset, error))?;
                if synced_to <= before {
                    return Ok(operations);
                }
                if reader.is_whole_again().map_err(|error| (offset, error))? {
                    continue;
                }
            }
            let behind = reader.resume().map_err(|error| (offset, error))?;
            let affected = match (behind, expected.next_sequence) {
                (Some(header), _) => lost(before, header.first_sequence),
                (None, Some(next)) => lost(before, next),
                (None, None) => format!("operations from {before} on are lost"),
            };
            let error = Error::new(damage.code(), format!("{}; {affected}", damage.message()));
            self.problems.push(Problem::new(path, offset, &error));
            operations = None;
            if behind.is_none() {
                return Ok(None);
            }
        }
    }

    fn tell(&mut self) -> Result<()> {
        self.told_bytes = self.done.bytes;
        tell(self.progress, self.done, "the check")
    }
}

fn unknown(id: FileId) -> Expected {
    Expected { id, end: None, first_sequence: None, next_sequence: None, operations: None }
}

fn lost(from: u64, to: u64) -> String {
    match to.saturating_sub(from) {
        0 => "no operation is lost".into(),
        1 => format!("operation {from} is lost"),
        _ => format!("operations {from} to {} are lost", to - 1),
    }
}

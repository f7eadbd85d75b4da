use std::io;
use std::path::{Path, PathBuf};

use hit_core::Result;

use crate::corruption::corruption;
use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::file_id::{FileId, FileKind};
use crate::files::{Files, OpenMode, read_available_at};
use crate::folder::Folder;
use crate::io_error::{cannot, io_error};
use crate::manifest::{Manifest, SealedFile};
use crate::names;

use super::log_folder;

/// A file that counts.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) header: FileHeader,
    /// The file's length.
    pub(crate) size: u64,
    /// Where it ends, by the manifest or by its successor; unknown for the last one of a log that was not closed.
    pub(crate) end: Option<u64>,
    /// The sequence number behind it, where that is known.
    pub(crate) next_sequence: Option<u64>,
    /// What the manifest says of it, if it is listed.
    pub(crate) listed: Option<SealedFile>,
}

impl Found {
    pub(crate) fn id(&self) -> FileId {
        self.header.id
    }

    /// Takes over from its successor where it ends.
    fn end_where(&mut self, successor: &FileHeader, path: &Path) -> Result<()> {
        if successor.predecessor != self.id().number {
            let what = format!("it continues segment {}, not {}", successor.predecessor, self.id().number);
            return Err(corruption(path, 40, &what));
        }
        check_end(&self.path, self.size, successor.predecessor_end)?;
        if self.end.is_some_and(|end| end != successor.predecessor_end) {
            return Err(corruption(path, 48, "the segment before it ends elsewhere"));
        }
        self.end = Some(successor.predecessor_end);
        self.next_sequence = Some(successor.first_sequence);
        Ok(())
    }
}

/// The names in a log's folder, and its manifest.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) names: Vec<String>,
    pub(crate) manifest: Manifest,
}

impl Listing {
    /// Lists a store's log; `None` where none was made yet. The manifest is read behind the names: beside a writer it is
    /// then the newer of the two, so segments that it calls the tail and that have a name by now are listed.
    ///
    /// # Errors
    /// `HIT_CORRUPTION`, `HIT_CONFIG` for a newer version, `HIT_IO`.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>> {
        let files = &**folder.files();
        let path = log_folder(folder);
        let names = match files.list(&path) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open the folder", &path, error)),
        };
        let names: Vec<_> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
        match Manifest::read(files, &path, folder.id())? {
            Some(manifest) => Ok(Some(Self { names, manifest })),
            None if names.iter().any(|name| names::parse_log_file(name).is_some()) => {
                Err(corruption(&path.join(names::MANIFEST), 0, "it is missing"))
            }
            None => Ok(None),
        }
    }
}

/// What lies in a log's folder, as manifest and headers tell.
#[derive(Debug)]
pub(crate) struct Survey {
    /// In replay order.
    pub(crate) found: Vec<Found>,
    /// How many of them the manifest lists.
    pub(crate) listed: usize,
    /// The number of the next segment: a last one without a header is replaced.
    pub(crate) next_number: u64,
    /// The number of the next run.
    pub(crate) next_run: u64,
    /// What an interrupted writer has left: temporary files, and files that compaction has replaced or not finished.
    pub(crate) leftover: Vec<String>,
}

impl Survey {
    /// Looks at a store's log; `None` where none was made yet.
    ///
    /// # Errors
    /// `HIT_CORRUPTION`, `HIT_CONFIG` for a newer version, `HIT_IO`.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>> {
        Listing::read(folder)?.map(|listing| Self::of(folder, &listing, 1)).transpose()
    }

    /// Looks at what a listing names. Sealed files without an operation from the sequence number `from` on are left out, but
    /// for the last of them, which a segment may continue.
    ///
    /// # Errors
    /// `HIT_CORRUPTION`, `HIT_CONFIG` for a newer version, `HIT_IO`.
    pub(crate) fn of(folder: &Folder, listing: &Listing, from: u64) -> Result<Self> {
        let Listing { names, manifest } = listing;
        let path = log_folder(folder);
        let ids: Vec<_> = names.iter().filter_map(|name| names::parse_log_file(name)).collect();
        let is_tail = |id: &FileId| id.kind == FileKind::Segment && id.number >= manifest.first_tail;
        let is_listed = |id: &FileId| manifest.sealed.iter().any(|file| file.id == *id);
        let leftover = |name: &String| match names::parse_log_file(name) {
            Some(id) => !is_tail(&id) && !is_listed(&id),
            None => is_unfinished(name),
        };
        let runs = ids.iter().filter(|id| id.kind == FileKind::Run).map(|id| id.number);
        let mut survey = Self {
            found: Vec::new(),
            listed: manifest.sealed.len(),
            next_number: manifest.first_tail,
            next_run: runs.max().unwrap_or(0) + 1,
            leftover: names.iter().filter(|name| leftover(name)).cloned().collect(),
        };
        let last = manifest.sealed.last().map(|file| file.id);
        for file in &manifest.sealed {
            if file.next_sequence > from || from <= 1 || Some(file.id) == last {
                survey.add_sealed(folder, &path, file)?;
            }
        }
        let mut tail: Vec<_> = ids.iter().filter(|id| is_tail(id)).map(|id| id.number).collect();
        tail.sort_unstable();
        for &number in &tail {
            survey.add_tail(folder, &path, number, tail.last() == Some(&number))?;
        }
        Ok(survey)
    }

    fn add_sealed(&mut self, folder: &Folder, log: &Path, file: &SealedFile) -> Result<()> {
        let path = log.join(file.id.name());
        let (size, header) = open(folder, &path, file.id)?;
        let header = header.ok_or_else(|| corruption(&path, 0, "its header is not whole"))?;
        check_end(&path, size, file.end)?;
        if header.first_sequence != file.first_sequence {
            let what = format!(
                "it begins with operation {}, the manifest says {}",
                header.first_sequence, file.first_sequence
            );
            return Err(corruption(&path, 56, &what));
        }
        self.found.push(Found {
            path,
            header,
            size,
            end: Some(file.end),
            next_sequence: Some(file.next_sequence),
            listed: Some(*file),
        });
        Ok(())
    }

    fn add_tail(&mut self, folder: &Folder, log: &Path, number: u64, is_last: bool) -> Result<()> {
        let id = FileId::segment(number);
        let path = log.join(id.name());
        if number != self.next_number {
            let missing = log.join(FileId::segment(self.next_number).name());
            return Err(corruption(&missing, 0, &format!("it is missing, {} is there", id.name())));
        }
        let (size, header) = open(folder, &path, id)?;
        let Some(header) = header else {
            // A writer syncs the header before it writes anything behind it.
            if !is_last || !is_zero_behind_header(&**folder.files(), &path)? {
                return Err(corruption(&path, 0, "its header is not whole"));
            }
            return Ok(());
        };
        match self.found.last_mut() {
            // Compaction has taken its predecessor away; where it begins tells whether it follows.
            Some(before) if before.id().kind == FileKind::Run => {}
            Some(before) => before.end_where(&header, &path)?,
            None if header.predecessor == 0 => {}
            None => {
                let what = format!("it continues segment {}, which is missing", header.predecessor);
                return Err(corruption(&path, 40, &what));
            }
        }
        self.found.push(Found { path, header, size, end: None, next_sequence: None, listed: None });
        self.next_number = number + 1;
        Ok(())
    }
}

fn open(folder: &Folder, path: &Path, id: FileId) -> Result<(u64, Option<FileHeader>)> {
    let mut bytes = [0; FILE_HEADER_BYTES];
    let read = folder.files().open(path, OpenMode::Read).and_then(|file| {
        let read = read_available_at(&*file, &mut bytes, 0)?;
        Ok((file.size()?, read))
    });
    let (size, read) = match read {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(corruption(path, 0, "it is missing"));
        }
        Err(error) => return Err(io_error("read", path, error)),
    };
    let header = FileHeader::decode(bytes.get(..read).unwrap_or_default(), path, folder.id(), id)?;
    Ok((size, header))
}

fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(names::TEMPORARY)
        .is_some_and(|name| name == names::MANIFEST || names::parse_log_file(name).is_some())
}

fn check_end(path: &Path, size: u64, end: u64) -> Result<()> {
    if end < FILE_HEADER_BYTES as u64 || end > size {
        return Err(corruption(path, size, &format!("it has {size} bytes and should have at least {end}")));
    }
    Ok(())
}

/// Whether nothing was written behind a header.
pub(crate) fn is_zero_behind_header(files: &dyn Files, path: &Path) -> Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    let mut offset = FILE_HEADER_BYTES as u64;
    let file = files.open(path, OpenMode::Read).map_err(cannot("read", path))?;
    loop {
        let read = read_available_at(&*file, &mut buffer, offset).map_err(cannot("read", path))?;
        if buffer.iter().take(read).any(|&byte| byte != 0) {
            return Ok(false);
        }
        if read < buffer.len() {
            return Ok(true);
        }
        offset += read as u64;
    }
}

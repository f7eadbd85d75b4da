use std::io;
use std::path::{Path, PathBuf};

use hit_core::Result;

use crate::corruption::corruption;
use crate::files::{Files, OpenMode, read_available_at};
use crate::folder::Folder;
use crate::io_error::{cannot, io_error};
use crate::manifest::{Manifest, SealedFile};
use crate::names;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};

use super::log_folder;

/// A segment that counts.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) header: SegmentHeader,
    /// The file's length.
    pub(super) size: u64,
    /// Where it ends, by the manifest or by its successor; unknown for the last one of a log that was not closed.
    pub(super) end: Option<u64>,
    /// The sequence number behind it, where that is known.
    pub(super) next_sequence: Option<u64>,
}

/// What lies in a log's folder, as manifest and headers tell.
#[derive(Debug)]
pub(super) struct Survey {
    /// In replay order.
    pub(super) segments: Vec<Segment>,
    /// How many of them the manifest lists.
    pub(super) listed: usize,
    /// The number of the next segment: a last one without a header is replaced.
    pub(super) next_number: u64,
    /// Temporary files of an interrupted writer.
    pub(super) unfinished: Vec<String>,
}

impl Survey {
    /// Looks at a store's log; `None` where none was made yet.
    ///
    /// # Errors
    /// `HIT_CORRUPTION`, `HIT_CONFIG` for a newer version, `HIT_IO`.
    pub(super) fn read(folder: &Folder) -> Result<Option<Self>> {
        let files = &**folder.files();
        let path = log_folder(folder);
        let names = match files.list(&path) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open the folder", &path, error)),
        };
        let names: Vec<_> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
        let mut numbers: Vec<_> = names.iter().filter_map(|name| names::segment_number(name)).collect();
        numbers.sort_unstable();
        let Some(manifest) = Manifest::read(files, &path, folder.id())? else {
            return match numbers.first() {
                None => Ok(None),
                Some(_) => Err(corruption(&path.join(names::MANIFEST), 0, "it is missing")),
            };
        };
        let mut survey = Self {
            segments: Vec::new(),
            listed: manifest.sealed.len(),
            next_number: manifest.first_tail,
            unfinished: names.into_iter().filter(|name| is_unfinished(name)).collect(),
        };
        for file in &manifest.sealed {
            survey.add_sealed(folder, &path, file)?;
        }
        let tail = numbers.partition_point(|&number| number < manifest.first_tail);
        for &number in numbers.get(tail..).unwrap_or_default() {
            survey.add_tail(folder, &path, number, numbers.last() == Some(&number))?;
        }
        Ok(Some(survey))
    }

    fn add_sealed(&mut self, folder: &Folder, log: &Path, file: &SealedFile) -> Result<()> {
        let path = log.join(names::segment(file.number));
        let (size, header) = open(folder, &path, file.number)?;
        let header = header.ok_or_else(|| corruption(&path, 0, "its header is not whole"))?;
        check_end(&path, size, file.end)?;
        self.segments.push(Segment {
            number: file.number,
            path,
            header,
            size,
            end: Some(file.end),
            next_sequence: Some(file.next_sequence),
        });
        Ok(())
    }

    fn add_tail(&mut self, folder: &Folder, log: &Path, number: u64, is_last: bool) -> Result<()> {
        let path = log.join(names::segment(number));
        if number != self.next_number {
            let missing = log.join(names::segment(self.next_number));
            return Err(corruption(
                &missing,
                0,
                &format!("it is missing, {} is there", names::segment(number)),
            ));
        }
        let (size, header) = open(folder, &path, number)?;
        let Some(header) = header else {
            // A writer syncs the header before it writes anything behind it.
            if !is_last || !is_zero_behind_header(&**folder.files(), &path)? {
                return Err(corruption(&path, 0, "its header is not whole"));
            }
            return Ok(());
        };
        if let Some(before) = self.segments.last_mut() {
            if header.predecessor != before.number {
                let what = format!("it continues segment {}, not {}", header.predecessor, before.number);
                return Err(corruption(&path, 40, &what));
            }
            check_end(&before.path, before.size, header.predecessor_end)?;
            if before.end.is_some_and(|end| end != header.predecessor_end) {
                return Err(corruption(&path, 48, "the segment before it ends elsewhere"));
            }
            before.end = Some(header.predecessor_end);
            before.next_sequence = Some(header.first_sequence);
        } else if header.predecessor != 0 {
            let what = format!("it continues segment {}, which is missing", header.predecessor);
            return Err(corruption(&path, 40, &what));
        }
        self.segments.push(Segment { number, path, header, size, end: None, next_sequence: None });
        self.next_number = number + 1;
        Ok(())
    }
}

fn open(folder: &Folder, path: &Path, number: u64) -> Result<(u64, Option<SegmentHeader>)> {
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
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
    let header = SegmentHeader::decode(bytes.get(..read).unwrap_or_default(), path, folder.id(), number)?;
    Ok((size, header))
}

fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(names::TEMPORARY)
        .is_some_and(|name| name == names::MANIFEST || names::segment_number(name).is_some())
}

fn check_end(path: &Path, size: u64, end: u64) -> Result<()> {
    if end < SEGMENT_HEADER_BYTES as u64 || end > size {
        return Err(corruption(path, size, &format!("it has {size} bytes and should have at least {end}")));
    }
    Ok(())
}

fn is_zero_behind_header(files: &dyn Files, path: &Path) -> Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    let mut offset = SEGMENT_HEADER_BYTES as u64;
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

//! The list of a log's files: `docs/log-format.md`, "Manifest".

use std::io;
use std::path::Path;

use hit_core::Result;

use crate::bytes::{take, take_u32, take_u64};
use crate::corruption::{corruption, newer};
use crate::file_id::{FileId, FileKind};
use crate::files::{Files, OpenMode, read_whole};
use crate::io_error::{cannot, io_error};
use crate::names::MANIFEST;
use crate::replace::replace;
use crate::store_id::StoreId;

const MAGIC: [u8; 8] = *b"hitkvman";
const VERSION: u32 = 1;
/// The incompatible features that this version knows: none.
const KNOWN_FEATURES: u32 = 0;
/// What an entry is.
const SEGMENT: u32 = 1;
const RUN: u32 = 2;
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 56;
/// A million files.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// A file that will not grow any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedFile {
    pub(crate) id: FileId,
    /// What lies behind this offset does not count; all before it is synced.
    pub(crate) end: u64,
    pub(crate) first_sequence: u64,
    pub(crate) next_sequence: u64,
    /// How many operations it holds; in a segment one for each sequence number.
    pub(crate) operations: u64,
    /// Nothing in it is superseded by an operation below this sequence number; 0 where nobody has looked.
    pub(crate) judged_to: u64,
}

impl SealedFile {
    /// A segment.
    pub(crate) fn segment(number: u64, end: u64, first_sequence: u64, next_sequence: u64) -> Self {
        let operations = next_sequence - first_sequence;
        Self { id: FileId::segment(number), end, first_sequence, next_sequence, operations, judged_to: 0 }
    }

    /// Whether the fields can belong together.
    fn is_consistent(&self) -> bool {
        let Some(range) = self.next_sequence.checked_sub(self.first_sequence) else { return false };
        match self.id.kind {
            FileKind::Segment => self.operations == range && self.judged_to == 0,
            FileKind::Run => self.operations <= range && self.judged_to >= self.next_sequence,
        }
    }
}

/// Which files make up the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) store: StoreId,
    /// In replay order.
    pub(crate) sealed: Vec<SealedFile>,
    /// From this number on every segment belongs to the tail.
    pub(crate) first_tail: u64,
}

impl Manifest {
    /// The manifest of a log without files.
    pub(crate) fn new(store: StoreId) -> Self {
        Self { store, sealed: Vec::new(), first_tail: 1 }
    }

    /// The sequence number behind the sealed files.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sealed.last().map_or(1, |file| file.next_sequence)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.sealed.len() * ENTRY_BYTES + 4);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(KNOWN_FEATURES.to_le_bytes());
        bytes.extend(self.store.to_bytes());
        bytes.extend(self.first_tail.to_le_bytes());
        bytes.extend((self.sealed.len() as u64).to_le_bytes());
        for file in &self.sealed {
            let kind = match file.id.kind {
                FileKind::Segment => SEGMENT,
                FileKind::Run => RUN,
            };
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 4]);
            let SealedFile { id, end, first_sequence, next_sequence, operations, judged_to } = *file;
            for field in [id.number, end, first_sequence, next_sequence, operations, judged_to] {
                bytes.extend(field.to_le_bytes());
            }
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a manifest's bytes.
    ///
    /// # Errors
    /// `HIT_CORRUPTION`, or `HIT_CONFIG` for one of a newer version.
    pub(crate) fn decode(bytes: &[u8], path: &Path, store: StoreId) -> Result<Self> {
        let (covered, checksum) = bytes
            .split_last_chunk()
            .filter(|(covered, checksum)| u32::from_le_bytes(**checksum) == crc32c::crc32c(covered))
            .ok_or_else(|| corruption(path, 0, "its checksum does not match"))?;
        let _ = checksum;
        let mut rest = covered;
        let torn = || corruption(path, 0, "it contradicts its own length");
        if take(&mut rest) != Some(MAGIC) {
            return Err(corruption(path, 0, "it is not a manifest"));
        }
        let (version, features) = take_u32(&mut rest).zip(take_u32(&mut rest)).ok_or_else(torn)?;
        if version > VERSION {
            return Err(newer(path, &format!("has format version {version}, this one reads {VERSION}")));
        }
        if features & !KNOWN_FEATURES != 0 {
            return Err(newer(path, &format!("uses the unknown features {features:#x}")));
        }
        let found = take(&mut rest).map(StoreId::from_bytes).ok_or_else(torn)?;
        if found != store {
            return Err(corruption(path, 16, &format!("it belongs to the store {found}, not to {store}")));
        }
        let (first_tail, count) = take_u64(&mut rest).zip(take_u64(&mut rest)).ok_or_else(torn)?;
        let mut manifest = Self { first_tail, ..Self::new(store) };
        for _ in 0..count {
            let offset = (covered.len() - rest.len()) as u64;
            let kind = match take_u64(&mut rest).ok_or_else(torn)? {
                kind if kind == u64::from(SEGMENT) => FileKind::Segment,
                kind if kind == u64::from(RUN) => FileKind::Run,
                kind => return Err(newer(path, &format!("lists a file of the unknown kind {kind:#x}"))),
            };
            let file = take_file(&mut rest, kind).ok_or_else(torn)?;
            let is_tail = kind == FileKind::Segment && file.id.number >= first_tail;
            if is_tail || !file.is_consistent() || file.first_sequence != manifest.next_sequence() {
                return Err(corruption(path, offset, "the files it lists do not follow each other"));
            }
            manifest.sealed.push(file);
        }
        if rest.is_empty() { Ok(manifest) } else { Err(torn()) }
    }

    /// Reads the manifest in `folder`; `None` where there is none.
    ///
    /// # Errors
    /// As [`Manifest::decode`], and `HIT_IO`.
    pub(crate) fn read(files: &dyn Files, folder: &Path, store: StoreId) -> Result<Option<Self>> {
        let path = folder.join(MANIFEST);
        let read = files.open(&path, OpenMode::Read).and_then(|file| read_whole(&*file, MAX_MANIFEST_BYTES));
        match read {
            Ok(bytes) => Self::decode(&bytes, &path, store).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path, error)),
        }
    }

    /// Puts this manifest in the place of the one in `folder`. Durability: which of the two a power loss leaves is open until
    /// the folder is synced.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, `HIT_IO`; the old one is still there.
    pub(crate) fn replace(&self, files: &dyn Files, folder: &Path) -> Result<()> {
        replace(files, &folder.join(MANIFEST), &self.encode())
    }

    /// The same with the folder synced.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, `HIT_IO`.
    pub(crate) fn write(&self, files: &dyn Files, folder: &Path) -> Result<()> {
        self.replace(files, folder)?;
        files.sync_folder(folder).map_err(cannot("sync the folder", folder))
    }
}

fn take_file(rest: &mut &[u8], kind: FileKind) -> Option<SealedFile> {
    Some(SealedFile {
        id: FileId { kind, number: take_u64(rest)? },
        end: take_u64(rest)?,
        first_sequence: take_u64(rest)?,
        next_sequence: take_u64(rest)?,
        operations: take_u64(rest)?,
        judged_to: take_u64(rest)?,
    })
}

#[cfg(test)]
mod tests {
    use hit_core::ErrorCode;

    use super::*;

    const STORE: StoreId = StoreId::from_bytes([9; 16]);

    fn manifest() -> Manifest {
        let run = SealedFile {
            id: FileId::run(1),
            end: 200,
            first_sequence: 1,
            next_sequence: 7,
            operations: 2,
            judged_to: 9,
        };
        let sealed = vec![run, SealedFile::segment(2, 96, 7, 7)];
        Manifest { store: STORE, sealed, first_tail: 3 }
    }

    fn decode(bytes: &[u8]) -> Result<Manifest> {
        Manifest::decode(bytes, Path::new("manifest"), STORE)
    }

    fn checked(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
        bytes[at] = value;
        bytes.truncate(bytes.len() - 4);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn a_manifest_comes_back() {
        assert_eq!(decode(&manifest().encode()).unwrap(), manifest());
        assert_eq!(manifest().next_sequence(), 7);
        assert_eq!(decode(&Manifest::new(STORE).encode()).unwrap(), Manifest::new(STORE));
    }

    #[test]
    fn every_cut_and_every_altered_byte_is_corruption() {
        let bytes = manifest().encode();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 0x40;
            assert_eq!(decode(&altered).unwrap_err().code(), ErrorCode::Corruption);
            assert_eq!(decode(&bytes[..at]).unwrap_err().code(), ErrorCode::Corruption);
        }
    }

    #[test]
    fn what_a_newer_version_writes_is_refused_as_such() {
        for (at, value) in [(8, 2), (12, 1), (48, 3)] {
            assert_eq!(
                decode(&checked(manifest().encode(), at, value)).unwrap_err().code(),
                ErrorCode::Config
            );
        }
    }

    #[test]
    fn a_list_that_contradicts_itself_is_corruption() {
        // Another store, more and fewer files than there are, a gap in the sequence, more operations than sequence
        // numbers, judged before it ends, a segment in the tail.
        for (at, value) in [(16, 8), (40, 3), (40, 1), (72, 2), (88, 7), (96, 6), (112, 3)] {
            let error = decode(&checked(manifest().encode(), at, value)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Corruption, "byte {at}");
        }
    }
}

//! The list of a log's files: `docs/log-format.md`, "Manifest".

use std::io;
use std::path::Path;

use hit_core::Result;

use crate::bytes::{take, take_u32, take_u64};
use crate::corruption::{corruption, newer};
use crate::files::{Files, OpenMode, read_whole};
use crate::io_error::io_error;
use crate::names::MANIFEST;
use crate::replace::replace;
use crate::store_id::StoreId;

const MAGIC: [u8; 8] = *b"hitkvman";
const VERSION: u32 = 1;
/// The incompatible features that this version knows: none.
const KNOWN_FEATURES: u32 = 0;
/// An entry that is a segment. 2 is kept for the runs that compaction will write.
const SEGMENT: u32 = 1;
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 40;
/// A million and a half files.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// A file that will not grow any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedFile {
    pub(crate) number: u64,
    /// What lies behind this offset does not count; all before it is synced.
    pub(crate) end: u64,
    pub(crate) first_sequence: u64,
    pub(crate) next_sequence: u64,
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
            bytes.extend(SEGMENT.to_le_bytes());
            bytes.extend([0; 4]);
            for field in [file.number, file.end, file.first_sequence, file.next_sequence] {
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
            let kind = take_u64(&mut rest).ok_or_else(torn)?;
            if kind != u64::from(SEGMENT) {
                return Err(newer(path, &format!("lists a file of the unknown kind {kind:#x}")));
            }
            let file = take_file(&mut rest).ok_or_else(torn)?;
            if file.number >= first_tail || file.first_sequence != manifest.next_sequence() {
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

    /// Puts this manifest in the place of the one in `folder`.
    ///
    /// # Errors
    /// `HIT_DISK_FULL`, `HIT_IO`.
    pub(crate) fn write(&self, files: &dyn Files, folder: &Path) -> Result<()> {
        replace(files, folder, MANIFEST, &self.encode())
    }
}

fn take_file(rest: &mut &[u8]) -> Option<SealedFile> {
    Some(SealedFile {
        number: take_u64(rest)?,
        end: take_u64(rest)?,
        first_sequence: take_u64(rest)?,
        next_sequence: take_u64(rest)?,
    })
}

#[cfg(test)]
mod tests {
    use hit_core::ErrorCode;

    use super::*;

    const STORE: StoreId = StoreId::from_bytes([9; 16]);

    fn manifest() -> Manifest {
        let sealed = vec![
            SealedFile { number: 1, end: 200, first_sequence: 1, next_sequence: 7 },
            SealedFile { number: 2, end: 96, first_sequence: 7, next_sequence: 7 },
        ];
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
        for (at, value) in [(8, 2), (12, 1), (48, 2)] {
            assert_eq!(
                decode(&checked(manifest().encode(), at, value)).unwrap_err().code(),
                ErrorCode::Config
            );
        }
    }

    #[test]
    fn a_list_that_contradicts_itself_is_corruption() {
        // Another store, more files than there are, a number in the tail, a gap in the sequence.
        for (at, value) in [(16, 8), (40, 3), (40, 1), (56, 3), (72, 2)] {
            let error = decode(&checked(manifest().encode(), at, value)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Corruption, "byte {at}");
        }
    }
}

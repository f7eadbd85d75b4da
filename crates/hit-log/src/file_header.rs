//! The ninety-six bytes at the start of a segment or a run: `docs/log-format.md`, "Segments" and "Runs".

use std::path::Path;

use hit_core::Result;

use crate::bytes::{put, take, take_u32, take_u64};
use crate::corruption::{corruption, newer};
use crate::file_id::{FileId, FileKind};
use crate::store_id::StoreId;

/// The length of a file's header, in every version of the format.
pub(crate) const FILE_HEADER_BYTES: usize = 96;

const VERSION: u32 = 1;
/// The incompatible features that this version knows: none.
const KNOWN_FEATURES: u32 = 0;

/// The header of a segment or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) store: StoreId,
    pub(crate) id: FileId,
    /// The number of the segment before it; 0 for the first one, behind a run, and in a run.
    pub(crate) predecessor: u64,
    /// Where that one ends: what lies behind does not count. 0 where there is no predecessor.
    pub(crate) predecessor_end: u64,
    pub(crate) first_sequence: u64,
    pub(crate) created_ms: u64,
    pub(crate) salt: [u8; 8],
}

impl FileHeader {
    pub(crate) fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        self.encode_as(VERSION, KNOWN_FEATURES)
    }

    fn encode_as(&self, version: u32, features: u32) -> [u8; FILE_HEADER_BYTES] {
        let mut covered = [0; FILE_HEADER_BYTES - 4];
        let mut target = covered.as_mut_slice();
        put(&mut target, magic(self.id.kind));
        put(&mut target, version.to_le_bytes());
        put(&mut target, features.to_le_bytes());
        put(&mut target, self.store.to_bytes());
        put(&mut target, self.id.number.to_le_bytes());
        put(&mut target, self.predecessor.to_le_bytes());
        put(&mut target, self.predecessor_end.to_le_bytes());
        put(&mut target, self.first_sequence.to_le_bytes());
        put(&mut target, self.created_ms.to_le_bytes());
        put(&mut target, self.salt);
        let mut header = [0; FILE_HEADER_BYTES];
        let mut target = header.as_mut_slice();
        put(&mut target, covered);
        put(&mut target, crc32c::crc32c(&covered).to_le_bytes());
        header
    }

    /// Reads the start of the file `id` of `store`; `None` when it is torn or was never written.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` for a whole header of another file or store, `HIT_CONFIG` for one of a newer version.
    pub(crate) fn decode(bytes: &[u8], path: &Path, store: StoreId, id: FileId) -> Result<Option<Self>> {
        let Some((version, features, header)) = decode_fields(bytes, id.kind) else { return Ok(None) };
        if version > VERSION {
            return Err(newer(path, &format!("has format version {version}, this one reads {VERSION}")));
        }
        if features & !KNOWN_FEATURES != 0 {
            return Err(newer(path, &format!("uses the unknown features {features:#x}")));
        }
        if header.store != store {
            let what = format!("it belongs to the store {}, not to {store}", header.store);
            return Err(corruption(path, 16, &what));
        }
        if header.id != id {
            return Err(corruption(path, 32, &format!("it is {} under another name", header.id.name())));
        }
        Ok(Some(header))
    }
}

fn magic(kind: FileKind) -> [u8; 8] {
    match kind {
        FileKind::Segment => *b"hitkvlog",
        FileKind::Run => *b"hitkvrun",
    }
}

fn decode_fields(bytes: &[u8], kind: FileKind) -> Option<(u32, u32, FileHeader)> {
    let (covered, mut checksum) = bytes.get(..FILE_HEADER_BYTES)?.split_at_checked(FILE_HEADER_BYTES - 4)?;
    let mut rest = covered;
    if take(&mut rest)? != magic(kind) || take_u32(&mut checksum)? != crc32c::crc32c(covered) {
        return None;
    }
    let version = take_u32(&mut rest)?;
    let features = take_u32(&mut rest)?;
    let header = FileHeader {
        store: StoreId::from_bytes(take(&mut rest)?),
        id: FileId { kind, number: take_u64(&mut rest)? },
        predecessor: take_u64(&mut rest)?,
        predecessor_end: take_u64(&mut rest)?,
        first_sequence: take_u64(&mut rest)?,
        created_ms: take_u64(&mut rest)?,
        salt: take(&mut rest)?,
    };
    Some((version, features, header))
}

#[cfg(test)]
mod tests {
    use hit_core::ErrorCode;

    use super::*;

    const STORE: StoreId = StoreId::from_bytes([9; 16]);
    const HEADER: FileHeader = FileHeader {
        store: STORE,
        id: FileId::segment(2),
        predecessor: 1,
        predecessor_end: 144,
        first_sequence: 5,
        created_ms: 1_700_000_000_000,
        salt: *b"saltsalt",
    };

    fn decode(bytes: &[u8], store: StoreId, number: u64) -> Result<Option<FileHeader>> {
        FileHeader::decode(bytes, Path::new("00000002.log"), store, FileId::segment(number))
    }

    #[test]
    fn a_header_comes_back() {
        assert_eq!(decode(&HEADER.encode(), STORE, 2).unwrap(), Some(HEADER));
    }

    #[test]
    fn a_run_is_not_taken_for_a_segment() {
        let run = FileHeader { id: FileId { kind: FileKind::Run, number: 2 }, ..HEADER };
        assert_eq!(decode(&run.encode(), STORE, 2).unwrap(), None);
    }

    #[test]
    fn a_torn_altered_or_unwritten_header_is_none() {
        let bytes = HEADER.encode();
        for at in 0..FILE_HEADER_BYTES {
            assert_eq!(decode(&bytes[..at], STORE, 2).unwrap(), None);
            let mut altered = bytes;
            altered[at] ^= 0x10;
            assert_eq!(decode(&altered, STORE, 2).unwrap(), None, "byte {at}");
        }
        assert_eq!(decode(&[0; FILE_HEADER_BYTES], STORE, 2).unwrap(), None);
    }

    #[test]
    fn a_newer_version_or_an_unknown_feature_is_refused_by_name() {
        for bytes in [HEADER.encode_as(2, 0), HEADER.encode_as(1, 0x8000_0000)] {
            assert_eq!(decode(&bytes, STORE, 2).unwrap_err().code(), ErrorCode::Config);
        }
    }

    #[test]
    fn a_header_of_another_store_or_number_is_corruption() {
        let bytes = HEADER.encode();
        assert_eq!(
            decode(&bytes, StoreId::from_bytes([8; 16]), 2).unwrap_err().code(),
            ErrorCode::Corruption
        );
        assert_eq!(decode(&bytes, STORE, 3).unwrap_err().code(), ErrorCode::Corruption);
    }
}

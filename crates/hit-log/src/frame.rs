use hit_core::limits::{LARGE_VALUE_BYTES, MAX_FRAME_BYTES};
use hit_core::{Error, ErrorCode, Operation, Result};

use crate::encoded::Encoded;
use crate::header::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, Place, padded};
use crate::operation::{self, FrameOperations};

/// Operations that reach the disk together or not at all, in the bytes that the log will write.
///
/// A batch lies in one frame; a group commit is one or more of them. Room for the header is kept at the front, so
/// that [`crate::Log::append`] fills it in without copying.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Header, operations and, while an append is under way, padding.
    buffer: Vec<u8>,
    operations: u32,
    has_range_delete: bool,
    /// Where the padding begins, while there is one.
    padding: Option<usize>,
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

impl Frame {
    /// A frame without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// A frame without operations and with room for `bytes` bytes of them.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(padded(FRAME_HEADER_BYTES + bytes));
        buffer.resize(FRAME_HEADER_BYTES, 0);
        Self { buffer, operations: 0, has_range_delete: false, padding: None }
    }

    /// Adds an operation behind the others.
    ///
    /// # Errors
    /// `HIT_BATCH_TOO_LARGE` when the frame would exceed 256 MiB, `HIT_KEY_INVALID`, `HIT_VALUE_TOO_LARGE` or
    /// `HIT_ARGUMENT` for the operation itself. Nothing is added then.
    #[inline]
    pub fn push(&mut self, operation: &Operation<'_>) -> Result<()> {
        operation::check(operation)?;
        let before = self.buffer.len();
        let most = operation::size_bound(operation);
        if before + most > MAX_FRAME_BYTES {
            // The bound may be a few bytes too high: only the encoded length decides.
            return self.push_near_the_limit(operation);
        }
        self.buffer.reserve(most);
        operation::encode(&mut self.buffer, operation);
        self.count(operation);
        Ok(())
    }

    /// Adds operations that are encoded already.
    ///
    /// # Errors
    /// `HIT_BATCH_TOO_LARGE` as [`Frame::push`]; some of the operations may have been added then.
    pub fn push_encoded(&mut self, encoded: &Encoded<'_>) -> Result<()> {
        match encoded.as_in_frame() {
            Some(bytes) if padded(self.buffer.len() + bytes.len()) <= MAX_FRAME_BYTES => {
                self.buffer.extend_from_slice(bytes);
                self.operations += encoded.len();
                self.has_range_delete |= encoded.has_range_delete();
                Ok(())
            }
            _ => encoded.operations().try_for_each(|operation| self.push(&operation)),
        }
    }

    #[cold]
    fn push_near_the_limit(&mut self, operation: &Operation<'_>) -> Result<()> {
        let mut encoded = Vec::with_capacity(operation::size_bound(operation));
        operation::encode(&mut encoded, operation);
        if padded(self.buffer.len() + encoded.len()) > MAX_FRAME_BYTES {
            let message = format!(
                "a batch of {} operations exceeds {MAX_FRAME_BYTES} bytes on disk: split it",
                u64::from(self.operations) + 1
            );
            return Err(Error::new(ErrorCode::BatchTooLarge, message));
        }
        self.buffer.extend_from_slice(&encoded);
        self.count(operation);
        Ok(())
    }

    fn count(&mut self, operation: &Operation<'_>) {
        self.operations += 1;
        self.has_range_delete |= matches!(operation, Operation::DeleteRange { .. });
    }

    /// How many operations it holds; each takes one sequence number.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.operations
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations == 0
    }

    /// Whether one of its operations is a range delete.
    #[must_use]
    pub fn has_range_delete(&self) -> bool {
        self.has_range_delete
    }

    /// What it takes on disk, header and padding included.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        padded(self.buffer.len())
    }

    /// Its operations, in order.
    #[must_use]
    pub fn operations(&self) -> impl ExactSizeIterator<Item = Operation<'_>> + Clone {
        FrameOperations::new(self.payload(), self.operations, 0).map(|(_, operation)| operation)
    }

    /// The values of 256 bytes and more: which operation each is of, its key, where in the frame it begins and its length.
    pub fn large_values(&self) -> impl Iterator<Item = (u64, &[u8], u64, u32)> {
        let start = self.buffer.as_ptr().addr();
        (0..).zip(self.operations()).filter_map(move |(position, operation)| match operation {
            Operation::Set { key, value, .. } if value.len() >= LARGE_VALUE_BYTES => {
                let offset = value.as_ptr().addr() - start;
                Some((position, key, offset as u64, value.len() as u32))
            }
            _ => None,
        })
    }

    /// Takes all operations out and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.buffer.truncate(FRAME_HEADER_BYTES);
        self.operations = 0;
        self.has_range_delete = false;
        self.padding = None;
    }

    fn payload(&self) -> &[u8] {
        self.buffer.get(FRAME_HEADER_BYTES..).unwrap_or_default()
    }

    /// Fills in header and padding: the bytes are ready to be written at `place` until [`Frame::unseal`].
    pub(crate) fn seal(&mut self, place: Place, first_sequence: u64, synced_to: u64) {
        self.unseal();
        let header = FrameHeader {
            kind: FrameKind::Operations,
            operations: self.operations,
            payload_bytes: self.payload().len() as u32,
            payload_checksum: crc32c::crc32c(self.payload()),
            first_sequence,
            synced_to,
        };
        if let Some(room) = self.buffer.first_chunk_mut() {
            *room = header.encode(place);
        }
        self.padding = Some(self.buffer.len());
        self.buffer.resize(header.frame_bytes(), 0);
    }

    /// Takes the padding away again, so that more can be pushed.
    pub(crate) fn unseal(&mut self) {
        if let Some(padding) = self.padding.take() {
            self.buffer.truncate(padding);
        }
    }

    /// The bytes to write, once sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }
}

#[cfg(test)]
mod tests {
    use hit_core::KeyRange;
    use hit_core::limits::MAX_VALUE_BYTES;

    use super::*;

    const PLACE: Place = Place { salt: [3; 8], offset: 96 };

    fn set<'a>(key: &'a [u8], value: &'a [u8]) -> Operation<'a> {
        Operation::Set { key, value, expires_at: None }
    }

    #[test]
    fn a_frame_holds_what_was_pushed_and_is_cleared_for_reuse() {
        let mut frame = Frame::new();
        frame.push(&set(b"a", b"1")).unwrap();
        frame.push(&Operation::Delete { key: b"b" }).unwrap();
        assert_eq!((frame.len(), frame.byte_len()), (2, 48));
        assert_eq!(
            frame.operations().collect::<Vec<_>>(),
            [set(b"a", b"1"), Operation::Delete { key: b"b" }]
        );
        assert_eq!(frame.operations().len(), 2);
        assert!(!frame.has_range_delete());
        frame.push(&Operation::DeleteRange { range: KeyRange::ALL }).unwrap();
        assert!(frame.has_range_delete());
        frame.clear();
        assert!(frame.is_empty() && frame.operations().next().is_none() && !frame.has_range_delete());
    }

    #[test]
    fn a_sealed_frame_is_padded_and_can_be_sealed_again() {
        let mut frame = Frame::new();
        frame.push(&set(b"key", b"value")).unwrap();
        frame.seal(PLACE, 1, 1);
        assert_eq!((frame.bytes().len(), frame.byte_len()), (56, 56));
        assert!(frame.bytes().ends_with(&[0; 5]));
        let first = frame.bytes().to_vec();
        frame.unseal();
        assert_eq!(frame.bytes().len(), 51);
        frame.seal(PLACE, 1, 1);
        assert_eq!(frame.bytes(), first);
    }

    #[test]
    fn a_refused_operation_leaves_the_frame_as_it_was() {
        let mut frame = Frame::new();
        frame.push(&set(b"a", b"1")).unwrap();
        let error = frame.push(&set(b"", b"1")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::KeyInvalid);
        assert_eq!((frame.len(), frame.byte_len()), (1, 48));
    }

    #[test]
    fn a_frame_takes_two_longest_values_less_a_little_and_never_more_than_the_limit() {
        let value = vec![0; MAX_VALUE_BYTES];
        let mut frame = Frame::new();
        frame.push(&set(b"a", &value)).unwrap();
        // Header 40, flags and key length and key of both, two lengths of 4 bytes, two checksums.
        let room = MAX_FRAME_BYTES - 40 - 2 * (1 + 1 + 1 + 4 + 4) - MAX_VALUE_BYTES;
        let error = frame.push(&set(b"b", &value[..=room])).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BatchTooLarge);
        assert_eq!(frame.len(), 1);
        frame.push(&set(b"b", &value[..room])).unwrap();
        assert_eq!(frame.byte_len(), MAX_FRAME_BYTES);
        assert_eq!(
            frame.push(&Operation::Delete { key: b"c" }).unwrap_err().code(),
            ErrorCode::BatchTooLarge
        );
    }
}

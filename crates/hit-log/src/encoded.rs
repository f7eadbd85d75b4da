use hit_core::limits::{LARGE_VALUE_BYTES, MAX_FRAME_BYTES};
use hit_core::{Error, ErrorCode, Operation, Result};

use crate::operation::{WITHOUT_SUMS, take};

/// Operations that their writer has encoded: as a frame holds them (`docs/log-format.md`, "Operations"), but that large values
/// have no checksums.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a> {
    bytes: &'a [u8],
    operations: u32,
    has_large_value: bool,
    has_range_delete: bool,
}

impl<'a> Encoded<'a> {
    /// Reads `bytes`, all of them.
    ///
    /// # Errors
    /// `HIT_ARGUMENT` where they are no such operations, or one is outside the limits; `HIT_BATCH_TOO_LARGE` where a frame could
    /// not hold them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MAX_FRAME_BYTES {
            let message = format!("a batch of {} bytes exceeds {MAX_FRAME_BYTES}: split it", bytes.len());
            return Err(Error::new(ErrorCode::BatchTooLarge, message));
        }
        let mut encoded = Self { bytes, operations: 0, has_large_value: false, has_range_delete: false };
        let mut rest = bytes;
        while !rest.is_empty() {
            match take_encoded(&mut rest).ok_or_else(unreadable)? {
                Operation::Set { value, .. } => encoded.has_large_value |= value.len() >= LARGE_VALUE_BYTES,
                Operation::Delete { .. } => {}
                Operation::DeleteRange { .. } => encoded.has_range_delete = true,
            }
            encoded.operations += 1;
        }
        Ok(encoded)
    }

    /// The operations, in order.
    #[must_use]
    pub fn operations(&self) -> EncodedOperations<'a> {
        EncodedOperations { bytes: self.bytes, left: self.operations as usize }
    }

    /// How many operations they are.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.operations
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations == 0
    }

    pub(crate) fn has_range_delete(&self) -> bool {
        self.has_range_delete
    }

    /// The bytes, where a frame holds them as they are.
    pub(crate) fn as_in_frame(&self) -> Option<&'a [u8]> {
        (!self.has_large_value).then_some(self.bytes)
    }
}

/// Takes an operation of that form from the front; `None` where none is there.
#[inline]
#[must_use]
pub fn take_encoded<'a>(bytes: &mut &'a [u8]) -> Option<Operation<'a>> {
    take::<WITHOUT_SUMS>(bytes)
}

#[cold]
fn unreadable() -> Error {
    Error::new(ErrorCode::Argument, "encoded operations cannot be read")
}

/// The operations of an [`Encoded`]. They have been read before, so the iterator is exact and cannot fail; it is cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct EncodedOperations<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Iterator for EncodedOperations<'a> {
    type Item = Operation<'a>;

    #[inline]
    fn next(&mut self) -> Option<Operation<'a>> {
        self.left = self.left.checked_sub(1)?;
        take_encoded(&mut self.bytes)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for EncodedOperations<'_> {}

#[cfg(test)]
mod tests {
    use hit_core::KeyRange;

    use super::*;
    use crate::frame::Frame;

    fn set<'a>(key: &'a [u8], value: &'a [u8], expires_at: Option<u64>) -> Operation<'a> {
        Operation::Set { key, value, expires_at }
    }

    #[test]
    fn a_frame_holds_encoded_operations_as_if_they_had_been_pushed() {
        let large = [7; LARGE_VALUE_BYTES];
        let small = b"\x01\x01\x02abc\x05\x01\x01\x01\0\0\0\0\0\0\0kv\x02\x01d\x07\x01\x01ef".to_vec();
        let operations = [
            set(b"a", b"bc", None),
            set(b"k", b"v", Some(1)),
            Operation::Delete { key: b"d" },
            Operation::DeleteRange { range: KeyRange { start: b"e", end: Some(b"f") } },
            set(b"l", &large, None),
        ];
        let with_large = [&small[..], b"\x01\x01\x80\x02l", &large].concat();
        for (bytes, operations) in [(&small, &operations[..4]), (&with_large, &operations[..])] {
            let encoded = Encoded::parse(bytes).unwrap();
            assert!(encoded.operations().eq(operations.iter().copied()));
            assert_eq!(
                (encoded.len() as usize, encoded.operations().len()),
                (operations.len(), operations.len())
            );
            let (mut pushed, mut taken) = (Frame::new(), Frame::new());
            pushed.push(&set(b"before", b"", None)).unwrap();
            operations.iter().for_each(|operation| pushed.push(operation).unwrap());
            taken.push(&set(b"before", b"", None)).unwrap();
            taken.push_encoded(&encoded).unwrap();
            assert_eq!(taken.byte_len(), pushed.byte_len());
            assert!(taken.operations().eq(pushed.operations()));
            assert!(taken.has_range_delete());
        }
    }

    #[test]
    fn what_is_cut_or_outside_the_limits_is_refused() {
        let whole = b"\x01\x01\x02abc";
        assert!(Encoded::parse(&[]).unwrap().is_empty());
        for cut in 1..whole.len() {
            assert_eq!(Encoded::parse(&whole[..cut]).unwrap_err().code(), ErrorCode::Argument, "{cut}");
        }
        for bytes in [&b"\x00"[..], b"\x01\x00\x01a", b"\x02\x81\x10", b"\x10\x01a", b"\x01\x01\x80\x00a"] {
            assert_eq!(Encoded::parse(bytes).unwrap_err().code(), ErrorCode::Argument, "{bytes:?}");
        }
    }
}

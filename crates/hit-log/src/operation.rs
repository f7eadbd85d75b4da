//! One operation's bytes, the same wherever operations lie: `docs/log-format.md`, "Operations".

use hit_core::limits::{LARGE_VALUE_BYTES, MAX_BOUND_BYTES, MAX_INTEGER, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use hit_core::{Error, ErrorCode, KeyRange, Operation, Result, check_key, check_value};

use crate::bytes::{take_slice, take_u32, take_u64};
use crate::varint;

const SET: u8 = 1;
const SET_WITH_EXPIRY: u8 = SET | FLAG;
const DELETE: u8 = 2;
const DELETE_RANGE: u8 = 3;
const DELETE_RANGE_WITH_END: u8 = DELETE_RANGE | FLAG;
/// An expiry behind a set's lengths, an end behind a range's start.
const FLAG: u8 = 4;

/// The fewest bytes of an operation: a range without bounds.
pub(crate) const MIN_OPERATION_BYTES: usize = 2;

const CHECKSUM_BYTES: usize = 4;

/// Refuses an operation that cannot be written.
///
/// # Errors
/// `HIT_KEY_INVALID`, `HIT_VALUE_TOO_LARGE`, `HIT_ARGUMENT`.
#[inline]
pub(crate) fn check(operation: &Operation<'_>) -> Result<()> {
    match *operation {
        Operation::Set { key, value, expires_at } => {
            let fits = (1..=MAX_KEY_BYTES).contains(&key.len())
                && value.len() <= MAX_VALUE_BYTES
                && expires_at.is_none_or(|at| at <= MAX_INTEGER);
            if fits { Ok(()) } else { Err(why_not(key, value)) }
        }
        Operation::Delete { key } => check_key(key),
        Operation::DeleteRange { range } => {
            check_bound(range.start).and_then(|()| range.end.map_or(Ok(()), check_bound))
        }
    }
}

#[cold]
fn why_not(key: &[u8], value: &[u8]) -> Error {
    if let Err(error) = check_key(key).and_then(|()| check_value(key, value)) {
        return error;
    }
    let message = format!("an expiry is later than {MAX_INTEGER} ms after 1970: use an earlier one, or none");
    Error::new(ErrorCode::Argument, message).with_key(key)
}

fn check_bound(bound: &[u8]) -> Result<()> {
    if bound.len() <= MAX_BOUND_BYTES {
        return Ok(());
    }
    let message = format!("a bound of a range has {} bytes: the most is {MAX_BOUND_BYTES}", bound.len());
    Err(Error::new(ErrorCode::KeyInvalid, message))
}

/// At least as many bytes as the operation takes.
#[inline]
pub(crate) fn size_bound(operation: &Operation<'_>) -> usize {
    // Flags, two lengths, an expiry and a checksum.
    const AROUND: usize = 1 + 2 * varint::MAX_VARINT_BYTES + 8 + CHECKSUM_BYTES;
    AROUND
        + match *operation {
            Operation::Set { key, value, .. } => key.len() + value.len(),
            Operation::Delete { key } => key.len(),
            Operation::DeleteRange { range } => range.start.len() + range.end.map_or(0, <[u8]>::len),
        }
}

/// Appends an operation that [`check`] has let through.
#[inline]
pub(crate) fn encode(target: &mut Vec<u8>, operation: &Operation<'_>) {
    match *operation {
        Operation::Set { key, value, expires_at } => {
            let flags = if expires_at.is_some() { SET_WITH_EXPIRY } else { SET };
            if key.len() < 0x80 && value.len() < 0x80 {
                target.extend_from_slice(&[flags, key.len() as u8, value.len() as u8]);
            } else {
                target.push(flags);
                varint::write(target, key.len());
                varint::write(target, value.len());
            }
            if let Some(at) = expires_at {
                target.extend_from_slice(&at.to_le_bytes());
            }
            target.extend_from_slice(key);
            target.extend_from_slice(value);
            if value.len() >= LARGE_VALUE_BYTES {
                target.extend_from_slice(&crc32c::crc32c(value).to_le_bytes());
            }
        }
        Operation::Delete { key } => {
            target.push(DELETE);
            varint::write(target, key.len());
            target.extend_from_slice(key);
        }
        Operation::DeleteRange { range } => {
            target.push(if range.end.is_some() { DELETE_RANGE_WITH_END } else { DELETE_RANGE });
            varint::write(target, range.start.len());
            if let Some(end) = range.end {
                varint::write(target, end.len());
            }
            target.extend_from_slice(range.start);
            target.extend_from_slice(range.end.unwrap_or_default());
        }
    }
}

/// Large values have a checksum behind them, or not, or one that is looked at.
pub(crate) const WITHOUT_SUMS: u8 = 0;
const WITH_SUMS: u8 = 1;
const CHECKED: u8 = 2;

/// Takes an operation from the front; `None` when it is cut, unknown or outside the limits or, where `SUMS` is [`CHECKED`],
/// when a large value is not what its checksum says.
#[inline(always)]
pub(crate) fn take<'a, const SUMS: u8>(bytes: &mut &'a [u8]) -> Option<Operation<'a>> {
    // A set with short lengths, as most are: inlined, it costs no more than its four fields.
    if let Some((&[SET, key_bytes @ 1..0x80, value_bytes @ 0..0x80], rest)) = bytes.split_first_chunk() {
        let (key, rest) = rest.split_at_checked(key_bytes.into())?;
        let (value, rest) = rest.split_at_checked(value_bytes.into())?;
        *bytes = rest;
        return Some(Operation::Set { key, value, expires_at: None });
    }
    take_any::<SUMS>(bytes)
}

fn take_any<'a, const SUMS: u8>(bytes: &mut &'a [u8]) -> Option<Operation<'a>> {
    let (&flags, rest) = bytes.split_first()?;
    *bytes = rest;
    match flags {
        SET | SET_WITH_EXPIRY => {
            let key_bytes = take_length(bytes, 1, MAX_KEY_BYTES)?;
            let value_bytes = take_length(bytes, 0, MAX_VALUE_BYTES)?;
            let expires_at = match flags {
                SET => None,
                _ => Some(take_u64(bytes).filter(|&at| at <= MAX_INTEGER)?),
            };
            let key = take_slice(bytes, key_bytes)?;
            let value = take_slice(bytes, value_bytes)?;
            if SUMS != WITHOUT_SUMS && value_bytes >= LARGE_VALUE_BYTES {
                let checksum = take_u32(bytes)?;
                if SUMS == CHECKED && checksum != crc32c::crc32c(value) {
                    return None;
                }
            }
            Some(Operation::Set { key, value, expires_at })
        }
        DELETE => {
            let key_bytes = take_length(bytes, 1, MAX_KEY_BYTES)?;
            Some(Operation::Delete { key: take_slice(bytes, key_bytes)? })
        }
        DELETE_RANGE | DELETE_RANGE_WITH_END => {
            let start_bytes = take_length(bytes, 0, MAX_BOUND_BYTES)?;
            let end_bytes = match flags {
                DELETE_RANGE => None,
                _ => Some(take_length(bytes, 0, MAX_BOUND_BYTES)?),
            };
            let start = take_slice(bytes, start_bytes)?;
            let end = end_bytes.map_or(Some(None), |length| take_slice(bytes, length).map(Some))?;
            Some(Operation::DeleteRange { range: KeyRange { start, end } })
        }
        _ => None,
    }
}

#[inline]
fn take_length(bytes: &mut &[u8], least: usize, most: usize) -> Option<usize> {
    varint::take(bytes).filter(|length| (least..=most).contains(length))
}

/// Whether `bytes` are exactly `count` operations, large values intact.
pub(crate) fn are_valid(mut bytes: &[u8], count: u32) -> bool {
    (0..count).all(|_| take::<CHECKED>(&mut bytes).is_some()) && bytes.is_empty()
}

/// The same for the operations of a run, each with its step before it; says which sequence number the last one has.
pub(crate) fn last_of_valid_run(mut bytes: &[u8], count: u32, first_sequence: u64) -> Option<u64> {
    let mut sequence = first_sequence;
    for position in 0..count {
        let step = varint::take_long(&mut bytes).filter(|&step| (step == 0) == (position == 0))?;
        sequence = sequence.checked_add(step).filter(|&sequence| sequence <= MAX_INTEGER)?;
        take::<CHECKED>(&mut bytes)?;
    }
    bytes.is_empty().then_some(sequence)
}

/// The operations of one frame with their sequence numbers, in order. They have been validated, so the iterator is exact
/// and cannot fail; it is cheap to clone.
#[derive(Clone, Debug)]
pub struct FrameOperations<'a> {
    bytes: &'a [u8],
    left: usize,
    /// Of the next operation; in a run, before its step.
    sequence: u64,
    /// Each operation has a step before it.
    is_run: bool,
}

impl<'a> FrameOperations<'a> {
    /// Invariant: `bytes` are `count` valid operations.
    pub(crate) fn new(bytes: &'a [u8], count: u32, first_sequence: u64) -> Self {
        Self { bytes, left: count as usize, sequence: first_sequence, is_run: false }
    }

    /// Invariant: `bytes` are `count` valid operations of a run.
    pub(crate) fn of_run(bytes: &'a [u8], count: u32, first_sequence: u64) -> Self {
        Self { is_run: true, ..Self::new(bytes, count, first_sequence) }
    }
}

impl<'a> Iterator for FrameOperations<'a> {
    type Item = (u64, Operation<'a>);

    #[inline]
    fn next(&mut self) -> Option<(u64, Operation<'a>)> {
        self.left = self.left.checked_sub(1)?;
        if self.is_run {
            self.sequence += varint::take_long(&mut self.bytes)?;
            return take::<WITH_SUMS>(&mut self.bytes).map(|operation| (self.sequence, operation));
        }
        let sequence = self.sequence;
        self.sequence += 1;
        take::<WITH_SUMS>(&mut self.bytes).map(|operation| (sequence, operation))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for FrameOperations<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(operation: &Operation<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, operation);
        assert!(bytes.len() <= size_bound(operation));
        bytes
    }

    #[test]
    fn a_small_set_has_three_bytes_before_its_key() {
        let operation = Operation::Set { key: b"user:1", value: b"ada", expires_at: None };
        assert_eq!(encoded(&operation), b"\x01\x06\x03user:1ada");
    }

    #[test]
    fn a_value_carries_its_checksum_from_the_limit_on() {
        let value = [7; LARGE_VALUE_BYTES];
        let small = encoded(&Operation::Set { key: b"k", value: &value[1..], expires_at: None });
        let large = encoded(&Operation::Set { key: b"k", value: &value, expires_at: None });
        assert_eq!(large.len(), small.len() + 1 + CHECKSUM_BYTES);
        assert!(large.ends_with(&crc32c::crc32c(&value).to_le_bytes()));
        for altered in 5..large.len() {
            let mut bytes = large.clone();
            bytes[altered] ^= 1;
            assert!(!are_valid(&bytes, 1), "{altered}");
        }
    }

    #[test]
    fn every_limit_is_held_by_writer_and_reader() {
        let key = vec![1; MAX_KEY_BYTES + 1];
        let bound = vec![1; MAX_BOUND_BYTES + 1];
        let ok = KeyRange { start: &bound[1..], end: Some(&bound[1..]) };
        assert!(check(&Operation::DeleteRange { range: ok }).is_ok());
        for (operation, code) in [
            (Operation::Delete { key: b"" }, ErrorCode::KeyInvalid),
            (Operation::Delete { key: &key }, ErrorCode::KeyInvalid),
            (Operation::Set { key: b"", value: b"", expires_at: None }, ErrorCode::KeyInvalid),
            (
                Operation::Set { key: b"k", value: b"", expires_at: Some(MAX_INTEGER + 1) },
                ErrorCode::Argument,
            ),
            (Operation::DeleteRange { range: KeyRange { start: &bound, end: None } }, ErrorCode::KeyInvalid),
            (
                Operation::DeleteRange { range: KeyRange { start: b"", end: Some(&bound) } },
                ErrorCode::KeyInvalid,
            ),
        ] {
            assert_eq!(check(&operation).unwrap_err().code(), code, "{operation:?}");
            assert_eq!(take::<CHECKED>(&mut encoded(&operation).as_slice()), None, "{operation:?}");
        }
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        for flags in (0..=u8::MAX).filter(|flags| !matches!(flags, 1 | 2 | 3 | 5 | 7)) {
            assert_eq!(
                take::<CHECKED>(&mut &[flags, 1, 1, b'k', b'v', 0, 0, 0, 0, 0, 0, 0, 0][..]),
                None,
                "{flags}"
            );
        }
    }

    fn key() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 1..=300)
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(
            key in key(),
            value in prop::collection::vec(any::<u8>(), 0..700),
            expires_at in prop::option::of(0..=MAX_INTEGER),
            end in prop::option::of(key()),
        ) {
            for operation in [
                Operation::Set { key: &key, value: &value, expires_at },
                Operation::Delete { key: &key },
                Operation::DeleteRange { range: KeyRange { start: &key, end: end.as_deref() } },
            ] {
                let bytes = encoded(&operation);
                prop_assert!(are_valid(&bytes, 1) && !are_valid(&bytes, 2) && !are_valid(&bytes, 0));
                prop_assert_eq!(FrameOperations::new(&bytes, 1, 7).collect::<Vec<_>>(), [(7, operation)]);
                for cut in 0..bytes.len() {
                    prop_assert_eq!(take::<CHECKED>(&mut &bytes[..cut]), None);
                }
            }
        }

        #[test]
        fn any_bytes_decode_or_are_refused_and_decoded_ones_encode_to_themselves(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut rest = bytes.as_slice();
            if let Some(operation) = take::<CHECKED>(&mut rest) {
                prop_assert_eq!(&encoded(&operation)[..], &bytes[..bytes.len() - rest.len()]);
            }
        }
    }
}

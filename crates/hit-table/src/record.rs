//! One `Set` as the arena keeps it: header, optional expiry, key, value or its place.
//!
//! The header of a short record is nine bytes: a word (sequence number, key length, three flags) and the value's length.
//! Where a length needs more than a byte, six bytes with both follow the word instead.

use std::ptr::NonNull;

use crate::value::{StoredValue, Value};

const WORD_BYTES: usize = 8;
const SHORT_LENGTH_BYTES: usize = 1;
const KEY_LENGTH_BYTES: usize = 2;
const LONG_LENGTHS_BYTES: usize = KEY_LENGTH_BYTES + 4;
const EXPIRY_BYTES: usize = 8;
/// File and offset.
const PLACE_BYTES: usize = 8 + 8;

/// Flags in the lowest bits of the word: an expiry follows the lengths,
const HAS_EXPIRY: u64 = 1;
/// the value's place stands where the value would,
const IS_STORED: u64 = 1 << 1;
/// the lengths have bytes of their own.
const IS_LONG: u64 = 1 << 2;
const KEY_LENGTH_SHIFT: u32 = 3;
const MAX_SHORT_LENGTH: usize = 0xff;
/// Sequence numbers are at most 2^53 - 1.
const SEQUENCE_SHIFT: u32 = 11;

/// A `Set`, borrowed from where its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) sequence: u64,
    pub(crate) expires_at: Option<u64>,
    pub(crate) key: &'a [u8],
    pub(crate) value: Value<'a>,
}

/// What stands before the key.
struct Header {
    word: u64,
    key_bytes: usize,
    value_bytes: usize,
    /// Where the expiry is, or else the key.
    behind: usize,
}

impl Header {
    /// # Safety
    /// As [`Record::read`].
    #[inline]
    unsafe fn read(at: NonNull<u8>) -> Self {
        // SAFETY: a record begins here, so the word and the lengths are there and do not change.
        unsafe {
            let word = u64::from_le(at.cast::<u64>().read_unaligned());
            if word & IS_LONG == 0 {
                let key_bytes = word >> KEY_LENGTH_SHIFT & MAX_SHORT_LENGTH as u64;
                let value_bytes = at.add(WORD_BYTES).read();
                let behind = WORD_BYTES + SHORT_LENGTH_BYTES;
                return Self { word, key_bytes: key_bytes as usize, value_bytes: value_bytes.into(), behind };
            }
            let key_bytes = u16::from_le(at.add(WORD_BYTES).cast::<u16>().read_unaligned());
            let value_bytes = at.add(WORD_BYTES + KEY_LENGTH_BYTES).cast::<u32>().read_unaligned();
            let behind = WORD_BYTES + LONG_LENGTHS_BYTES;
            let value_bytes = u32::from_le(value_bytes) as usize;
            Self { word, key_bytes: key_bytes.into(), value_bytes, behind }
        }
    }

    #[inline]
    fn has_expiry(&self) -> bool {
        self.word & HAS_EXPIRY != 0
    }

    /// Where the key is.
    #[inline]
    fn key_at(&self) -> usize {
        self.behind + if self.has_expiry() { EXPIRY_BYTES } else { 0 }
    }
}

impl<'a> Record<'a> {
    fn is_long(&self) -> bool {
        let is_long = |length: usize| length > MAX_SHORT_LENGTH;
        is_long(self.key.len()) || is_long(self.value.len())
    }

    /// How many bytes it takes in the arena.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        let lengths = if self.is_long() { LONG_LENGTHS_BYTES } else { SHORT_LENGTH_BYTES };
        let expiry = if self.expires_at.is_some() { EXPIRY_BYTES } else { 0 };
        let value = match self.value {
            Value::Memory(bytes) => bytes.len(),
            Value::Stored(_) => PLACE_BYTES,
        };
        WORD_BYTES + lengths + expiry + self.key.len() + value
    }

    /// Whether `now_ms` has reached its expiry.
    #[inline]
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at.is_some_and(|expires_at| now_ms >= expires_at)
    }

    /// Writes it.
    ///
    /// # Safety
    /// [`Record::size`] bytes from `at` on belong to the caller, and nobody reads them meanwhile.
    #[inline]
    pub(crate) unsafe fn write(&self, at: NonNull<u8>) {
        let (key_bytes, value_bytes) = (self.key.len(), self.value.len());
        let mut word = self.sequence << SEQUENCE_SHIFT;
        if self.expires_at.is_some() {
            word |= HAS_EXPIRY;
        }
        if matches!(self.value, Value::Stored(_)) {
            word |= IS_STORED;
        }
        // SAFETY: `size` counts everything that is put here, so all of it lies in what belongs to the caller.
        unsafe {
            let mut end = if self.is_long() {
                let key_bytes = u16::try_from(key_bytes).expect("check_key has refused longer keys before");
                let value_bytes =
                    u32::try_from(value_bytes).expect("check_value has refused longer values before");
                let end = put(at, (word | IS_LONG).to_le_bytes());
                put(put(end, key_bytes.to_le_bytes()), value_bytes.to_le_bytes())
            } else {
                let end = put(at, (word | (key_bytes as u64) << KEY_LENGTH_SHIFT).to_le_bytes());
                put(end, [value_bytes as u8])
            };
            if let Some(expires_at) = self.expires_at {
                end = put(end, expires_at.to_le_bytes());
            }
            end = put_slice(end, self.key);
            match self.value {
                Value::Memory(value) => put_slice(end, value),
                Value::Stored(StoredValue { file, offset, .. }) => {
                    put(put(end, file.to_le_bytes()), offset.to_le_bytes())
                }
            };
        }
    }

    /// Reads only the key of the record at `at`.
    ///
    /// # Safety
    /// As [`Record::read`].
    #[inline]
    pub(crate) unsafe fn read_key(at: NonNull<u8>) -> &'a [u8] {
        // SAFETY: as the caller says; the key lies behind the header that was written with it.
        unsafe {
            let header = Header::read(at);
            std::slice::from_raw_parts(at.add(header.key_at()).as_ptr(), header.key_bytes)
        }
    }

    /// Reads the record at `at`.
    ///
    /// # Safety
    /// [`Record::write`] has written one there, before this in the order of memory, and its bytes stay as they are for `'a`.
    #[inline]
    pub(crate) unsafe fn read(at: NonNull<u8>) -> Self {
        // SAFETY: as the caller says; everything read here is counted by `size` and was written.
        unsafe {
            let header = Header::read(at);
            let expires_at = header
                .has_expiry()
                .then(|| u64::from_le(at.add(header.behind).cast::<u64>().read_unaligned()));
            let key_at = at.add(header.key_at());
            let key = std::slice::from_raw_parts(key_at.as_ptr(), header.key_bytes);
            let value_at = key_at.add(header.key_bytes);
            let value = if header.word & IS_STORED == 0 {
                Value::Memory(std::slice::from_raw_parts(value_at.as_ptr(), header.value_bytes))
            } else {
                let number = |at: NonNull<u8>| u64::from_le(at.cast::<u64>().read_unaligned());
                let (file, offset) = (number(value_at), number(value_at.add(8)));
                Value::Stored(StoredValue { file, offset, length: header.value_bytes as u32 })
            };
            Self { sequence: header.word >> SEQUENCE_SHIFT, expires_at, key, value }
        }
    }
}

/// Writes bytes and says where they end.
///
/// # Safety
/// They may be written there.
#[inline(always)]
unsafe fn put<const N: usize>(at: NonNull<u8>, bytes: [u8; N]) -> NonNull<u8> {
    // SAFETY: as the caller says.
    unsafe {
        at.cast().write_unaligned(bytes);
        at.add(N)
    }
}

/// The same for a slice. Most are short, and for those a call would take longer than what it does: they are copied as two
/// pieces that overlap.
///
/// # Safety
/// They may be written there.
#[inline(always)]
unsafe fn put_slice(at: NonNull<u8>, bytes: &[u8]) -> NonNull<u8> {
    // SAFETY: as the caller says.
    unsafe {
        let end = at.add(bytes.len());
        if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
            if bytes.len() > 32 {
                at.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            } else {
                put(at, *first);
                put(end.sub(16), *last);
            }
        } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            put(at, *first);
            put(end.sub(8), *last);
        } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            put(at, *first);
            put(end.sub(4), *last);
        } else {
            let mut at = at;
            for &byte in bytes {
                at = put(at, [byte]);
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Buffer;

    #[test]
    fn keys_and_values_of_every_length_come_back() {
        let bytes: Vec<u8> = (0..200).collect();
        for length in 0..bytes.len() {
            let (key, value) = (&bytes[..length], Value::Memory(&bytes[bytes.len() - length..]));
            let record = Record { sequence: 7, expires_at: None, key, value };
            let buffer = Buffer::new(record.size() + 16);
            // SAFETY: the buffer has room for the record and nobody else knows it.
            let (read, behind) = unsafe {
                record.write(buffer.start());
                let behind = buffer.start().add(record.size()).cast::<[u8; 16]>().read_unaligned();
                (Record::read(buffer.start()), behind)
            };
            assert_eq!((read.key, read.value, behind), (key, value, [0; 16]));
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let at = StoredValue { file: u64::MAX, offset: u64::MAX - 1, length: u32::MAX };
        for (expires_at, key, value, around) in [
            (None, &b""[..], Value::Memory(b""), 9),
            (Some(0), b"k", Value::Memory(b""), 17),
            (None, &[7; 255], Value::Memory(&[9; 255]), 9),
            (None, &[7; 256], Value::Memory(b""), 14),
            (None, b"k", Value::Memory(&[9; 256]), 14),
            (Some(u64::MAX), &[7; 2_048], Value::Memory(&[9; 70_000]), 22),
            (None, b"", Value::Stored(at), 30),
            (Some(u64::MAX), &[7; 2_048], Value::Stored(at), 38),
        ] {
            for sequence in [0, 1, (1 << 53) - 1] {
                let record = Record { sequence, expires_at, key, value };
                assert_eq!(
                    record.size(),
                    around + key.len() + value.in_memory().map_or(0, <[u8]>::len),
                    "{value:?}"
                );
                let buffer = Buffer::new(record.size() + 1);
                // SAFETY: the buffer has room for the record and nobody else knows it.
                let (read, key_alone, behind) = unsafe {
                    record.write(buffer.start());
                    let behind = buffer.start().add(record.size()).read();
                    (Record::read(buffer.start()), Record::read_key(buffer.start()), behind)
                };
                assert_eq!((read.sequence, read.expires_at), (sequence, expires_at));
                assert_eq!((read.key, read.value), (key, value));
                assert_eq!((key_alone, behind), (key, 0));
            }
        }
    }
}

use crate::value::{StoredValue, Value};

/// Sequence number with the two bits below, value length, key length.
const HEADER_BYTES: usize = 8 + 4 + 2;
const EXPIRY_BYTES: usize = 8;

/// Sequence numbers are at most 2^53 - 1, so the top bit of them is free to say that an expiry follows the header.
const HAS_EXPIRY: u64 = 1 << 63;
/// The next one says that a value's place stands where the value would.
const IS_STORED: u64 = 1 << 62;
/// File and offset.
const PLACE_BYTES: usize = 8 + 8;

/// One `Set` as the arena keeps it: header, optional expiry, key, value or its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) sequence: u64,
    pub(crate) expires_at: Option<u64>,
    pub(crate) key: &'a [u8],
    pub(crate) value: Value<'a>,
}

impl<'a> Record<'a> {
    /// How many bytes it takes in the arena.
    pub(crate) fn size(&self) -> usize {
        let expiry = if self.expires_at.is_some() { EXPIRY_BYTES } else { 0 };
        let value = match self.value {
            Value::Memory(bytes) => bytes.len(),
            Value::Stored(_) => PLACE_BYTES,
        };
        HEADER_BYTES + expiry + self.key.len() + value
    }

    /// Whether `now_ms` has reached its expiry.
    #[inline]
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at.is_some_and(|expires_at| now_ms >= expires_at)
    }

    /// Writes it to the start of `bytes`; `None` and nothing of use written where it does not fit.
    pub(crate) fn encode(&self, bytes: &mut [u8]) -> Option<()> {
        let value_length =
            u32::try_from(self.value.len()).expect("check_value has refused values this long before");
        let key_length = u16::try_from(self.key.len()).expect("check_key has refused keys this long before");
        let expiry_bit = if self.expires_at.is_some() { HAS_EXPIRY } else { 0 };
        let stored_bit = if matches!(self.value, Value::Stored(_)) { IS_STORED } else { 0 };
        let stamp = self.sequence | expiry_bit | stored_bit;
        let (target, bytes) = bytes.split_first_chunk_mut()?;
        *target = stamp.to_le_bytes();
        let (target, bytes) = bytes.split_first_chunk_mut()?;
        *target = value_length.to_le_bytes();
        let (target, mut bytes) = bytes.split_first_chunk_mut()?;
        *target = key_length.to_le_bytes();
        if let Some(expires_at) = self.expires_at {
            let (target, rest) = bytes.split_first_chunk_mut()?;
            *target = expires_at.to_le_bytes();
            bytes = rest;
        }
        let (target, bytes) = bytes.split_at_mut_checked(self.key.len())?;
        target.copy_from_slice(self.key);
        match self.value {
            Value::Memory(value) => bytes.get_mut(..value.len())?.copy_from_slice(value),
            Value::Stored(StoredValue { file, offset, .. }) => {
                let (target, bytes) = bytes.split_first_chunk_mut()?;
                *target = file.to_le_bytes();
                *bytes.first_chunk_mut()? = offset.to_le_bytes();
            }
        }
        Some(())
    }

    /// Reads only the key of the record at the start of `bytes`.
    #[inline]
    pub(crate) fn decode_key(bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (stamp, bytes) = bytes.split_first_chunk()?;
        let (key_length, bytes) = bytes.get(4..)?.split_first_chunk()?;
        let expiry = if u64::from_le_bytes(*stamp) & HAS_EXPIRY != 0 { EXPIRY_BYTES } else { 0 };
        bytes.get(expiry..)?.get(..u16::from_le_bytes(*key_length).into())
    }

    /// Reads the record at the start of `bytes`.
    #[inline]
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (stamp, bytes) = bytes.split_first_chunk()?;
        let (value_length, bytes) = bytes.split_first_chunk()?;
        let (key_length, mut bytes) = bytes.split_first_chunk()?;
        let stamp = u64::from_le_bytes(*stamp);
        let mut expires_at = None;
        if stamp & HAS_EXPIRY != 0 {
            let (expiry, rest) = bytes.split_first_chunk()?;
            expires_at = Some(u64::from_le_bytes(*expiry));
            bytes = rest;
        }
        let (key, bytes) = bytes.split_at_checked(u16::from_le_bytes(*key_length).into())?;
        let length = u32::from_le_bytes(*value_length);
        let value = if stamp & IS_STORED == 0 {
            Value::Memory(bytes.get(..length as usize)?)
        } else {
            let (file, bytes) = bytes.split_first_chunk()?;
            let (file, offset) = (u64::from_le_bytes(*file), u64::from_le_bytes(*bytes.first_chunk()?));
            Value::Stored(StoredValue { file, offset, length })
        };
        Some(Self { sequence: stamp & !(HAS_EXPIRY | IS_STORED), expires_at, key, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let at = StoredValue { file: u64::MAX, offset: u64::MAX - 1, length: u32::MAX };
        for (expires_at, key, value) in [
            (None, &b""[..], Value::Memory(b"")),
            (Some(0), b"k", Value::Memory(b"")),
            (Some(u64::MAX), &[7; 2_048], Value::Memory(&[9; 70_000])),
            (None, b"", Value::Stored(at)),
            (Some(u64::MAX), &[7; 2_048], Value::Stored(at)),
        ] {
            let record = Record { sequence: (1 << 53) - 1, expires_at, key, value };
            let mut bytes = vec![0; record.size()];
            assert!(record.encode(&mut bytes).is_some());
            let read = Record::decode(&bytes).unwrap();
            assert_eq!((read.sequence, read.expires_at), (record.sequence, record.expires_at));
            assert_eq!((read.key, read.value), (key, value));
            assert_eq!(Record::decode_key(&bytes), Some(key));
            assert!(record.encode(&mut vec![0; record.size() - 1]).is_none());
            assert!(Record::decode(&bytes[..bytes.len() - 1]).is_none());
        }
    }
}

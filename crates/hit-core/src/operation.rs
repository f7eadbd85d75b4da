use crate::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::{Error, ErrorCode, KeyRange, Result};

/// One change of a store, as a log keeps it and a table applies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Gives a key a value, and an expiry or none.
    Set {
        /// 1 to [`MAX_KEY_BYTES`] bytes.
        key: &'a [u8],
        /// Up to [`MAX_VALUE_BYTES`] bytes.
        value: &'a [u8],
        /// Unix time in milliseconds from which the entry is not seen.
        expires_at: Option<u64>,
    },
    /// Takes a key away.
    Delete {
        /// 1 to [`MAX_KEY_BYTES`] bytes.
        key: &'a [u8],
    },
    /// Takes every key of a range away.
    DeleteRange {
        /// The range.
        range: KeyRange<'a>,
    },
}

impl<'a> Operation<'a> {
    /// The key it is about; none where it is about a range.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Set { key, .. } | Self::Delete { key } => Some(key),
            Self::DeleteRange { .. } => None,
        }
    }
}

/// Refuses an empty or over-long key.
///
/// # Errors
/// `HIT_KEY_INVALID`.
pub fn check_key(key: &[u8]) -> Result<()> {
    match key.len() {
        1..=MAX_KEY_BYTES => Ok(()),
        0 => Err(Error::new(ErrorCode::KeyInvalid, "a key is empty: use 1 to 2,048 bytes")),
        length => Err(Error::new(
            ErrorCode::KeyInvalid,
            format!("a key has {length} bytes: use 1 to 2,048, or a hash of it"),
        )
        .with_key(key)),
    }
}

/// Refuses an over-long value.
///
/// # Errors
/// `HIT_VALUE_TOO_LARGE`.
pub fn check_value(key: &[u8], value: &[u8]) -> Result<()> {
    if value.len() <= MAX_VALUE_BYTES {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::ValueTooLarge,
        format!(
            "a value has {} bytes, the most is {MAX_VALUE_BYTES}: split it over several keys",
            value.len()
        ),
    )
    .with_key(key))
}

//! What is stored under a key: one flag byte, the expiry where the flag says so, the bytes of the value.

use hit_core::{Error, ErrorCode, Result, StoredValue};

const PLAIN: u8 = 0;
const EXPIRES: u8 = 1;
const EXPIRY_BYTES: usize = 8;

/// How values lie in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As hitkv writes them.
    Flagged,
    /// As they are: the database is someone else's.
    Raw,
}

impl Codec {
    /// What is stored for a value, made in `buffer` unless it is the value itself.
    pub(crate) fn encode<'a>(
        self,
        value: &'a [u8],
        expires_at: Option<u64>,
        buffer: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        if self == Self::Raw {
            return value;
        }
        buffer.clear();
        match expires_at {
            None => buffer.push(PLAIN),
            Some(at) => {
                buffer.push(EXPIRES);
                buffer.extend_from_slice(&at.to_be_bytes());
            }
        }
        buffer.extend_from_slice(value);
        buffer
    }

    /// The value and its expiry.
    ///
    /// # Errors
    /// `HIT_CORRUPTION`: nothing that this version writes.
    pub(crate) fn decode<'a>(self, key: &[u8], stored: &'a [u8]) -> Result<StoredValue<'a>> {
        if self == Self::Raw {
            return Ok((stored, None));
        }
        match stored.split_first() {
            Some((&PLAIN, value)) => return Ok((value, None)),
            Some((&EXPIRES, rest)) => {
                if let Some((at, value)) = rest.split_first_chunk::<EXPIRY_BYTES>() {
                    return Ok((value, Some(u64::from_be_bytes(*at))));
                }
            }
            _ => {}
        }
        Err(unknown(key, stored.first().copied()))
    }

    /// When the entry expires, if it does and is readable.
    pub(crate) fn expiry(self, stored: &[u8]) -> Option<u64> {
        self.decode(&[], stored).ok().and_then(|(_, expires_at)| expires_at)
    }
}

fn unknown(key: &[u8], flag: Option<u8>) -> Error {
    let what = match flag {
        None => "is empty".to_owned(),
        Some(EXPIRES) => "ends within its expiry".to_owned(),
        Some(flag) => format!("begins with the unknown flag {flag}"),
    };
    let key_hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    Error::new(
        ErrorCode::Corruption,
        format!(
            "what is stored under the key {key_hex} (hex) {what}: it was not written by hitkv, or is damaged; \
             write that key again, or delete it"
        ),
    )
    .with_key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_with_their_expiry() {
        let mut buffer = Vec::new();
        for (value, at) in [(&b"ada"[..], None), (b"", None), (b"ada", Some(7)), (b"", Some(u64::MAX))] {
            let stored = Codec::Flagged.encode(value, at, &mut buffer);
            assert_eq!(Codec::Flagged.decode(b"k", stored).unwrap(), (value, at));
            assert_eq!(Codec::Flagged.expiry(stored), at);
        }
    }

    #[test]
    fn raw_values_are_stored_as_they_are() {
        let mut buffer = Vec::new();
        assert_eq!(Codec::Raw.encode(b"\x01x", None, &mut buffer), b"\x01x");
        assert_eq!(Codec::Raw.decode(b"k", b"\x01x").unwrap(), (&b"\x01x"[..], None));
    }

    #[test]
    fn what_hitkv_did_not_write_is_corruption_that_names_the_key() {
        for stored in [&b""[..], b"\x02ada", b"\x01short", b"ada"] {
            let error = Codec::Flagged.decode(b"user\xff", stored).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Corruption);
            assert!(error.message().contains("75736572ff"), "{error}");
            assert_eq!(error.keys(), [b"user\xff".to_vec()]);
            assert_eq!(Codec::Flagged.expiry(stored), None);
        }
    }
}

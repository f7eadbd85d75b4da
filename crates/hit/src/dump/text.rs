//! How bytes become text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Adds bytes as base64, with padding.
pub(crate) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    let length = base64::encoded_len(bytes.len(), true).unwrap_or_default();
    out.resize(start + length, 0);
    let written = out.get_mut(start..).map(|place| STANDARD.encode_slice(bytes, place));
    debug_assert_eq!(written, Some(Ok(length)), "the place has the length of the text");
}

/// Adds a number in decimal digits.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

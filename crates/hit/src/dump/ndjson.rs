//! One JSON object a line.

use crate::dump::text::{write_base64, write_number};
use crate::read::Entry;

/// From this length on a value is written in base64 where that is shorter than its text with all escapes, which may be
/// six times as long as the value and then more than a line may have. Shorter ones stay readable.
const COMPARED_BYTES: usize = 1 << 20;

pub(crate) fn write(out: &mut Vec<u8>, key: &[u8], entry: Entry<'_>) {
    out.extend_from_slice(b"{\"key");
    write_text(out, key);
    out.extend_from_slice(b",\"value");
    write_text(out, entry.value);
    if let Some(expires_at) = entry.expires_at {
        out.extend_from_slice(b",\"expiresAt\":");
        write_number(out, expires_at);
    }
    out.extend_from_slice(b"}\n");
}

/// Adds the rest of a member's name and its text.
fn write_text(out: &mut Vec<u8>, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(_) if bytes.len() < COMPARED_BYTES || escaped_len(bytes) <= bytes.len() / 3 * 4 => {
            out.extend_from_slice(b"\":\"");
            write_escaped(out, bytes);
        }
        _ => {
            out.extend_from_slice(b"64\":\"");
            write_base64(out, bytes);
        }
    }
    out.push(b'"');
}

fn escaped_len(text: &[u8]) -> usize {
    text.iter()
        .map(|&byte| if !needs_escape(byte) { 1 } else { 2 + 4 * usize::from(short(byte).is_none()) })
        .sum()
}

fn write_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|&byte| needs_escape(byte)) {
        let (before, from) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, behind)) = from.split_first() else { return };
        match short(byte) {
            Some(letter) => out.extend_from_slice(&[b'\\', letter]),
            None => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
}

fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The letter of a two-character escape.
fn short(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        8 => Some(b'b'),
        12 => Some(b'f'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &[u8], value: &[u8], expires_at: Option<u64>) -> String {
        let mut out = Vec::new();
        write(&mut out, key, Entry { value, expires_at });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_stays_text_and_other_bytes_become_base64() {
        assert_eq!(line(b"k", "ä\n".as_bytes(), None), "{\"key\":\"k\",\"value\":\"ä\\n\"}\n");
        assert_eq!(line(b"\xff", b"", Some(7)), "{\"key64\":\"/w==\",\"value\":\"\",\"expiresAt\":7}\n");
    }

    #[test]
    fn every_ascii_character_is_read_back_by_a_json_parser() {
        let text: String = (0..128_u8).map(char::from).collect();
        let read: serde_json::Value = serde_json::from_str(&line(b"k", text.as_bytes(), None)).unwrap();
        assert_eq!(read["value"], text);
        let escaped = line(b"k", text.as_bytes(), None).len() - line(b"k", b"", None).len();
        assert_eq!(escaped, escaped_len(text.as_bytes()));
    }

    #[test]
    fn a_long_value_of_escapes_is_base64_so_that_its_line_can_be_loaded() {
        let value = vec![1; COMPARED_BYTES];
        assert!(line(b"k", &value, None).starts_with("{\"key\":\"k\",\"value64\":\"AQEB"));
        let text = vec![b'a'; COMPARED_BYTES];
        assert!(line(b"k", &text, None).starts_with("{\"key\":\"k\",\"value\":\"aaa"));
    }
}

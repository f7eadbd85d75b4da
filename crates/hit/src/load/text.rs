//! What all text formats share: how a source begins, and how JSON and base64 become bytes.

use std::io::{self, Cursor, Read};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hit_core::{Error, ErrorCode, Result};
use serde::de::IgnoredAny;

/// The longest line or record, in bytes: the longest value as base64, its key, and room to spare.
pub(crate) const MAX_LINE_BYTES: usize = 192 << 20;

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A source to be read as UTF-8, without a byte order mark.
pub(crate) type Text = io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Looks at how a source begins.
///
/// # Errors
/// `HIT_ARGUMENT` where that is no UTF-8 text; `HIT_IO`.
pub(crate) fn text(mut source: Box<dyn Read + Send>, name: &str) -> Result<Text> {
    let mut head = Vec::new();
    (&mut source).take(4).read_to_end(&mut head).map_err(|error| cannot_read(name, error))?;
    let what = match head.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16",
        [0x1f, 0x8b, ..] => "compressed with gzip",
        [0x28, 0xb5, 0x2f, 0xfd] => "compressed with zstd",
        [b'P', b'K', 3, 4] => "a ZIP archive or a spreadsheet's own format",
        head if head.contains(&0) => "binary",
        _ => "",
    };
    if !what.is_empty() {
        let message = format!("{name} line 1: this is {what}: give it as UTF-8 text");
        return Err(Error::new(ErrorCode::Argument, message));
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    Ok(Cursor::new(head).chain(source))
}

/// A failure of reading a source.
pub(crate) fn cannot_read(name: &str, error: io::Error) -> Error {
    Error::new(ErrorCode::Io, format!("cannot read {name}: {error}; what came before is loaded"))
        .with_source(error)
}

/// The bytes behind base64.
///
/// # Errors
/// With `code`, saying which `member` it is.
pub(crate) fn from_base64(text: &[u8], member: &str, code: ErrorCode) -> Result<Vec<u8>> {
    BASE64.decode(text).map_err(|error| Error::new(code, format!("{member} is not base64: {error}")))
}

/// Refuses what a store of JSON values cannot give back.
///
/// # Errors
/// `HIT_VALUE_INVALID`.
pub(crate) fn check_json(value: &[u8]) -> Result<()> {
    serde_json::from_slice::<IgnoredAny>(value).map(drop).map_err(|error| {
        Error::new(
            ErrorCode::ValueInvalid,
            format!(
                "a value is not JSON text, which valueEncoding 'json' needs: {}; load it with valueEncoding 'utf8', or \
                 write the value as JSON",
                without_place(&error)
            ),
        )
    })
}

/// What is wrong with JSON, without where, which counts from the wrong beginning.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or(text.clone(), str::to_owned)
}

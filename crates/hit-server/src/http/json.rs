use std::borrow::Cow;
use std::io::{self, Write};

use hit_core::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::error::HttpError;

/// What `POST /set` takes and `GET /get` answers. Other members are ignored.
#[derive(Deserialize, Serialize)]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    #[serde(borrow)]
    pub value: Cow<'a, str>,
}

/// Reads the body of `POST /set`.
pub fn parse(body: &[u8]) -> Result<Entry<'_>, HttpError> {
    let refused = |reason: &str| {
        let reason = format!(r#"the body is not {{"key":"…","value":"…"}} with two strings: {reason}"#);
        HttpError::bad_request(ErrorCode::Argument, reason)
    };
    // The parser would take an array of two strings as well.
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body).map_err(|error| refused(&error.to_string())),
        Some(_) => Err(refused("it is no JSON object")),
        None => Err(refused("it is empty")),
    }
}

/// Writes an entry as Go's encoder does: what HTML or JavaScript would take as their own is escaped.
pub fn write(entry: &Entry<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(r#"{"key":"","value":""}"#.len() + entry.key.len() + entry.value.len());
    let mut serializer = Serializer::with_formatter(&mut text, HtmlSafe(CompactFormatter));
    entry.serialize(&mut serializer).expect("strings can be written as JSON, and a vector takes every write");
    text
}

struct HtmlSafe(CompactFormatter);

impl Formatter for HtmlSafe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(place) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, behind) = rest.split_at(place);
            let mut characters = behind.chars();
            self.0.write_string_fragment(writer, before)?;
            if let Some(character) = characters.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        self.0.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(key: &str, value: &str) -> String {
        String::from_utf8(write(&Entry { key: key.into(), value: value.into() })).unwrap()
    }

    #[test]
    fn what_html_and_javascript_take_as_their_own_is_escaped() {
        let text = written("<a>", "&\u{2028}\u{2029}</script>é\u{1f980}");
        let escaped = r#"{"key":"\u003ca\u003e","value":"\u0026\u2028\u2029\u003c/script\u003eé🦀"}"#;
        assert_eq!(text, escaped);
    }

    #[test]
    fn quotes_and_control_characters_are_escaped() {
        assert_eq!(written("\"\\", "\n\r\t\0\u{1f}"), r#"{"key":"\"\\","value":"\n\r\t\u0000\u001f"}"#);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let odd = "\0 < \u{2029}\"\\/\u{7f}\u{1f980} ü";
        let text = written(odd, odd);
        let entry = parse(text.as_bytes()).ok().unwrap();
        assert_eq!((entry.key.as_ref(), entry.value.as_ref()), (odd, odd));
    }

    #[test]
    fn unknown_members_are_ignored() {
        let entry = parse(br#" {"ttl":5,"value":"v","x":{"key":1},"key":"k"} "#).ok().unwrap();
        assert_eq!((entry.key.as_ref(), entry.value.as_ref()), ("k", "v"));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for body in [
            "",
            " ",
            "{",
            "null",
            "\"k\"",
            r#"["k","v"]"#,
            r#"{"key":"k"}"#,
            r#"{"value":"v"}"#,
            r#"{"key":1,"value":"v"}"#,
            r#"{"key":"k","value":1}"#,
            r#"{"key":"k","value":null}"#,
            r#"{"key":"k","value":["v"]}"#,
            r#"{"key":"k","value":"v"} x"#,
            r#"{"key":"k","value":"v","key":"l"}"#,
            r#"{"key":"\ud800","value":"v"}"#,
        ] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse(b"{\"key\":\"k\",\"value\":\"\xff\"}").is_err());
    }
}

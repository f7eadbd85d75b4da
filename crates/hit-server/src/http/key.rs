use std::borrow::Cow;

use axum::http::Uri;
use hit_core::{ErrorCode, check_key};
use percent_encoding::percent_decode_str;

use super::error::HttpError;

/// The key that a request names: the first `key` of its query, percent-decoded, `+` being a space.
///
/// It must be UTF-8, since an answer repeats it in JSON, which cannot carry other bytes.
pub fn from_query(uri: &Uri) -> Result<String, HttpError> {
    let query = uri.query().unwrap_or_default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(name).is_some_and(|name| name == "key") {
            let key = decode(value).ok_or_else(|| {
                let reason =
                    "the key in the query is not percent-encoded UTF-8: encode it with encodeURIComponent";
                HttpError::bad_request(ErrorCode::KeyInvalid, reason)
            })?;
            check_key(key.as_bytes())?;
            return Ok(key);
        }
    }
    let reason = format!("the query of {} has no key: use {}?key=…", uri.path(), uri.path());
    Err(HttpError::bad_request(ErrorCode::KeyInvalid, reason))
}

/// `None` for what is not percent-encoded UTF-8; nothing is replaced or guessed.
fn decode(encoded: &str) -> Option<String> {
    let mut rest = encoded;
    while let Some((_, behind)) = rest.split_once('%') {
        let digits = behind.get(..2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        rest = behind;
    }
    let spaced: Cow<'_, str> =
        if encoded.contains('+') { encoded.replace('+', " ").into() } else { encoded.into() };
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(target: &str) -> Option<String> {
        from_query(&target.parse().unwrap()).ok()
    }

    #[test]
    fn the_first_of_several_keys_counts() {
        assert_eq!(key("/get?key=a&key=b").unwrap(), "a");
        assert_eq!(key("/get?other=x&%6bey=a").unwrap(), "a");
    }

    #[test]
    fn plus_and_percent_20_are_spaces() {
        assert_eq!(key("/get?key=a+b%20c%2Bd").unwrap(), "a b c+d");
    }

    #[test]
    fn any_text_is_a_key() {
        assert_eq!(key("/get?key=..%2Fescape").unwrap(), "../escape");
        assert_eq!(key("/get?key=a/b=c?d").unwrap(), "a/b=c?d");
        assert_eq!(key("/get?key=%00").unwrap(), "\0");
        assert_eq!(key("/get?key=%F0%9F%A6%80").unwrap(), "\u{1f980}");
    }

    #[test]
    fn a_key_that_is_missing_empty_or_too_long_is_refused() {
        assert_eq!(key("/get"), None);
        assert_eq!(key("/get?"), None);
        assert_eq!(key("/get?keys=a"), None);
        assert_eq!(key("/get?key"), None);
        assert_eq!(key("/get?key=&key=a"), None);
        assert_eq!(key(&format!("/get?key={}", "a".repeat(2_048))).unwrap().len(), 2_048);
        assert_eq!(key(&format!("/get?key={}", "a".repeat(2_049))), None);
    }

    #[test]
    fn a_key_that_is_not_percent_encoded_utf_8_is_refused() {
        for broken in ["%", "%4", "%zz", "a%", "%+1", "%ff", "%c3", "%ed%a0%80", "%C0%80"] {
            assert_eq!(key(&format!("/get?key={broken}")), None, "{broken}");
        }
    }
}

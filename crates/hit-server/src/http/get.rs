use std::str;

use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hit::Store;
use hit_core::{Error, ErrorCode, Result};

use super::error::HttpError;
use super::{json, key};
use crate::limits::READ_TRIES;

/// `GET /get?key=…`: the entry; a missing key has an empty value, as Go-Hit answers it.
pub async fn answer(State(store): State<Store>, uri: Uri) -> Result<impl IntoResponse, HttpError> {
    let key = key::from_query(&uri)?;
    let value = read(&store, key.as_bytes()).await?.unwrap_or_default();
    let value = str::from_utf8(&value).map_err(|source| not_text(&key, source))?;
    let text = json::write(&json::Entry { key: key.as_str().into(), value: value.into() });
    Ok(([(CONTENT_TYPE, "application/json")], text))
}

/// The value, once nothing that it or its absence reveals can be lost any more. Where a write that was seen has failed,
/// it is no longer there, so another look shows what is.
async fn read(store: &Store, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut tries = 1;
    loop {
        match store.get_settled(key).await {
            Err(error) if tries < READ_TRIES && is_of_a_write(&error) => tries += 1,
            answer => return answer,
        }
    }
}

fn is_of_a_write(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::DiskFull | ErrorCode::Io)
}

fn not_text(key: &str, source: str::Utf8Error) -> Error {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let message =
        format!("the value of key {hex} (hex) is not UTF-8, which JSON cannot carry: read it as 'binary'");
    Error::new(ErrorCode::ValueInvalid, message).with_key(key.as_bytes()).with_source(source)
}

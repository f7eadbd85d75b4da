use std::str;

use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hit::Store;
use hit_core::{Error, ErrorCode};

use super::error::HttpError;
use super::{json, key};

/// `GET /get?key=…`: the entry; a missing key has an empty value, as Go-Hit answers it.
pub async fn answer(State(store): State<Store>, uri: Uri) -> Result<impl IntoResponse, HttpError> {
    let key = key::from_query(&uri)?;
    // Durability: what was read, an absent key too, may come from a write that could still fail or be lost.
    let value = store.get_settled(key.as_bytes()).await?.unwrap_or_default();
    let value = str::from_utf8(&value).map_err(|source| not_text(&key, source))?;
    Ok((
        [(CONTENT_TYPE, "application/json")],
        json::write(&json::Entry { key: key.as_str().into(), value: value.into() }),
    ))
}

fn not_text(key: &str, source: str::Utf8Error) -> Error {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let message =
        format!("the value of key {hex} (hex) is not UTF-8, which JSON cannot carry: read it as 'binary'");
    Error::new(ErrorCode::ValueInvalid, message).with_key(key.as_bytes()).with_source(source)
}

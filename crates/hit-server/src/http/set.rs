use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use hit::{Store, WriteOptions};
use hit_core::limits::MAX_VALUE_BYTES;

use super::error::HttpError;
use super::{body, json};
use crate::limits::BODY_MARGIN_BYTES;

/// `POST /set`: 201 when the write has the store's durability.
pub async fn answer(State(store): State<Store>, request: Body) -> Result<StatusCode, HttpError> {
    let text = body::read(request, MAX_VALUE_BYTES + BODY_MARGIN_BYTES).await?;
    let entry = json::parse(&text)?;
    store.set(entry.key.as_bytes(), entry.value.as_bytes(), WriteOptions::default()).await?;
    Ok(StatusCode::CREATED)
}

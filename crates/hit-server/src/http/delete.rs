use axum::extract::State;
use axum::http::{StatusCode, Uri};
use hit::{Store, WriteOptions};

use super::error::HttpError;
use super::key;

/// `DELETE /delete?key=…`: 204 when the key is gone with the store's durability, whether or not it was there.
pub async fn answer(State(store): State<Store>, uri: Uri) -> Result<StatusCode, HttpError> {
    let key = key::from_query(&uri)?;
    store.delete(key.as_bytes(), WriteOptions::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}

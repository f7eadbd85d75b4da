//! HTTP with the routes of Go-Hit, so that its clients work unchanged.
//!
//! | request | answer |
//! |---|---|
//! | `POST /set` with `{"key":…,"value":…}` | 201 |
//! | `GET /get?key=…`, `HEAD` | 200 with `{"key":…,"value":…}`, the value empty where there is no such key |
//! | `DELETE /delete?key=…` | 204, whether or not there was such a key |
//!
//! Everything else is a status from 400 with a code and a reason, see [`error`].

mod body;
mod delete;
pub mod error;
mod get;
mod json;
mod key;
mod set;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::routing;
use hit::Store;
use hit_core::ErrorCode;

use self::error::HttpError;

/// The routes over `store`.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/set", routing::post(set::answer))
        .route("/get", routing::get(get::answer))
        .route("/delete", routing::delete(delete::answer))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(store)
}

async fn unknown_path(uri: Uri) -> HttpError {
    let reason = format!("there is no {}: use POST /set, GET /get?key=… or DELETE /delete?key=…", uri.path());
    HttpError::new(StatusCode::NOT_FOUND, ErrorCode::Argument, reason)
}

// The methods that would be right are added by the route, in `Allow`.
async fn wrong_method(method: Method, uri: Uri) -> HttpError {
    let reason = format!("{method} is not for {}: use POST /set, GET /get or DELETE /delete", uri.path());
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Argument, reason)
}

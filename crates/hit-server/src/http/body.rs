use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use hit_core::ErrorCode;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use super::error::HttpError;
use crate::limits::{BODY_TIMEOUT, FIRST_BUFFER_BYTES};

/// The whole of a body of at most `limit` bytes; one that announces more is refused before it is read.
pub async fn read(mut body: Body, limit: usize) -> Result<Bytes, HttpError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large(limit));
    }
    let mut first = None;
    let mut whole = BytesMut::new();
    while let Some(part) = next(&mut body).await? {
        if whole.len() + first.as_ref().map_or(0, Bytes::len) + part.len() > limit {
            return Err(too_large(limit));
        }
        // Most bodies come in one part, which then needs no copy.
        if first.is_none() && whole.is_empty() {
            first = Some(part);
            continue;
        }
        if let Some(first) = first.take() {
            // What is announced is only a promise: memory is taken for what has come.
            whole.reserve(announced.min(FIRST_BUFFER_BYTES).max(first.len() + part.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&part);
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, HttpError> {
    loop {
        let frame = tokio::time::timeout(BODY_TIMEOUT, body.frame()).await.map_err(|_| {
            let reason =
                format!("the body stopped coming for {} seconds: send it again", BODY_TIMEOUT.as_secs());
            HttpError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout, reason)
        })?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|source| {
            HttpError::bad_request(
                ErrorCode::Argument,
                format!("the body could not be read ({source}): send it whole"),
            )
        })?;
        // Trailers carry nothing for us.
        if let Ok(part) = frame.into_data() {
            return Ok(Some(part));
        }
    }
}

fn too_large(limit: usize) -> HttpError {
    let reason = format!("the body is over {limit} bytes: split the value over several keys");
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::ValueTooLarge, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_whether_or_not_it_says_so() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        assert!(read(Body::from("123456"), 5).await.is_err());
    }
}

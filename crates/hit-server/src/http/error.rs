//! Failures as HTTP carries them: a status, the stable code in the header `hitkv-code`, and a line of plain text
//! with the code and what happened, to what, and what to do.

use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hit_core::{Error, ErrorCode};

/// The header that names the code of a failure.
pub const CODE_HEADER: HeaderName = HeaderName::from_static("hitkv-code");

/// An answer that is a failure.
#[derive(Debug)]
pub struct HttpError {
    status: StatusCode,
    error: Error,
}

impl HttpError {
    /// A failure of the request itself, which the store has not seen.
    pub fn new(status: StatusCode, code: ErrorCode, reason: impl Into<String>) -> Self {
        Self { status, error: Error::new(code, reason) }
    }

    /// A request that asks for nothing that can be done.
    pub fn bad_request(code: ErrorCode, reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, reason)
    }
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self { status: status(error.code()), error }
    }
}

/// The status of a failure of the store.
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Argument | ErrorCode::KeyInvalid => StatusCode::BAD_REQUEST,
        ErrorCode::ValueTooLarge | ErrorCode::BatchTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Busy
        | ErrorCode::NotOpen
        | ErrorCode::Poisoned
        | ErrorCode::Timeout
        | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            // A browser must not take a key that is quoted here for a page.
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (CODE_HEADER, HeaderValue::from_static(self.error.code().name())),
        ]);
        (self.status, headers, format!("{}\n", self.error)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_is_never_a_success() {
        for &code in ErrorCode::ALL {
            let answer = HttpError::from(Error::new(code, "x")).into_response();
            assert!(answer.status().as_u16() >= 400, "{code:?}");
            assert_eq!(answer.headers().get(CODE_HEADER).unwrap(), code.name());
        }
    }

    #[test]
    fn failures_have_the_status_that_says_what_to_do() {
        assert_eq!(status(ErrorCode::KeyInvalid), 400);
        assert_eq!(status(ErrorCode::ValueTooLarge), 413);
        assert_eq!(status(ErrorCode::DiskFull), 507);
        assert_eq!(status(ErrorCode::Poisoned), 503);
        assert_eq!(status(ErrorCode::Busy), 503);
        assert_eq!(status(ErrorCode::NotOpen), 503);
        assert_eq!(status(ErrorCode::Io), 500);
        assert_eq!(status(ErrorCode::ValueInvalid), 500);
    }
}

//! Errors on their way to JavaScript: an `Error` with `code`, `retryable` and `keys`, which the facade makes a `HitError`.

use std::fmt::Write;
use std::ptr;

use hit::{Error, Result};
use napi::sys;

use crate::raw;

/// An `Error` object for a failure.
pub(crate) fn to_js(env: sys::napi_env, error: &Error) -> Result<sys::napi_value> {
    let code = raw::text(env, error.code().name())?;
    let message = raw::text(env, &message(error))?;
    let mut value = ptr::null_mut();
    // SAFETY: `code` and `message` are strings of this scope.
    raw::check(unsafe { sys::napi_create_error(env, code, message, &mut value) })?;
    raw::set(env, value, "retryable", raw::boolean(env, error.code().retryable())?)?;
    if !error.keys().is_empty() {
        let keys =
            error.keys().iter().map(|key| raw::text(env, &key_text(key))).collect::<Result<Vec<_>>>()?;
        raw::set(env, value, "keys", raw::array(env, &keys)?)?;
    }
    Ok(value)
}

/// Throws a failure; the value is what a callback returns then.
pub(crate) fn throw(env: sys::napi_env, error: &Error) -> sys::napi_value {
    if let Ok(value) = to_js(env, error) {
        // SAFETY: `value` is an error of this scope.
        unsafe { sys::napi_throw(env, value) };
    }
    ptr::null_mut()
}

/// A failure for the functions that `#[napi]` makes.
pub(crate) fn to_napi(env: sys::napi_env, error: &Error) -> napi::Error {
    use napi::bindgen_prelude::{FromNapiValue, Unknown};
    to_js(env, error)
        .ok()
        // SAFETY: the value is an error object of this scope.
        .and_then(|value| unsafe { Unknown::from_napi_value(env, value) }.ok())
        .map_or_else(|| napi::Error::from_reason(error.to_string()), napi::Error::from)
}

/// What happened, and what was below it.
fn message(error: &Error) -> String {
    let mut message = error.message().to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(below) = source {
        // Writing to a string cannot fail.
        let _ = write!(message, " ({below})");
        source = below.source();
    }
    message
}

/// A key as text; in hex where it is not UTF-8.
pub(crate) fn key_text(key: &[u8]) -> String {
    std::str::from_utf8(key).map_or_else(|_| hex(key), ToOwned::to_owned)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

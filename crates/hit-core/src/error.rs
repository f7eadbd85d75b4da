use std::fmt;
use std::sync::Arc;

use crate::limits::MAX_ERROR_KEYS;

/// The result of everything that can fail in hitkv.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, retryable: $retryable:literal;)*) => {
        /// What kind of failure an error is. The names are part of the public API, in every language and protocol.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The stable name, for example `HIT_CONFLICT`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// Whether the same call may succeed later without anything being changed.
            #[must_use]
            pub fn retryable(self) -> bool {
                match self { $(ErrorCode::$variant => $retryable,)* }
            }
        }
    };
}

error_codes! {
    /// An argument has the wrong type or is outside its range.
    Argument = "HIT_ARGUMENT", retryable: false;
    /// A key is empty, too long or not what the key encoding allows.
    KeyInvalid = "HIT_KEY_INVALID", retryable: false;
    /// A value is not what the value encoding or the operation allows.
    ValueInvalid = "HIT_VALUE_INVALID", retryable: false;
    /// A value is over the limit.
    ValueTooLarge = "HIT_VALUE_TOO_LARGE", retryable: false;
    /// A batch does not fit one frame.
    BatchTooLarge = "HIT_BATCH_TOO_LARGE", retryable: false;
    /// A check did not hold, so nothing was written.
    Conflict = "HIT_CONFLICT", retryable: true;
    /// The store is closed or closing.
    NotOpen = "HIT_NOT_OPEN", retryable: false;
    /// Another program holds the store.
    Locked = "HIT_LOCKED", retryable: true;
    /// The store or its storage has more to do than it accepts.
    Busy = "HIT_BUSY", retryable: true;
    /// An answer did not come in time.
    Timeout = "HIT_TIMEOUT", retryable: true;
    /// The caller's signal ended the call.
    Aborted = "HIT_ABORTED", retryable: false;
    /// The storage cannot be reached, or the outcome of a write is unknown.
    Unavailable = "HIT_UNAVAILABLE", retryable: true;
    /// An option, a URL or a folder is not what this store needs.
    Config = "HIT_CONFIG", retryable: false;
    /// This store, build or platform cannot do that.
    Unsupported = "HIT_UNSUPPORTED", retryable: false;
    /// Stored data is damaged.
    Corruption = "HIT_CORRUPTION", retryable: false;
    /// An operation on a file or a connection failed.
    Io = "HIT_IO", retryable: false;
    /// The disk is full; nothing of the write was kept.
    DiskFull = "HIT_DISK_FULL", retryable: true;
    /// A sync failed, so what is on disk is unknown until the store is opened again.
    Poisoned = "HIT_POISONED", retryable: false;
    /// A reader fell behind what it follows.
    Lagged = "HIT_LAGGED", retryable: true;
}

/// A failure: a stable code, a message that says what happened, to what, and what to do, the keys it concerns and
/// the error below it. Cheap to clone, since one failure may answer many callers.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    keys: Vec<Vec<u8>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `code`; the message says what happened, to what, and what to do.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { code, message: message.into(), keys: Vec::new(), source: None }))
    }

    /// The same with the error below it.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::new(source));
        self
    }

    /// The same with one more key it concerns; keys past [`MAX_ERROR_KEYS`] are left out.
    #[must_use]
    pub fn with_key(mut self, key: &[u8]) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        if inner.keys.len() < MAX_ERROR_KEYS {
            inner.keys.push(key.to_vec());
        }
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What happened, to what, and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The keys it concerns, at most [`MAX_ERROR_KEYS`].
    #[must_use]
    pub fn keys(&self) -> &[Vec<u8>] {
        &self.0.keys
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code().name(), self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")?;
        self.0.source.as_ref().map_or(Ok(()), |source| write!(formatter, " ({source:?})"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_shared_fixture() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../fixtures/error-codes.json")).unwrap();
        let ours: serde_json::Map<_, _> =
            ErrorCode::ALL.iter().map(|code| (code.name().into(), code.retryable().into())).collect();
        assert_eq!(fixture, serde_json::Value::Object(ours));
    }

    #[test]
    fn an_error_names_at_most_a_hundred_keys() {
        let mut error = Error::new(ErrorCode::Io, "x");
        for number in 0..150_u8 {
            error = error.with_key(&[number]);
        }
        assert_eq!(error.keys().len(), MAX_ERROR_KEYS);
    }
}

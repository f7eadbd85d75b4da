use std::path::{Path, PathBuf};

use crate::{Error, ErrorCode};

/// Damage that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The first byte that is not right.
    pub offset: u64,
    /// What opening the store would answer.
    pub code: ErrorCode,
    /// What is wrong, and what is affected.
    pub message: String,
}

impl Problem {
    /// What an error says of a place in a file.
    #[must_use]
    pub fn new(file: &Path, offset: u64, error: &Error) -> Self {
        Self { file: file.to_owned(), offset, code: error.code(), message: error.message().to_owned() }
    }
}

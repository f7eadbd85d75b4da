use std::path::PathBuf;

use hit_core::{Error, ErrorCode, Result, Tell};

use crate::{OpenOptions, Store};

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

/// What a check of everything stored has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// None: everything is as it was written.
    pub problems: Vec<Problem>,
    /// Bytes that were read.
    pub bytes: u64,
}

impl Store {
    /// Reads everything this store has on disk and checks it. Blocks; reads and writes go on meanwhile. Progress counts
    /// files and bytes. A store in memory has nothing to check.
    ///
    /// # Errors
    /// `HIT_IO` where it cannot be read at all, `HIT_ABORTED`. Damage is no error: the report names it.
    pub fn verify_blocking(&self, _tell: &mut Tell<'_>) -> Result<VerifyReport> {
        if self.open_shared()?.disk.is_none() {
            return Ok(VerifyReport::default());
        }
        Err(Error::new(ErrorCode::Unsupported, "verify() is not built yet"))
    }
}

/// The same for a store that is not open, or cannot be opened; takes no lock and changes nothing.
///
/// # Errors
/// As [`Store::verify_blocking`]; `HIT_CONFIG` where there is no such store.
pub fn verify(_url: &str, _options: &OpenOptions, _tell: &mut Tell<'_>) -> Result<VerifyReport> {
    Err(Error::new(ErrorCode::Unsupported, "verify() is not built yet"))
}

//! Loading a store from text files, a stream or another store.

use std::io::Read;
use std::path::Path;

use hit_core::{Durability, Error, ErrorCode, Result, Tell};

use crate::{Format, Store};

/// How a store is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// What the source is. Default: what its name says; a stream has none.
    pub format: Option<Format>,
    /// Counts bad lines and goes on, instead of ending at the first.
    pub skip_bad: bool,
    /// Values are JSON: a value that is not a string is kept as its JSON text, and a string must be JSON text.
    pub json_values: bool,
    /// What the entries survive when the call returns. Default: the handle's.
    pub durability: Option<Durability>,
}

/// What loading did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Entries that were written. Those that had expired already are among them, and nobody sees them.
    pub loaded: u64,
    /// Bad lines that were left out.
    pub skipped: u64,
}

/// Loading writes entries in the order of the source, in many groups: it is not atomic, and doing it again is harmless.
/// When it returns, everything has its durability; when it fails, what came before the failure is written and stays.
///
/// All of these block; they are meant for a thread that may wait. Progress counts entries, bad ones included, and bytes
/// that were read; breaking ends the call with `HIT_ABORTED`.
impl Store {
    /// Loads a file, or a folder of Go-Hit's.
    ///
    /// # Errors
    /// `HIT_CONFIG` where there is no such file, `HIT_ARGUMENT` where its format is not known or it is not of that format;
    /// for a bad line, which is named, `HIT_ARGUMENT`, `HIT_KEY_INVALID`, `HIT_VALUE_INVALID` or `HIT_VALUE_TOO_LARGE`;
    /// `HIT_IO`, `HIT_ABORTED`, and as all writes.
    pub fn load_blocking(&self, source: &Path, options: &LoadOptions, tell: &mut Tell<'_>) -> Result<Loaded> {
        let _ = (source, options, tell);
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "load() is not built yet"))
    }

    /// Loads what a stream holds; its format has to be given. `name` stands for it in messages. The stream is read on
    /// another thread, which may outlive the call by one read when the call fails.
    ///
    /// # Errors
    /// As [`Store::load_blocking`].
    pub fn load_stream_blocking(
        &self,
        source: Box<dyn Read + Send>,
        name: &str,
        options: &LoadOptions,
        tell: &mut Tell<'_>,
    ) -> Result<Loaded> {
        let _ = (source, name, options, tell);
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "load() is not built yet"))
    }

    /// Loads what another store holds at this moment: keys, values and expiries.
    ///
    /// # Errors
    /// `HIT_ARGUMENT` where it is the same store, `HIT_ABORTED`, and as all reads and writes.
    pub fn load_from_blocking(&self, source: &Store, tell: &mut Tell<'_>) -> Result<Loaded> {
        let _ = (source, tell);
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "load() is not built yet"))
    }
}

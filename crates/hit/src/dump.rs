//! Dumping a store into a text file, a stream or another store.

use std::io::Write;
use std::path::Path;

use hit_core::{Error, ErrorCode, KeyRange, Result, Tell};

use crate::{Format, Store};

/// A dump holds the entries of a range as they are at one moment, in key order, with their expiries. Loaded again it
/// gives the same entries.
///
/// All of these block and answer how many entries were dumped; they are meant for a thread that may wait. Progress counts
/// entries and bytes written; breaking ends the call with `HIT_ABORTED`.
impl Store {
    /// Dumps into a file, as NDJSON or CSV. It is written under another name, synced and renamed, so a file under its
    /// name is whole; one that is there is replaced.
    ///
    /// # Errors
    /// `HIT_ARGUMENT` where the format cannot be written, the target is a folder or lies in the store's own folder;
    /// `HIT_CONFIG` where its folder is missing or may not be written, `HIT_DISK_FULL`, `HIT_IO`, `HIT_ABORTED`, and as
    /// all reads. The target is as it was then.
    pub fn dump_blocking(
        &self,
        target: &Path,
        range: KeyRange<'_>,
        format: Format,
        tell: &mut Tell<'_>,
    ) -> Result<u64> {
        let _ = (target, range, format, tell);
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "dump() is not built yet"))
    }

    /// Dumps into a stream, as NDJSON or CSV, and flushes it. `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Store::dump_blocking`]; what was written before stays written.
    pub fn dump_stream_blocking(
        &self,
        target: &mut dyn Write,
        name: &str,
        range: KeyRange<'_>,
        format: Format,
        tell: &mut Tell<'_>,
    ) -> Result<u64> {
        let _ = (target, name, range, format, tell);
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "dump() is not built yet"))
    }

    /// Writes the entries of a range into another store.
    ///
    /// # Errors
    /// As [`Store::load_from_blocking`].
    pub fn dump_into_blocking(
        &self,
        target: &Store,
        range: KeyRange<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<u64> {
        let _ = (target, range, tell);
        self.open_shared()?;
        Err(Error::new(ErrorCode::Unsupported, "dump() is not built yet"))
    }
}

//! Dumping a store into a text file, a stream or another store.

mod csv;
mod encoder;
mod ndjson;
mod target;
mod text;

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use hit_core::{KeyRange, Progress, Result, Tell, tell as tell_progress};
use hit_log::{Files, Folder, SystemFiles, io_error};

use crate::dump::encoder::Encoder;
use crate::dump::target::{NewFile, Target};
use crate::load::copy;
use crate::{Format, Store};

/// What is encoded under one hold of the apply lock: about half a millisecond's work.
const PAGE_BYTES: usize = 128 << 10;
/// The same, in entries.
const PAGE_ENTRIES: usize = 2_000;

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
        let folder = self.open_shared()?.folder();
        Encoder::check(format)?;
        let name = target.display().to_string();
        match Target::find(target, folder.map(Folder::path))? {
            Target::Device(path) => {
                let opened = fs::OpenOptions::new().write(true).open(&path);
                let mut device = opened.map_err(|error| io_error("open", &path, error))?;
                self.dump_stream_blocking(&mut device, &name, range, format, tell)
            }
            Target::File(path) => {
                let files = folder
                    .map_or_else(|| Arc::new(SystemFiles) as Arc<dyn Files>, |folder| folder.files().clone());
                let mut file = NewFile::create(files, path)?;
                let dumped = self.dump_stream_blocking(&mut file, &name, range, format, tell)?;
                file.finish()?;
                Ok(dumped)
            }
        }
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
        self.open_shared()?;
        Encoder::check(format)?;
        let failed = |error| io_error("write", Path::new(name), error);
        let total = self.exact_len(range)?;
        let mut scan = self.scan(range, false)?;
        let mut progress = Progress { total, ..Progress::default() };
        let go_on = || tell_progress(tell, progress, "dump");
        let encoder = Encoder::new(format, &mut scan.again(range)?, go_on)?;
        let mut page = Vec::with_capacity(PAGE_BYTES * 2);
        encoder.begin(&mut page);
        loop {
            let mut visited = 0;
            scan.visit(|key, entry| {
                if page.len() >= PAGE_BYTES || visited == PAGE_ENTRIES {
                    return ControlFlow::Break(());
                }
                visited += 1;
                encoder.entry(&mut page, key, entry);
                ControlFlow::Continue(())
            })?;
            target.write_all(&page).map_err(failed)?;
            if visited == 0 {
                target.flush().map_err(failed)?;
                return Ok(progress.done);
            }
            progress.done += visited as u64;
            progress.bytes += page.len() as u64;
            page.clear();
            tell_progress(tell, progress, "dump")?;
        }
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
        copy(self, target, range, "dump", tell)
    }
}

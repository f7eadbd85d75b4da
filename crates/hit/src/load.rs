//! Loading a store from text files, a stream or another store.

mod batch;
mod csv;
#[cfg(test)]
mod drip;
mod entries;
mod flight;
mod from_store;
mod go_hit;
mod lines;
mod ndjson;
mod sink;
mod source;
mod text;

use std::io;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use hit_core::{Durability, Error, ErrorCode, Progress, Result, Tell, tell as tell_progress};

pub(crate) use from_store::copy;

use crate::load::flight::Flight;
use crate::load::sink::{Read, Sink};
use crate::load::source::Source;
use crate::{Format, Store};

/// What waits between the thread that reads and the one that writes.
const READ_AHEAD: usize = 2;
/// How soon a caller can end a load whose source gives nothing.
const TELL_EVERY: Duration = Duration::from_millis(100);

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
        self.open_shared()?.check_writable()?;
        self.load_source(Source::open(source, options.format)?, options, tell)
    }

    /// Loads what a stream holds; its format has to be given. `name` stands for it in messages. The stream is read on
    /// another thread, which may outlive the call by one read when the call fails.
    ///
    /// # Errors
    /// As [`Store::load_blocking`].
    pub fn load_stream_blocking(
        &self,
        source: Box<dyn io::Read + Send>,
        name: &str,
        options: &LoadOptions,
        tell: &mut Tell<'_>,
    ) -> Result<Loaded> {
        self.open_shared()?.check_writable()?;
        self.load_source(Source::stream(source, name, options.format)?, options, tell)
    }

    /// Loads what another store holds at this moment: keys, values and expiries.
    ///
    /// # Errors
    /// `HIT_ARGUMENT` where it is the same store, `HIT_ABORTED`, and as all reads and writes.
    pub fn load_from_blocking(&self, source: &Store, tell: &mut Tell<'_>) -> Result<Loaded> {
        let loaded = copy(source, self, hit_core::KeyRange::ALL, "load", tell)?;
        Ok(Loaded { loaded, skipped: 0 })
    }

    /// Reads on a thread of its own and writes on this one.
    fn load_source(&self, source: Source, options: &LoadOptions, tell: &mut Tell<'_>) -> Result<Loaded> {
        let (target, reads) = mpsc::sync_channel(READ_AHEAD);
        let mut sink = Sink::new(target, options.skip_bad);
        let json_values = options.json_values;
        thread::Builder::new()
            .name("hit-load".into())
            .spawn(move || {
                let result = source.read(json_values, &mut sink);
                sink.end(result);
            })
            .map_err(|source| Error::new(ErrorCode::Io, "no thread could be started").with_source(source))?;
        let flight = Flight::new(self, options.durability);
        let mut loaded = Loaded::default();
        let taken = take(&reads, &flight, &mut loaded, tell);
        // A store that fails did so before the reading did.
        flight.land().and(taken).map(|()| loaded)
    }
}

fn take(reads: &Receiver<Read>, flight: &Flight<'_>, loaded: &mut Loaded, tell: &mut Tell<'_>) -> Result<()> {
    let mut progress = Progress::default();
    loop {
        let end = match reads.recv_timeout(TELL_EVERY) {
            Ok(read) => {
                flight.submit(&read.batch)?;
                loaded.loaded += read.batch.len() as u64;
                loaded.skipped += read.skipped;
                progress.done = loaded.loaded + loaded.skipped;
                progress.bytes = read.bytes;
                read.end
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Error::new(
                ErrorCode::Io,
                "reading failed in a way it should not: please report this with what was loaded",
            ))),
        };
        tell_progress(tell, progress, "load")?;
        if let Some(end) = end {
            return end;
        }
    }
}

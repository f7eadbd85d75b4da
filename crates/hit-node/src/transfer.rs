//! Loading and dumping: files, the standard streams, other stores.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use hit::{Format, KeyRange, LoadOptions, Loaded, Tell};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::error::to_napi;
use crate::long::{self, NativeCall, NativeOutcome};
use crate::open::{held_of, store_of};
use crate::store::Held;

/// How long to wait before a stream is tried again that Node.js has made one which does not block.
const RETRY: Duration = Duration::from_millis(1);

/// How a store is loaded.
#[napi(object)]
pub struct NativeLoadOptions {
    /// `ndjson`, `csv`, `go-hit`; else what the name of the file says.
    pub format: Option<String>,
    /// Bad lines are counted and left out.
    pub skip_bad: bool,
    /// Values are JSON.
    pub json_values: bool,
}

/// Loads a file or a folder, or, without one, the standard input.
///
/// # Errors
/// Where the object is no store or the format is none; all else is the ticket's.
#[napi]
pub fn load(
    env: Env,
    store: Object<'_>,
    source: Option<String>,
    options: NativeLoadOptions,
    wants_progress: bool,
) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let NativeLoadOptions { format, skip_bad, json_values } = options;
    let format = format_of(env, format)?;
    let options = LoadOptions { format, skip_bad, json_values, ..LoadOptions::default() };
    let body = move |tell: &mut Tell<'_>| {
        let loaded = match source {
            Some(path) => store.load_blocking(Path::new(&path), &options, tell),
            None => {
                let input = Box::new(Blocking(io::stdin()));
                store.load_stream_blocking(input, "the standard input", &options, tell)
            }
        };
        loaded.map(NativeOutcome::from)
    };
    Ok(long::start(env, settlements, wants_progress, body))
}

/// Loads what a range of another store holds.
///
/// # Errors
/// Where an object is no store; all else is the ticket's.
#[napi]
pub fn load_store(
    env: Env,
    store: Object<'_>,
    source: Object<'_>,
    start: &[u8],
    end: Option<&[u8]>,
    wants_progress: bool,
) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let source = store_of(env, &source)?;
    let range = OwnRange::new(start, end);
    let body = move |tell: &mut Tell<'_>| {
        let loaded = source.dump_into_blocking(&store, range.borrow(), tell)?;
        Ok(Loaded { loaded, skipped: 0 }.into())
    };
    Ok(long::start(env, settlements, wants_progress, body))
}

/// Dumps a range into a file, or, without one, to the standard output.
///
/// # Errors
/// As `load`.
#[napi]
pub fn dump(
    env: Env,
    store: Object<'_>,
    target: Option<String>,
    format: Option<String>,
    start: &[u8],
    end: Option<&[u8]>,
    wants_progress: bool,
) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let format = format_of(env, format)?;
    let range = OwnRange::new(start, end);
    let body = move |tell: &mut Tell<'_>| {
        let dumped = match target {
            Some(path) => {
                let path = Path::new(&path);
                let format = match format {
                    Some(format) => format,
                    // Refused for being a folder, and not for what a folder would be to a load.
                    None if path.is_dir() => Format::Ndjson,
                    None => Format::of_path(path)?,
                };
                store.dump_blocking(path, range.borrow(), format, tell)
            }
            None => {
                let name = "the standard output";
                let format = format.unwrap_or(Format::Ndjson);
                store.dump_stream_blocking(&mut Blocking(io::stdout()), name, range.borrow(), format, tell)
            }
        };
        Ok(NativeOutcome { dumped: Some(dumped? as f64), ..NativeOutcome::default() })
    };
    Ok(long::start(env, settlements, wants_progress, body))
}

impl From<Loaded> for NativeOutcome {
    fn from(Loaded { loaded, skipped }: Loaded) -> Self {
        Self { loaded: Some(loaded as f64), skipped: Some(skipped as f64), ..Self::default() }
    }
}

fn format_of(env: Env, name: Option<String>) -> napi::Result<Option<Format>> {
    name.map(|name| name.parse()).transpose().map_err(|error| to_napi(env.raw(), &error))
}

/// A range that may cross to another thread.
struct OwnRange {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

impl OwnRange {
    fn new(start: &[u8], end: Option<&[u8]>) -> Self {
        Self { start: start.to_vec(), end: end.map(<[u8]>::to_vec) }
    }

    fn borrow(&self) -> KeyRange<'_> {
        KeyRange { start: &self.start, end: self.end.as_deref() }
    }
}

/// A standard stream that waits: Node.js has a pipe answer at once instead as soon as somebody looks at it there.
struct Blocking<S>(S);

fn waiting<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
            other => return other,
        }
    }
}

impl<S: Read> Read for Blocking<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        waiting(|| self.0.read(buffer))
    }
}

impl<S: Write> Write for Blocking<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        waiting(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        waiting(|| self.0.flush())
    }
}

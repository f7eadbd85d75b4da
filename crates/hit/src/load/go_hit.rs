//! What Go-Hit writes: a folder with one JSON file an entry, or a single JSON file.

use std::cell::Cell;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use hit_core::{Error, ErrorCode, Result};
use serde_json::Deserializer;

use crate::load::entries::{self, Document, Entries};
use crate::load::sink::{Sink, at, check_entry};
use crate::load::text::{MAX_LINE_BYTES, cannot_read, without_place};

/// Reads the single file: JSON objects and arrays, one behind the other, as Go-Hit appends them.
///
/// # Errors
/// For the first bad entry, where those are not skipped; where it is no JSON, which nothing can be skipped of; `HIT_IO`.
pub(crate) fn read(source: impl Read, name: &str, json_values: bool, sink: &mut Sink) -> Result<()> {
    let position = Rc::new(Position::default());
    let counted =
        Counted { source: BufReader::with_capacity(256 << 10, source), position: Rc::clone(&position) };
    let mut parser = Deserializer::from_reader(counted);
    let mut entries = Located { name, position: &position, sink, stopped: None };
    loop {
        let document = Document { json_values, entries: &mut entries };
        match document.read(&mut parser) {
            Ok(true) => {}
            Ok(false) => return entries.sink.hand_over(position.bytes.get()),
            Err(error) => {
                if let Some(stopped) = entries.stopped {
                    return Err(stopped);
                }
                if let Some(error) = position.failure.take() {
                    return Err(cannot_read(name, error));
                }
                let (code, what) = if position.is_over.get() {
                    let what =
                        format!("an entry has more than {MAX_LINE_BYTES} bytes: no entry needs so many");
                    (ErrorCode::ValueTooLarge, what)
                } else {
                    (ErrorCode::Argument, format!("this is not Go-Hit's JSON: {}", without_place(&error)))
                };
                return Err(Error::new(code, format!("{name} line {}: {what}", error.line().max(1))));
            }
        }
    }
}

/// Reads a folder of files, in the order in which the system lists them.
///
/// # Errors
/// For the first file that is not an entry, where those are not skipped; `HIT_IO`.
pub(crate) fn read_folder(folder: &Path, json_values: bool, sink: &mut Sink) -> Result<()> {
    let name = folder.display().to_string();
    let mut bytes = 0;
    for file in fs::read_dir(folder).map_err(|error| cannot_read(&name, error))? {
        let path = file.map_err(|error| cannot_read(&name, error))?.path();
        // Systems leave such files in folders they have shown.
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        match read_file(&path, json_values, sink) {
            Ok(read) => bytes += read,
            Err(Failure::Bad(error)) => sink.bad(at(&path.display().to_string(), &error))?,
            Err(Failure::Stopped(error)) => return Err(error),
        }
        sink.hand_over_if_full(bytes)?;
    }
    sink.hand_over(bytes)
}

enum Failure {
    /// The file is not an entry.
    Bad(Error),
    /// Nothing more is to be read.
    Stopped(Error),
}

/// Reads one file, all of whose entries count or none.
fn read_file(path: &Path, json_values: bool, sink: &mut Sink) -> Result<u64, Failure> {
    let bad = |what: String| Failure::Bad(Error::new(ErrorCode::Argument, what));
    let failed = |error| Failure::Stopped(cannot_read(&path.display().to_string(), error));
    if path.extension().is_none_or(|extension| extension != "json") {
        return Err(bad("this is not one of Go-Hit's files, which end in .json".into()));
    }
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(bad("this is not a file".into()));
    }
    let mut content = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    let most = MAX_LINE_BYTES as u64;
    file.take(most + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > most {
        return Err(bad(format!("the file has more than {most} bytes: no entry needs so many")));
    }
    let mut found = Gathered::default();
    let mut parser = Deserializer::from_slice(&content);
    loop {
        let document = Document { json_values, entries: &mut found };
        match document.read(&mut parser) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                return Err(bad(format!("this is not Go-Hit's JSON: {error}")));
            }
        }
    }
    if let Some(error) = found.failure {
        return Err(Failure::Bad(error));
    }
    if found.entries.is_empty() {
        return Err(bad("there is no entry in it".into()));
    }
    for (key, value) in found.entries {
        sink.entry(&key, &value, None);
    }
    Ok(content.len() as u64)
}

/// The entries of one small file.
#[derive(Default)]
struct Gathered {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    failure: Option<Error>,
}

impl Entries for Gathered {
    fn entry(&mut self, key: &str, value: Result<&[u8]>) -> Result<(), entries::Stop> {
        match value.and_then(|value| check_entry(key.as_bytes(), value, None).map(|()| value)) {
            Ok(value) => self.entries.push((key.into(), value.into())),
            Err(error) => drop(self.failure.get_or_insert(error)),
        }
        Ok(())
    }

    fn bad(&mut self, error: Error) -> Result<(), entries::Stop> {
        self.failure.get_or_insert(error);
        Ok(())
    }
}

/// The entries of a stream, on their way to the store.
struct Located<'a> {
    name: &'a str,
    position: &'a Position,
    sink: &'a mut Sink,
    /// Why nothing more is to be read.
    stopped: Option<Error>,
}

impl Located<'_> {
    fn stop_at(&mut self, result: Result<()>) -> Result<(), entries::Stop> {
        self.position.entry_bytes.set(0);
        result
            .or_else(|error| {
                self.sink.bad(at(&format!("{} line {}", self.name, self.position.line()), &error))
            })
            .and_then(|()| self.sink.hand_over_if_full(self.position.bytes.get()))
            .map_err(|error| {
                self.stopped = Some(error);
                entries::Stop
            })
    }
}

impl Entries for Located<'_> {
    fn entry(&mut self, key: &str, value: Result<&[u8]>) -> Result<(), entries::Stop> {
        let checked = value.and_then(|value| check_entry(key.as_bytes(), value, None).map(|()| value));
        let taken = checked.map(|value| self.sink.entry(key.as_bytes(), value, None));
        self.stop_at(taken)
    }

    fn bad(&mut self, error: Error) -> Result<(), entries::Stop> {
        self.stop_at(Err(error))
    }
}

/// How far a stream has been read.
#[derive(Default)]
struct Position {
    bytes: Cell<u64>,
    feeds: Cell<u64>,
    /// Bytes since the last entry.
    entry_bytes: Cell<usize>,
    is_over: Cell<bool>,
    failure: Cell<Option<io::Error>>,
}

impl Position {
    fn line(&self) -> u64 {
        self.feeds.get() + 1
    }
}

/// Counts what is read, and reads no entry without end into memory.
struct Counted<R> {
    source: R,
    position: Rc<Position>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let position = &self.position;
        if position.entry_bytes.get() > MAX_LINE_BYTES {
            position.is_over.set(true);
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = match self.source.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                position.failure.set(Some(error));
                return Err(io::ErrorKind::Other.into());
            }
        };
        let passed = buffer.get(..read).unwrap_or_default();
        position.bytes.set(position.bytes.get() + read as u64);
        position.entry_bytes.set(position.entry_bytes.get() + read);
        position.feeds.set(position.feeds.get() + memchr::memchr_iter(b'\n', passed).count() as u64);
        Ok(read)
    }
}

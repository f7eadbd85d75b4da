use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hit_core::{Error, ErrorCode, Result};

use crate::Format;
use crate::load::sink::Sink;
use crate::load::text::{cannot_read, text};
use crate::load::{csv, go_hit, ndjson};

/// The file that makes a folder a store of ours.
const STORE_DESCRIPTION: &str = "hitkv.json";

/// What is loaded.
pub(crate) struct Source {
    name: String,
    content: Content,
}

enum Content {
    Stream { source: Box<dyn Read + Send>, format: Format },
    Folder(PathBuf),
}

impl Source {
    /// A file or a folder. Without a format its name decides.
    ///
    /// # Errors
    /// `HIT_CONFIG` where there is nothing or it may not be read, `HIT_ARGUMENT` where the format does not fit, `HIT_IO`.
    pub(crate) fn open(path: &Path, format: Option<Format>) -> Result<Self> {
        let name = path.display().to_string();
        let metadata = fs::metadata(path).map_err(|error| cannot_open(&name, error))?;
        let format = format.map_or_else(|| Format::of_path(path), Ok)?;
        if !metadata.is_dir() {
            let file = fs::File::open(path).map_err(|error| cannot_open(&name, error))?;
            return Ok(Self { name, content: Content::Stream { source: Box::new(file), format } });
        }
        let wrong = |what: &str| Err(Error::new(ErrorCode::Argument, format!("{name} is {what}")));
        if path.join(STORE_DESCRIPTION).exists() {
            return wrong("a store: open it and load from the store");
        }
        if format != Format::GoHit {
            return wrong("a folder: name a file in it, or use the format 'go-hit'");
        }
        Ok(Self { name, content: Content::Folder(path.to_owned()) })
    }

    /// A stream.
    ///
    /// # Errors
    /// `HIT_ARGUMENT` without a format.
    pub(crate) fn stream(source: Box<dyn Read + Send>, name: &str, format: Option<Format>) -> Result<Self> {
        let Some(format) = format else {
            let message = format!(
                "{name} has no name that says its format: give the format 'ndjson', 'csv' or 'go-hit'"
            );
            return Err(Error::new(ErrorCode::Argument, message));
        };
        Ok(Self { name: name.to_owned(), content: Content::Stream { source, format } })
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// As the format says.
    pub(crate) fn read(self, json_values: bool, sink: &mut Sink) -> Result<()> {
        let Self { name, content } = self;
        match content {
            Content::Folder(folder) => go_hit::read_folder(&folder, json_values, sink),
            Content::Stream { source, format } => {
                let source = text(source, &name)?;
                match format {
                    Format::Ndjson => ndjson::read(source, &name, json_values, sink),
                    Format::Csv => csv::read(source, &name, json_values, sink),
                    Format::GoHit => go_hit::read(source, &name, json_values, sink),
                }
            }
        }
    }
}

fn cannot_open(name: &str, error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "correct the path",
        io::ErrorKind::PermissionDenied => "give this user the right to read it",
        _ => return cannot_read(name, error),
    };
    Error::new(ErrorCode::Config, format!("cannot open {name}: {error}; {remedy}")).with_source(error)
}

use std::path::Path;
use std::str::FromStr;

use hit_core::{Error, ErrorCode, Result};

/// A text format of a whole store; docs/formats.md says what each looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// A header and one record an entry, quoted as RFC 4180 says.
    Csv,
    /// Go-Hit's folder of JSON files, or its single JSON file. Only read.
    GoHit,
}

impl Format {
    /// The name by which it is chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::GoHit => "go-hit",
        }
    }

    /// What the path says: a folder is Go-Hit's, a file goes by its extension (`.ndjson`, `.jsonl`, `.csv`, `.json`).
    ///
    /// # Errors
    /// `HIT_ARGUMENT` where the extension says nothing.
    pub fn of_path(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(Self::GoHit);
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::GoHit),
            _ => Err(Error::new(
                ErrorCode::Argument,
                format!(
                    "the name of {} does not say its format: give the format 'ndjson', 'csv' or 'go-hit', or a name \
                     that ends in .ndjson, .jsonl, .csv or .json",
                    path.display()
                ),
            )),
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "go-hit" => Ok(Self::GoHit),
            other => Err(Error::new(
                ErrorCode::Argument,
                format!("format '{other}' does not exist: use 'ndjson', 'csv' or 'go-hit'"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_its_format_by_its_extension_or_by_being_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Format::of_path(folder.path()).unwrap(), Format::GoHit);
        for (name, format) in [
            ("a.ndjson", Format::Ndjson),
            ("a.JSONL", Format::Ndjson),
            ("b.csv", Format::Csv),
            ("c.json", Format::GoHit),
        ] {
            assert_eq!(Format::of_path(&folder.path().join(name)).unwrap(), format);
        }
        let error = Format::of_path(Path::new("entries.txt")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Argument);
        assert!(error.message().contains("entries.txt") && error.message().contains("'ndjson'"));
    }

    #[test]
    fn a_format_is_chosen_by_its_name() {
        for format in [Format::Ndjson, Format::Csv, Format::GoHit] {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
        }
        assert_eq!("xml".parse::<Format>().unwrap_err().code(), ErrorCode::Argument);
    }
}

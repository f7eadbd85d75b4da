use hit_core::{Error, ErrorCode, Result};

use crate::Format;
use crate::dump::csv::Columns;
use crate::dump::{csv, ndjson};
use crate::read::Entry;
use crate::scan::Scan;

/// Writes entries in one format.
pub(crate) enum Encoder {
    Ndjson,
    Csv(Columns),
}

impl Encoder {
    /// Whether a dump can have this format.
    ///
    /// # Errors
    /// `HIT_ARGUMENT`.
    pub(crate) fn check(format: Format) -> Result<()> {
        match format {
            Format::Ndjson | Format::Csv => Ok(()),
            Format::GoHit => Err(Error::new(
                ErrorCode::Argument,
                "a dump is not written in the format 'go-hit': use 'ndjson' or 'csv'",
            )),
        }
    }

    /// The encoder of what `scan` visits.
    ///
    /// # Errors
    /// As [`Encoder::check`], as all reads, and where `go_on` ends it.
    pub(crate) fn new(format: Format, scan: &mut Scan, go_on: impl FnMut() -> Result<()>) -> Result<Self> {
        match format {
            Format::Ndjson => Ok(Self::Ndjson),
            Format::Csv => Columns::needed(scan, go_on).map(Self::Csv),
            Format::GoHit => Self::check(format).map(|()| Self::Ndjson),
        }
    }

    /// What stands before the first entry.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ndjson => {}
            Self::Csv(columns) => csv::write_header(out, columns),
        }
    }

    pub(crate) fn entry(&self, out: &mut Vec<u8>, key: &[u8], entry: Entry<'_>) {
        match self {
            Self::Ndjson => ndjson::write(out, key, entry),
            Self::Csv(columns) => csv::write(out, columns, key, entry),
        }
    }
}

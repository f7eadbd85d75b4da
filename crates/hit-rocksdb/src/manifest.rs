//! Which tables a database has by its manifest, whether they can be read or not.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use hit_core::{Error, ErrorCode, Result};
use rocksdb::{ColumnFamilyDescriptor, DB, Options};

use crate::error::cannot;

/// How often it looks again because the writer has begun a new manifest meanwhile.
const MOST_TRIES: usize = 20;

/// The names of the tables, as RocksDB writes them. Only a copy of the manifest is opened, which takes neither the tables
/// nor the log.
///
/// # Errors
/// `HIT_CORRUPTION`, `HIT_IO`.
pub(crate) fn tables(path: &Path, families: &[String]) -> Result<BTreeSet<String>> {
    let scratch = tempfile::Builder::new()
        .prefix("hitkv-manifest-")
        .tempdir()
        .map_err(|error| failed("make a folder in the system's temporary folder", error))?;
    let mut tries = 1;
    while let Err(error) = copy(path, scratch.path()) {
        if error.kind() != ErrorKind::NotFound || tries == MOST_TRIES {
            return Err(failed(&format!("copy the manifest of {}", path.display()), error));
        }
        tries += 1;
    }
    let mut options = Options::default();
    // The tables are not there.
    options.set_paranoid_checks(false);
    options.set_skip_stats_update_on_db_open(true);
    let descriptors = families.iter().map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
    let listed = DB::open_cf_descriptors_read_only(&options, scratch.path(), descriptors, false)
        .and_then(|db| db.live_files())
        .map_err(cannot("read its manifest"))?;
    Ok(listed.into_iter().map(|file| file.name).collect())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let name = fs::read_to_string(from.join("CURRENT"))?;
    fs::copy(from.join(name.trim()), to.join(name.trim()))?;
    fs::write(to.join("CURRENT"), name)
}

fn failed(action: &str, error: io::Error) -> Error {
    Error::new(ErrorCode::Io, format!("cannot {action}: {error}; check the disk and the system's log"))
        .with_source(error)
}

//! Copying a database that another program writes. RocksDB's own checkpoints are for the writer: from a secondary they would
//! leave out its log.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use hit_core::{Error, ErrorCode, Progress, Result, Tell, tell};
use rocksdb::{DB, Options, properties};

use crate::error::{cannot, storage_error};
use crate::manifest;
use crate::open::Open;

/// How often it begins anew because the writer has removed what was being copied.
const MOST_TRIES: usize = 20;

/// Copies the files in `from` into the new folder `to`.
pub(crate) fn beside_writer(from: &Path, to: &Path, open: &Open, told: &mut Tell<'_>) -> Result<()> {
    let mut tries = 0;
    loop {
        open.check_going_on()?;
        tries += 1;
        let copied = Copy { from, to, told: &mut *told, done: Progress::default() }.run();
        if matches!(copied, Ok(true)) {
            return Ok(());
        }
        if to.exists() && !matches!(&copied, Err(error) if error.code() == ErrorCode::Config) {
            fs::remove_dir_all(to).map_err(|error| failed("remove the unfinished", to, error))?;
        }
        copied?;
        if tries == MOST_TRIES {
            return Err(Error::new(
                ErrorCode::Busy,
                format!(
                    "the writer of {} removed files while they were copied, again and again: try when it has \
                         less to do, or let it make the backup",
                    from.display()
                ),
            ));
        }
    }
}

struct Copy<'a, 'b> {
    from: &'a Path,
    to: &'a Path,
    told: &'a mut Tell<'b>,
    /// Files, and bytes of those that were copied.
    done: Progress,
}

impl Copy<'_, '_> {
    /// One try; false where the writer has removed something meanwhile.
    fn run(&mut self) -> Result<bool> {
        fs::create_dir(self.to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(
                ErrorCode::Config,
                format!("{} exists already: name a folder that does not", self.to.display()),
            ),
            _ => failed("make the folder", self.to, error),
        })?;
        // Whatever the manifest says below needs no log that is older than these.
        let logs = log_numbers(self.from);
        let Some(manifest) = self.current()? else { return Ok(false) };
        let mut names = vec![manifest.clone()];
        names.extend(self.names(|name| name == "IDENTITY" || name.starts_with("OPTIONS-"))?);
        // The manifest first: every table it names was there then. The logs last: they hold what came later.
        names.extend(self.names(|name| [".sst", ".blob", ".ldb"].iter().any(|end| name.ends_with(end)))?);
        for name in &names {
            if !self.take(name)? {
                return Ok(false);
            }
        }
        for name in self.names(|name| name.ends_with(".log"))? {
            if !self.take(&name)? {
                return Ok(false);
            }
        }
        let current = self.to.join("CURRENT");
        fs::write(&current, format!("{manifest}\n"))
            .and_then(|()| File::open(&current)?.sync_all())
            .and_then(|()| sync_folder(self.to))
            .map_err(|error| failed("write", &current, error))?;
        is_whole(self.to, &logs)
    }

    /// The name of the manifest that is in force.
    fn current(&self) -> Result<Option<String>> {
        let path = self.from.join("CURRENT");
        match fs::read_to_string(&path) {
            Ok(name) => Ok(Some(name.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path, error)),
        }
    }

    fn names(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let entries = fs::read_dir(self.from).map_err(|error| failed("list", self.from, error))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| wanted(name)).collect())
    }

    /// Links a table, which never changes, or copies what is there of another file; false where it is gone.
    fn take(&mut self, name: &str) -> Result<bool> {
        let (from, to) = (self.from.join(name), self.to.join(name));
        let is_table = !name.ends_with(".log") && !name.starts_with("MANIFEST-");
        let taken = if is_table && fs::hard_link(&from, &to).is_ok() { Ok(0) } else { copy(&from, &to) };
        match taken {
            Ok(bytes) => {
                self.done.done += 1;
                self.done.bytes += bytes;
                tell(self.told, self.done, "the backup")?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("copy", &from, error)),
        }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let source = File::open(from)?;
    let length = source.metadata()?.len();
    let mut target = File::create(to)?;
    let copied = io::copy(&mut source.take(length), &mut target)?;
    target.sync_all()?;
    Ok(copied)
}

/// Whether a copy has every table and every log that its manifest needs. What the writer removed while it was copied would be a gap
/// that RocksDB does not see: a secondary takes the newest state that needs no missing table.
fn is_whole(folder: &Path, logs: &BTreeSet<u64>) -> Result<bool> {
    let families = DB::list_cf(&Options::default(), folder).map_err(cannot("read the copied manifest"))?;
    let tables = manifest::tables(folder, &families)?;
    if !tables.iter().all(|name| folder.join(name.trim_start_matches('/')).exists()) {
        return Ok(false);
    }
    let own = tempfile::tempdir().map_err(|error| failed("make", Path::new("a temporary folder"), error))?;
    let mut options = Options::default();
    options.set_max_open_files(-1);
    match DB::open_cf_as_secondary(&options, folder, own.path(), families) {
        Ok(copy) => {
            let oldest = copy.property_int_value(properties::MIN_LOG_NUMBER_TO_KEEP).ok().flatten();
            let copied = log_numbers(folder);
            Ok(logs.range(oldest.unwrap_or(0)..).all(|number| copied.contains(number)))
        }
        Err(error) if error.as_ref().contains("No such file") => Ok(false),
        Err(error) => Err(storage_error("read the copy", error)),
    }
}

fn log_numbers(folder: &Path) -> BTreeSet<u64> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect()
}

#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows has no such call; names are in its journal.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn failed(action: &str, path: &Path, error: io::Error) -> Error {
    let (code, remedy) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorCode::DiskFull, "free space on that disk, then try again")
        }
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => (ErrorCode::Config, "use a folder that this user can write to"),
        _ => (ErrorCode::Io, "check the disk and the system's log"),
    };
    Error::new(code, format!("cannot {action} {}: {error}; {remedy}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_copy_that_lacks_a_table_or_a_log_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rocksdb");
        let db = DB::open_default(&path).unwrap();
        for value in [b"1", b"2"] {
            db.put(b"a", value).unwrap();
            db.flush().unwrap();
        }
        db.put(b"b", b"1").unwrap();
        let logs = log_numbers(&path);
        assert!(is_whole(&path, &logs).unwrap());
        let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        let data = |end: &str| -> Vec<_> {
            names.iter().filter(|name| name.extension().is_some_and(|found| found == end)).cloned().collect()
        };
        let (tables, logs_there) = (data("sst"), data("log"));
        assert!(tables.len() == 2 && !logs_there.is_empty());
        for file in tables.iter().chain(&logs_there) {
            let aside = folder.path().join("aside");
            fs::rename(file, &aside).unwrap();
            assert!(!is_whole(&path, &logs).unwrap(), "{}", file.display());
            fs::rename(&aside, file).unwrap();
        }
        assert!(is_whole(&path, &logs).unwrap());
    }
}

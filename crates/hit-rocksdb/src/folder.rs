//! What lies in a folder, looked at before RocksDB opens it: nothing is touched that is not ours to open.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use hit_core::{Error, ErrorCode, Result};
use rocksdb::{DB, Options};

use crate::database::file_bytes;
use crate::error::cannot;

/// The column family of the entries: RocksDB's default one, so that its tools show them without being asked.
pub(crate) const ENTRIES: &str = "default";
/// Holds the number of the format under [`FORMAT_KEY`].
pub(crate) const FORMAT: &str = "hitkv";
/// What expires when.
pub(crate) const EXPIRY: &str = "hitkv-expiry";

/// The key of the number of the format, in decimal text.
pub(crate) const FORMAT_KEY: &[u8] = b"format";
/// The format that this version writes, and the newest it reads.
pub(crate) const FORMAT_NUMBER: u64 = 1;

/// RocksDB's version that this is built with: major and minor.
const ROCKSDB: (u32, u32) = (11, 8);

/// Whether a folder holds a RocksDB.
///
/// # Errors
/// `HIT_CORRUPTION` where it has lost the file that says so: RocksDB would take what is left for nothing, and remove it. `HIT_IO`.
pub fn holds_database(folder: &Path) -> Result<bool> {
    let is_missing =
        |error: &io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    match fs::metadata(folder.join("CURRENT")) {
        Ok(_) => return Ok(true),
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(unreadable(folder, error)),
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(false),
        Err(error) => return Err(unreadable(folder, error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| unreadable(folder, error))?.file_name();
        if is_of_a_database(&name.to_string_lossy()) {
            // Another program may have made it meanwhile.
            if folder.join("CURRENT").exists() {
                return Ok(true);
            }
            let message = format!(
                "the RocksDB in {} has no file CURRENT, and has {}: take all of its files from a backup",
                folder.display(),
                name.display()
            );
            return Err(Error::new(ErrorCode::Corruption, message));
        }
    }
    Ok(false)
}

/// A file that a RocksDB gets after `CURRENT`. The first manifest is older: a making that was interrupted leaves it.
fn is_of_a_database(name: &str) -> bool {
    let is_numbered = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_data = |end: &str| name.strip_suffix(end).is_some_and(is_numbered);
    [".sst", ".ldb", ".blob", ".log"].into_iter().any(is_data)
        || name
            .strip_prefix("MANIFEST-")
            .is_some_and(|number| is_numbered(number) && number.parse() != Ok(1_u64))
}

/// Looks into a folder that holds a RocksDB, and returns its column families.
///
/// # Errors
/// `HIT_CONFIG`: it was written by a newer RocksDB, is someone else's and not `raw`, is ours and `raw`, or needs code that only
/// its owner has.
pub(crate) fn inspect(folder: &Path, raw: bool) -> Result<Vec<String>> {
    if let Some(text) = newest_options(folder)? {
        check_version(folder, &text)?;
        check_foreign_code(folder, &text)?;
        check_log_folder(folder, &text)?;
    }
    let families = families(folder)?;
    let has = |name: &str| families.iter().any(|family| family == name);
    if raw && has(FORMAT) {
        return refuse(folder, "belongs to hitkv", "open it without raw");
    }
    if !raw && !has(FORMAT) && !is_unfinished(folder, &families) {
        return refuse(
            folder,
            "is not one of hitkv",
            "open it with { rocksdb: { raw: true } }, which takes values as they are",
        );
    }
    if let Some(other) = families.iter().find(|name| ![ENTRIES, FORMAT, EXPIRY].contains(&name.as_str()))
        && !raw
    {
        return refuse(
            folder,
            &format!("has the column family '{other}', which this version of hitkv does not know"),
            "open it with the version that made it",
        );
    }
    Ok(families)
}

/// Whether a program ended while it made the database: nothing has been written into it yet.
fn is_unfinished(folder: &Path, families: &[String]) -> bool {
    families == [ENTRIES] && file_bytes(folder, &[".sst", ".log"]) == 0
}

fn refuse<T>(folder: &Path, what: &str, remedy: &str) -> Result<T> {
    Err(Error::new(ErrorCode::Config, format!("the RocksDB in {} {what}: {remedy}", folder.display())))
}

/// The column families by the manifest that `CURRENT` names. A writer may begin a new one meanwhile.
fn families(folder: &Path) -> Result<Vec<String>> {
    let current = || fs::read_to_string(folder.join("CURRENT")).unwrap_or_default();
    loop {
        let manifest = current();
        let error = match DB::list_cf(&Options::default(), folder) {
            Ok(families) => return Ok(families),
            Err(error) => error,
        };
        if !error.as_ref().contains("No such file") {
            return Err(cannot("list the column families")(error));
        }
        if current() == manifest {
            let message = format!(
                "the RocksDB in {} has no {}, which its file CURRENT names: take it from a backup",
                folder.display(),
                manifest.trim()
            );
            return Err(Error::new(ErrorCode::Corruption, message).with_source(error));
        }
    }
}

/// RocksDB writes its options into a new file whenever it opens, and removes older ones; the highest number is the newest.
fn newest_options(folder: &Path) -> Result<Option<String>> {
    let number = |path: &PathBuf| -> Option<u64> {
        path.file_name()?.to_str()?.strip_prefix("OPTIONS-")?.parse().ok()
    };
    loop {
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let newest = paths.filter(|path| number(path).is_some()).max_by_key(|path| number(path));
        let Some(path) = newest else { return Ok(None) };
        match fs::read(&path) {
            Ok(bytes) => return Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            // A writer has begun meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path, error)),
        }
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let message =
        format!("cannot look into {}: {error}; check the disk and the system's log", path.display());
    Error::new(ErrorCode::Io, message).with_source(error)
}

fn check_version(folder: &Path, options: &str) -> Result<()> {
    let Some(version) = values(options, "rocksdb_version").next() else { return Ok(()) };
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found <= ROCKSDB {
        return Ok(());
    }
    let (major, minor) = ROCKSDB;
    refuse(
        folder,
        &format!("was last opened by RocksDB {version}, and this is built with {major}.{minor}"),
        "use a newer hitkv, or the program that wrote it",
    )
}

fn check_foreign_code(folder: &Path, options: &str) -> Result<()> {
    for (option, plain) in [("comparator", "leveldb.BytewiseComparator"), ("merge_operator", "nullptr")] {
        if let Some(other) = values(options, option).find(|&value| value != plain) {
            return refuse(
                folder,
                &format!("needs the {} '{other}', which hitkv does not have", option.replace('_', " ")),
                "open it with the program that made it",
            );
        }
    }
    Ok(())
}

/// A log elsewhere would not be replayed, and what is written here would make its owner leave it out, too.
fn check_log_folder(folder: &Path, options: &str) -> Result<()> {
    let is_elsewhere = |&at: &&str| {
        let same = || Some(fs::canonicalize(at).ok()? == fs::canonicalize(folder).ok()?);
        !at.is_empty() && !same().unwrap_or(false)
    };
    match values(options, "wal_dir").find(is_elsewhere) {
        None => Ok(()),
        Some(at) => refuse(
            folder,
            &format!("has its log in another folder, '{at}', and hitkv would open it without"),
            "open it with the program that made it",
        ),
    }
}

/// Every value of an option in the text of an options file.
fn values<'a>(text: &'a str, option: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let (name, value) = line.trim().split_once('=')?;
        (name == option).then_some(value)
    })
}

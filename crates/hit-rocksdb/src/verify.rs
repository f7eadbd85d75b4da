//! Reads entries, indexes and logs anew from the disk, by a reader of its own beside whoever has the database open: what is in a cache could
//! hide what has become of the files. Filters are left out: RocksDB does not use one whose checksum is wrong, which makes reads
//! slower and loses nothing. A log is read as recovery reads it, up to the first record that is not whole, which may be its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hit_core::{Error, ErrorCode, Problem, Progress, Result, Tell, tell};
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, LiveFile, Options, ReadOptions};
use tempfile::TempDir;

use crate::config::RocksDbOptions;
use crate::error::{cannot, storage_error};
use crate::folder::{self, ENTRIES};
use crate::value::Codec;

/// How often it looks again because the writer has removed a file meanwhile.
const MOST_TRIES: usize = 20;
/// Entries between two looks at whether the caller wants to go on.
const STEP_ENTRIES: usize = 4_096;
/// Blocks that are read are not read again soon.
const CACHE_BYTES: usize = 4 << 20;
const READ_AHEAD_BYTES: usize = 2 << 20;
const OPEN_FILES: i32 = 64;
/// The most keys that are named because what is under them is not a value of ours.
const MOST_KEYS: usize = 100;

/// Checks the database at `path`, which may be open elsewhere or may not open: then that is what is wrong with it. Returns what is
/// damaged, and how many bytes were read. Progress counts files and bytes.
///
/// # Errors
/// `HIT_CONFIG` where no such database lies there, `HIT_IO`, `HIT_ABORTED`.
pub fn verify(path: &Path, options: &RocksDbOptions, told: &mut Tell<'_>) -> Result<(Vec<Problem>, u64)> {
    tell(told, Progress::default(), "a check")?;
    match folder::holds_database(path) {
        Ok(true) => {}
        Ok(false) => {
            let message = format!("there is no RocksDB in {}: correct the path", path.display());
            return Err(Error::new(ErrorCode::Config, message));
        }
        Err(error) if error.code() == ErrorCode::Corruption => {
            return Ok((vec![problem(path, &error)], 0));
        }
        Err(error) => return Err(error),
    }
    let mut missing = BTreeSet::new();
    for tries in 1..MOST_TRIES {
        let mut check = match Check::open(path, options) {
            Ok(check) => check,
            // A writer that has just opened removes its old logs. What stays missing is told by the last try.
            Err(error) if error.message().contains("No such file") && tries + 1 < MOST_TRIES => continue,
            Err(error) if error.code() == ErrorCode::Corruption => {
                return Ok((vec![problem(path, &error)], 0));
            }
            Err(error) => return Err(error),
        };
        check.run(told)?;
        // What is missing may have been removed by the writer meanwhile; then it is not listed the next time.
        if check.missing.is_subset(&missing) {
            return Ok((check.problems, check.done.bytes));
        }
        missing = std::mem::take(&mut check.missing);
    }
    let message =
        format!("the writer of {} replaced its files faster than they could be read", path.display());
    Err(Error::new(ErrorCode::Busy, format!("{message}: try when it has less to do")))
}

struct Check {
    db: DB,
    families: Vec<String>,
    path: PathBuf,
    codec: Codec,
    problems: Vec<Problem>,
    missing: BTreeSet<PathBuf>,
    undecodable: usize,
    done: Progress,
    _scratch: TempDir,
}

impl Check {
    fn open(path: &Path, options: &RocksDbOptions) -> Result<Self> {
        let families = folder::inspect(path, options.raw)?;
        let scratch = tempfile::Builder::new().prefix("hitkv-verify-").tempdir().map_err(|error| {
            let message = format!("cannot make a folder in the system's temporary folder: {error}");
            Error::new(ErrorCode::Io, message).with_source(error)
        })?;
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES));
        let mut database = Options::default();
        database.set_block_based_table_factory(&blocks);
        database.set_max_open_files(OPEN_FILES);
        database.set_skip_stats_update_on_db_open(true);
        // One bad table is not to keep the others from being read.
        database.set_paranoid_checks(false);
        // Nothing is written into the folder.
        database.set_db_log_dir(scratch.path());
        let descriptors = families.iter().map(|name| ColumnFamilyDescriptor::new(name, database.clone()));
        let db = DB::open_cf_descriptors_read_only(&database, path, descriptors, false)
            .map_err(cannot("open it to check it"))?;
        Ok(Self {
            db,
            families,
            path: path.to_owned(),
            codec: if options.raw { Codec::Raw } else { Codec::Flagged },
            problems: Vec::new(),
            missing: BTreeSet::new(),
            undecodable: 0,
            done: Progress::default(),
            _scratch: scratch,
        })
    }

    fn run(&mut self, told: &mut Tell<'_>) -> Result<()> {
        let files = self.db.live_files().map_err(cannot("list its files"))?;
        self.done.total = Some(files.len() as u64);
        for file in &files {
            self.check_size(file);
        }
        for family in self.families.clone() {
            let own: Vec<_> = files.iter().filter(|file| file.column_family_name == family).collect();
            self.check_family(&family, &own, told)?;
        }
        Ok(())
    }

    fn file(&self, file: &LiveFile) -> PathBuf {
        self.path.join(file.name.trim_start_matches('/'))
    }

    fn disk_bytes(&self, file: &LiveFile) -> Option<u64> {
        fs::metadata(self.file(file)).ok().map(|metadata| metadata.len())
    }

    fn check_size(&mut self, file: &LiveFile) {
        let (path, listed) = (self.file(file), file.size as u64);
        let message = match self.disk_bytes(file) {
            Some(bytes) if bytes == listed => return,
            Some(bytes) => format!("the table {} has {bytes} bytes instead of {listed}", path.display()),
            None => {
                self.missing.insert(path.clone());
                format!("the table {} is missing, or may not be read", path.display())
            }
        };
        self.add(Problem::new(&path, 0, &Error::new(ErrorCode::Corruption, message)));
    }

    /// Reads a column family stretch by stretch. They are cut where files begin and end, so that damage in one file does
    /// not keep others from being read.
    fn check_family(&mut self, name: &str, files: &[&LiveFile], told: &mut Tell<'_>) -> Result<()> {
        let edges: BTreeSet<&[u8]> = files
            .iter()
            .flat_map(|file| [file.start_key.as_deref(), file.end_key.as_deref()])
            .flatten()
            .filter(|edge| !edge.is_empty())
            .collect();
        let mut from: Option<&[u8]> = None;
        for to in edges.into_iter().map(Some).chain([None]) {
            let begun = files.iter().filter(|file| from.is_some() && file.start_key.as_deref() == from);
            let (count, bytes) =
                begun.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size as u64));
            self.check_stretch(name, from, to, told)?;
            self.done.done += count;
            self.done.bytes += bytes;
            tell(told, self.done, "a check")?;
            from = to;
        }
        Ok(())
    }

    /// From both ends, where there is damage: it ends a reading, and there may be more behind it.
    fn check_stretch(
        &mut self,
        name: &str,
        from: Option<&[u8]>,
        to: Option<&[u8]>,
        told: &mut Tell<'_>,
    ) -> Result<()> {
        for reverse in [false, true] {
            match self.read(name, from, to, reverse, told)? {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let is_missing = error.as_ref().contains("No such file");
                    let found = problem(&self.path, &storage_error("read", error));
                    if is_missing {
                        self.missing.insert(found.file.clone());
                    }
                    self.add(found);
                }
            }
        }
        Ok(())
    }

    /// Reads a stretch, or up to the first damage.
    fn read(
        &mut self,
        name: &str,
        from: Option<&[u8]>,
        to: Option<&[u8]>,
        reverse: bool,
        told: &mut Tell<'_>,
    ) -> Result<Result<(), rocksdb::Error>> {
        let Some(family) = self.db.cf_handle(name) else { return Ok(Ok(())) };
        let mut reads = ReadOptions::default();
        reads.fill_cache(false);
        reads.set_verify_checksums(true);
        reads.set_readahead_size(READ_AHEAD_BYTES);
        from.into_iter().for_each(|from| reads.set_iterate_lower_bound(from));
        to.into_iter().for_each(|to| reads.set_iterate_upper_bound(to));
        let mut bad = Vec::new();
        let mut entries = self.db.raw_iterator_cf_opt(family, reads);
        if reverse {
            entries.seek_to_last()
        } else {
            entries.seek_to_first()
        }
        let mut count = 0;
        while let Some((key, stored)) = entries.item() {
            if name == ENTRIES
                && !reverse
                && let Err(error) = self.codec.decode(key, stored)
                && self.undecodable + bad.len() < MOST_KEYS
            {
                bad.push(error);
            }
            count += 1;
            if count % STEP_ENTRIES == 0 {
                tell(told, self.done, "a check")?;
            }
            if reverse { entries.prev() } else { entries.next() }
        }
        let ended = entries.status();
        drop(entries);
        self.undecodable += bad.len();
        let path = self.path.clone();
        bad.iter().for_each(|error| self.problems.push(Problem::new(&path, 0, error)));
        Ok(ended)
    }

    fn add(&mut self, found: Problem) {
        let is_known = |known: &Problem| known.file == found.file && known.offset == found.offset;
        if !self.problems.iter().any(is_known) {
            self.problems.push(found);
        }
    }
}

/// The file and the offset that RocksDB names in its text; the folder, where it names none.
fn problem(folder: &Path, error: &Error) -> Problem {
    let (file, offset) = place(error.message(), folder).unwrap_or_else(|| (folder.to_owned(), 0));
    Problem::new(&file, offset, error)
}

fn place(text: &str, folder: &Path) -> Option<(PathBuf, u64)> {
    let ends = [':', ',', '.', '(', ')', '\'', '"', ';'];
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(ends)).collect();
    let file = words.iter().find_map(|word| {
        let name = word.rsplit(['/', '\\']).next()?;
        let is_file = [".sst", ".log", ".blob", ".ldb"].iter().any(|end| name.ends_with(end))
            || name.starts_with("MANIFEST-")
            || name == "CURRENT";
        is_file.then(|| folder.join(name))
    })?;
    let behind = words.iter().position(|&word| word == "offset").and_then(|at| words.get(at + 1));
    Some((file, behind.and_then(|offset| offset.parse().ok()).unwrap_or(0)))
}

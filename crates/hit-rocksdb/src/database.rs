//! An open database: RocksDB's handle and what every call on it needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hit_core::{Clock, Error, ErrorCode, Result};
use parking_lot::RwLock;
use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, DB, IteratorMode, Options, ReadOptions, WriteOptions};
use tempfile::TempDir;

use crate::Access;
use crate::config::RocksDbOptions;
use crate::error::{cannot, storage_error};
use crate::filter::ExpiryFilters;
use crate::folder::{self, ENTRIES, EXPIRY, FORMAT, FORMAT_KEY, FORMAT_NUMBER};
use crate::identity;
use crate::memory::Memory;
use crate::secondary::{self, Staying};
use crate::sweep::Found;
use crate::tuning;
use crate::value::Codec;

/// An open database.
pub(crate) struct Database {
    pub(crate) db: DB,
    pub(crate) path: PathBuf,
    /// Of the folder that was opened.
    pub(crate) identity: Option<(u64, u64)>,
    pub(crate) families: Vec<String>,
    pub(crate) codec: Codec,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) memory: Memory,
    pub(crate) reads: ReadOptions,
    pub(crate) synced: WriteOptions,
    pub(crate) unsynced: WriteOptions,
    /// What made it take no more writes.
    pub(crate) poison: OnceLock<Error>,
    /// Set when a write has failed: RocksDB may have stopped.
    pub(crate) is_suspect: AtomicBool,
    /// The failures in the background after which it was seen to go on.
    pub(crate) settled_errors: AtomicU64,
    /// Shared by whoever appends to the log, and held by whoever syncs it.
    pub(crate) appending: RwLock<()>,
    pub(crate) access: Access,
    pub(crate) staying: Staying,
    pub(crate) found: Found,
    /// Where a secondary writes its text log. Removed after `db` is closed, since fields are dropped in their order.
    _scratch: Option<TempDir>,
}

impl Database {
    /// Opens or makes it, see [`crate::RocksDb::open`].
    pub(crate) fn open(
        path: &Path,
        options: &RocksDbOptions,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        options.check()?;
        let exists = folder::holds_database(path)?;
        if !exists && access != Access::Create {
            return Err(Error::new(
                ErrorCode::Config,
                format!("there is no RocksDB in {}: check the path, or let it be created", path.display()),
            ));
        }
        let families = if exists { folder::inspect(path, options.raw)? } else { Vec::new() };
        let memory = Memory::shared(options.memory_bytes)?;
        let armed = Arc::new(AtomicBool::new(false));
        let filters = || ExpiryFilters { clock: clock.clone(), armed: armed.clone() };
        let descriptors = descriptors(options, &memory, families.clone(), filters);
        let mut database_options = tuning::database(options, &memory);
        let mut scratch = None;
        let db = if access == Access::Read {
            // Files that the writer removes stay readable only while they are open.
            database_options.set_max_open_files(-1);
            let folder =
                tempfile::Builder::new().prefix("hitkv-secondary-").tempdir().map_err(secondary_folder)?;
            let own = folder.path().to_owned();
            scratch = Some(folder);
            DB::open_cf_descriptors_as_secondary(&database_options, path, &own, descriptors)
        } else {
            database_options.create_if_missing(access == Access::Create);
            database_options.create_missing_column_families(!options.raw);
            DB::open_cf_descriptors(&database_options, path, descriptors)
        };
        let action = format!("open {}", path.display());
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let mut unsynced = WriteOptions::default();
        for options in [&mut synced, &mut unsynced] {
            // Groups are sorted, so each key's place in memory is behind that of the one before.
            options.set_memtable_insert_hint_per_batch(true);
        }
        let database = Self {
            db: db.map_err(cannot(&action))?,
            path: path.to_owned(),
            identity: identity::of_folder(path).ok(),
            families,
            codec: if options.raw { Codec::Raw } else { Codec::Flagged },
            clock,
            memory,
            reads: ReadOptions::default(),
            synced,
            unsynced,
            poison: OnceLock::new(),
            is_suspect: AtomicBool::new(false),
            settled_errors: AtomicU64::new(0),
            appending: RwLock::new(()),
            access,
            staying: Staying::default(),
            found: Found::default(),
            _scratch: scratch,
        };
        if access == Access::Read {
            secondary::catch_up(&database.db, path, &database.families)?;
        } else {
            tuning::grow(&database.db, &database.memory).map_err(cannot("set its options"))?;
        }
        if !options.raw {
            database.check_format()?;
            armed.store(true, Ordering::Release);
        }
        Ok(database)
    }

    /// The handle of a column family that every database of this kind has.
    pub(crate) fn family(&self, name: &str) -> Result<&ColumnFamily> {
        self.db.cf_handle(name).ok_or_else(|| {
            Error::new(
                ErrorCode::Corruption,
                format!("the RocksDB in {} has no column family '{name}'", self.path.display()),
            )
        })
    }

    /// Reads the number of the format, or writes it into a database that is new.
    fn check_format(&self) -> Result<()> {
        let family = self.family(FORMAT)?;
        let stored = self.db.get_cf(family, FORMAT_KEY).map_err(cannot("read the format"))?;
        let Some(stored) = stored else { return self.write_format(family) };
        let number = str::from_utf8(&stored).ok().and_then(|text| text.parse::<u64>().ok());
        match number {
            Some(FORMAT_NUMBER) => Ok(()),
            Some(newer) if newer > FORMAT_NUMBER => Err(Error::new(
                ErrorCode::Config,
                format!(
                    "the RocksDB in {} has the format {newer}, and this version of hitkv reads {FORMAT_NUMBER}: use a \
                     newer version",
                    self.path.display()
                ),
            )),
            _ => Err(Error::new(
                ErrorCode::Corruption,
                format!("the RocksDB in {} has no readable format number", self.path.display()),
            )),
        }
    }

    /// A program that ended while it made the database leaves one without a number, and without entries.
    fn write_format(&self, family: &ColumnFamily) -> Result<()> {
        let is_empty = self.db.iterator(IteratorMode::Start).next().is_none();
        if !is_empty {
            return Err(Error::new(
                ErrorCode::Config,
                format!(
                    "the RocksDB in {} is not one of hitkv, it has no format number: open it with {{ rocksdb: {{ raw: true }} }}",
                    self.path.display()
                ),
            ));
        }
        if self.access == Access::Read {
            return Ok(());
        }
        self.db
            .put_cf_opt(family, FORMAT_KEY, FORMAT_NUMBER.to_string(), &self.synced)
            // Else its table in memory would keep the log from being removed.
            .and_then(|()| self.db.flush_cf(family))
            .map_err(|error| storage_error("write the format", error))
    }
}

fn descriptors(
    options: &RocksDbOptions,
    memory: &Memory,
    mut families: Vec<String>,
    filters: impl Fn() -> ExpiryFilters,
) -> Vec<ColumnFamilyDescriptor> {
    if options.raw {
        if families.is_empty() {
            families.push(ENTRIES.to_owned());
        }
        let of = |name: &str| match name {
            ENTRIES => tuning::entries(options, memory),
            _ => tuning::index(options, memory),
        };
        return families.iter().map(|name| ColumnFamilyDescriptor::new(name, of(name))).collect();
    }
    let mut entries: Options = tuning::entries(options, memory);
    entries.set_compaction_filter_factory(filters());
    vec![
        ColumnFamilyDescriptor::new(ENTRIES, entries),
        ColumnFamilyDescriptor::new(FORMAT, tuning::index(options, memory)),
        ColumnFamilyDescriptor::new(EXPIRY, tuning::index(options, memory)),
    ]
}

fn secondary_folder(error: std::io::Error) -> Error {
    Error::new(
        ErrorCode::Io,
        format!(
            "cannot make a folder in the system's temporary folder for reading beside the writer: {error}"
        ),
    )
    .with_source(error)
}

/// Sizes of the files in a folder whose names end so; what goes away meanwhile counts nothing.
pub(crate) fn file_bytes(folder: &Path, ends: &[&str]) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let named = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        ends.iter().any(|end| name.to_string_lossy().ends_with(end))
    });
    named.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

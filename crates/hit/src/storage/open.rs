use std::sync::Arc;

use hit_core::{Error, ErrorCode, Pending, Result, Storage};
use hit_table::Table;
use tokio::runtime::Builder;

use super::backing::{Backing, Place};
use super::{InFlight, lane};
use crate::base::Base;
use crate::fill::SegmentFill;
use crate::options::OpenOptions;
use crate::shared::{Applied, Shared};

/// Waits for a storage on a thread that may wait.
pub(crate) fn wait<T>(pending: Pending<'_, T>) -> Result<T> {
    let runtime = Builder::new_current_thread().build().map_err(|source| {
        Error::new(ErrorCode::Io, "waiting for the storage could not begin").with_source(source)
    })?;
    runtime.block_on(pending)
}

/// A store over a storage.
pub(crate) fn open_over(
    storage: Arc<dyn Storage>,
    options: &OpenOptions,
    place: Option<Place>,
    refusal: Option<Error>,
) -> Result<Arc<Shared>> {
    let is_read_only = refusal.is_some();
    let lanes = if is_read_only { 1 } else { options.io_concurrency.unwrap_or_else(|| storage.lanes()) };
    let backing = Backing::new(Arc::clone(&storage), lanes, place, refusal);
    let applied = Applied {
        in_flight: InFlight::new(),
        ..Applied::new(Table::new(), 1, SegmentFill::new(0, u64::MAX))
    };
    let keeper = Arc::clone(&backing.keeper);
    let shared = Arc::new(Shared::new(applied, Base::Storage(backing), Arc::clone(&options.clock)));
    if let Some(backing) = shared.backing() {
        lane::start(&shared, backing)?;
    }
    if !is_read_only {
        keeper.start(storage)?;
    }
    Ok(shared)
}

#[cfg(feature = "rocksdb")]
pub(crate) use rocksdb::{open_rocksdb, verify_rocksdb};

#[cfg(feature = "rocksdb")]
mod rocksdb {
    use std::path::Path;
    use std::sync::Arc;

    use hit_core::{Error, ErrorCode, Problem, Result, Tell};
    use hit_log::Folder;
    use hit_rocksdb::{Access, RocksDb};
    use parking_lot::Mutex;

    use super::open_over;
    use crate::options::OpenOptions;
    use crate::owners::{self, Claim, Claimed, Entered};
    use crate::reader::refusal;
    use crate::shared::Shared;
    use crate::storage::backing::Place;

    /// What `hitkv.json` says, and the name of the database in a folder of ours.
    const KIND: &str = "rocksdb";

    /// Opens a store in RocksDB.
    pub(crate) fn open_rocksdb(path: &Path, options: &OpenOptions) -> Result<Arc<Shared>> {
        RocksDb::check(&options.rocksdb)?;
        check_kind(path, options.rocksdb.raw)?;
        match (options.read_only, options.rocksdb.raw) {
            (true, raw) => open_to_read(path, options, raw),
            (false, true) => open_raw(path, options),
            (false, false) => open_ours(path, options),
        }
    }

    /// A folder of ours has a description, and someone else's has none.
    fn check_kind(path: &Path, raw: bool) -> Result<()> {
        let is_ours = Folder::description(path).exists();
        let (what, remedy) = match (raw, is_ours) {
            (true, true) => ("is a store of hitkv", "open it without rocksdb.raw"),
            (false, false) if hit_rocksdb::holds_database(path).is_ok_and(|holds| holds) => (
                "holds a RocksDB that is no store of hitkv",
                "open it with { rocksdb: { raw: true } }, or use another folder",
            ),
            _ => return Ok(()),
        };
        Err(Error::new(ErrorCode::Config, format!("{} {what}: {remedy}", path.display())))
    }

    fn open_ours(path: &Path, options: &OpenOptions) -> Result<Arc<Shared>> {
        let Claim { opening, identity, folder, lock } = match owners::claim(path, KIND, options, agrees)? {
            Claimed::Joined(shared) => return Ok(shared),
            Claimed::Ours(claim) => claim,
        };
        let database = folder.path().join(KIND);
        // Our own folder: that it is one was said before anything else was written into it, and a making may have ended there.
        let access = if options.create_if_missing { Access::Create } else { Access::Write };
        let storage = RocksDb::open(&database, &options.rocksdb, access, Arc::clone(&options.clock))?;
        let place = Place {
            identity: Some(identity),
            folder: Some(folder),
            kind: KIND,
            lock: Mutex::new(Some(lock)),
            options: options.rocksdb,
        };
        let shared = open_over(Arc::new(storage), options, Some(place), None)?;
        opening.succeed(&shared);
        Ok(shared)
    }

    /// A database of someone else's: RocksDB's own lock keeps others out.
    fn open_raw(path: &Path, options: &OpenOptions) -> Result<Arc<Shared>> {
        let identity = hit_rocksdb::identity(path)?;
        let opening = match owners::enter(identity, |shared| agrees(shared, options))? {
            Entered::Joined(shared) => return Ok(shared),
            Entered::Vacant(opening) => opening,
        };
        let storage = RocksDb::open(path, &options.rocksdb, Access::Write, Arc::clone(&options.clock))?;
        let place = Place {
            identity: Some(identity),
            folder: None,
            kind: KIND,
            lock: Mutex::new(None),
            options: options.rocksdb,
        };
        let shared = open_over(Arc::new(storage), options, Some(place), None)?;
        opening.succeed(&shared);
        Ok(shared)
    }

    fn open_to_read(path: &Path, options: &OpenOptions, raw: bool) -> Result<Arc<Shared>> {
        let folder =
            if raw { None } else { Some(Folder::open(Arc::clone(&options.files), path, KIND, false)?) };
        let database = folder.as_ref().map_or_else(|| path.to_owned(), |folder| folder.path().join(KIND));
        let storage = RocksDb::open(&database, &options.rocksdb, Access::Read, Arc::clone(&options.clock))?;
        let place =
            Place { identity: None, folder, kind: KIND, lock: Mutex::new(None), options: options.rocksdb };
        open_over(Arc::new(storage), options, Some(place), Some(refusal(path)))
    }

    /// Whether a second open may join a store.
    fn agrees(shared: &Shared, options: &OpenOptions) -> Result<()> {
        let place = shared.backing().and_then(|backing| backing.place.as_ref());
        if place.is_some_and(|place| place.options == options.rocksdb) {
            return Ok(());
        }
        let message =
            "this process has the store open with other 'rocksdb' options: open it with the same ones";
        Err(Error::new(ErrorCode::Config, message))
    }

    /// Checks a store that is not open.
    pub(crate) fn verify_rocksdb(
        path: &Path,
        options: &OpenOptions,
        tell: &mut Tell<'_>,
    ) -> Result<(Vec<Problem>, u64)> {
        check_kind(path, options.rocksdb.raw)?;
        if options.rocksdb.raw {
            return hit_rocksdb::verify(path, &options.rocksdb, tell);
        }
        let folder = Folder::open(Arc::clone(&options.files), path, KIND, false)?;
        hit_rocksdb::verify(&folder.path().join(KIND), &options.rocksdb, tell)
    }
}

//! A moment of the database that is held.

use std::sync::Arc;

use hit_core::{KeyRange, Pending, Result, StorageScan, StorageSnapshot, Values};
use parking_lot::RwLock;
use rocksdb::{DB, ReadOptions, SnapshotWithThreadMode};
use self_cell::self_cell;

use crate::Access;
use crate::database::Database;
use crate::open::{Held, Open, closed};
use crate::scan::Scan;

/// Read options that name a snapshot, and the snapshot: dropped in this order.
struct Moment<'a> {
    reads: ReadOptions,
    snapshot: SnapshotWithThreadMode<'a, DB>,
}

self_cell!(
    struct HeldMoment {
        owner: Arc<Database>,
        #[not_covariant]
        dependent: Moment,
    }
);

/// What a snapshot reads from.
enum State {
    /// A snapshot of RocksDB's.
    Moment(HeldMoment),
    /// A secondary, which stays where it is while the guard lives.
    Secondary(Arc<Database>, #[expect(dead_code, reason = "lives as long as this")] Arc<()>),
    Closed,
}

/// A snapshot, shared with its scans.
pub(crate) struct Snapshot {
    state: RwLock<State>,
    open: Arc<Open>,
}

impl Snapshot {
    pub(crate) fn take(open: &Arc<Open>) -> Result<Arc<Self>> {
        let database = open.database()?;
        let state = if database.access == Access::Read {
            State::Secondary(Arc::clone(&database), database.stay())
        } else {
            State::Moment(HeldMoment::new(Arc::clone(&database), |database| {
                let snapshot = database.db.snapshot();
                let mut reads = ReadOptions::default();
                reads.set_snapshot(&snapshot);
                Moment { reads, snapshot }
            }))
        };
        let snapshot = Arc::new(Self { state: RwLock::new(state), open: Arc::clone(open) });
        open.register(&snapshot);
        Ok(snapshot)
    }
}

impl Held for Snapshot {
    fn end(&self) {
        *self.state.write() = State::Closed;
    }
}

/// What a storage hands out for it.
pub(crate) struct SharedSnapshot(pub(crate) Arc<Snapshot>);

impl StorageSnapshot for SharedSnapshot {
    fn get_many<'a>(&'a self, keys: &'a [&'a [u8]], values: &'a mut Values) -> Pending<'a, ()> {
        Box::pin(async move {
            match &*self.0.state.read() {
                State::Moment(held) => {
                    held.with_dependent(|database, moment| database.read(keys, &moment.reads, values))
                }
                State::Secondary(database, _) => database.read(keys, &database.reads, values),
                State::Closed => Err(closed()),
            }
        })
    }

    fn scan(&self, range: KeyRange<'_>, reverse: bool) -> Pending<'_, Box<dyn StorageScan>> {
        // A scan outlives its range, so its bounds are copied here and now.
        let mut reads = bounds(range);
        Box::pin(async move {
            let state = self.0.state.read();
            let database = match &*state {
                State::Moment(held) => {
                    held.with_dependent(|_, moment| reads.set_snapshot(&moment.snapshot));
                    held.borrow_owner()
                }
                State::Secondary(database, _) => database,
                State::Closed => return Err(closed()),
            };
            let scan = Scan::begin(Arc::clone(database), reads, reverse, Arc::clone(&self.0));
            self.0.open.register(scan.shared());
            Ok(Box::new(scan) as Box<dyn StorageScan>)
        })
    }
}

fn bounds(range: KeyRange<'_>) -> ReadOptions {
    let mut reads = ReadOptions::default();
    reads.set_iterate_lower_bound(range.start);
    if let Some(end) = range.end {
        reads.set_iterate_upper_bound(end);
    }
    reads.set_background_purge_on_iterator_cleanup(true);
    reads
}

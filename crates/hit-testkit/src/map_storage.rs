//! A storage in memory that does what a test tells it: it keeps writes waiting, fails them, and watches how it is called.

mod contract;
mod orders;
mod scan;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hit_core::limits::MAX_VALUE_BYTES;
use hit_core::{
    AtomicBatch, Capabilities, Clock, Durability, Error, ErrorCode, Operation, Pending, Problem, Result,
    Storage, StorageFigures, StorageSnapshot, Tell, Values,
};
use parking_lot::{Condvar, Mutex};

use self::contract::Contract;
use self::orders::Orders;
use self::scan::MapSnapshot;

/// Keys with their values and expiries.
type Entries = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

/// What is stored, and what a test does with it. It outlives the storages that are opened on it; clones are the same.
#[derive(Clone, Default)]
pub struct MapDatabase(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    entries: Arc<Entries>,
    /// What survives power loss.
    synced: Arc<Entries>,
    orders: Orders,
    contract: Contract,
    /// Writes as they came, until somebody takes them.
    written: Vec<Written>,
}

/// A write that the storage was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Keys in the order given; of a range delete its start.
    pub keys: Vec<Vec<u8>>,
    /// As asked.
    pub durability: Durability,
    /// The name of the thread that asked.
    pub thread: String,
}

impl MapDatabase {
    /// Opens it. What expires is judged by `clock`.
    #[must_use]
    pub fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Storage> {
        Arc::new(MapStorage { database: self.clone(), clock, is_closed: Arc::default() })
    }

    /// Keeps writes of keys that begin with `prefix` waiting until [`MapDatabase::release`]. A range delete waits for any.
    pub fn hold(&self, prefix: &[u8]) {
        self.0.state.lock().orders.held = Some(prefix.to_vec());
    }

    /// Lets the writes go that wait.
    pub fn release(&self) {
        self.0.state.lock().orders.held = None;
        self.0.changed.notify_all();
    }

    /// Returns when so many writes wait.
    pub fn until_waiting(&self, writes: usize) {
        let mut state = self.0.state.lock();
        while state.orders.waiting < writes {
            self.0.changed.wait(&mut state);
        }
    }

    /// Fails the next write of a key that begins with `prefix`.
    pub fn fail_write(&self, prefix: &[u8], error: Error) {
        self.0.state.lock().orders.failures.push((prefix.to_vec(), error));
    }

    /// Panics in the next write of a key that begins with `prefix`.
    pub fn panic_in_write(&self, prefix: &[u8]) {
        self.0.state.lock().orders.panics = Some(prefix.to_vec());
    }

    /// Fails the next sync, that of a write included, which is not made then.
    pub fn fail_sync(&self, error: Error) {
        self.0.state.lock().orders.sync_failure = Some(error);
    }

    /// Calls `first` once, before the next read looks, which may be of a snapshot that is there.
    pub fn before_next_read(&self, first: impl FnOnce() + Send + 'static) {
        self.0.state.lock().orders.before_read = Some(Box::new(first));
    }

    /// Calls `then` once, when the next read has its values and has not answered.
    pub fn in_next_read(&self, then: impl FnOnce() + Send + 'static) {
        self.0.state.lock().orders.in_read = Some(Box::new(then));
    }

    /// The writes since this was last asked.
    #[must_use]
    pub fn take_written(&self) -> Vec<Written> {
        std::mem::take(&mut self.0.state.lock().written)
    }

    /// A key's value, as it is stored.
    #[must_use]
    pub fn stored(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.state.lock().entries.get(key).map(|(value, _)| value.clone())
    }

    /// How many entries are stored, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state.lock().entries.len()
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Goes back to what was synced.
    pub fn lose_power(&self) {
        let mut state = self.0.state.lock();
        state.entries = Arc::clone(&state.synced);
    }

    /// Panics where the store has called the storage as [`Storage`] does not allow.
    pub fn check_contract(&self) {
        let broken = self.0.state.lock().contract.broken.take();
        assert_eq!(broken, None, "the store has broken what it promises a storage");
    }

    fn begin_read(&self) {
        let before_read = self.0.state.lock().orders.before_read.take();
        if let Some(first) = before_read {
            first();
        }
    }

    fn write(&self, operations: &[Operation<'_>], durability: Durability) -> Result<()> {
        let mut state = self.0.state.lock();
        let number = state.contract.begin(operations);
        state.orders.waiting += 1;
        self.0.changed.notify_all();
        while state.orders.holds(operations) {
            self.0.changed.wait(&mut state);
        }
        state.orders.waiting -= 1;
        state.contract.end(number);
        if state.orders.take_panic(operations) {
            drop(state);
            panic!("this test has the storage panic");
        }
        if let Some(error) = state.orders.take_failure(operations) {
            return Err(error);
        }
        let keys = operations.iter().map(|operation| key_of(operation).to_vec()).collect();
        let thread = thread::current().name().unwrap_or_default().to_owned();
        state.written.push(Written { keys, durability, thread });
        let entries = Arc::make_mut(&mut state.entries);
        operations.iter().for_each(|operation| apply(entries, operation));
        if durability == Durability::Disk { state.sync() } else { Ok(()) }
    }
}

impl State {
    fn sync(&mut self) -> Result<()> {
        self.orders.sync_failure.take().map_or(Ok(()), Err)?;
        self.synced = Arc::clone(&self.entries);
        Ok(())
    }
}

fn apply(entries: &mut Entries, operation: &Operation<'_>) {
    match *operation {
        Operation::Set { key, value, expires_at } => {
            entries.insert(key.to_vec(), (value.to_vec(), expires_at));
        }
        Operation::Delete { key } => drop(entries.remove(key)),
        Operation::DeleteRange { range } => entries.retain(|key, _| !range.contains(key)),
    }
}

/// The key of an operation, the start of a range.
fn key_of<'a>(operation: &Operation<'a>) -> &'a [u8] {
    match operation {
        Operation::DeleteRange { range } => range.start,
        _ => operation.key().unwrap_or_default(),
    }
}

/// An open [`MapDatabase`].
struct MapStorage {
    database: MapDatabase,
    clock: Arc<dyn Clock>,
    is_closed: Arc<AtomicBool>,
}

fn check_open(is_closed: &AtomicBool) -> Result<()> {
    if is_closed.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorCode::NotOpen, "the store is closed: open it again"));
    }
    Ok(())
}

impl Storage for MapStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sync_reads: true,
            ordered_scans: true,
            snapshots: true,
            atomic_batch: AtomicBatch::All,
            checks: true,
            ttl: true,
            backup: false,
            workers: false,
            max_value_bytes: MAX_VALUE_BYTES,
        }
    }

    fn lanes(&self) -> usize {
        1
    }

    fn read_cache_bytes(&self) -> usize {
        1 << 20
    }

    fn write<'a>(&'a self, operations: &'a [Operation<'a>], durability: Durability) -> Pending<'a, ()> {
        Box::pin(async move {
            check_open(&self.is_closed)?;
            self.database.write(operations, durability)
        })
    }

    fn sync(&self) -> Pending<'_, ()> {
        Box::pin(async move { self.database.0.state.lock().sync() })
    }

    fn get_many<'a>(&'a self, keys: &'a [&'a [u8]], values: &'a mut Values) -> Pending<'a, ()> {
        Box::pin(async move {
            self.database.begin_read();
            self.now()?.read(keys, values)
        })
    }

    fn snapshot(&self) -> Pending<'_, Box<dyn StorageSnapshot>> {
        Box::pin(async move { Ok(Box::new(self.now()?) as Box<dyn StorageSnapshot>) })
    }

    fn sweep(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            let now_ms = self.clock.now_ms();
            let mut state = self.database.0.state.lock();
            Arc::make_mut(&mut state.entries)
                .retain(|_, (_, expires_at)| expires_at.is_none_or(|at| at > now_ms));
            Ok(())
        })
    }

    fn compact(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn refresh(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn verify<'a>(&'a self, _tell: &'a mut Tell<'_>) -> Pending<'a, (Vec<Problem>, u64)> {
        Box::pin(async { Ok((Vec::new(), 0)) })
    }

    fn backup<'a>(&'a self, _folder: &'a Path, _tell: &'a mut Tell<'_>) -> Pending<'a, ()> {
        Box::pin(async { Err(Error::new(ErrorCode::Unsupported, "a map has no files")) })
    }

    fn figures(&self) -> StorageFigures {
        StorageFigures { entries: self.database.len() as u64, ..StorageFigures::default() }
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.is_closed.store(true, Ordering::SeqCst);
            Ok(())
        })
    }
}

impl MapStorage {
    /// What is stored now.
    fn now(&self) -> Result<MapSnapshot> {
        check_open(&self.is_closed)?;
        Ok(MapSnapshot {
            database: self.database.clone(),
            clock: Arc::clone(&self.clock),
            entries: Arc::clone(&self.database.0.state.lock().entries),
            is_closed: Arc::clone(&self.is_closed),
        })
    }
}

//! What a store asks of someone else's engine: RocksDB in this process, a database server, a cluster.
//!
//! A store hands over groups of operations, each key once, and reads what has been written. It keeps the order of operations
//! itself: of one key there is never more than one group under way, and nothing else is while a range delete is.

use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::{Capabilities, Durability, KeyRange, Operation, Page, Problem, Result, Tell, Values};

/// What a storage answers, at once or later. Storages with [`Capabilities::sync_reads`] answer reads at the first poll; they may
/// wait for a disk in it, so whoever may not wait polls elsewhere.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Someone else's engine.
///
/// Reads and scans do not hand out what has expired. Every failure carries a code: `HIT_DISK_FULL`, `HIT_IO`, `HIT_BUSY`,
/// `HIT_TIMEOUT` and `HIT_UNAVAILABLE` for what was not written and may be tried again, `HIT_POISONED` where the engine
/// takes no writes until it is opened again, `HIT_CORRUPTION` for damage.
pub trait Storage: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// How many lanes serve it best where nobody says: so many groups are under way at once. One keeps the order of all writes.
    fn lanes(&self) -> usize;

    /// Memory, in bytes, that the store may use to keep entries that were read. None where others write to it too.
    fn read_cache_bytes(&self) -> usize;

    /// Writes operations as one: seen whole or not at all, also after a crash, and with this durability when it answers; `Memory` is
    /// as `Os` here. Either sorted by key with each key once, or a single range delete among others in their order.
    fn write<'a>(&'a self, operations: &'a [Operation<'a>], durability: Durability) -> Pending<'a, ()>;

    /// Makes everything that it has answered survive power loss.
    fn sync(&self) -> Pending<'_, ()>;

    /// Reads keys at one moment, into `values` in their order.
    fn get_many<'a>(&'a self, keys: &'a [&'a [u8]], values: &'a mut Values) -> Pending<'a, ()>;

    /// The same where that takes no waiting, with all that is asked for in memory; false where it would, and then nothing is said.
    ///
    /// # Errors
    /// As reads.
    fn get_many_in_memory(&self, _keys: &[&[u8]], _values: &mut Values) -> Result<bool> {
        Ok(false)
    }

    /// Holds on to the state of now.
    fn snapshot(&self) -> Pending<'_, Box<dyn StorageSnapshot>>;

    /// Begins to give back the space of what has expired; called every few minutes.
    fn sweep(&self) -> Pending<'_, ()>;

    /// Gives back all the space of what is dead.
    fn compact(&self) -> Pending<'_, ()>;

    /// Moves on what was opened read-only.
    fn refresh(&self) -> Pending<'_, ()>;

    /// Reads everything and checks it; returns what is damaged, and how many bytes were read.
    fn verify<'a>(&'a self, tell: &'a mut Tell<'_>) -> Pending<'a, (Vec<Problem>, u64)>;

    /// Copies its files, as of one moment, into a folder that does not exist yet. The store cares for what lies beside them.
    fn backup<'a>(&'a self, folder: &'a Path, tell: &'a mut Tell<'_>) -> Pending<'a, ()>;

    /// What it tells of itself, without waiting.
    fn figures(&self) -> StorageFigures;

    /// Ends it. Snapshots and scans that are open answer `HIT_NOT_OPEN` from then on.
    fn close(&self) -> Pending<'_, ()>;
}

/// A storage at one moment. It is given back when this and all its scans are dropped.
pub trait StorageSnapshot: Send + Sync {
    /// Reads keys, into `values` in their order.
    fn get_many<'a>(&'a self, keys: &'a [&'a [u8]], values: &'a mut Values) -> Pending<'a, ()>;

    /// Begins a scan of a range in key byte order, from its end where `reverse`.
    fn scan(&self, range: KeyRange<'_>, reverse: bool) -> Pending<'_, Box<dyn StorageScan>>;
}

/// A scan of a [`StorageSnapshot`].
pub trait StorageScan: Send {
    /// Fills a page with the next entries, until [`Page::is_full`]; an empty one is the end.
    fn fill<'a>(&'a mut self, page: &'a mut Page) -> Pending<'a, ()>;
}

/// What a storage tells of itself.
#[derive(Clone, Debug, Default)]
pub struct StorageFigures {
    /// Entries, as far as it knows.
    pub entries: u64,
    /// Memory of this process.
    pub memory_bytes: u64,
    /// Disk space.
    pub disk_bytes: u64,
    /// What it failed with in the background, where that keeps it from writing or compacting.
    pub background_error: Option<crate::Error>,
    /// Its own figures, by name.
    pub own: Vec<(&'static str, u64)>,
}

/// The answer of a storage that answers at the first poll.
///
/// # Panics
/// Where it does not, which [`Capabilities::sync_reads`] rules out.
pub fn at_once<T>(pending: Pending<'_, T>) -> Result<T> {
    match pin!(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a storage with synchronous reads answers at once"),
    }
}

//! Stores whose data lies in a storage: RocksDB, later databases. The table holds writes in flight only: what was accepted and
//! is not in the storage yet.
//!
//! A write enters the table and the queue of a lane; the lane joins what waits into one group, writes it, and takes it out of
//! the table again. A read asks the table first, then the storage.

mod ahead;
mod backing;
mod decide;
mod in_flight;
mod keeper;
mod lane;
mod lanes;
mod maintain;
mod meeting;
mod open;
mod read;
mod read_cache;
mod scan;
mod submit;
mod unsynced;

pub use ahead::ReadAhead;
pub(crate) use backing::Backing;
pub(crate) use decide::{Known, Unknown};
pub(crate) use in_flight::{InFlight, Seen};
pub(crate) use open::open_over;
#[cfg(feature = "rocksdb")]
pub(crate) use open::{open_rocksdb, verify_rocksdb};
pub(crate) use read::Below;
pub(crate) use scan::MergedScan;

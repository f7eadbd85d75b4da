//! A key-value store that reads from memory and answers a write when it is on disk.
//!
//! A [`Store`] is put together from a table (memory: key → newest operation) and, for files, a log (disk: what was
//! written, in order). Which parts it has follows from the URL it is opened with.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> hit::Result<()> {
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! # let url = folder.path().join("data").display().to_string();
//! use hit::{OpenOptions, Store, WriteOptions};
//!
//! let store = Store::open(&url, OpenOptions::default()).await?;
//! store.set(b"user:1", b"ada", WriteOptions::default()).await?; // on disk when it returns
//! assert_eq!(store.get(b"user:1")?, Some(b"ada".to_vec()));
//! store.close().await
//! # }
//! ```

mod account;
mod backlog;
mod backup;
mod base;
mod batch;
mod commit;
mod compact;
mod compaction;
mod disk;
mod dump;
mod fill;
mod format;
mod load;
mod location;
mod options;
mod owners;
mod queue;
mod read;
mod reader;
mod refresh;
mod scan;
mod shared;
mod stats;
mod storage;
mod store;
mod stored;
mod values;
mod verify;
mod write;

pub use batch::{BatchOperation, Check};
pub use format::Format;
pub use hit_core::{
    AtomicBatch, Capabilities, Clock, Durability, Error, ErrorCode, KeyRange, Operation, Progress, Result,
    Storage, SystemClock, Tell, limits, prefix_end,
};
pub use hit_log::{Encoded, take_encoded};
#[cfg(feature = "rocksdb")]
pub use hit_rocksdb::{Compression, RocksDbOptions};
pub use load::{LoadOptions, Loaded};
pub use location::Location;
pub use options::{FileOptions, OnError, OpenOptions, WriteOptions};
pub use read::{Entry, FoundEntry, PendingRead};
pub use scan::Scan;
pub use stats::Stats;
pub use storage::ReadAhead;
pub use store::Store;
pub use verify::{Problem, VerifyReport, verify};
pub use write::Submitted;

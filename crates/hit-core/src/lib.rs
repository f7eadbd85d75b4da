//! What every part of hitkv agrees on: operations and ranges, limits, errors, capabilities, durability, the clock,
//! and what a store asks of a storage. No runtime, no driver, no file.

mod capabilities;
mod clock;
mod durability;
mod error;
pub mod limits;
mod operation;
mod page;
mod problem;
mod progress;
mod range;
mod storage;

pub use capabilities::{AtomicBatch, Capabilities};
pub use clock::{Clock, SystemClock};
pub use durability::Durability;
pub use error::{Error, ErrorCode, Result};
pub use operation::{Operation, check_key, check_value};
pub use page::{Page, StoredValue, Values};
pub use problem::Problem;
pub use progress::{Progress, Tell, tell};
pub use range::{KeyRange, prefix_end};
pub use storage::{Pending, Storage, StorageFigures, StorageScan, StorageSnapshot, at_once};

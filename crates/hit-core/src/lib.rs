//! What every part of hitkv agrees on: operations and ranges, limits, errors, capabilities, durability
//! and the clock. No runtime, no driver, no file.

mod capabilities;
mod clock;
mod durability;
mod error;
pub mod limits;
mod operation;
mod progress;
mod range;

pub use capabilities::{AtomicBatch, Capabilities};
pub use clock::{Clock, SystemClock};
pub use durability::Durability;
pub use error::{Error, ErrorCode, Result};
pub use operation::{Operation, check_key, check_value};
pub use progress::{Progress, Tell, tell};
pub use range::{KeyRange, prefix_end};

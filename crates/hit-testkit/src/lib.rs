//! What the tests of several crates share. A test dependency only.
//!
//! The feature `store` adds what needs a whole store, so that the log's own tests do not wait for one.

mod clock;
#[cfg(feature = "store")]
pub mod conformance;
#[cfg(feature = "store")]
mod contents;
mod disk;
mod faulty_files;
mod map_storage;
#[cfg(feature = "store")]
pub mod oracle;
#[cfg(feature = "store")]
pub mod promises;

pub use clock::TestClock;
#[cfg(feature = "store")]
pub use contents::contents;
pub use disk::{Disk, Image};
pub use faulty_files::{Call, Fault, FaultyFiles};
pub use map_storage::{MapDatabase, Written};

//! What the tests of several crates share. A test dependency only.

mod faulty_files;

pub use faulty_files::{Call, Fault, FaultyFiles};

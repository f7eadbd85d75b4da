//! Stores over a storage that waits, fails and panics when it is told to: what is read meanwhile, who is answered what, and in which
//! order the storage is asked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test fails by panicking")]

mod at_random;
mod bench;
mod closing;
mod deciding;
mod failing;
mod lanes;
mod reading;

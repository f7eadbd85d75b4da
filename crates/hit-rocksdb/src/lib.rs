//! RocksDB as a storage of hitkv: more data than memory.

mod config;
mod storage;

pub use config::{Compression, RocksDbOptions};
pub use storage::{Access, RocksDb};

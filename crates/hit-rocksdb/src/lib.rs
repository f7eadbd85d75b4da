//! RocksDB as a storage of hitkv: more data than memory.

mod arenas;
mod backup;
mod compact;
mod config;
mod copy;
mod database;
mod error;
mod expiry;
mod figures;
mod filter;
mod folder;
mod identity;
mod manifest;
mod memory;
mod open;
mod place;
mod read;
mod read_cache;
mod scan;
mod secondary;
mod snapshot;
mod storage;
mod sweep;
mod system_memory;
mod tables;
mod tuning;
mod value;
mod verify;
mod wal;
mod write;

pub use config::{Compression, RocksDbOptions};
pub use folder::holds_database;
pub use identity::identity;
pub use storage::{Access, RocksDb};
pub use verify::verify;

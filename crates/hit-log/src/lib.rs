//! The bytes of a hitkv store on disk, and nothing else: no thread, no table, no runtime.
//!
//! A store's [`Folder`] says what it is, its [`LockFile`] keeps other programs out, and its [`Log`] keeps every
//! operation in the order in which it was accepted: [`Frame`]s in segments, listed by a manifest, read back by
//! recovery into whatever implements [`Replay`]. All file access goes through [`Files`], so that tests can fail, cut
//! or delay any call. `docs/log-format.md` has every byte.

mod allocation;
mod backup;
mod bytes;
mod compaction;
mod corruption;
mod encoded;
mod file_header;
mod file_id;
pub mod files;
mod folder;
mod following;
mod frame;
mod header;
mod io_error;
mod lock;
mod log;
mod manifest;
mod names;
mod operation;
mod owner;
mod reader;
mod recovery;
mod replace;
mod replay;
mod reserve;
mod stats;
mod store_id;
mod value_file;
mod varint;
mod verify;
mod writer;

#[cfg(test)]
mod fixtures;

pub use backup::{backup, backup_with};
pub use compaction::{Decision, Judge, Run, Stretch};
pub use encoded::{Encoded, EncodedOperations, take_encoded};
pub use file_id::{FileId, FileKind};
pub use files::{File, Files, OpenMode, SystemFiles};
pub use folder::Folder;
pub use following::{LogReader, Refreshed};
pub use frame::Frame;
pub use io_error::io_error;
pub use lock::{Lock, LockFile};
pub use log::{Log, LogOptions, Remover};
pub use operation::FrameOperations;
pub use replay::{Replay, ReplayedFrame, ValuePlace};
pub use reserve::{RESERVE_BYTES, Reserve, has_space};
pub use stats::{LogFile, LogStats, TornTail};
pub use store_id::StoreId;
pub use value_file::ValueFile;
pub use verify::verify;

//! hitkv as an addon of Node.js. What runs for every read and write goes through raw callbacks over shared buffers
//! (`slab.rs`); everything else through `#[napi]`. The types of Node-API stop in this crate.

mod disk_read;
mod error;
mod life;
mod long;
mod maintain;
mod open;
mod raw;
mod read;
mod rocksdb;
mod scan;
mod server;
mod settle;
mod slab;
mod store;
mod transfer;
mod write;

use napi_derive::napi;

/// The version of this addon, equal to that of the npm package it belongs to.
#[napi]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

//! Serves a store over the network: any kind of store, on a small runtime that the server owns.
//!
//! HTTP has the routes of Go-Hit (see [`http`]). An answer is sent when the write has the durability it was made
//! with, and no answer reveals a write before that.

mod address;
pub mod http;
pub mod limits;
mod listener;
mod server;
mod shutdown;

pub use server::{Server, ServerOptions};

//! Flushing, closing and figures.

use std::sync::Arc;

use hit::{Result, Stats};
use napi::sys;
use napi_derive::napi;

use crate::error::to_js;
use crate::raw::{self, Call};

/// `flush()`
pub(crate) fn flush(call: &Call<'_>) -> Result<sys::napi_value> {
    let ticket = call.store.next_ticket();
    let settlements = Arc::clone(&call.store.settlements);
    settlements.open_ticket(call.env);
    call.store.store.flush_with(move |result| settlements.settle(ticket, result));
    raw::number(call.env, ticket as f64)
}

/// `close()`
pub(crate) fn close(call: &Call<'_>) -> Result<sys::napi_value> {
    let ticket = call.store.next_ticket();
    let settlements = Arc::clone(&call.store.settlements);
    settlements.open_ticket(call.env);
    call.store.scans.clear();
    call.store.store.close_with(move |result| settlements.settle(ticket, result));
    raw::number(call.env, ticket as f64)
}

/// Waits until everything that any file store of this process has accepted is with the operating system. For the end of
/// a thread or a process.
#[napi]
pub fn drain_all() {
    hit::Store::drain_all();
}

/// `stats()`: what all stores have, and what the kind of store has besides.
pub(crate) fn stats(call: &Call<'_>) -> Result<sys::napi_value> {
    let env = call.env;
    let stats = call.store.store.stats();
    let object = raw::object(env)?;
    let figures = [
        ("entries", stats.entries as f64),
        ("lanes", stats.lanes as f64),
        ("pendingBytes", stats.pending_bytes as f64),
        ("memoryBytes", stats.memory_bytes as f64),
        ("diskBytes", stats.disk_bytes as f64),
        ("oldestSnapshotMs", stats.oldest_snapshot_ms as f64),
        ("handles", stats.handles as f64),
    ];
    set_figures(env, object, &figures)?;
    raw::set(env, object, "readOnly", raw::boolean(env, stats.read_only)?)?;
    if stats.storage.is_empty() {
        add_table_and_log(env, object, &stats)?;
    } else {
        raw::set(env, object, "rocksdb", of_storage(env, &stats)?)?;
    }
    if let Some(error) = &stats.last_error {
        raw::set(env, object, "lastError", to_js(env, error)?)?;
    }
    Ok(object)
}

fn add_table_and_log(env: sys::napi_env, object: sys::napi_value, stats: &Stats) -> Result<()> {
    let figures = [
        ("largeValueBytes", stats.large_value_bytes as f64),
        ("storedValues", stats.stored_values as f64),
        ("storedBytes", stats.stored_bytes as f64),
        ("segments", stats.segments as f64),
        ("runs", stats.runs as f64),
        ("liveBytes", stats.live_bytes as f64),
        ("pinnedBytes", stats.pinned_bytes as f64),
        ("nextSequence", stats.next_sequence as f64),
    ];
    set_figures(env, object, &figures)?;
    if let Some(tail) = &stats.torn_tail {
        let found = raw::object(env)?;
        raw::set(env, found, "file", raw::text(env, &tail.file.display().to_string())?)?;
        set_figures(env, found, &[("offset", tail.offset as f64), ("bytes", tail.bytes as f64)])?;
        raw::set(env, object, "tornTail", found)?;
    }
    if let Some(error) = &stats.compaction_error {
        raw::set(env, object, "compactionError", to_js(env, error)?)?;
    }
    Ok(())
}

/// What a storage tells of itself, under its own names.
fn of_storage(env: sys::napi_env, stats: &Stats) -> Result<sys::napi_value> {
    let object = raw::object(env)?;
    for (name, figure) in &stats.storage {
        raw::set(env, object, name, raw::number(env, *figure as f64)?)?;
    }
    if let Some(error) = &stats.background_error {
        raw::set(env, object, "backgroundError", to_js(env, error)?)?;
    }
    Ok(object)
}

fn set_figures(env: sys::napi_env, object: sys::napi_value, figures: &[(&str, f64)]) -> Result<()> {
    figures.iter().try_for_each(|(name, figure)| raw::set(env, object, name, raw::number(env, *figure)?))
}

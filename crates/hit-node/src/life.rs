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
    call.store.scans.borrow_mut().clear();
    call.store.store.close_with(move |result| settlements.settle(ticket, result));
    raw::number(call.env, ticket as f64)
}

/// Waits until everything that any file store of this process has accepted is with the operating system. For the end of
/// a thread or a process.
#[napi]
pub fn drain_all() {
    hit::Store::drain_all();
}

/// `stats()`
pub(crate) fn stats(call: &Call<'_>) -> Result<sys::napi_value> {
    let Stats {
        entries,
        lanes,
        pending_bytes,
        memory_bytes,
        large_value_bytes,
        stored_values,
        stored_bytes,
        disk_bytes,
        oldest_snapshot_ms,
        segments,
        runs,
        live_bytes,
        pinned_bytes,
        compaction_error,
        torn_tail,
        next_sequence,
        read_only,
        handles,
        last_error,
    } = call.store.store.stats();
    let env = call.env;
    let stats = raw::object(env)?;
    let figures = [
        ("entries", entries as f64),
        ("lanes", lanes as f64),
        ("pendingBytes", pending_bytes as f64),
        ("memoryBytes", memory_bytes as f64),
        ("largeValueBytes", large_value_bytes as f64),
        ("storedValues", stored_values as f64),
        ("storedBytes", stored_bytes as f64),
        ("diskBytes", disk_bytes as f64),
        ("oldestSnapshotMs", oldest_snapshot_ms as f64),
        ("segments", segments as f64),
        ("runs", runs as f64),
        ("liveBytes", live_bytes as f64),
        ("pinnedBytes", pinned_bytes as f64),
        ("nextSequence", next_sequence as f64),
        ("handles", handles as f64),
    ];
    for (name, figure) in figures {
        raw::set(env, stats, name, raw::number(env, figure)?)?;
    }
    raw::set(env, stats, "readOnly", raw::boolean(env, read_only)?)?;
    if let Some(tail) = torn_tail {
        let found = raw::object(env)?;
        raw::set(env, found, "file", raw::text(env, &tail.file.display().to_string())?)?;
        raw::set(env, found, "offset", raw::number(env, tail.offset as f64)?)?;
        raw::set(env, found, "bytes", raw::number(env, tail.bytes as f64)?)?;
        raw::set(env, stats, "tornTail", found)?;
    }
    if let Some(error) = compaction_error {
        raw::set(env, stats, "compactionError", to_js(env, &error)?)?;
    }
    if let Some(error) = last_error {
        raw::set(env, stats, "lastError", to_js(env, &error)?)?;
    }
    Ok(stats)
}

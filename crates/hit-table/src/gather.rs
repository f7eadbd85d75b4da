//! A view from nothing: every key of the index, sorted. On two threads where the table is large.

use std::thread::Builder;

use parking_lot::Mutex;

use crate::location::Location;
use crate::run::{Run, RunEntry, hide, sort, word_at};
use crate::table::Table;

/// How many keys decide where to divide.
const SAMPLES: usize = 1_001;

/// Every key that no range delete hides.
pub(crate) fn gather(table: &Table) -> Run {
    let mut run = gather_all(table);
    for active in &table.tombstones {
        hide(&mut run, &active.tombstone, &table.arena);
    }
    if !table.tombstones.is_empty() {
        run.retain(|entry| !entry.location.is_marked());
    }
    run
}

fn gather_all(table: &Table) -> Run {
    if table.index.len() < table.bounds.large_view_entries {
        let mut run: Run = table.index.locations().map(|location| entry(table, location)).collect();
        sort(&mut run, &table.arena);
        return run;
    }
    // Each thread reads half of the shards and divides them at one key; then each sorts what lies on one side of it,
    // so that nothing has to be merged.
    let pivot = pivot(table);
    let (low, high) = side_by_side(
        || divide(table, table.index.halves().0, pivot),
        || divide(table, table.index.halves().1, pivot),
    );
    let (mut run, mut above) = low;
    run.extend(high.0);
    let middle = run.len();
    run.append(&mut above);
    run.extend(high.1);
    let (below, above) = run.split_at_mut(middle);
    let (below, above) = (Mutex::new(below), Mutex::new(above));
    side_by_side(|| sort(&mut below.lock(), &table.arena), || sort(&mut above.lock(), &table.arena));
    run
}

/// Does one thing on a thread of its own beside the other, or both in turn where there is no thread to be had.
fn side_by_side<T: Send>(one: impl Fn() -> T + Sync, other: impl Fn() -> T) -> (T, T) {
    std::thread::scope(|scope| match Builder::new().name("hit-view".into()).spawn_scoped(scope, &one) {
        Ok(thread) => {
            let other = other();
            (thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
        }
        Err(_) => (one(), other()),
    })
}

fn entry(table: &Table, location: Location) -> RunEntry {
    RunEntry { prefix: word_at(table.arena.key(location), 0), location }
}

/// A key with about as many below it as above.
fn pivot(table: &Table) -> &[u8] {
    let step = (table.index.len() / SAMPLES).max(1);
    let mut keys: Vec<&[u8]> =
        table.index.locations().step_by(step).map(|location| table.arena.key(location)).collect();
    let middle = keys.len() / 2;
    keys.sort_unstable();
    keys.get(middle).copied().unwrap_or_default()
}

fn divide(table: &Table, locations: impl Iterator<Item = Location>, pivot: &[u8]) -> (Run, Run) {
    let prefix = word_at(pivot, 0);
    let mut below = Vec::with_capacity(table.index.len() / 4);
    let mut above = Vec::with_capacity(table.index.len() / 4);
    for entry in locations.map(|location| entry(table, location)) {
        let is_below =
            entry.prefix < prefix || entry.prefix == prefix && table.arena.key(entry.location) < pivot;
        if is_below { below.push(entry) } else { above.push(entry) }
    }
    (below, above)
}

//! A view from nothing: every key of the index, sorted. On two threads where the table is large.

use crate::location::Location;
use crate::run::{Run, RunEntry, sort, word_at};
use crate::table::Table;

/// How many keys decide where to divide.
const SAMPLES: usize = 1_001;

pub(crate) fn gather(table: &Table) -> Run {
    let (low, high) = table.index.halves();
    if table.index.len() < table.bounds.large_view_entries {
        let mut run: Run = low.chain(high).filter_map(|location| entry(table, location)).collect();
        sort(&mut run, &table.arena);
        return run;
    }
    // Each thread reads half of the shards and divides them at one key; then each sorts what lies on one side of it,
    // so that nothing has to be merged.
    let pivot = pivot(table);
    let (mut run, mut others) = std::thread::scope(|scope| {
        let low = scope.spawn(|| divide(table, low, pivot));
        let high = divide(table, high, pivot);
        join(low.join(), high)
    });
    let middle = run.len();
    run.append(&mut others);
    drop(others);
    let (below, above) = run.split_at_mut(middle);
    std::thread::scope(|scope| {
        scope.spawn(|| sort(below, &table.arena));
        sort(above, &table.arena);
    });
    run
}

fn join(low: std::thread::Result<(Run, Run)>, high: (Run, Run)) -> (Run, Run) {
    let (mut below, mut above) = low.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    below.extend(high.0);
    above.extend(high.1);
    (below, above)
}

/// An entry of the view, unless a range delete hides it.
fn entry(table: &Table, location: Location) -> Option<RunEntry> {
    let record = table.arena.record(location)?;
    let is_hidden = !table.tombstones.is_empty() && table.is_covered(&record);
    (!is_hidden).then(|| RunEntry { prefix: word_at(record.key, 0), location })
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
    for entry in locations.filter_map(|location| entry(table, location)) {
        let is_below =
            entry.prefix < prefix || entry.prefix == prefix && table.arena.key(entry.location) < pivot;
        if is_below { below.push(entry) } else { above.push(entry) }
    }
    (below, above)
}

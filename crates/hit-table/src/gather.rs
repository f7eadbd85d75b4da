//! A view from nothing: every key of the index, sorted. On two threads where the table is large. Meanwhile the table may be
//! written to: what was written since belongs to the view anyway, so any location that was a key's newest at some moment
//! of the gathering does.

use std::ops::Range;
use std::thread::Builder;

use parking_lot::Mutex;

use crate::chunks::Records;
use crate::index::{Root, SHARDS};
use crate::location::Location;
use crate::run::{RunEntry, sort};

/// How many keys decide where to divide.
const SAMPLES: usize = 1_001;

/// What is gathered from.
#[derive(Clone, Copy)]
pub(crate) struct Gathering<'a> {
    pub(crate) index: &'a Root,
    pub(crate) records: Records<'a>,
    /// About how many keys there are.
    pub(crate) entries: usize,
}

impl Gathering<'_> {
    /// Every key, in order.
    pub(crate) fn gather(self, uses_two_threads: bool) -> Vec<RunEntry> {
        if !uses_two_threads {
            let mut run = Vec::with_capacity(self.entries);
            self.visit(0..SHARDS, |location| run.push(RunEntry::new(location, self.records)));
            sort(&mut run, self.records);
            return run;
        }
        // Each thread reads half of the shards and divides them at one key; then each sorts what lies on one side of it,
        // so that nothing has to be merged.
        let pivot = self.pivot();
        let divide = |shards| self.divide(shards, pivot);
        let (low, high) = side_by_side(|| divide(0..SHARDS / 2), || divide(SHARDS / 2..SHARDS));
        let (mut run, mut above) = low;
        run.extend(high.0);
        let middle = run.len();
        run.append(&mut above);
        run.extend(high.1);
        let (below, above) = run.split_at_mut(middle);
        let (below, above) = (Mutex::new(below), Mutex::new(above));
        side_by_side(|| sort(&mut below.lock(), self.records), || sort(&mut above.lock(), self.records));
        run
    }

    fn visit(self, shards: Range<usize>, mut visit: impl FnMut(Location)) {
        for shard in shards {
            // For each anew, so that memory that others wait for is not held up.
            let guard = crossbeam_epoch::pin();
            self.index.shards(&guard).shard(shard).locations().for_each(&mut visit);
        }
    }

    /// A key with about as many below it as above.
    fn pivot(self) -> RunEntry {
        let step = (self.entries / SAMPLES).max(1);
        let (mut sampled, mut seen) = (Vec::new(), 0);
        self.visit(0..SHARDS, |location| {
            if seen % step == 0 {
                sampled.push(RunEntry::new(location, self.records));
            }
            seen += 1;
        });
        sort(&mut sampled, self.records);
        let middle = sampled.get(sampled.len() / 2).copied();
        middle.unwrap_or(RunEntry { prefix: 0, location: Location::new(0, 0) })
    }

    fn divide(self, shards: Range<usize>, pivot: RunEntry) -> (Vec<RunEntry>, Vec<RunEntry>) {
        let pivot_key = self.records.key(pivot.location);
        let mut below = Vec::with_capacity(self.entries / 4);
        let mut above = Vec::with_capacity(self.entries / 4);
        self.visit(shards, |location| {
            let entry = RunEntry::new(location, self.records);
            let is_below = entry.prefix < pivot.prefix
                || entry.prefix == pivot.prefix && self.records.key(location) < pivot_key;
            if is_below { below.push(entry) } else { above.push(entry) }
        });
        (below, above)
    }
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

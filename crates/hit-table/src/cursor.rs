//! Walking a snapshot in key order, a page at a time.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use hit_core::KeyRange;

use crate::chunks::Records;
use crate::location::Location;
use crate::read::Entry;
use crate::record::Record;
use crate::run::{Run, RunEntry};
use crate::snapshot::Snapshot;

/// Entries whose records are loaded side by side.
const BLOCK: usize = 32;

/// A place in a snapshot at which [`Cursor::visit`] goes on.
pub struct Cursor {
    snapshot: Snapshot,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
    is_reverse: bool,
    /// What is left of each run; none before the first visit.
    windows: Option<Vec<Range<usize>>>,
    /// Merged already, not visited yet from `next` on.
    pending: Vec<Location>,
    next: usize,
}

impl Cursor {
    /// A cursor before the first entry of `range`, or, in `reverse`, behind the last. Crossing bounds make an empty
    /// range.
    #[must_use]
    pub fn new(snapshot: Snapshot, range: KeyRange<'_>, reverse: bool) -> Self {
        Self {
            snapshot,
            start: range.start.to_vec(),
            end: range.end.map(<[u8]>::to_vec),
            is_reverse: reverse,
            windows: None,
            pending: Vec::new(),
            next: 0,
        }
    }

    /// The snapshot it walks.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Puts back the entry at which the last visit broke: the next one begins with it.
    pub fn put_back(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    /// Hands the entries of the range to `visitor`, key by key in byte order, until it breaks or there are no more, and
    /// leaves the cursor behind the last one handed out. Entries written, deleted or cleared after the snapshot was
    /// taken are seen as they were; those that have expired at `now_ms` are not.
    pub fn visit<B>(
        &mut self,
        now_ms: u64,
        mut visitor: impl FnMut(&[u8], Entry<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut skipped = 0;
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue() {
            if self.next == self.pending.len() {
                skipped += self.fill();
                if self.pending.is_empty() {
                    break;
                }
            }
            flow = self.visit_pending(now_ms, &mut skipped, &mut visitor);
        }
        self.snapshot.note_skipped(skipped);
        flow
    }

    /// Merges the next block of locations into `pending`; returns how many entries it stepped over.
    fn fill(&mut self) -> usize {
        self.pending.clear();
        self.next = 0;
        let runs = self.snapshot.contents().runs.as_slice();
        let records = self.snapshot.records();
        let range = KeyRange { start: &self.start, end: self.end.as_deref() };
        let windows =
            self.windows.get_or_insert_with(|| runs.iter().map(|run| run.window(range, records)).collect());
        let mut skipped = 0;
        while self.pending.len() < BLOCK {
            let Some(nearest) = nearest(runs, windows, self.is_reverse, records, &mut skipped) else { break };
            // Everything of this run that lies clearly before the other runs' next keys.
            let others = runs.iter().zip(windows.iter()).enumerate().filter(|&(number, _)| number != nearest);
            let heads = others.filter_map(|(_, (run, window))| head(run, window, self.is_reverse));
            let prefixes = heads.map(|head| head.prefix);
            let bound = if self.is_reverse { prefixes.max() } else { prefixes.min() };
            let (Some(run), Some(window)) = (runs.get(nearest), windows.get_mut(nearest)) else { break };
            let room = BLOCK - self.pending.len();
            let rest = rest(run, window);
            let is_before = |entry: &&RunEntry| match bound {
                Some(bound) if self.is_reverse => entry.prefix > bound,
                Some(bound) => entry.prefix < bound,
                None => true,
            };
            let before = self.pending.len();
            let taken = if self.is_reverse {
                let head = rest.iter().rev().take(1);
                take(
                    &mut self.pending,
                    head.chain(rest.iter().rev().skip(1).take_while(is_before)).take(room),
                )
            } else {
                let head = rest.iter().take(1);
                take(&mut self.pending, head.chain(rest.iter().skip(1).take_while(is_before)).take(room))
            };
            advance(window, taken, self.is_reverse);
            skipped += taken - (self.pending.len() - before);
        }
        skipped
    }

    #[inline]
    fn visit_pending<B>(
        &mut self,
        now_ms: u64,
        skipped: &mut usize,
        visitor: &mut impl FnMut(&[u8], Entry<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let Self { snapshot, pending, next, .. } = self;
        let (tombstones, reader) = (&snapshot.contents().tombstones, snapshot.records());
        let mut records: [Option<Record<'_>>; BLOCK] = [None; BLOCK];
        // All of them first, since none waits for another's cache miss that way.
        for (record, &location) in records.iter_mut().zip(pending.iter().skip(*next)) {
            *record = reader.record(location);
        }
        for record in records.into_iter().flatten() {
            *next += 1;
            if !tombstones.is_empty() && tombstones.iter().any(|tombstone| tombstone.covers(&record)) {
                *skipped += 1;
            } else if !record.is_expired(now_ms) {
                visitor(record.key, Entry::from(record))?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// What is left of a run.
fn rest<'a>(run: &'a Run, window: &Range<usize>) -> &'a [RunEntry] {
    run.entries().get(window.clone()).unwrap_or_default()
}

fn head<'a>(run: &'a Run, window: &Range<usize>, is_reverse: bool) -> Option<&'a RunEntry> {
    let rest = rest(run, window);
    if is_reverse { rest.last() } else { rest.first() }
}

fn advance(window: &mut Range<usize>, entries: usize, is_reverse: bool) {
    if is_reverse {
        window.end -= entries;
    } else {
        window.start += entries;
    }
}

/// Adds what is not deleted, and counts what there was.
fn take<'a>(pending: &mut Vec<Location>, entries: impl Iterator<Item = &'a RunEntry>) -> usize {
    let mut taken = 0;
    pending.extend(
        entries.inspect(|_| taken += 1).map(|entry| entry.location).filter(|location| !location.is_marked()),
    );
    taken
}

/// The run whose next key comes first; of several with one key the newest, and the others step over it.
fn nearest(
    runs: &[Arc<Run>],
    windows: &mut [Range<usize>],
    is_reverse: bool,
    records: Records<'_>,
    skipped: &mut usize,
) -> Option<usize> {
    let mut nearest: Option<(usize, RunEntry)> = None;
    for (number, (run, window)) in runs.iter().zip(windows).enumerate().rev() {
        let Some(&head) = head(run, window, is_reverse) else { continue };
        let order = nearest.map_or(Ordering::Less, |(_, best)| {
            let order = head.prefix.cmp(&best.prefix);
            let order = order.then_with(|| records.key(head.location).cmp(records.key(best.location)));
            if is_reverse { order.reverse() } else { order }
        });
        match order {
            Ordering::Less => nearest = Some((number, head)),
            Ordering::Equal => {
                advance(window, 1, is_reverse);
                *skipped += 1;
            }
            Ordering::Greater => {}
        }
    }
    nearest.map(|(number, _)| number)
}

/// The next entry of several runs in key order, deletions among them, each key once; for who counts.
pub(crate) fn next_key<'a>(
    runs: &'a [Arc<Run>],
    windows: &mut [Range<usize>],
    records: Records<'_>,
) -> Option<&'a RunEntry> {
    let number = nearest(runs, windows, false, records, &mut 0)?;
    let (run, window) = (runs.get(number)?, windows.get_mut(number)?);
    let next = head(run, window, false);
    advance(window, 1, false);
    next
}

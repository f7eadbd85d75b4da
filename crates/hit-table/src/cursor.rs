//! Walking a snapshot in key order, a page at a time.

use std::ops::ControlFlow;

use hit_core::KeyRange;

use crate::arena::Arena;
use crate::location::Location;
use crate::read::Entry;
use crate::record::Record;
use crate::run::{RunEntry, seek};
use crate::snapshot::{Contents, Snapshot};
use crate::table::Table;

/// Entries whose records are loaded side by side.
const BLOCK: usize = 32;

/// A place in a snapshot at which [`Table::visit`] goes on.
pub struct Cursor {
    snapshot: Snapshot,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
    is_reverse: bool,
    /// What is left of each run; none before the first visit.
    windows: Option<Vec<Window>>,
    /// Merged already, not visited yet from `next` on.
    pending: Vec<Location>,
    next: usize,
}

/// Positions of a run from `low` to below `high`.
struct Window {
    low: usize,
    high: usize,
}

impl Window {
    fn rest<'a>(&self, run: &'a [RunEntry]) -> &'a [RunEntry] {
        run.get(self.low..self.high).unwrap_or_default()
    }

    fn head<'a>(&self, run: &'a [RunEntry], is_reverse: bool) -> Option<&'a RunEntry> {
        let rest = self.rest(run);
        if is_reverse { rest.last() } else { rest.first() }
    }

    fn advance(&mut self, entries: usize, is_reverse: bool) {
        if is_reverse {
            self.high -= entries;
        } else {
            self.low += entries;
        }
    }
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

    /// Merges the next block of locations into `pending`; returns how many entries it stepped over.
    fn fill(&mut self, arena: &Arena) -> usize {
        self.pending.clear();
        self.next = 0;
        let Contents { runs, .. } = self.snapshot.contents();
        let range = KeyRange { start: &self.start, end: self.end.as_deref() };
        let windows =
            self.windows.get_or_insert_with(|| runs.iter().map(|run| window(run, range, arena)).collect());
        let mut skipped = 0;
        while self.pending.len() < BLOCK {
            let Some(nearest) = nearest(runs, windows, self.is_reverse, arena, &mut skipped) else { break };
            // Everything of this run that lies clearly before the other runs' next keys.
            let others = runs.iter().zip(windows.iter()).enumerate().filter(|&(number, _)| number != nearest);
            let heads = others.filter_map(|(_, (run, window))| window.head(run, self.is_reverse));
            let prefixes = heads.map(|head| head.prefix);
            let bound = if self.is_reverse { prefixes.max() } else { prefixes.min() };
            let (Some(run), Some(window)) = (runs.get(nearest), windows.get_mut(nearest)) else { break };
            let room = BLOCK - self.pending.len();
            let rest = window.rest(run);
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
            window.advance(taken, self.is_reverse);
            skipped += taken - (self.pending.len() - before);
        }
        skipped
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

fn window(run: &[RunEntry], range: KeyRange<'_>, arena: &Arena) -> Window {
    if range.is_empty() {
        return Window { low: 0, high: 0 };
    }
    let low = if range.start.is_empty() { 0 } else { seek(run, 0, range.start, arena) };
    let high = range.end.map_or(run.len(), |end| seek(run, low, end, arena));
    Window { low, high }
}

/// The run whose next key comes first; of several with one key the newest, and the others step over it.
fn nearest(
    runs: &[std::sync::Arc<Vec<RunEntry>>],
    windows: &mut [Window],
    is_reverse: bool,
    arena: &Arena,
    skipped: &mut usize,
) -> Option<usize> {
    let mut nearest: Option<(usize, RunEntry)> = None;
    for (number, (run, window)) in runs.iter().zip(windows).enumerate().rev() {
        let Some(&head) = window.head(run, is_reverse) else { continue };
        let order = nearest.map_or(std::cmp::Ordering::Less, |(_, best)| {
            let order = head.prefix.cmp(&best.prefix);
            let order = order.then_with(|| arena.key(head.location).cmp(arena.key(best.location)));
            if is_reverse { order.reverse() } else { order }
        });
        match order {
            std::cmp::Ordering::Less => nearest = Some((number, head)),
            std::cmp::Ordering::Equal => {
                window.advance(1, is_reverse);
                *skipped += 1;
            }
            std::cmp::Ordering::Greater => {}
        }
    }
    nearest.map(|(number, _)| number)
}

impl Table {
    /// Hands the entries of a cursor's range to `visitor`, key by key in byte order, until it breaks or there are no
    /// more, and leaves the cursor behind the last one handed out. Entries written, deleted or cleared after the
    /// snapshot was taken are seen as they were; those that have expired at `now_ms` are not.
    ///
    /// The snapshot must be of this table; of another one nothing is seen.
    pub fn visit<'t, B>(
        &'t self,
        cursor: &mut Cursor,
        now_ms: u64,
        mut visitor: impl FnMut(&'t [u8], Entry<'t>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !cursor.snapshot.is_of(&self.snapshots) {
            return ControlFlow::Continue(());
        }
        let mut skipped = 0;
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue() {
            if cursor.next == cursor.pending.len() {
                skipped += cursor.fill(&self.arena);
                if cursor.pending.is_empty() {
                    break;
                }
            }
            flow = self.visit_pending(cursor, now_ms, &mut skipped, &mut visitor);
        }
        cursor.snapshot.note_skipped(skipped);
        flow
    }

    #[inline]
    fn visit_pending<'t, B>(
        &'t self,
        cursor: &mut Cursor,
        now_ms: u64,
        skipped: &mut usize,
        visitor: &mut impl FnMut(&'t [u8], Entry<'t>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let Cursor { snapshot, pending, next, .. } = cursor;
        let tombstones = &snapshot.contents().tombstones;
        let mut records: [Option<Record<'t>>; BLOCK] = [None; BLOCK];
        // All of them first, since none waits for another's cache miss that way.
        for (record, &location) in records.iter_mut().zip(pending.iter().skip(*next)) {
            *record = self.arena.record(location);
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

    /// How many entries of a range a snapshot holds that have not expired at `now_ms`. At once for everything, and a
    /// binary search for a range, where nothing can expire and no delete is waiting to be merged; else it walks them.
    #[must_use]
    pub fn count(&self, snapshot: &Snapshot, range: KeyRange<'_>, now_ms: u64) -> u64 {
        let contents = snapshot.contents();
        if !contents.can_expire && contents.tombstones.is_empty() && snapshot.is_of(&self.snapshots) {
            match (contents.entries, contents.runs.as_slice()) {
                (Some(entries), _) if range == KeyRange::ALL => return entries as u64,
                (_, [run]) => {
                    let window = window(run, range, &self.arena);
                    return window.rest(run).len() as u64;
                }
                _ => {}
            }
        }
        let mut count = 0;
        let flow: ControlFlow<()> =
            self.visit(&mut Cursor::new(snapshot.clone(), range, false), now_ms, |_, _| {
                count += 1;
                ControlFlow::Continue(())
            });
        debug_assert!(flow.is_continue(), "counting never breaks off");
        count
    }

    /// How many entries there are, where that is known at once and without a snapshot: nothing can expire and no
    /// range delete is being swept.
    #[must_use]
    pub fn count_all(&self) -> Option<u64> {
        (self.tally.expiring == 0 && self.tombstones.is_empty()).then_some(self.index.len() as u64)
    }
}

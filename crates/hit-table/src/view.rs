//! The ordered view: the keys in order, kept up to date from the first scan on.
//!
//! It is a list of sorted runs, oldest first, and the *fresh* locations written since. A scan needs the fresh ones
//! sorted into a run of their own; runs of similar size are merged, so that a key is merged a logarithmic number of
//! times and there are few runs. Merging everything into one run drops what is deleted, superseded or covered by a
//! range tombstone, and with it the last reason to keep retired chunks.
//!
//! Whatever takes long is built on the side: a [`ViewPlan`] is taken from the table, which then needs no lock until what was built
//! is put in use, and the table may be written to meanwhile.
//!
//! A table that is written and not scanned pays little for it: the view is dropped when the fresh locations have
//! become many, and gathered from the index again when somebody asks.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::chunks::Records;
use crate::gather::Gathering;
use crate::index::Root;
use crate::location::Location;
use crate::run::{Run, RunEntry, hide, merge, sort};
use crate::snapshot::{Contents, Pin, Snapshot};
use crate::table::Table;
use crate::tombstone::RangeTombstone;

/// A run is merged with the one before it when it is at least this part of its size.
const TIER_RATIO: usize = 4;

pub(crate) struct View {
    /// Whether the runs have everything but the fresh locations; before that only those count.
    pub(crate) is_complete: bool,
    pub(crate) runs: Vec<Arc<Run>>,
    /// Range deletes that may cover entries of the runs.
    pub(crate) tombstones: Arc<Vec<Arc<RangeTombstone>>>,
    /// In the order written; marked ones are deletions. Those that somebody is sorting, perhaps,
    being_sorted: Vec<Arc<Vec<Location>>>,
    /// and those behind them.
    fresh: Vec<Location>,
    /// It reads no chunk retired before this moment.
    pub(crate) birth: u64,
    /// The plan that was taken last, while it is worked on, and how many runs it has: these are not merged meanwhile.
    planned: Option<(Weak<()>, usize)>,
    /// What it is known by.
    identity: Arc<()>,
}

impl View {
    fn new(is_complete: bool, birth: u64) -> Self {
        Self {
            is_complete,
            runs: Vec::new(),
            tombstones: Arc::default(),
            being_sorted: Vec::new(),
            fresh: Vec::new(),
            birth,
            planned: None,
            identity: Arc::default(),
        }
    }

    pub(crate) fn add_tombstone(&mut self, tombstone: Arc<RangeTombstone>) {
        let tombstones = Arc::make_mut(&mut self.tombstones);
        tombstones.retain(|older| !tombstone.contains(older));
        tombstones.push(tombstone);
    }

    /// Something was written there; a marked location: deleted.
    #[inline]
    pub(crate) fn note(&mut self, location: Location) {
        self.fresh.push(location);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let runs: usize = self.runs.iter().map(|run| run.memory_bytes()).sum();
        let being_sorted: usize = self.being_sorted.iter().map(|locations| locations.capacity()).sum();
        runs + (being_sorted + self.fresh.capacity()) * size_of::<Location>()
    }

    pub(crate) fn fresh_entries(&self) -> usize {
        self.being_sorted.iter().map(|locations| locations.len()).sum::<usize>() + self.fresh.len()
    }

    /// Whether the runs have everything.
    fn is_up_to_date(&self) -> bool {
        self.is_complete && self.fresh.is_empty() && self.being_sorted.is_empty()
    }

    fn entries(&self) -> usize {
        self.runs.iter().map(|run| run.len()).sum()
    }

    /// Whether a plan for it is being built.
    pub(crate) fn is_planned(&self) -> bool {
        self.planned.as_ref().is_some_and(|(plan, _)| plan.strong_count() > 0)
    }
}

/// What a view is brought up to date from, without the table.
pub struct ViewPlan {
    pin: Pin,
    index: Arc<Root>,
    tombstones: Arc<Vec<Arc<RangeTombstone>>>,
    /// Range deletes that hide what the index has.
    hiding: Vec<Arc<RangeTombstone>>,
    is_complete: bool,
    base: Base,
    /// About how many keys there are, and whether they are gathered on two threads.
    entries: usize,
    is_large: bool,
    /// So much of the runs is in vain that all of them are merged.
    must_merge: bool,
    /// As long as somebody has it, the runs stay as they are.
    _claim: Arc<()>,
}

/// What a plan was made of.
struct Base {
    /// Which view that was.
    view: Arc<()>,
    runs: Vec<Arc<Run>>,
    fresh: Vec<Arc<Vec<Location>>>,
    /// When, in chunks retired and by sequence number.
    moment: u64,
    sequence: u64,
}

/// A view brought up to date beside the one in use, for [`Table::install_view`].
pub struct ViewBuild {
    base: Base,
    /// Instead of those of the base, and with its fresh locations.
    runs: Vec<Arc<Run>>,
    is_gathered: bool,
    /// Whether there is one run for everything, without anything that is dead.
    is_bottom: bool,
    _claim: Arc<()>,
}

impl Table {
    /// How many entries the next snapshot has to gather or sort, 0 if none. Where that is many, a view built before
    /// keeps whoever takes it, and writers, from waiting: [`Table::plan_view`], [`ViewPlan::build`] without the table, and
    /// [`Table::install_view`].
    #[must_use]
    pub fn view_backlog(&self) -> usize {
        match &self.view {
            Some(view) if view.is_complete => view.fresh_entries(),
            _ => self.index.len(),
        }
    }

    /// How many entries are to be merged so that scans find few runs and step over little, 0 if none or if a plan is being
    /// built. Snapshots do not wait for it.
    #[must_use]
    pub fn merge_backlog(&self) -> usize {
        match &self.view {
            Some(view) if view.is_complete && !view.is_planned() => self.due(view),
            _ => 0,
        }
    }

    fn due(&self, view: &View) -> usize {
        if self.must_merge(view) {
            return view.entries();
        }
        let mut due = 0;
        let mut tiers: Vec<usize> = Vec::with_capacity(view.runs.len());
        for run in &view.runs {
            let mut newer = run.len();
            while let Some(older) = tiers.pop_if(|older| is_due(*older, newer)) {
                newer += older;
                due += newer;
            }
            tiers.push(newer);
        }
        due
    }

    fn must_merge(&self, view: &View) -> bool {
        self.snapshots.skipped.load(Ordering::Relaxed) > view.entries()
            || view.tombstones.len() >= self.bounds.range_tombstones
    }

    /// A table that was just cleared has its view for nothing.
    pub(crate) fn empty_view(&mut self) {
        if self.view.is_some() {
            self.view = Some(View::new(true, self.arena.moment()));
        }
    }

    /// What a view is brought up to date from, without the table; from now on what is written is noted for it. `None` where
    /// there is nothing to do.
    pub fn plan_view(&mut self) -> Option<ViewPlan> {
        let moment = self.arena.moment();
        let mut view = self.view.take().unwrap_or_else(|| View::new(false, moment));
        let plan = self.plan(&mut view);
        self.view = Some(view);
        plan
    }

    fn plan(&self, view: &mut View) -> Option<ViewPlan> {
        if view.is_up_to_date() && self.due(view) == 0 {
            return None;
        }
        if !view.fresh.is_empty() {
            view.being_sorted.push(Arc::new(std::mem::take(&mut view.fresh)));
        }
        let claim = Arc::new(());
        view.planned = Some((Arc::downgrade(&claim), view.runs.len()));
        let entries = if view.is_complete { view.fresh_entries() } else { self.index.len() };
        Some(ViewPlan {
            pin: Pin::new(&self.snapshots, self.arena.memory(), view.birth, None),
            index: Arc::clone(self.index.root()),
            tombstones: Arc::clone(&view.tombstones),
            hiding: self.tombstones.iter().map(|active| Arc::clone(&active.tombstone)).collect(),
            is_complete: view.is_complete,
            base: Base {
                view: Arc::clone(&view.identity),
                runs: view.runs.clone(),
                fresh: view.being_sorted.clone(),
                moment: self.arena.moment(),
                sequence: self.last_sequence,
            },
            entries,
            is_large: entries >= self.bounds.large_view_entries,
            must_merge: self.must_merge(view),
            _claim: claim,
        })
    }

    /// Puts a view in use that was built. One that was overtaken, by another or by an undone write, or is another table's,
    /// is discarded.
    pub fn install_view(&mut self, build: ViewBuild) {
        let ViewBuild { base, runs, is_gathered, is_bottom, .. } = build;
        let Some(view) = self.view.as_mut().filter(|view| Arc::ptr_eq(&view.identity, &base.view)) else {
            return;
        };
        let there = view.runs.get(..base.runs.len()).unwrap_or_default();
        let is_there = there.len() == base.runs.len()
            && there.iter().zip(&base.runs).all(|(there, planned)| Arc::ptr_eq(there, planned));
        if !is_there || view.is_complete && is_gathered {
            return;
        }
        view.runs.splice(..base.runs.len(), runs);
        view.is_complete = true;
        // Somebody in a hurry may have sorted them too.
        view.being_sorted.retain(|fresh| !base.fresh.iter().any(|planned| Arc::ptr_eq(fresh, planned)));
        if is_bottom {
            view.birth = base.moment;
            Arc::make_mut(&mut view.tombstones).retain(|tombstone| tombstone.sequence > base.sequence);
            self.snapshots.skipped.store(0, Ordering::Relaxed);
        }
    }

    /// Does at once whatever the view lacks.
    pub(crate) fn complete_view(&mut self) {
        self.complete_view_within(usize::MAX);
    }

    /// The same, merging runs only where they have no more than `most_merged` entries together and nobody else does.
    fn complete_view_within(&mut self, most_merged: usize) {
        while self.view.as_ref().is_none_or(|view| !view.is_up_to_date()) {
            let planned = self.view.as_mut().and_then(|view| view.planned.take());
            let planned = planned.filter(|(plan, _)| plan.strong_count() > 0);
            let floor = planned.as_ref().map(|(_, runs)| *runs);
            if let Some(plan) = self.plan_view() {
                self.install_view(plan.build_within(floor, most_merged));
            }
            if let Some(view) = &mut self.view {
                view.planned = planned;
            }
        }
    }

    /// Holds this moment for scans. Costs what [`Table::view_backlog`] and [`Table::merge_backlog`] say.
    pub fn snapshot(&mut self) -> Snapshot {
        if self.merge_backlog() > 0
            && let Some(plan) = self.plan_view()
        {
            self.install_view(plan.build());
        }
        self.snapshot_within(usize::MAX)
    }

    /// The same without merging more than `most_merged` entries: runs that are longer wait for somebody to build a
    /// plan.
    pub fn snapshot_within(&mut self, most_merged: usize) -> Snapshot {
        self.complete_view_within(most_merged);
        self.try_snapshot().expect("the view was completed just now")
    }

    /// The same where nothing has to be done for it, so that a reader may.
    #[must_use]
    pub fn try_snapshot(&self) -> Option<Snapshot> {
        let view = self.view.as_ref().filter(|view| view.is_up_to_date())?;
        let contents = Contents {
            runs: view.runs.clone(),
            tombstones: view.tombstones.clone(),
            entries: self.exact_len(),
        };
        let pin = Pin::new(&self.snapshots, self.arena.memory(), view.birth, Some(Instant::now()));
        Some(Snapshot::new(pin, self.last_sequence, contents))
    }

    /// Whether a snapshot is of this table.
    #[must_use]
    pub fn has_taken(&self, snapshot: &Snapshot) -> bool {
        snapshot.is_of(&self.snapshots)
    }
}

fn is_due(older: usize, newer: usize) -> bool {
    newer * TIER_RATIO >= older
}

impl ViewPlan {
    /// How many entries it gathers or sorts; merging comes on top.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Builds it.
    #[must_use]
    pub fn build(self) -> ViewBuild {
        self.build_within(None, usize::MAX)
    }

    /// Builds it without merging more than `most_merged` entries at once. With a `floor`, somebody is building something
    /// that takes the place of so many first runs: they stay, and what is above them has something below it.
    fn build_within(self, floor: Option<usize>, most_merged: usize) -> ViewBuild {
        let records = self.pin.records();
        let runs = if self.is_complete {
            self.merged(floor, most_merged, records)
        } else {
            vec![self.gathered(records)]
        };
        let is_bottom = runs.len() <= 1 && (!self.is_complete || floor.is_none());
        let Self { base, is_complete, _claim, .. } = self;
        ViewBuild { base, runs, is_gathered: !is_complete, is_bottom, _claim }
    }

    /// Everything as the index has it, so also what is fresh in the base.
    fn gathered(&self, records: Records<'_>) -> Arc<Run> {
        let gathering = Gathering { index: &self.index, records, entries: self.entries };
        let mut entries = gathering.gather(self.is_large);
        hide_all(&mut entries, &self.hiding, records);
        Arc::new(Run::new(entries))
    }

    fn merged(&self, floor: Option<usize>, most_merged: usize, records: Records<'_>) -> Vec<Arc<Run>> {
        let (floor, is_lowest) = (floor.unwrap_or(0), floor.is_none());
        let mut runs = self.base.runs.clone();
        if !self.base.fresh.is_empty() {
            runs.push(Arc::new(sort_fresh(&self.base.fresh, records)));
        }
        let may_merge = |older: &Run, newer: &Run| older.len() + newer.len() <= most_merged;
        if self.must_merge {
            // The short ones first.
            while let [.., older, newer] = runs.as_slice()
                && runs.len() > floor + 1
                && may_merge(older, newer)
            {
                let joined = merge(older, newer, records, is_lowest && runs.len() == 2);
                runs.truncate(runs.len() - 2);
                runs.push(Arc::new(joined));
            }
        }
        let mut tiers: Vec<Arc<Run>> = Vec::with_capacity(runs.len());
        for mut newer in runs {
            while tiers.len() > floor
                && let Some(older) =
                    tiers.pop_if(|older| is_due(older.len(), newer.len()) && may_merge(older, &newer))
            {
                newer = Arc::new(merge(&older, &newer, records, is_lowest && tiers.is_empty()));
            }
            tiers.push(newer);
        }
        if let [run] = tiers.as_mut_slice()
            && is_lowest
        {
            self.clean(run, records);
        }
        tiers
    }

    /// Takes deletions out of the lowest run, and what range tombstones cover.
    fn clean(&self, run: &mut Arc<Run>, records: Records<'_>) {
        if self.tombstones.is_empty() && !run.entries().iter().any(|entry| entry.location.is_marked()) {
            return;
        }
        let mut entries = run.entries().to_vec();
        hide_all(&mut entries, &self.tombstones, records);
        *run = Arc::new(Run::new(entries));
    }
}

/// Takes out what is deleted, and what tombstones cover.
fn hide_all(entries: &mut Vec<RunEntry>, tombstones: &[Arc<RangeTombstone>], records: Records<'_>) {
    for tombstone in tombstones {
        hide(entries, tombstone, records);
    }
    entries.retain(|entry| !entry.location.is_marked());
}

/// The fresh locations in key order, of several of a key the last.
fn sort_fresh(fresh: &[Arc<Vec<Location>>], records: Records<'_>) -> Run {
    let locations = fresh.iter().flat_map(|locations| locations.iter());
    let mut run: Vec<RunEntry> = locations.map(|&location| RunEntry::new(location, records)).collect();
    sort(&mut run, records);
    // Reversed, the last of a key is the first, which is the one that stays.
    run.reverse();
    run.dedup_by(|earlier, later| {
        earlier.prefix == later.prefix && records.key(earlier.location) == records.key(later.location)
    });
    run.reverse();
    Run::new(run)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use hit_core::{KeyRange, Operation};

    use super::*;
    use crate::Cursor;

    #[test]
    fn a_view_that_was_built_for_another_table_is_not_put_in_use() {
        let mut tables = [Table::new(), Table::new()];
        for (table, keys) in tables.iter_mut().zip([[b"a", b"c"].as_slice(), [b"b"].as_slice()]) {
            let sets = keys.iter().map(|&key| Operation::Set { key, value: b"", expires_at: None });
            table.replay((1..).zip(sets));
        }
        let [one, other] = &mut tables;
        let plans = [one.plan_view(), other.plan_view()];
        let [one_built, other_built] = plans.map(|plan| plan.unwrap().build());
        other.install_view(one_built);
        assert!(other.try_snapshot().is_none());
        other.install_view(other_built);
        assert!(other.try_snapshot().is_some());
        let mut keys = Vec::new();
        let mut cursor = Cursor::new(other.snapshot(), KeyRange::ALL, false);
        let _ = cursor.visit(0, |key, _| {
            keys.push(key.to_vec());
            ControlFlow::<()>::Continue(())
        });
        assert_eq!(keys, [b"b"]);
        let snapshot = other.snapshot();
        assert_eq!(snapshot.count(KeyRange { start: b"a", end: None }, 0), 1);
        assert!(other.has_taken(&snapshot) && !one.has_taken(&snapshot));
    }

    #[test]
    fn taking_from_the_front_steps_over_few_of_the_deletions_before() {
        const ENTRIES: u32 = 10_000;
        let mut table = Table::new();
        let keys: Vec<[u8; 4]> = (0..ENTRIES).map(u32::to_be_bytes).collect();
        table.replay((1..).zip(keys.iter().map(|key| Operation::Set { key, value: b"", expires_at: None })));
        let (mut skipped, mut before) = (0, 0);
        for expected in &keys[..2_000] {
            let mut cursor = Cursor::new(table.snapshot(), KeyRange::ALL, false);
            let first = match cursor.visit(0, |key, _| ControlFlow::Break(key.to_vec())) {
                ControlFlow::Break(key) => key,
                ControlFlow::Continue(()) => panic!("entries are left"),
            };
            assert_eq!(first, expected);
            let delete = Operation::Delete { key: &first };
            table.replay([(table.last_sequence() + 1, delete)].into_iter());
            let now = table.snapshots.skipped.load(Ordering::Relaxed);
            skipped += if now >= before { now - before } else { now };
            before = now;
        }
        // Without a merge in time it were every deletion before, two million in all and each counted twice.
        assert!(skipped < 500_000, "{skipped}");
    }
}

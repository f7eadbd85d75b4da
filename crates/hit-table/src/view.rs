//! The ordered view: the keys in order, kept up to date from the first scan on.
//!
//! It is a list of sorted runs, oldest first, and the *fresh* locations written since. A scan needs the fresh ones
//! sorted into a run of their own; runs of similar size are merged, so that a key is merged a logarithmic number of
//! times and there are few runs. Merging everything into one run drops what is deleted, superseded or covered by a
//! range tombstone, and with it the last reason to keep retired chunks.
//!
//! A table that is written and not scanned pays little for it: the view is dropped when the fresh locations have
//! become many, and gathered from the index again when somebody asks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::gather::gather;
use crate::location::Location;
use crate::run::{Run, RunEntry, hide, merge, sort, word_at};
use crate::snapshot::{Contents, Registry, Snapshot};
use crate::table::Table;
use crate::tombstone::RangeTombstone;

/// A run is merged with the one before it when it is at least this part of its size.
const TIER_RATIO: usize = 4;

pub(crate) struct View {
    /// Changes whenever the runs do.
    version: u64,
    /// Whether the runs have everything but the fresh locations; before that only `fresh` counts.
    pub(crate) is_complete: bool,
    pub(crate) runs: Vec<Arc<Run>>,
    /// Range deletes that may cover entries of the runs.
    pub(crate) tombstones: Arc<Vec<Arc<RangeTombstone>>>,
    /// In the order written; marked ones are deletions.
    pub(crate) fresh: Vec<Location>,
    /// It reads no chunk retired before this moment.
    pub(crate) birth: u64,
}

impl View {
    pub(crate) fn add_tombstone(&mut self, tombstone: Arc<RangeTombstone>) {
        let tombstones = Arc::make_mut(&mut self.tombstones);
        tombstones.retain(|older| !tombstone.contains(older));
        tombstones.push(tombstone);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let runs: usize = self.runs.iter().map(|run| run.capacity() * size_of::<RunEntry>()).sum();
        runs + self.fresh.capacity() * size_of::<Location>()
    }

    fn entries(&self) -> usize {
        self.runs.iter().map(|run| run.len()).sum()
    }
}

/// A view brought up to date beside the one in use, for [`Table::install_view`].
pub struct ViewBuild {
    /// Of the table that it was built for.
    registry: Arc<Registry>,
    /// Of the view that was there.
    version: u64,
    runs: Vec<Arc<Run>>,
    /// How many of the fresh locations are in the runs.
    flushed: usize,
    /// Where everything was merged into one run: when, and up to which sequence number.
    merged: Option<(u64, u64)>,
}

impl Table {
    /// How many entries the next snapshot has to gather or sort, 0 if none. Where that is many, a view built before
    /// keeps writers from waiting for it: [`Table::begin_view`] and [`Table::install_view`] under the write lock,
    /// [`Table::build_view`] between them under the read lock.
    #[must_use]
    pub fn view_backlog(&self) -> usize {
        match &self.view {
            Some(view) if view.is_complete => view.fresh.len(),
            _ => self.index.len(),
        }
    }

    /// Starts to note what is written, so that a view built from now on can be brought up to date. Returns whether
    /// building it outside the write lock is worth the trouble.
    pub fn begin_view(&mut self) -> bool {
        if self.view.is_none() {
            self.view = Some(self.new_view(false));
        }
        self.view_backlog() >= self.bounds.large_view_entries
    }

    fn new_view(&mut self, is_complete: bool) -> View {
        View {
            version: self.next_view_version(),
            is_complete,
            runs: Vec::new(),
            tombstones: Arc::default(),
            fresh: Vec::new(),
            birth: self.arena.moment(),
        }
    }

    fn next_view_version(&mut self) -> u64 {
        self.next_view += 1;
        self.next_view
    }

    /// A table that was just cleared has its view for nothing.
    pub(crate) fn empty_view(&mut self) {
        if self.view.is_some() {
            self.view = Some(self.new_view(true));
        }
    }

    /// Brings the view up to date, on the side. `None` when there is nothing to do, or nothing was begun.
    #[must_use]
    pub fn build_view(&self) -> Option<ViewBuild> {
        let view = self.view.as_ref()?;
        let merged = Some((self.arena.moment(), self.last_sequence));
        if !view.is_complete {
            let runs = vec![Arc::new(gather(self))];
            let registry = Arc::clone(&self.snapshots);
            return Some(ViewBuild {
                registry,
                version: view.version,
                runs,
                flushed: view.fresh.len(),
                merged,
            });
        }
        let must_merge = self.snapshots.skipped.load(Ordering::Relaxed) > view.entries()
            || view.tombstones.len() >= self.bounds.range_tombstones;
        if view.fresh.is_empty() && !must_merge {
            return None;
        }
        let mut runs = view.runs.clone();
        if !view.fresh.is_empty() {
            runs.push(Arc::new(self.sort_fresh(&view.fresh)));
        }
        while let [.., older, newer] = runs.as_slice() {
            if !must_merge && newer.len() * TIER_RATIO < older.len() {
                break;
            }
            let joined = merge(older, newer, &self.arena, runs.len() == 2);
            runs.truncate(runs.len() - 2);
            runs.push(Arc::new(joined));
        }
        let is_merged = runs.len() <= 1;
        if is_merged && let Some(run) = runs.pop() {
            runs.push(self.bottom(run, &view.tombstones));
        }
        Some(ViewBuild {
            registry: Arc::clone(&self.snapshots),
            version: view.version,
            runs,
            flushed: view.fresh.len(),
            merged: merged.filter(|_| is_merged),
        })
    }

    /// The lowest run without deletions and without what range tombstones cover.
    fn bottom(&self, run: Arc<Run>, tombstones: &[Arc<RangeTombstone>]) -> Arc<Run> {
        if tombstones.is_empty() && !run.iter().any(|entry| entry.location.is_marked()) {
            return run;
        }
        let mut run = Run::clone(&run);
        for tombstone in tombstones {
            hide(&mut run, tombstone, &self.arena);
        }
        run.retain(|entry| !entry.location.is_marked());
        Arc::new(run)
    }

    fn sort_fresh(&self, fresh: &[Location]) -> Run {
        let entry =
            |&location: &Location| RunEntry { prefix: word_at(self.arena.key(location), 0), location };
        let mut run: Run = fresh.iter().map(entry).collect();
        sort(&mut run, &self.arena);
        let is_same = |left: &RunEntry, right: &RunEntry| {
            left.prefix == right.prefix && self.arena.key(left.location) == self.arena.key(right.location)
        };
        // Of several operations on a key the index knows the one that counts.
        for group in run.chunk_by_mut(is_same).filter(|group| group.len() > 1) {
            let Some(first) = group.first_mut() else { continue };
            let key = self.arena.key(first.location);
            first.location =
                self.locate(self.hasher.hash(key), key).unwrap_or_else(|| first.location.marked());
        }
        run.dedup_by(|right, left| is_same(left, right));
        run
    }

    /// Puts a view in use that [`Table::build_view`] has brought up to date. One that was overtaken, by another or by an
    /// undone write, or is another table's, is discarded.
    pub fn install_view(&mut self, build: ViewBuild) {
        if !Arc::ptr_eq(&build.registry, &self.snapshots) {
            return;
        }
        let version = self.next_view_version();
        let Some(view) = self.view.as_mut().filter(|view| view.version == build.version) else { return };
        view.version = version;
        view.is_complete = true;
        view.runs = build.runs;
        view.fresh = view.fresh.split_off(build.flushed);
        if let Some((birth, sequence)) = build.merged {
            view.birth = birth;
            Arc::make_mut(&mut view.tombstones).retain(|tombstone| tombstone.sequence > sequence);
            self.snapshots.skipped.store(0, Ordering::Relaxed);
        }
    }

    /// Does at once whatever the view lacks.
    pub(crate) fn complete_view(&mut self) {
        self.begin_view();
        if let Some(build) = self.build_view() {
            self.install_view(build);
        }
    }

    /// Holds this moment for scans. Costs what [`Table::view_backlog`] says.
    pub fn snapshot(&mut self) -> Snapshot {
        self.complete_view();
        self.try_snapshot().expect("the view was completed just now")
    }

    /// The same where nothing has to be done for it, so that a reader may.
    #[must_use]
    pub fn try_snapshot(&self) -> Option<Snapshot> {
        let view = self.view.as_ref().filter(|view| view.is_complete && view.fresh.is_empty())?;
        let contents = Contents {
            runs: view.runs.clone(),
            tombstones: view.tombstones.clone(),
            entries: self.tombstones.is_empty().then_some(self.index.len()),
            can_expire: self.tally.expiring > 0,
        };
        Some(Snapshot::new(&self.snapshots, view.birth, self.last_sequence, contents))
    }

    /// Whether a snapshot is of this table.
    #[must_use]
    pub fn has_taken(&self, snapshot: &Snapshot) -> bool {
        snapshot.is_of(&self.snapshots)
    }
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
            table.begin_view();
        }
        let [one, other] = &mut tables;
        other.install_view(one.build_view().unwrap());
        let mut keys = Vec::new();
        let mut cursor = Cursor::new(other.snapshot(), KeyRange::ALL, false);
        let _ = other.visit(&mut cursor, 0, |key, _| {
            keys.push(key.to_vec());
            ControlFlow::<()>::Continue(())
        });
        assert_eq!(keys, [b"b"]);
        let snapshot = other.snapshot();
        assert_eq!(other.count(&snapshot, KeyRange { start: b"a", end: None }, 0), 1);
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
            let first = match table.visit(&mut cursor, 0, |key, _| ControlFlow::Break(key.to_vec())) {
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

//! Range deletes. What one does depends on how much it covers:
//!
//! * few entries, found by walking a small table or in the view: they are deleted one by one;
//! * everything: the index is put aside and a new one begun, at once and for reads as cheap as an empty table;
//! * anything else: a range tombstone, which reads consult until a sweep has removed what it covers.
//!
//! Reads pay for each active tombstone, so there are few: past their bound a range delete goes the first way however
//! much it covers, and builds the view for it if it must. Each entry is deleted once, so many range deletes in a row
//! cost what they delete.

use std::sync::Arc;

use hit_core::KeyRange;

use crate::index::IndexAside;
use crate::location::Location;
use crate::table::Table;
use crate::tally::Aside;
use crate::tombstone::RangeTombstone;
use crate::undo::Undo;

/// A range tombstone that reads consult.
pub(crate) struct ActiveTombstone {
    pub(crate) tombstone: Arc<RangeTombstone>,
    /// Whether it is durable, so that what it covers may go.
    pub(crate) settled: bool,
}

/// A range tombstone whose work is done but for writes that are not settled: those up to `last_sequence` may have
/// replaced a record that it covers, which no undo may bring back.
pub(crate) struct SweptTombstone {
    pub(crate) tombstone: Arc<RangeTombstone>,
    pub(crate) last_sequence: u64,
}

/// What a clear of everything has put aside.
pub(crate) struct Cleared {
    pub(crate) index: IndexAside,
    pub(crate) tombstones: Vec<ActiveTombstone>,
    pub(crate) counted: Aside,
    /// All records of the index are in chunks with a serial below this.
    pub(crate) before: u64,
}

impl Table {
    pub(crate) fn delete_range(&mut self, sequence: u64, range: KeyRange<'_>, undo: Option<&mut Undo>) {
        if range.is_empty() || self.index.len() == 0 {
            return;
        }
        if self.index.len() <= self.bounds.expand_entries {
            let within = |&location: &Location| range.contains(self.arena.key(location));
            let covered = self.index.locations().filter(within).collect();
            self.delete_all(covered, undo);
        } else if range == KeyRange::ALL {
            self.clear(undo);
        } else if let Some(covered) = self.expansion(range) {
            self.delete_all(covered, undo);
        } else {
            self.add_tombstone(RangeTombstone::new(range, sequence), undo);
        }
    }

    /// What to delete one by one, if that is the way to go: locations of every key in the range, some of them old.
    fn expansion(&mut self, range: KeyRange<'_>) -> Option<Vec<Location>> {
        let is_full = self.tombstones.len() >= self.bounds.range_tombstones;
        if !is_full && !self.view.as_ref().is_some_and(|view| view.is_complete) {
            return None;
        }
        self.complete_view();
        let view = self.view.as_ref()?;
        let mut parts = Vec::new();
        for run in &view.runs {
            let window = run.window(range, self.arena.records());
            parts.push(run.entries().get(window).unwrap_or_default());
        }
        let covered: usize = parts.iter().map(|part| part.len()).sum();
        if !is_full && covered > self.bounds.expand_entries {
            return None;
        }
        Some(parts.into_iter().flatten().map(|entry| entry.location).collect())
    }

    fn delete_all(&mut self, covered: Vec<Location>, mut undo: Option<&mut Undo>) {
        for location in covered {
            let key = self.arena.key(location);
            let hash = self.hasher.hash(key);
            if let Some(old) = self.index.remove(hash, |there| self.arena.key(there) == key) {
                self.stop_counting(old);
                self.supersede(old, undo.as_deref_mut());
                self.note_deleted(old);
            }
        }
    }

    fn clear(&mut self, undo: Option<&mut Undo>) {
        self.arena.seal_head();
        let cleared = Cleared {
            index: self.index.put_aside(),
            tombstones: std::mem::take(&mut self.tombstones),
            counted: self.tally.put_aside(),
            before: self.arena.next_serial(),
        };
        self.note_hiding();
        self.sweep.restart();
        self.empty_view();
        match undo {
            Some(undo) => undo.note_cleared(cleared),
            None => {
                self.arena.kill_older_than(cleared.before);
                self.cleared.push(cleared.index);
            }
        }
    }

    fn add_tombstone(&mut self, tombstone: RangeTombstone, undo: Option<&mut Undo>) {
        let tombstone = Arc::new(tombstone);
        if let Some(view) = &mut self.view {
            view.add_tombstone(tombstone.clone());
        }
        let settled = undo.is_none();
        if let Some(undo) = undo {
            undo.tombstones.push(tombstone.sequence);
        }
        self.tombstones.push(ActiveTombstone { tombstone, settled });
        self.note_hiding();
    }
}

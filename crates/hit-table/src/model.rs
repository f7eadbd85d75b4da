//! Random operations against a `BTreeMap`, with bounds so small that every path is taken, and against a log that is
//! compacted now and then.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use hit_core::limits::LARGE_VALUE_BYTES;
use hit_core::{KeyRange, Operation};
use proptest::collection::vec;
use proptest::prelude::*;

mod disk;
mod history;

use self::disk::Disk;
use self::history::{History, Owned};
use crate::span::set_bytes;
use crate::{Bounds, Cursor, LookupSlot, Snapshot, Span, Table, Undo, Value, ViewBuild, ViewPlan};

/// Value, expiry, sequence number.
type Kept = (Vec<u8>, Option<u64>, u64);
type Map = BTreeMap<Vec<u8>, Kept>;

#[derive(Clone, Debug)]
enum Write {
    Set { key: usize, length: usize, ttl_ms: Option<u64> },
    Delete { key: usize },
    DeleteRange { start: usize, end: usize },
    Clear,
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Write>),
    Replay(Vec<Write>),
    Settle,
    Undo,
    TakeSnapshot,
    DropSnapshot(usize),
    OpenCursor { snapshot: usize, start: usize, end: usize, reverse: bool },
    Page { cursor: usize, entries: usize },
    Count { snapshot: usize, start: usize, end: usize },
    PlanView,
    BuildView,
    InstallView,
    TakeSnapshotWithin(usize),
    Sweep { budget: usize },
    Wait { ms: u64 },
    StoreValue { key: usize },
    StoreAll,
    MoveValues,
    Judge,
    BeginSpan,
    Compact { first: usize, spans: usize },
}

const KEYS: usize = 60;

/// Keys that share eight bytes, are prefixes of each other, end in zeros or are as long as can be.
fn key(number: usize) -> Vec<u8> {
    match number % KEYS {
        0 => Vec::new(),
        1 => b"same key".to_vec(),
        2 => b"same key\0".to_vec(),
        3 => b"same key\0\0\0\0\0\0\0\0\0".to_vec(),
        4 => vec![b's'; 2_048],
        5 => [&[b's'; 2_047][..], b"t"].concat(),
        6 => vec![0xff; 9],
        number @ 7..20 => format!("same key and {number}").into_bytes(),
        number => format!("{number}").into_bytes(),
    }
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let one = prop_oneof![
        20 => (0..KEYS, prop_oneof![8 => 0..40_usize, 3 => 200..400_usize], prop::option::weighted(0.2, 0..50_u64))
            .prop_map(|(key, length, ttl_ms)| Write::Set { key, length, ttl_ms }),
        8 => (0..KEYS).prop_map(|key| Write::Delete { key }),
        2 => (0..=KEYS, 0..=KEYS).prop_map(|(start, end)| Write::DeleteRange { start, end }),
        1 => Just(Write::Clear),
    ];
    vec(one, 1..24)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        12 => writes().prop_map(Step::Apply),
        2 => writes().prop_map(Step::Replay),
        10 => Just(Step::Settle),
        3 => Just(Step::Undo),
        4 => Just(Step::TakeSnapshot),
        3 => any::<usize>().prop_map(Step::DropSnapshot),
        4 => (any::<usize>(), 0..=KEYS, 0..=KEYS, any::<bool>())
            .prop_map(|(snapshot, start, end, reverse)| Step::OpenCursor { snapshot, start, end, reverse }),
        8 => (any::<usize>(), 0..50_usize).prop_map(|(cursor, entries)| Step::Page { cursor, entries }),
        3 => (any::<usize>(), 0..=KEYS, 0..=KEYS)
            .prop_map(|(snapshot, start, end)| Step::Count { snapshot, start, end }),
        3 => Just(Step::PlanView),
        3 => Just(Step::BuildView),
        3 => Just(Step::InstallView),
        2 => (0..30_usize).prop_map(Step::TakeSnapshotWithin),
        8 => (1..40_usize).prop_map(|budget| Step::Sweep { budget }),
        3 => (0..20_u64).prop_map(|ms| Step::Wait { ms }),
        6 => (0..KEYS).prop_map(|key| Step::StoreValue { key }),
        1 => Just(Step::StoreAll),
        3 => Just(Step::MoveValues),
        4 => Just(Step::Judge),
        5 => Just(Step::BeginSpan),
        3 => (any::<usize>(), 1..5_usize).prop_map(|(first, spans)| Step::Compact { first, spans }),
    ];
    vec(one, 1..90)
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (
        prop_oneof![Just(300_usize), Just(3_000)],
        0..6_usize,
        0..4_usize,
        prop_oneof![Just(4_usize), Just(1_000)],
        prop_oneof![Just(2_usize), Just(20), Just(1_000)],
        prop_oneof![3 => Just(u64::MAX), 1 => Just(1 << 63 | 1)],
    )
        .prop_map(|(chunk_bytes, expand_entries, range_tombstones, large, fresh_entries, hash_mask)| {
            Bounds {
                chunk_bytes,
                large_record_bytes: 150,
                expand_entries,
                range_tombstones,
                expiry_slack_ms: 5,
                large_view_entries: large,
                fresh_entries,
                hash_mask,
            }
        })
}

/// A range by two positions among the sorted keys; position `KEYS` is open.
fn range(start: usize, end: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let start = if start == KEYS { Vec::new() } else { key(start) };
    (start, (end != KEYS).then(|| key(end)))
}

struct OpenCursor {
    cursor: Cursor,
    /// What is left of it, in its order.
    rest: VecDeque<(Vec<u8>, Kept)>,
}

struct World {
    table: Table,
    /// Reads the table without it.
    lookup: LookupSlot,
    map: Map,
    sequence: u64,
    now_ms: u64,
    /// Each with what there was before it.
    unsettled: VecDeque<(Undo, u64, Map, History)>,
    history: History,
    disk: Disk,
    snapshots: Vec<(Snapshot, Map)>,
    cursors: Vec<OpenCursor>,
    plan: Option<ViewPlan>,
    build: Option<ViewBuild>,
    /// Whether what was undone has its numbers given again, as a store does.
    reuses_sequences: bool,
}

fn is_live(entry: &Kept, now_ms: u64) -> bool {
    entry.1.is_none_or(|expires_at| now_ms < expires_at)
}

impl World {
    fn write(&mut self, writes: &[Write], is_replay: bool) {
        let before = (self.map.clone(), self.history.clone());
        let first = self.sequence + 1;
        for write in writes {
            self.sequence += 1;
            let value = self.sequence.to_be_bytes();
            let owned = match *write {
                Write::Set { key: number, length, ttl_ms } => {
                    let value: Vec<u8> = value.iter().copied().cycle().take(length).collect();
                    let expires_at = ttl_ms.map(|ttl_ms| self.now_ms + ttl_ms);
                    self.map.insert(key(number), (value.clone(), expires_at, self.sequence));
                    Owned::Set { key: key(number), value, expires_at }
                }
                Write::Delete { key: number } => {
                    self.map.remove(&key(number));
                    Owned::Delete { key: key(number) }
                }
                Write::DeleteRange { start, end } => {
                    let (start, end) = range(start, end);
                    let covered = KeyRange { start: &start, end: end.as_deref() };
                    self.map.retain(|key, _| !covered.contains(key));
                    Owned::DeleteRange { start, end }
                }
                Write::Clear => {
                    self.map.clear();
                    Owned::DeleteRange { start: Vec::new(), end: None }
                }
            };
            self.history.0.insert(self.sequence, owned);
        }
        let operations = self.history.0.range(first..);
        if is_replay {
            self.table.replay(operations.map(|(&sequence, operation)| (sequence, operation.borrow())));
        } else {
            let operations: Vec<Operation<'_>> =
                operations.map(|(_, operation)| operation.borrow()).collect();
            let undo = self.table.apply(first, operations.into_iter());
            self.unsettled.push_back((undo, first - 1, before.0, before.1));
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Apply(writes) => self.write(writes, false),
            Step::Replay(writes) if self.unsettled.is_empty() => self.write(writes, true),
            Step::Settle => {
                if let Some((undo, ..)) = self.unsettled.pop_front() {
                    self.table.settle(undo);
                }
            }
            Step::Undo => {
                if let Some((undo, sequence, map, history)) = self.unsettled.pop_back() {
                    let undone = self.table.undone_writes();
                    self.table.undo(undo);
                    assert_eq!(self.table.undone_writes(), undone + 1);
                    (self.map, self.history) = (map, history);
                    if self.reuses_sequences {
                        self.sequence = sequence;
                    }
                }
            }
            Step::TakeSnapshot => {
                let snapshot = self.table.snapshot();
                assert_eq!(self.table.view_backlog(), 0);
                assert!(self.table.try_snapshot().is_some());
                self.snapshots.push((snapshot, self.map.clone()));
            }
            Step::DropSnapshot(number) if !self.snapshots.is_empty() => {
                self.snapshots.remove(number % self.snapshots.len());
            }
            Step::OpenCursor { snapshot, start, end, reverse } if !self.snapshots.is_empty() => {
                let (snapshot, map) = &self.snapshots[snapshot % self.snapshots.len()];
                let (start, end) = range(*start, *end);
                let range = KeyRange { start: &start, end: end.as_deref() };
                let mut rest: VecDeque<_> = map
                    .iter()
                    .filter(|(key, _)| range.contains(key))
                    .map(|(key, entry)| (key.clone(), entry.clone()))
                    .collect();
                if *reverse {
                    rest.make_contiguous().reverse();
                }
                let cursor = Cursor::new(snapshot.clone(), range, *reverse);
                self.cursors.push(OpenCursor { cursor, rest });
            }
            Step::Page { cursor, entries } if !self.cursors.is_empty() => {
                let number = cursor % self.cursors.len();
                if self.page(number, *entries) {
                    self.cursors.remove(number);
                }
            }
            Step::Count { snapshot, start, end } if !self.snapshots.is_empty() => {
                let (snapshot, map) = &self.snapshots[snapshot % self.snapshots.len()];
                let (start, end) = range(*start, *end);
                let range = KeyRange { start: &start, end: end.as_deref() };
                let expected = map
                    .iter()
                    .filter(|(key, entry)| range.contains(key) && is_live(entry, self.now_ms))
                    .count();
                assert_eq!(snapshot.count(range, self.now_ms), expected as u64);
            }
            Step::TakeSnapshotWithin(most_merged) => {
                let snapshot = self.table.snapshot_within(*most_merged);
                assert_eq!(self.table.view_backlog(), 0);
                self.snapshots.push((snapshot, self.map.clone()));
            }
            Step::PlanView => self.plan = self.table.plan_view().or(self.plan.take()),
            // Built late, it finds all that was there when it was planned.
            Step::BuildView => self.build = self.plan.take().map(ViewPlan::build).or(self.build.take()),
            Step::InstallView => {
                if let Some(build) = self.build.take() {
                    self.table.install_view(build);
                }
            }
            Step::Sweep { budget } => {
                self.table.sweep(self.now_ms, *budget);
            }
            Step::Wait { ms } => self.now_ms += ms,
            Step::StoreValue { key: number } => self.store_value(&key(*number)),
            Step::StoreAll => (0..KEYS).for_each(|number| self.store_value(&key(number))),
            Step::MoveValues => {
                let durable = self.durable();
                self.disk.compact(&mut self.table, &durable);
            }
            Step::Judge => self.history.check_verdicts(&self.table, self.now_ms),
            Step::BeginSpan => self.table.begin_span(self.sequence + 1),
            Step::Compact { first, spans } => self.compact(*first, *spans),
            _ => {}
        }
    }

    /// What no undo takes back.
    fn durable(&self) -> History {
        let next = self.unsettled.front().map_or(self.sequence, |&(_, sequence, ..)| sequence);
        History(
            self.history
                .0
                .range(..=next)
                .map(|(&sequence, operation)| (sequence, operation.clone()))
                .collect(),
        )
    }

    fn store_value(&mut self, key: &[u8]) {
        let durable = self.durable();
        let sets = durable.0.iter().filter_map(|(&sequence, operation)| match operation {
            Owned::Set { key: own, value, .. } if own == key => Some((sequence, value)),
            _ => None,
        });
        for (sequence, value) in sets {
            let is_newest =
                self.map.get(key).is_some_and(|entry| entry.2 == sequence && is_live(entry, self.now_ms));
            let is_stored = self.disk.store(&mut self.table, sequence, key, value);
            assert!(!is_newest || is_stored == (value.len() >= LARGE_VALUE_BYTES), "{key:?} {sequence}");
        }
    }

    /// Rewrites the history of some spans, as a compaction does once everything is durable.
    fn compact(&mut self, first: usize, spans: usize) {
        let firsts: Vec<u64> = self.table.spans().iter().map(|span| span.first_sequence).collect();
        if firsts.is_empty() || !self.unsettled.is_empty() {
            return;
        }
        let at = first % firsts.len();
        let next = firsts.get(at + spans).copied().unwrap_or(self.sequence + 1);
        let sequences = firsts[at]..next.max(firsts[at]);
        self.history.compact(sequences.clone(), &self.table, self.now_ms);
        let (total_bytes, tombstone_bytes) = self.history.bytes(sequences.clone());
        self.table.replace_spans(sequences.start, sequences.end, total_bytes, tombstone_bytes);
    }

    /// What a log would give after all compactions is what there is.
    fn check_reopened(&self) {
        let mut table = Table::with_bounds(self.table.bounds);
        for span in self.table.spans() {
            table.begin_span(span.first_sequence);
        }
        table.replay(self.history.operations());
        for number in 0..KEYS {
            let (key, now_ms) = (key(number), self.now_ms);
            let value = |entry: crate::Entry<'_>| (self.disk.read(entry.value).to_vec(), entry.expires_at);
            let (reopened, there) = (table.get(&key, now_ms), self.table.get(&key, now_ms));
            assert_eq!(reopened.map(value), there.map(value), "{key:?}");
        }
        let totals = |span: &Span| (span.first_sequence, span.total_bytes, span.tombstone_bytes);
        assert!(table.spans().iter().map(totals).eq(self.table.spans().iter().map(totals)));
    }

    /// Reads a page of a cursor; whether that was the end of it.
    fn page(&mut self, number: usize, entries: usize) -> bool {
        let OpenCursor { cursor, rest } = &mut self.cursors[number];
        let disk = &self.disk;
        let now_ms = self.now_ms;
        let mut left = entries;
        let mut next = || loop {
            match rest.pop_front() {
                Some((_, entry)) if !is_live(&entry, now_ms) => {}
                next => return next,
            }
        };
        if left == 0 {
            return false;
        }
        let flow = cursor.visit(now_ms, |key, entry| {
            let (expected, (value, expires_at, sequence)) = next().expect("an entry beyond the last");
            assert_eq!(key, expected);
            let found = disk.read(entry.value);
            assert_eq!((found, entry.expires_at, entry.sequence), (&value[..], expires_at, sequence));
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if flow.is_continue() {
            assert_eq!(next(), None, "the cursor ended early");
        }
        flow.is_continue()
    }

    fn check(&self) {
        let keys: Vec<Vec<u8>> = (0..KEYS).map(key).collect();
        let expected: Vec<_> = keys
            .iter()
            .map(|key| self.map.get(key).filter(|entry| is_live(entry, self.now_ms)))
            .map(|entry| entry.map(|(value, expires_at, sequence)| (&value[..], *expires_at, *sequence)))
            .collect();
        let mut many = Vec::new();
        let parts = |entry: crate::Entry<'_>| {
            (self.disk.read(entry.value).to_vec(), entry.expires_at, entry.sequence)
        };
        self.table
            .get_many(keys.iter().map(|key| &key[..]), self.now_ms, |entry| many.push(entry.map(parts)));
        for ((key, expected), many) in keys.iter().zip(expected).zip(many) {
            let one = self.table.get(key, self.now_ms);
            assert_eq!(
                one.map(|entry| (self.disk.read(entry.value), entry.expires_at, entry.sequence)),
                expected,
                "{key:?}"
            );
            assert_eq!(many, one.map(parts));
            match self.lookup.get(key, || self.now_ms, |entry| entry.map(parts)) {
                Ok(found) => assert_eq!(found, many, "{key:?}"),
                Err(_) => assert!(self.table.stats().range_tombstones > 0),
            }
        }
        let mut looked_up = Vec::new();
        let push = |entry: Option<crate::Entry<'_>>| looked_up.push(entry.map(parts));
        let keys = keys.iter().map(|key| &key[..]);
        match self.lookup.get_many(keys.clone(), true, || self.now_ms, push) {
            Ok(()) => {
                let single = keys.map(|key| self.table.get(key, self.now_ms).map(parts));
                assert!(looked_up.into_iter().eq(single));
            }
            Err(_) => assert!(self.table.stats().range_tombstones > 0),
        }
        let stats = self.table.stats();
        let live = self.map.values().filter(|entry| is_live(entry, self.now_ms)).count();
        assert!((live..=self.map.len()).contains(&stats.entries), "{live} {} {stats:?}", self.map.len());
        let locations = self.table.index.locations();
        let records: Vec<_> = locations.map(|location| self.table.arena.record(location).unwrap()).collect();
        let expiring = records.iter().filter(|record| record.expires_at.is_some()).count();
        assert_eq!(stats.expiring_entries, expiring);
        if self.unsettled.is_empty() {
            assert_eq!(stats.live_bytes, records.iter().map(|record| record.size()).sum::<usize>());
        }
        let is_large = |value: Value<'_>| value.len() >= LARGE_VALUE_BYTES;
        let large = records
            .iter()
            .filter_map(|record| record.value.in_memory())
            .filter(|value| is_large(Value::Memory(value)));
        let stored: Vec<_> = records.iter().filter(|record| record.value.in_memory().is_none()).collect();
        assert_eq!(stats.large_value_bytes, large.map(|value| value.len() as u64).sum());
        let stored_bytes = stored.iter().map(|record| record.value.len() as u64).sum();
        assert_eq!(self.table.stored_values(), (stored.len() as u64, stored_bytes));
        let ends = self.table.spans().iter().skip(1).map(|span| span.first_sequence).chain([u64::MAX]);
        for (span, end) in self.table.spans().iter().zip(ends) {
            let first_sequence = span.first_sequence;
            let (total_bytes, tombstone_bytes) = self.history.bytes(first_sequence..end);
            let records = records.iter().filter(|record| (first_sequence..end).contains(&record.sequence));
            let bytes = |record: &crate::record::Record<'_>| {
                set_bytes(record.key.len(), record.value.len(), record.expires_at.is_some())
            };
            let live_bytes = records.map(bytes).sum();
            assert_eq!(*span, Span { first_sequence, total_bytes, live_bytes, tombstone_bytes });
        }
    }

    /// Lets go of everything and sweeps: what is left must be what is live.
    fn finish(mut self) {
        while let Some((undo, ..)) = self.unsettled.pop_front() {
            self.table.settle(undo);
        }
        for number in 0..self.cursors.len() {
            assert!(self.page(number, usize::MAX));
        }
        self.history.check_verdicts(&self.table, self.now_ms);
        self.check_reopened();
        self.cursors.clear();
        self.snapshots.clear();
        (self.plan, self.build) = (None, None);
        // A view that has seen values where they are no more.
        self.step(&Step::StoreAll);
        drop(self.table.snapshot());
        self.disk.compact(&mut self.table, &self.history);
        assert!(self.disk.is_compact());
        self.check();
        self.check_scan();
        self.now_ms += 1_000;
        self.table.view = None;
        // A walk that was under way when time went on has to come round again.
        for _ in 0..3 {
            let mut calls = 0;
            while self.table.sweep(self.now_ms, 50) {
                calls += 1;
                assert!(calls < 10_000, "a sweep never ends");
            }
        }
        self.check();
        let stats = self.table.stats();
        self.map.retain(|_, entry| is_live(entry, self.now_ms));
        assert_eq!((stats.entries, stats.expiring_entries), (self.map.len(), 0));
        assert_eq!((stats.retired_bytes, stats.range_tombstones, stats.snapshots), (0, 0, 0));
        // At most half of a chunk is dead, but for the head and the spare one.
        let bound = stats.live_bytes * 2 + 3 * self.table.bounds.chunk_bytes + stats.chunks * 1_000;
        assert!(stats.arena_bytes <= bound, "{stats:?}");
        self.check_scan();
    }

    fn check_scan(&mut self) {
        self.snapshots = vec![(self.table.snapshot(), self.map.clone())];
        self.step(&Step::OpenCursor { snapshot: 0, start: KEYS, end: KEYS, reverse: false });
        assert!(self.page(0, usize::MAX));
        self.cursors.clear();
        self.snapshots.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_does_what_a_map_does(bounds in bounds(), steps in steps(), reuses_sequences in any::<bool>()) {
        let mut world = World {
            lookup: LookupSlot::default(),
            table: Table::with_bounds(bounds),
            map: Map::new(),
            sequence: 0,
            now_ms: 1_000,
            unsettled: VecDeque::new(),
            snapshots: Vec::new(),
            cursors: Vec::new(),
            plan: None,
            build: None,
            history: History::default(),
            disk: Disk::default(),
            reuses_sequences,
        };
        world.lookup.set(Some(world.table.lookup()));
        for step in &steps {
            world.step(step);
            world.disk.free(&world.table);
            world.check();
        }
        world.finish();
    }
}

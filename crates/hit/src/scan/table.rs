use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use hit_core::{KeyRange, Result};
use hit_table::{Cursor, Snapshot, StoredValue, Value, ViewPlan};

use crate::read::Entry;
use crate::shared::Shared;
use crate::stored::{StoredRead, missing};
use crate::{Store, store};

/// As many entries are sorted and merged at most while others are kept from writing: half a millisecond.
const AT_ONCE: usize = 10_000;
/// How often what was written meanwhile is sorted on the side, before the rest is done at once.
const ROUNDS: usize = 10;

/// How many entries wait at most for a value before them to be read from disk, and how many bytes of theirs.
const GATHERED_ENTRIES: usize = 64;
const GATHERED_BYTES: usize = 1 << 20;

/// A scan of a table.
pub(crate) struct TableScan {
    shared: Arc<Shared>,
    handle: store::Watch,
    cursor: Cursor,
    /// Visited from `cursor` on already, to be handed out: a value on disk and what came behind it.
    gathered: VecDeque<Gathered>,
    wants_values: bool,
}

/// An entry whose value is on disk, or which comes behind one.
struct Gathered {
    key: Vec<u8>,
    expires_at: Option<u64>,
    value: Held,
}

enum Held {
    Here(Vec<u8>),
    OnDisk(StoredValue),
}

/// How a stretch ended.
enum Gathering {
    /// The visitor broke.
    Broken,
    /// Entries wait to be read.
    Gathered,
    /// There are no more.
    Ended,
}

impl Store {
    pub(crate) fn scan_table(&self, range: KeyRange<'_>, reverse: bool) -> Result<TableScan> {
        let shared = Arc::clone(self.open_shared()?);
        let cursor = Cursor::new(self.snapshot()?, range, reverse);
        Ok(TableScan { shared, handle: self.watch(), cursor, gathered: VecDeque::new(), wants_values: true })
    }

    /// Whether opening a scan takes long enough to be worth a thread that may wait.
    ///
    /// # Errors
    /// As all reads.
    pub fn scan_takes_long(&self) -> Result<bool> {
        Ok(self.open_shared()?.applied.read().table.view_backlog() > AT_ONCE)
    }

    /// This moment. What takes long is built while others read and write.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let shared = self.open_shared()?;
        for round in 0.. {
            {
                let applied = shared.applied.read();
                self.open_shared()?;
                if let Some(snapshot) = applied.table.try_snapshot() {
                    return Ok(snapshot);
                }
            }
            let mut applied = shared.applied.write();
            self.open_shared()?;
            if round == ROUNDS || applied.table.view_backlog() <= AT_ONCE {
                let snapshot = applied.table.snapshot_within(AT_ONCE);
                let merge = if applied.table.merge_backlog() > 0 { applied.table.plan_view() } else { None };
                drop(applied);
                if let Some(merge) = merge {
                    build_aside(Arc::clone(shared), merge);
                }
                return Ok(snapshot);
            }
            let plan = applied.table.plan_view();
            drop(applied);
            if let Some(plan) = plan {
                let build = plan.build();
                shared.applied.write().table.install_view(build);
            }
        }
        unreachable!("the last round takes a snapshot")
    }
}

/// Merges long runs on a thread of its own, for the scans to come.
fn build_aside(shared: Arc<Shared>, plan: ViewPlan) {
    let merge = move || {
        let build = plan.build();
        shared.applied.write().table.install_view(build);
    };
    // Without a thread the runs stay as they are, and the next scan tries again.
    let _ = thread::Builder::new().name("hit-view".into()).spawn(merge);
}

impl TableScan {
    /// Another scan of the same moment, from the beginning.
    pub(crate) fn again(&self, range: KeyRange<'_>) -> Self {
        let cursor = Cursor::new(self.cursor.snapshot().clone(), range, false);
        let (shared, handle) = (Arc::clone(&self.shared), self.handle.clone());
        Self { shared, handle, cursor, gathered: VecDeque::new(), wants_values: self.wants_values }
    }

    pub(crate) fn without_values(self) -> Self {
        Self { wants_values: false, ..self }
    }

    /// As [`crate::Scan::visit`].
    pub(crate) fn visit(&mut self, mut visit: impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>) -> Result<()> {
        loop {
            if self.visit_gathered(&mut visit)?.is_break() {
                return Ok(());
            }
            match self.gather(&mut visit)? {
                Gathering::Gathered => {}
                Gathering::Broken | Gathering::Ended => return Ok(()),
            }
        }
    }

    /// Hands out what was gathered, reading values one by one.
    fn visit_gathered(
        &mut self,
        visit: &mut impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        while let Some(Gathered { key, expires_at, value }) = self.gathered.front_mut() {
            self.handle.check()?;
            if let Held::OnDisk(at) = *value {
                // The snapshot keeps its file.
                let read = StoredRead::default().read(&self.shared, key, at)?;
                *value = Held::Here(read.ok_or_else(|| missing(key, at))?);
            }
            let value = match value {
                Held::Here(value) => &value[..],
                Held::OnDisk(_) => &[],
            };
            if visit(key, Entry { value, expires_at: *expires_at }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.gathered.pop_front();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Visits entries up to one whose value is on disk, and gathers some from there on.
    fn gather(&mut self, visit: &mut impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>) -> Result<Gathering> {
        self.handle.check()?;
        let now_ms = self.shared.clock.now_ms();
        let (gathered, wants_values, mut bytes) = (&mut self.gathered, self.wants_values, 0);
        let flow = self.cursor.visit(now_ms, |key, entry| {
            let expires_at = entry.expires_at;
            let value = match entry.value {
                Value::Stored(at) if wants_values => Held::OnDisk(at),
                value => {
                    let value = value.in_memory().unwrap_or_default();
                    if gathered.is_empty() {
                        return match visit(key, Entry { value, expires_at }) {
                            ControlFlow::Break(()) => ControlFlow::Break(Gathering::Broken),
                            ControlFlow::Continue(()) => ControlFlow::Continue(()),
                        };
                    }
                    bytes += value.len();
                    Held::Here(value.to_vec())
                }
            };
            gathered.push_back(Gathered { key: key.to_vec(), expires_at, value });
            if gathered.len() == GATHERED_ENTRIES || bytes >= GATHERED_BYTES {
                return ControlFlow::Break(Gathering::Gathered);
            }
            ControlFlow::Continue(())
        });
        Ok(match flow {
            ControlFlow::Break(Gathering::Broken) => {
                self.cursor.put_back();
                Gathering::Broken
            }
            ControlFlow::Break(ended) => ended,
            ControlFlow::Continue(()) if gathered.is_empty() => Gathering::Ended,
            ControlFlow::Continue(()) => Gathering::Gathered,
        })
    }
}

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use hit_core::{KeyRange, Result};
use hit_table::{Cursor, Snapshot, StoredValue, Value};

use crate::read::Entry;
use crate::shared::Shared;
use crate::stored::{StoredRead, missing};
use crate::{Store, store};

/// As many entries to sort are worth a thread of their own.
const WORTH_A_THREAD: usize = 10_000;

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

/// How one hold of the apply lock ended.
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

    /// Sorts what the next scan needs sorted while reads go on; meant for a thread that may wait.
    ///
    /// # Errors
    /// As all reads.
    pub fn prepare_scan(&self) -> Result<()> {
        let shared = self.open_shared()?;
        if !shared.applied.write().table.begin_view() {
            return Ok(());
        }
        let build = shared.applied.read().table.build_view();
        if let Some(build) = build {
            shared.applied.write().table.install_view(build);
        }
        Ok(())
    }

    /// Whether [`Store::prepare_scan`] has enough to do to be worth a thread.
    ///
    /// # Errors
    /// As all reads.
    pub fn wants_preparation(&self) -> Result<bool> {
        Ok(self.open_shared()?.applied.read().table.view_backlog() >= WORTH_A_THREAD)
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        let shared = self.open_shared()?;
        let ready = shared.applied.read().table.try_snapshot();
        if let Some(snapshot) = ready {
            return Ok(snapshot);
        }
        self.prepare_scan()?;
        Ok(shared.applied.write().table.snapshot())
    }
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

    /// Visits entries under the apply lock up to one whose value is on disk, and gathers some from there on.
    fn gather(&mut self, visit: &mut impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>) -> Result<Gathering> {
        let applied = self.shared.applied.read();
        self.handle.check()?;
        // The snapshot may hold entries that expire when the table no longer does.
        let now_ms = self.shared.clock.now_ms();
        let table = applied.table_of(self.cursor.snapshot());
        let (gathered, wants_values, mut bytes) = (&mut self.gathered, self.wants_values, 0);
        let flow = table.visit(&mut self.cursor, now_ms, |key, entry| {
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

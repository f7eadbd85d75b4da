use std::ops::ControlFlow;
use std::sync::Arc;

use hit_core::{KeyRange, Result};
use hit_table::{Cursor, Snapshot};

use crate::read::{Entry, in_memory};
use crate::shared::Shared;
use crate::{Store, store};

/// As many entries to sort are worth a thread of their own.
const WORTH_A_THREAD: usize = 10_000;

/// A scan of one moment, in key byte order. It holds a snapshot until it is dropped.
pub struct Scan {
    shared: Arc<Shared>,
    handle: store::Watch,
    cursor: Cursor,
}

impl Store {
    /// Opens a scan of `range` as it is now, from its end where `reverse`.
    ///
    /// The first scan of a store sorts its keys; see [`Store::prepare_scan`].
    ///
    /// # Errors
    /// As all reads.
    pub fn scan(&self, range: KeyRange<'_>, reverse: bool) -> Result<Scan> {
        let shared = Arc::clone(self.open_shared()?);
        let cursor = Cursor::new(self.snapshot()?, range, reverse);
        Ok(Scan { shared, handle: self.watch(), cursor })
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

impl Scan {
    /// Another scan of the same moment, from the beginning.
    pub(crate) fn again(&self, range: KeyRange<'_>) -> Self {
        let cursor = Cursor::new(self.cursor.snapshot().clone(), range, false);
        Self { shared: Arc::clone(&self.shared), handle: self.handle.clone(), cursor }
    }

    /// Visits the next entries until `visit` breaks or the scan ends. The entry at which it breaks is not taken: the
    /// next call begins with it.
    ///
    /// # Errors
    /// `HIT_NOT_OPEN` once the handle is closed, `HIT_POISONED` after a failed sync.
    pub fn visit(&mut self, mut visit: impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>) -> Result<()> {
        let applied = self.shared.applied.read();
        self.handle.check()?;
        // The snapshot may hold entries that expire when the table no longer does.
        let now_ms = self.shared.clock.now_ms();
        let table = applied.table_of(self.cursor.snapshot());
        let flow = table.visit(&mut self.cursor, now_ms, |key, entry| {
            visit(key, Entry { value: in_memory(entry.value), expires_at: entry.expires_at })
        });
        if flow.is_break() {
            self.cursor.put_back();
        }
        Ok(())
    }

    /// Reads up to `limit` entries; none is the end.
    ///
    /// # Errors
    /// As [`Scan::visit`].
    pub fn page(&mut self, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut page = Vec::new();
        self.visit(|key, entry| {
            if page.len() == limit {
                return ControlFlow::Break(());
            }
            page.push((key.to_vec(), entry.value.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok(page)
    }
}

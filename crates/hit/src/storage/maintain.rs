//! What keeps a store over a storage for years.

use std::path::Path;
use std::sync::atomic::Ordering;

use hit_core::{Error, ErrorCode, Result, Tell};

use super::backing::Backing;
use super::open::wait;
use crate::account::Account;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::{Store, VerifyReport};

impl Store {
    /// Figures of the store and of this handle.
    pub(crate) fn stats_over(&self, backing: &Backing) -> Stats {
        let shared = self.shared();
        let account: &Account = self.account();
        let figures = backing.storage.figures();
        let applied = shared.applied.read();
        let table = applied.table.stats();
        Stats {
            entries: table.entries + figures.entries as usize,
            lanes: backing.lanes.len(),
            pending_bytes: account.backlog.pending_bytes(),
            memory_bytes: table.memory_bytes + backing.cache.memory_bytes() + figures.memory_bytes as usize,
            disk_bytes: figures.disk_bytes,
            oldest_snapshot_ms: backing.oldest_snapshot_ms(),
            next_sequence: applied.next_sequence,
            read_only: backing.refusal.is_some(),
            handles: shared.handles.load(Ordering::SeqCst),
            background_error: backing.keeper.failure().or(figures.background_error),
            storage: figures.own,
            last_error: account.last_error(),
            ..Stats::default()
        }
    }
}

impl Backing {
    /// Gives back all the space of what is dead or has expired.
    pub(crate) fn compact(&self) -> Result<()> {
        wait(self.storage.sweep())?;
        wait(self.storage.compact())
    }

    pub(crate) fn refresh(&self, shared: &Shared) -> Result<()> {
        // Nothing that was read before is mixed with what is read behind it.
        self.forget_read(shared, true);
        let refreshed = wait(self.storage.refresh());
        self.forget_read(shared, false);
        refreshed
    }

    /// Gives up what was read, and keeps nothing more while the storage moves on.
    fn forget_read(&self, shared: &Shared, is_moving: bool) {
        let mut applied = shared.applied.write();
        applied.note_moved();
        self.cache.give_up_all();
        self.is_moving.store(is_moving, Ordering::SeqCst);
    }

    pub(crate) fn verify(&self, tell: &mut Tell<'_>) -> Result<VerifyReport> {
        let (problems, bytes) = wait(self.storage.verify(tell))?;
        Ok(VerifyReport { problems, bytes })
    }

    /// Copies everything accepted so far into an empty or missing folder.
    pub(crate) fn backup(&self, shared: &Shared, target: &Path, tell: &mut Tell<'_>) -> Result<()> {
        shared.wait_until_written();
        shared.check_not_poisoned()?;
        let Some(place) = &self.place else {
            return Err(Error::new(ErrorCode::Unsupported, "this store has no files to back up: dump it"));
        };
        match &place.folder {
            Some(folder) => hit_log::backup_with(folder, target, place.kind, |target| {
                wait(self.storage.backup(&target.join(place.kind), tell))
            }),
            // Someone else's folder: its copy is one, too.
            None => wait(self.storage.backup(target, tell)),
        }
    }
}

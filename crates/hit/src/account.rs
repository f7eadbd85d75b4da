use std::sync::atomic::{AtomicU64, Ordering};

use hit_core::{Durability, Error, ErrorCode};
use parking_lot::Mutex;

use crate::backlog::Backlog;
use crate::options::OnError;

/// What one handle owes and is owed: its backlog, and the failures of writes it was already answered.
pub(crate) struct Account {
    pub(crate) durability: Durability,
    pub(crate) backlog: Backlog,
    /// One more than the last sequence number answered at less than `disk`.
    answered_early: AtomicU64,
    unseen: Mutex<Option<Error>>,
    last_error: Mutex<Option<Error>>,
    on_error: Option<OnError>,
}

impl Account {
    pub(crate) fn new(durability: Durability, max_pending_bytes: usize, on_error: Option<OnError>) -> Self {
        Self {
            durability,
            backlog: Backlog::new(max_pending_bytes),
            answered_early: AtomicU64::new(0),
            unseen: Mutex::new(None),
            last_error: Mutex::new(None),
            on_error,
        }
    }

    /// Remembers that everything before `next_sequence` was answered before it was on disk.
    pub(crate) fn answer_early(&self, next_sequence: u64) {
        self.answered_early.fetch_max(next_sequence, Ordering::Relaxed);
    }

    /// Whether something at or behind `sequence` was answered before it was on disk.
    pub(crate) fn was_answered_behind(&self, sequence: u64) -> bool {
        self.answered_early.load(Ordering::Relaxed) > sequence
    }

    /// Takes in a failure whose write was answered already: the next flush or close rejects with it.
    pub(crate) fn fail_unseen(&self, error: &Error) {
        self.unseen.lock().get_or_insert_with(|| error.clone());
        *self.last_error.lock() = Some(error.clone());
        if let Some(on_error) = &self.on_error {
            on_error(error);
        }
    }

    /// Whether it was told that the store is poisoned.
    pub(crate) fn knows_of_poison(&self) -> bool {
        self.last_error.lock().as_ref().is_some_and(|error| error.code() == ErrorCode::Poisoned)
    }

    /// The failure that nobody has seen, once.
    pub(crate) fn take_unseen(&self) -> Option<Error> {
        self.unseen.lock().take()
    }

    pub(crate) fn last_error(&self) -> Option<Error> {
        self.last_error.lock().clone()
    }
}

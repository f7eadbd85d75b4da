use hit_core::{Error, Operation};

use super::key_of;

/// What a test has told the storage to do.
#[derive(Default)]
pub(super) struct Orders {
    /// Writes of keys that begin so wait.
    pub(super) held: Option<Vec<u8>>,
    /// How many wait now.
    pub(super) waiting: usize,
    /// What writes of keys that begin so fail with, each once.
    pub(super) failures: Vec<(Vec<u8>, Error)>,
    pub(super) sync_failure: Option<Error>,
    pub(super) panics: Option<Vec<u8>>,
    /// Called before the next read.
    pub(super) before_read: Option<Box<dyn FnOnce() + Send>>,
    /// Called in the next read.
    pub(super) in_read: Option<Box<dyn FnOnce() + Send>>,
}

impl Orders {
    pub(super) fn holds(&self, operations: &[Operation<'_>]) -> bool {
        self.held.as_ref().is_some_and(|prefix| concerns(operations, prefix))
    }

    pub(super) fn take_panic(&mut self, operations: &[Operation<'_>]) -> bool {
        self.panics.take_if(|prefix| concerns(operations, prefix)).is_some()
    }

    pub(super) fn take_failure(&mut self, operations: &[Operation<'_>]) -> Option<Error> {
        let position = self.failures.iter().position(|(prefix, _)| concerns(operations, prefix))?;
        Some(self.failures.remove(position).1)
    }
}

fn concerns(operations: &[Operation<'_>], prefix: &[u8]) -> bool {
    operations.iter().any(|operation| {
        matches!(operation, Operation::DeleteRange { .. }) || key_of(operation).starts_with(prefix)
    })
}

use std::sync::Arc;

use hit_core::{Durability, Error, Result};
use parking_lot::{Condvar, Mutex};

use crate::load::batch::Batch;
use crate::{Store, Submitted};

/// Groups that a store has accepted and not answered yet.
pub(crate) struct Flight<'a> {
    store: &'a Store,
    durability: Option<Durability>,
    answers: Arc<Answers>,
}

#[derive(Default)]
struct Answers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    outstanding: usize,
    /// The first failure.
    failure: Option<Error>,
}

impl<'a> Flight<'a> {
    pub(crate) fn new(store: &'a Store, durability: Option<Durability>) -> Self {
        Self { store, durability, answers: Arc::default() }
    }

    /// Submits a batch. Blocks while the store has too much to write.
    ///
    /// # Errors
    /// With the first failure of this batch or of an earlier one.
    pub(crate) fn submit(&self, batch: &Batch) -> Result<()> {
        for operations in batch.groups() {
            if let Some(failure) = &self.answers.state.lock().failure {
                return Err(failure.clone());
            }
            self.answers.state.lock().outstanding += 1;
            let answers = Arc::clone(&self.answers);
            let submitted =
                self.store.submit(operations, self.durability, move |result| answers.take(result));
            match submitted {
                Ok(Submitted::Pending) => {}
                Ok(Submitted::Settled) => self.answers.take(Ok(())),
                Err(error) => {
                    self.answers.take(Err(error.clone()));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Waits until everything submitted is answered.
    ///
    /// # Errors
    /// With the first failure.
    pub(crate) fn land(self) -> Result<()> {
        let mut state = self.answers.state.lock();
        while state.outstanding > 0 {
            self.answers.changed.wait(&mut state);
        }
        state.failure.take().map_or(Ok(()), Err)
    }
}

impl Answers {
    fn take(&self, result: Result<()>) {
        let mut state = self.state.lock();
        state.outstanding -= 1;
        if let Err(error) = result {
            state.failure.get_or_insert(error);
        }
        self.changed.notify_all();
    }
}

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hit_core::{Error, ErrorCode, Result, Storage};
use parking_lot::{Condvar, Mutex};

use super::open::wait;

/// How often a storage is asked to give back the space of what has expired. The promise is an hour.
const SWEEP_EVERY: Duration = Duration::from_secs(300);
/// When it is asked first, for programs that do not live long.
const FIRST_SWEEP_AFTER: Duration = Duration::from_secs(30);

/// Has the storage sweep now and then, on a thread of its own, since that may take long.
#[derive(Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_stopped: bool,
    failure: Option<Error>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts it.
    pub(crate) fn start(self: &Arc<Self>, storage: Arc<dyn Storage>) -> Result<()> {
        let keeper = Arc::clone(self);
        let thread = thread::Builder::new()
            .name("hit-sweep".into())
            .spawn(move || keeper.run(&*storage))
            .map_err(|source| Error::new(ErrorCode::Io, "no thread could be started").with_source(source))?;
        self.state.lock().thread = Some(thread);
        Ok(())
    }

    fn run(&self, storage: &dyn Storage) {
        let mut patience = FIRST_SWEEP_AFTER;
        let mut state = self.state.lock();
        while !state.is_stopped {
            if !self.changed.wait_for(&mut state, patience).timed_out() {
                continue;
            }
            patience = SWEEP_EVERY;
            drop(state);
            let swept = wait(storage.sweep());
            state = self.state.lock();
            state.failure = swept.err();
        }
    }

    /// What it failed with when it last swept.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.state.lock().failure.clone()
    }

    /// Has it end when it is no longer at work.
    pub(crate) fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// Waits until it has ended.
    pub(crate) fn join(&self) {
        let thread = self.state.lock().thread.take();
        // A panic there has changed nothing: the storage sweeps again when it is opened.
        thread.map(JoinHandle::join).into_iter().for_each(drop);
    }
}

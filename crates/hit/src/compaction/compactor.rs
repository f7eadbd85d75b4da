use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hit_core::{Error, ErrorCode, Result};
use hit_log::FileId;
use parking_lot::{Condvar, Mutex};

use crate::disk::Disk;
use crate::shared::Shared;

use super::{Space, closing, compact_everything, keep_bound};

/// How often the thread looks whether something is to be done, without being told: entries may have expired.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long it leaves a store alone after a failure.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The compaction of one store: what it is asked for, and what came of it.
#[derive(Default)]
pub(crate) struct Compactor {
    /// It works without being asked, too.
    works_alone: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Look at once.
    is_woken: bool,
    is_stopped: bool,
    /// How often the thread was told to look, and as of which of them it has nothing left to do.
    wakes: u64,
    rests: u64,
    /// Compactions of everything that were asked for, and how many of them have ended.
    asked: u64,
    answered: u64,
    /// How the last of them ended.
    answer: Option<Error>,
    /// What the last compaction that was not asked for failed with.
    failure: Option<Error>,
    /// Files in which, or in whose stretch, damage was found, and the last of it.
    damaged: Vec<FileId>,
    damage: Option<Error>,
    /// The thread has panicked.
    bug: Option<Error>,
}

impl State {
    /// Why nothing is compacted any more.
    fn end(&self) -> Error {
        self.bug.clone().unwrap_or_else(closing)
    }
}

/// Lets nobody wait for a thread that has ended, however that came.
struct StopAtEnd<'a>(&'a Disk);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        let bug = "the thread that compacts failed in a way it should not: please report this; the store works on, and \
                   grows, until it is closed and opened again";
        self.0.compactor.state.lock().bug = thread::panicking().then(|| Error::new(ErrorCode::Io, bug));
        self.0.compactor.stop();
        self.0.space.set_working(false);
    }
}

/// What the thread is to do.
enum Task {
    /// Look whether the bound is kept.
    Look,
    /// Compact everything; the number of those who asked.
    All(u64),
}

impl Compactor {
    /// `works_alone`: without being asked, too.
    pub(crate) fn new(works_alone: bool) -> Self {
        Self { works_alone, ..Self::default() }
    }

    /// Starts the thread of a store.
    pub(crate) fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>> {
        thread::Builder::new()
            .name("hit-compact".into())
            .spawn(move || {
                if let Some(disk) = shared.disk() {
                    let _stop = StopAtEnd(disk);
                    disk.compactor.run(&shared, disk);
                }
            })
            .map_err(|source| Error::new(ErrorCode::Io, "no thread could be started").with_source(source))
    }

    /// Has the thread look whether something is to be done.
    fn wake(&self, state: &mut State) {
        state.is_woken = true;
        state.wakes += 1;
        self.changed.notify_all();
    }

    /// The same behind a file that was sealed. Writers wait for what comes of it if they have to.
    pub(crate) fn wake_for_file(&self, space: &Space) {
        let mut state = self.state.lock();
        if self.works_alone && !state.is_stopped {
            // In one step with the wake-up: a thread that comes to rest in between would say that nobody works.
            space.set_working(true);
        }
        self.wake(&mut state);
    }

    /// Has the thread look whether something is to be done, and waits until nothing is.
    pub(crate) fn wait_for_rest(&self) -> Result<()> {
        let mut state = self.state.lock();
        self.wake(&mut state);
        let mine = state.wakes;
        while state.rests < mine {
            if state.is_stopped {
                return Err(state.end());
            }
            self.changed.wait(&mut state);
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// Ends the thread at its next step; whoever waits for it is told that the store closes.
    pub(crate) fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// Has everything compacted, and waits until it is.
    pub(crate) fn compact_all(&self) -> Result<()> {
        let mut state = self.state.lock();
        state.asked += 1;
        let mine = state.asked;
        self.changed.notify_all();
        while state.answered < mine {
            if state.is_stopped {
                return Err(state.end());
            }
            self.changed.wait(&mut state);
        }
        state.answer.clone().map_or(Ok(()), Err)
    }

    /// What the last compaction that was not asked for failed with, until one succeeds; damage stays until the store is opened
    /// again.
    pub(crate) fn failure(&self) -> Option<Error> {
        let state = self.state.lock();
        state.bug.clone().or_else(|| state.damage.clone()).or_else(|| state.failure.clone())
    }

    /// Files that are left alone, because damage was found in them or near them.
    pub(super) fn damaged(&self) -> Vec<FileId> {
        self.state.lock().damaged.clone()
    }

    /// Has files left alone from here on.
    pub(super) fn note_damage(&self, files: impl Iterator<Item = FileId>, damage: &Error) {
        let mut state = self.state.lock();
        state.damaged.extend(files);
        state.damage = Some(damage.clone());
    }

    fn run(&self, shared: &Shared, disk: &Disk) {
        let mut patience = Duration::ZERO;
        while let Some((task, wakes)) = self.next(patience) {
            if let Task::All(asked) = task {
                let done = compact_everything(shared, disk);
                let mut state = self.state.lock();
                state.answered = asked;
                state.answer = done.err();
                self.changed.notify_all();
            }
            let failure = if self.works_alone { keep_bound(shared, disk).err() } else { None };
            patience = if failure.is_some() { REST_AFTER_FAILURE } else { LOOK_EVERY };
            let mut state = self.state.lock();
            if !state.is_woken {
                disk.space.set_working(false);
            }
            state.failure = failure;
            state.rests = wakes;
            self.changed.notify_all();
        }
    }

    /// Waits until there is something to do, and says how often it was told; `None` is the end.
    fn next(&self, patience: Duration) -> Option<(Task, u64)> {
        let mut state = self.state.lock();
        if !state.is_stopped && !state.is_woken && state.asked == state.answered {
            self.changed.wait_for(&mut state, patience);
        }
        state.is_woken = false;
        let task = if state.asked == state.answered { Task::Look } else { Task::All(state.asked) };
        (!state.is_stopped).then_some((task, state.wakes))
    }

    /// Waits for a while, or until the store closes.
    pub(super) fn pause(&self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        let mut state = self.state.lock();
        while !state.is_stopped {
            if time.is_zero() || self.changed.wait_until(&mut state, until).timed_out() {
                return Ok(());
            }
        }
        Err(state.end())
    }
}

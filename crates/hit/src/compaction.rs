//! Compaction: a thread of a file store that rewrites closed files of its log without what is dead, so that the store takes
//! at most twice its live data and two segments at rest.
//!
//! `plan` chooses a stretch of files, `judging` asks the table what of it is needed, the log writes that into a run and puts
//! it in the stretch's place, and `space` holds writers back that are faster. Two things make it safe:
//!
//! * The table knows of writes that are not on disk yet. Before a run is installed everything that it was judged by is
//!   synced; if a write was taken back meanwhile, the stretch is judged anew.
//! * A run counts only when the manifest lists it. Whenever the process dies, the log is whole, before or after.

mod judging;
mod pace;
mod plan;
mod space;

use std::ops::Range;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hit_core::{Durability, Error, ErrorCode, Result};
use hit_log::{FileId, Log, Run};
use hit_table::Span;
use parking_lot::{Condvar, Mutex};

use crate::account::Account;
use crate::queue::{Completion, Group};
use crate::shared::{Disk, Replaced, Shared};

use self::judging::TableJudge;
use self::pace::Pace;
use self::plan::Candidate;
pub(crate) use self::space::Space;

/// How often the thread looks whether something is to be done, without being told: entries may have expired.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long it leaves a store alone after a failure.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often whoever waits for the log looks whether the store is being closed.
const LOOK_FOR_END_EVERY: Duration = Duration::from_millis(20);

/// Records that are looked at under one hold of the apply lock.
const SWEEP_RECORDS: usize = 2_000;

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
                if let Some(disk) = &shared.disk {
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
    fn pause(&self, time: Duration) -> Result<()> {
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

/// Compacts while closed files take more than they may at rest.
fn keep_bound(shared: &Shared, disk: &Disk) -> Result<()> {
    loop {
        let damaged = disk.compactor.state.lock().damaged.clone();
        let files = candidates(shared, disk, &damaged);
        let segment_bytes = disk.options.segment_bytes;
        let stretch = match disk.space.is_over_rest() {
            true => plan::best(&files, segment_bytes),
            false => plan::small(&files, segment_bytes),
        };
        let Some(stretch) = stretch else { return Ok(()) };
        let compacted = compact(shared, disk, &files, &stretch, &mut Pace::limited());
        if let Err(error) = &compacted
            && error.code() == ErrorCode::Corruption
        {
            // The others go on without them; who asks for everything is told each time.
            let damaged = files.get(stretch).unwrap_or_default().iter().map(|it| it.file.id);
            let mut state = disk.compactor.state.lock();
            state.damaged.extend(damaged);
            state.damage = Some(error.clone());
        }
        compacted?;
    }
}

/// Compacts every file that has something to give, the segment being written included.
fn compact_everything(shared: &Shared, disk: &Disk) -> Result<()> {
    sweep(shared)?;
    let end = shared.applied.read().next_sequence;
    seal(shared, disk)?;
    let mut position = 0;
    loop {
        let files = candidates(shared, disk, &[]);
        let Some(stretch) = plan::next_of_all(&files, position, disk.options.segment_bytes) else {
            return Ok(());
        };
        // What is written meanwhile may stay: whoever goes on overwriting would never let it end.
        if files.get(stretch.start).is_some_and(|it| it.file.first_sequence >= end) {
            return Ok(());
        }
        compact(shared, disk, &files, &stretch, &mut Pace::unlimited())?;
        position = stretch.start + 1;
    }
}

/// Has the table forget what has expired or was cleared, and give memory back, in steps that let others in between.
pub(crate) fn sweep(shared: &Shared) -> Result<()> {
    loop {
        if let Some(disk) = &shared.disk {
            disk.compactor.pause(Duration::ZERO)?;
        }
        let mut applied = shared.applied.write();
        shared.settle(&mut applied.table);
        if !applied.table.sweep_all(shared.clock.now_ms(), SWEEP_RECORDS) {
            return Ok(());
        }
    }
}

fn candidates(shared: &Shared, disk: &Disk, damaged: &[FileId]) -> Vec<Candidate> {
    let files = disk.log.lock().as_ref().map(Log::files).unwrap_or_default();
    let applied = shared.applied.read();
    let spans = applied.table.spans();
    disk.space.set_live(live_bytes(spans));
    plan::candidates(&files, spans, damaged)
}

/// Puts a run in the place of a stretch. On a full disk the reserve is used, and the stretch is made shorter until its run
/// fits.
fn compact(
    shared: &Shared,
    disk: &Disk,
    files: &[Candidate],
    stretch: &Range<usize>,
    pace: &mut Pace,
) -> Result<()> {
    let mut stretch = stretch.clone();
    let is_full =
        |result: &Result<()>| result.as_ref().is_err_and(|error| error.code() == ErrorCode::DiskFull);
    let mut result = compact_once(shared, disk, files, &stretch, pace);
    if !is_full(&result) {
        return result;
    }
    let lent = disk.lend_reserve();
    if lent.gave_space() {
        result = compact_once(shared, disk, files, &stretch, pace);
    }
    while is_full(&result) && stretch.len() > 1 {
        stretch.end = stretch.start + stretch.len() / 2;
        result = compact_once(shared, disk, files, &stretch, pace);
    }
    drop(lent);
    disk.keep_reserve();
    result
}

fn compact_once(
    shared: &Shared,
    disk: &Disk,
    files: &[Candidate],
    stretch: &Range<usize>,
    pace: &mut Pace,
) -> Result<()> {
    let before = files.get(..stretch.start).unwrap_or_default();
    let droppable_below = before.iter().map(|it| it.file.judged_to).min().unwrap_or(u64::MAX);
    loop {
        disk.compactor.pause(Duration::ZERO)?;
        shared.check_not_poisoned()?;
        let taken = disk.log.lock().as_mut().and_then(|log| log.stretch(stretch.start, stretch.len()));
        let taken = taken.ok_or_else(closing)?;
        let (judged_to, undone) = {
            let applied = shared.applied.read();
            (applied.next_sequence, applied.table.undone_writes())
        };
        let mut judge = TableJudge::new(shared, disk, pace, droppable_below);
        let made = taken.compact(judged_to, &mut judge);
        let (kept, moved) = judge.finish();
        let mut may_be_listed = false;
        let installed = made.and_then(|run| {
            let result = wait_until_synced(shared, disk).and_then(|()| {
                // Invariant: what was judged by is synced now, so nothing of it is taken back any more.
                let is_still_right = shared.applied.read().table.undone_writes() == undone;
                if !is_still_right {
                    return Ok(false);
                }
                let done = install(disk, &run);
                // Nobody knows which list is on disk.
                may_be_listed = done.as_ref().is_err_and(|error| error.code() == ErrorCode::Poisoned);
                done.map(|()| true)
            });
            match &result {
                Ok(true) => {
                    let (first, next) = run.range();
                    let mut applied = shared.applied.write();
                    applied.table.replace_spans(first, next, kept.total_bytes, kept.tombstone_bytes);
                    drop(applied);
                    let values = disk.values.as_ref();
                    let seen_to = values.and_then(|values| values.note_moved(shared, run.replaces(), &moved));
                    disk.remove_replaced(&run, seen_to);
                    if seen_to.is_some() {
                        // The log's thread looks after the files that are kept.
                        shared.queue.sweep();
                    }
                }
                Err(_) if may_be_listed => {}
                Ok(false) | Err(_) => disk.remove([Replaced::unseen(run.id())].into_iter()),
            }
            result
        });
        // Only now, when the replaced files are gone, is there room for whoever waits for it.
        disk.space.forget_unfinished();
        if let Some(log) = &*disk.log.lock() {
            disk.publish(log);
        }
        if installed? {
            return Ok(());
        }
    }
}

fn install(disk: &Disk, run: &Run) -> Result<()> {
    let mut log = disk.log.lock();
    // No list has the replaced files from here on, and they still take their space until they are removed.
    disk.space.add_unfinished(run.replaced_bytes());
    log.as_mut().ok_or_else(closing)?.install(run)
}

/// Ends the segment being written, if there is one, where the next group would begin another.
pub(crate) fn seal(shared: &Shared, disk: &Disk) -> Result<()> {
    let boundary = {
        let mut applied = shared.applied.write();
        applied.fill.end();
        applied.next_sequence
    };
    wait_until_synced(shared, disk)?;
    let mut log = disk.log.lock();
    let log = log.as_mut().ok_or_else(closing)?;
    // Whatever was written behind the boundary has begun a segment of its own.
    if log.next_sequence() == boundary {
        log.seal()?;
        disk.publish(log);
    }
    Ok(())
}

/// Waits until everything applied is on disk.
fn wait_until_synced(shared: &Shared, disk: &Disk) -> Result<()> {
    let (answer, answered) = mpsc::channel();
    let completion: Completion = Box::new(move |result| drop(answer.send(result)));
    let nobody = Arc::new(Account::new(Durability::Disk, usize::MAX, None));
    {
        let _applied = shared.applied.write();
        shared.check_not_poisoned()?;
        shared.enqueue(Group::barrier(nobody, Durability::Disk, Some(completion)), None);
    }
    loop {
        match answered.recv_timeout(LOOK_FOR_END_EVERY) {
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(closing()),
            // The thread that answers may be waiting for this one to end.
            Err(mpsc::RecvTimeoutError::Timeout) => disk.compactor.pause(Duration::ZERO)?,
        }
    }
}

/// Everything that reads see, in the bytes it takes on disk.
fn live_bytes(spans: &[Span]) -> u64 {
    spans.iter().map(|span| span.live_bytes).sum()
}

fn closing() -> Error {
    Error::new(ErrorCode::NotOpen, "the store is being closed: open it again")
}

//! The log thread: it takes what has been submitted, writes it in the order accepted, syncs once for all of it, and
//! answers. While nothing comes it marks the log and sweeps the table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hit_core::{Durability, Error, ErrorCode, Result};
use hit_log::{Frame, Log};

use crate::disk::Disk;
use crate::owners;
use crate::queue::{Close, Group, Work, fail_all};
use crate::shared::Shared;
use crate::write::with_keys;

/// How long the log is idle before a mark carries forward what is synced.
const MARK_AFTER: Duration = Duration::from_millis(100);
/// How often a table with something to sweep is swept a little.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How soon it is swept again while there is more to do.
const SWEEP_AGAIN_AFTER: Duration = Duration::from_millis(5);
/// Records that one sweep looks at: about a millisecond under the apply lock.
const SWEEP_RECORDS: usize = 5_000;
/// How long a group waits before it is written again on a full disk.
const FULL_RETRY_AFTER: Duration = Duration::from_millis(100);

/// Writes a store's log, if it has one, and owns the thread that works for the store.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    /// The thread that compacts the log.
    compaction: Option<JoinHandle<()>>,
    /// Something was synced that no frame on disk says yet.
    wants_mark: bool,
    wants_sweep: bool,
    next_sweep: Instant,
    /// The next operation's sequence number at the last sweep.
    swept_to: u64,
}

impl Committer {
    pub(crate) fn start(shared: Arc<Shared>, compaction: Option<JoinHandle<()>>) -> Result<()> {
        let mut committer = Self {
            shared,
            compaction,
            wants_mark: false,
            wants_sweep: true,
            next_sweep: Instant::now() + SWEEP_EVERY,
            swept_to: 0,
        };
        thread::Builder::new()
            .name("hit-log".into())
            .spawn(move || committer.run_to_the_end())
            .map(drop)
            .map_err(|source| Error::new(ErrorCode::Io, "no thread could be started").with_source(source))
    }

    /// Runs until the store closes. A panic, which is a bug, poisons it instead of leaving everybody waiting.
    fn run_to_the_end(&mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
            let bug = Error::new(
                ErrorCode::Io,
                "the store's thread failed in a way it should not: please report this",
            );
            self.poison(&bug, Vec::new());
        }
    }

    fn run(&mut self) {
        let mut reserved = false;
        loop {
            let patience = self.patience().or_else(|| self.rest());
            let Work { frames, groups, close, sweep } = self.shared.queue.wait(patience);
            self.shared.resting.store(false, Ordering::SeqCst);
            if groups.is_empty() {
                self.mark();
            } else if !std::mem::replace(&mut reserved, true)
                && let Some(disk) = self.shared.disk()
            {
                disk.keep_reserve();
            }
            self.wants_sweep |= sweep || !groups.is_empty();
            self.commit(frames, groups);
            if let Some(close) = close {
                return self.close(close);
            }
            self.sweep_if_due();
        }
    }

    /// How long to wait for work before looking after the log and the table.
    fn patience(&self) -> Option<Duration> {
        let mark = self.wants_mark.then_some(MARK_AFTER);
        let sweep = self.wants_sweep.then(|| self.next_sweep.saturating_duration_since(Instant::now()));
        mark.into_iter().chain(sweep).min()
    }

    /// Says that the thread sleeps, so that a writer wakes it, unless something was written since the last sweep.
    fn rest(&mut self) -> Option<Duration> {
        self.shared.resting.store(true, Ordering::SeqCst);
        // Invariant: writers look at `resting` under the apply lock, so each of them is seen here or sees it.
        self.wants_sweep = self.shared.applied.read().next_sequence != self.swept_to;
        self.wants_sweep.then_some(SWEEP_EVERY)
    }

    fn mark(&mut self) {
        if std::mem::take(&mut self.wants_mark) {
            // A mark only narrows what recovery has to take on trust; a failure shows at the next append.
            drop(self.with_log(Log::mark));
        }
    }

    /// Sweeps the table a little, now and then while it is written to or holds what expires, at once again while there
    /// is more to do.
    fn sweep_if_due(&mut self) {
        let now = Instant::now();
        if !self.wants_sweep || now < self.next_sweep {
            return;
        }
        let now_ms = self.shared.clock.now_ms();
        let mut applied = self.shared.applied.write();
        self.shared.settle(&mut applied.table);
        let more = applied.table.sweep(now_ms, SWEEP_RECORDS);
        let unseen = applied.take_unseen();
        self.wants_sweep = more || applied.table.can_expire() || !applied.replaced.is_empty();
        self.swept_to = applied.next_sequence;
        drop(applied);
        drop(unseen);
        self.wants_sweep |= self.shared.keep_values();
        self.next_sweep = now + if more { SWEEP_AGAIN_AFTER } else { SWEEP_EVERY };
    }

    /// Writes and answers groups; `frames` are those of the groups with content, in the same order.
    fn commit(&mut self, mut frames: Vec<Frame>, groups: Vec<Group>) {
        if groups.is_empty() {
            return;
        }
        if let Some(poison) = self.shared.poison.get() {
            groups.iter().for_each(|group| self.shared.dequeued(group));
            return fail_all(groups, poison);
        }
        let begins_segment =
            groups.iter().any(|group| group.content.as_ref().is_some_and(|content| content.begins_segment));
        let (mut written, refused) = self.append(&mut frames, groups, begins_segment);
        // Before anybody is answered: whoever writes again then must see how much space is taken.
        self.publish_stats();
        self.shared.give_back(frames.into_iter());
        // Before the others: a flush behind them has to know what failed unseen.
        refused.into_iter().for_each(|(group, error)| group.settle(Err(error)));
        // What is written is not taken back any more: if its sync fails, the store ends.
        self.shared.add_settled(written.iter_mut().filter_map(|group| group.undo.take()));
        self.answer(&mut written, Durability::Os);
        if written.iter().any(|group| group.durability == Durability::Disk) {
            match self.sync() {
                Ok(()) => self.answer(&mut written, Durability::Disk),
                Err(error) => self.poison(&error, written),
            }
        }
        self.wants_sweep |= self.shared.keep_values();
    }

    /// Appends the frames, to a new segment where the first of them begins one. Returns the groups that were written, and
    /// those that could not be with the reason.
    fn append(
        &mut self,
        frames: &mut [Frame],
        mut groups: Vec<Group>,
        begins_segment: bool,
    ) -> (Vec<Group>, Vec<(Group, Error)>) {
        let sealed = if begins_segment { self.seal() } else { Ok(()) };
        let Err(error) = sealed.and_then(|()| self.try_append(frames)) else { return (groups, Vec::new()) };
        if error.code() != ErrorCode::DiskFull {
            let mut written = Vec::new();
            let refused = self.refuse(groups, frames, &error, &mut written);
            return (written, refused);
        }
        // What fits is written, group by group; the first that does not fit gets one more try.
        let mut waiting = frames;
        for position in 0..groups.len() {
            let Some(content) = groups.get(position).and_then(|group| group.content.as_ref()) else {
                continue;
            };
            let frees_space = content.frees_space;
            let (one, behind) = waiting.split_at_mut(waiting.len().min(1));
            if let Err(error) = self.append_to_full_disk(one, frees_space) {
                let refused = groups.split_off(position);
                let frames: Vec<Frame> = one.iter_mut().chain(behind).map(std::mem::take).collect();
                let refused = self.refuse(refused, &frames, &error, &mut groups);
                return (groups, refused);
            }
            waiting = behind;
        }
        (groups, Vec::new())
    }

    /// Ends the segment being written.
    fn seal(&self) -> Result<()> {
        let sealed = self.with_log(Log::seal);
        if let Some(disk) = self.shared.disk() {
            disk.grow_reserve();
            // There is one file more that compaction may look at.
            disk.compactor.wake_for_file(&disk.space);
        }
        sealed
    }

    fn try_append(&mut self, frames: &mut [Frame]) -> Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        self.wants_mark = true;
        self.with_log(|log| {
            log.append(frames)?;
            if let Some(values) = self.shared.disk().and_then(|disk| disk.values.as_ref()) {
                values.note_written(log, frames);
            }
            Ok(())
        })
    }

    /// Does something with the log; nothing where there is none.
    fn with_log<T: Default>(&self, call: impl FnOnce(&mut Log) -> Result<T>) -> Result<T> {
        match self.shared.disk() {
            Some(disk) => disk.log.lock().as_mut().map_or_else(|| Ok(T::default()), call),
            None => Ok(T::default()),
        }
    }

    fn append_to_full_disk(&mut self, frames: &mut [Frame], frees_space: bool) -> Result<()> {
        match self.try_append(frames) {
            Err(error) if error.code() == ErrorCode::DiskFull => {}
            done => return done,
        }
        let shared = Arc::clone(&self.shared);
        let mut lent = None;
        if let Some(disk) = shared.disk() {
            disk.mark_full();
            if frees_space {
                lent = Some(disk.lend_reserve());
            } else {
                thread::sleep(FULL_RETRY_AFTER);
            }
        }
        let appended = self.try_append(frames);
        drop(lent);
        appended
    }

    /// Takes groups that could not be written out of the table again, with all that came behind them. `frames` are
    /// those of the groups. Flushes and closes among them do not depend on these: they go to `written`.
    fn refuse(
        &mut self,
        groups: Vec<Group>,
        frames: &[Frame],
        error: &Error,
        written: &mut Vec<Group>,
    ) -> Vec<(Group, Error)> {
        if error.code() == ErrorCode::Poisoned {
            self.poison(error, groups);
            return Vec::new();
        }
        let mut applied = self.shared.applied.write();
        let behind = self.shared.queue.take_groups();
        let mut refused = name_keys(groups, frames, error);
        refused.extend(name_keys(behind.groups, &behind.frames, error));
        for (group, _) in refused.iter_mut().rev() {
            if let (Some(content), Some(undo)) = (&group.content, group.undo.take()) {
                applied.next_sequence = content.first_sequence;
                applied.table.undo(undo);
                if content.begins_segment {
                    applied.fill.end();
                }
            }
        }
        drop(applied);
        let (refused, others): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(group, _)| group.depends_on_those_before());
        refused.iter().for_each(|(group, _)| self.shared.dequeued(group));
        written.extend(others.into_iter().map(|(group, _)| group));
        refused
    }

    fn sync(&mut self) -> Result<()> {
        self.wants_mark = true;
        self.with_log(Log::sync)
    }

    /// Answers the groups that ask for no more than `reached`, and leaves the others.
    fn answer(&self, groups: &mut Vec<Group>, reached: Durability) {
        let (reached, waiting): (Vec<_>, Vec<_>) =
            groups.drain(..).partition(|group| group.durability <= reached);
        *groups = waiting;
        for group in reached {
            self.shared.dequeued(&group);
            if let (Durability::Os, Some(content)) = (group.durability, &group.content) {
                group.account.answer_early(content.next_sequence);
            }
            group.settle(Ok(()));
        }
    }

    /// Ends the store after a failed sync: what is on disk is unknown until it is opened again.
    fn poison(&self, cause: &Error, groups: Vec<Group>) {
        let error = Error::new(
            ErrorCode::Poisoned,
            "what is on disk is unknown since a failure below: close the store, look at the disk, open it again",
        )
        .with_source(cause.clone());
        // Under the apply lock, so that no group is accepted behind those that are answered here.
        let applied = self.shared.applied.write();
        let is_first = self.shared.poison.set(error).is_ok();
        let behind = self.shared.queue.take_groups().groups;
        drop(applied);
        let Some(error) = self.shared.poison.get() else { return };
        if is_first {
            let synced = self.with_log(|log| Ok(log.synced())).unwrap_or(0);
            self.shared.fail_answered(synced, error);
        }
        for group in groups.into_iter().chain(behind) {
            self.shared.dequeued(&group);
            // Who was answered already has just been told.
            if group.completion.is_some() {
                group.settle(Err(error.clone()));
            }
        }
    }

    fn publish_stats(&self) {
        if let Some(disk) = self.shared.disk()
            && let Some(log) = &*disk.log.lock()
        {
            disk.publish(log);
        }
    }

    /// Waits until nobody but this thread changes the folder.
    fn end_compaction(&mut self) {
        if let Some(disk) = self.shared.disk() {
            disk.compactor.stop();
        }
        if let Some(compaction) = self.compaction.take() {
            // A panic there has left the log as it was: a run counts only when it is listed.
            let _ = compaction.join();
        }
    }

    /// Closes the log cleanly where nothing failed, releases the lock whatever failed, and tells the last handle.
    fn close(&mut self, close: Close) {
        self.end_compaction();
        // Groups of handles that were closed while this one was: all of them were accepted before.
        loop {
            let Work { frames, groups, .. } = self.shared.queue.take();
            if groups.is_empty() {
                break;
            }
            self.commit(frames, groups);
        }
        if let Some(disk) = self.shared.disk() {
            // Its space lets a full disk take the manifest.
            drop(disk.lend_reserve());
        }
        let log = self.shared.disk().and_then(|disk| disk.log.lock().take());
        let closed = match (self.shared.poison.get(), log) {
            (Some(_), _) | (_, None) => Ok(()),
            // Where only the manifest did not fit, everything is on disk and the next open recovers.
            (None, Some(log)) => log.close().or_else(|error| match error.code() {
                ErrorCode::DiskFull => Ok(()),
                _ => Err(error),
            }),
        };
        if let Some(Disk { identity, lock, .. }) = self.shared.disk() {
            drop(lock.lock().take());
            owners::left(*identity);
        }
        if let Some(values) = self.shared.disk().and_then(|disk| disk.values.as_ref()) {
            values.close();
        }
        // Handles that JavaScript has not collected yet must not keep the data in memory.
        self.shared.lookup.set(None);
        let mut applied = self.shared.applied.write();
        let tables = (std::mem::take(&mut applied.table), std::mem::take(&mut applied.replaced));
        drop(applied);
        drop(tables);
        close.tell(closed);
    }
}

/// Gives each group the failure with the keys of its own frame.
fn name_keys(groups: Vec<Group>, frames: &[Frame], error: &Error) -> Vec<(Group, Error)> {
    let mut frames = frames.iter();
    groups
        .into_iter()
        .map(|group| {
            let frame = group.content.as_ref().and_then(|_| frames.next());
            let error = with_keys(error.clone(), frame.into_iter().flat_map(Frame::operations));
            (group, error)
        })
        .collect()
}

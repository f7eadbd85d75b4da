//! Compaction: a thread of a file store that rewrites closed files of its log without what is dead, so that the store takes
//! at most twice its live data and two segments at rest.
//!
//! `plan` chooses a stretch of files, `judging` asks the table what of it is needed, the log writes that into a run and puts
//! it in the stretch's place, and `space` holds writers back that are faster. Two things make it safe:
//!
//! * The table knows of writes that are not on disk yet. Before a run is installed everything that it was judged by is
//!   synced; if a write was taken back meanwhile, the stretch is judged anew.
//! * A run counts only when the manifest lists it. Whenever the process dies, the log is whole, before or after.

mod compactor;
mod judging;
mod pace;
mod plan;
mod space;

use std::ops::Range;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use hit_core::{Durability, Error, ErrorCode, Result};
use hit_log::{FileId, Log, Run};
use hit_table::Span;

use crate::account::Account;
use crate::disk::{Disk, Replaced};
use crate::queue::{Completion, Group};
use crate::shared::Shared;

pub(crate) use self::compactor::Compactor;
use self::judging::TableJudge;
use self::pace::Pace;
use self::plan::Candidate;
pub(crate) use self::space::Space;

/// How often whoever waits for the log looks whether the store is being closed.
const LOOK_FOR_END_EVERY: Duration = Duration::from_millis(20);

/// Records that are looked at under one hold of the apply lock.
const SWEEP_RECORDS: usize = 2_000;

/// Compacts while closed files take more than they may at rest.
fn keep_bound(shared: &Shared, disk: &Disk) -> Result<()> {
    loop {
        let damaged = disk.compactor.damaged();
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
            disk.compactor.note_damage(damaged, error);
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
        if let Some(disk) = shared.disk() {
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
pub(crate) fn live_bytes(spans: &[Span]) -> u64 {
    spans.iter().map(|span| span.live_bytes).sum()
}

fn closing() -> Error {
    Error::new(ErrorCode::NotOpen, "the store is being closed: open it again")
}

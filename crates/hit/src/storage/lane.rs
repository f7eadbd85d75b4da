//! A lane: a thread that takes what waits, writes it to the storage as one group, and answers. It has a runtime of its own, so a
//! storage may wait for a disk in it as well as for a network.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hit_core::{Durability, Error, ErrorCode, Operation, Result};
use hit_log::Frame;
use tokio::runtime::{Builder, Runtime};

use super::backing::Backing;
use super::lanes::{Item, Taken};
use crate::owners;
use crate::queue::{Close, Group};
use crate::read::Entry;
use crate::shared::Shared;
use crate::write::with_keys;

/// How long a lane is idle before it gives back memory of what was in flight.
const SWEEP_AFTER: Duration = Duration::from_secs(1);
/// Records that one sweep looks at: about a millisecond under the apply lock.
const SWEEP_RECORDS: usize = 5_000;
/// Keys taken out of flight under one hold of the apply lock.
const LANDED_AT_ONCE: usize = 512;

/// Groups with their operations; barriers have none.
type Groups = Vec<(Group, Option<Frame>)>;

pub(crate) struct Lane {
    shared: Arc<Shared>,
    number: usize,
    runtime: Runtime,
    /// What is written as one now. Here as the next two, so that all of it is answered even if writing it panics.
    hand: Groups,
    /// What is to be written then.
    waiting: VecDeque<(Group, Option<Frame>)>,
    /// What is written and waits for a sync.
    written: Groups,
    /// What comes behind all that.
    behind: Option<Item>,
    /// Something was written since the table was swept.
    wants_sweep: bool,
}

/// Starts the lanes of a store.
pub(crate) fn start(shared: &Arc<Shared>, backing: &Backing) -> Result<()> {
    for number in 0..backing.lanes.len() {
        let runtime = Builder::new_current_thread().build().map_err(no_thread)?;
        let shared = Arc::clone(shared);
        let mut lane = Lane {
            shared,
            number,
            runtime,
            hand: Vec::new(),
            waiting: VecDeque::new(),
            written: Vec::new(),
            behind: None,
            wants_sweep: false,
        };
        thread::Builder::new()
            .name(format!("hit-lane-{number}"))
            .spawn(move || lane.run_to_the_end())
            .map_err(no_thread)?;
    }
    Ok(())
}

fn bug() -> Error {
    Error::new(ErrorCode::Io, "a lane of the store failed in a way it should not: please report this")
}

fn no_thread(source: std::io::Error) -> Error {
    Error::new(ErrorCode::Io, "no thread could be started").with_source(source)
}

impl Lane {
    fn backing(&self) -> Option<&Backing> {
        self.shared.backing()
    }

    /// Runs until the store closes. A panic, which is a bug, poisons it instead of leaving everybody waiting.
    fn run_to_the_end(&mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
            let mut lost = std::mem::take(&mut self.written);
            lost.append(&mut self.hand);
            lost.extend(self.waiting.drain(..));
            self.poison(&bug(), lost);
        }
    }

    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(backing) = shared.backing() else { return };
        loop {
            // There is one already where writing what came before it has panicked.
            if self.behind.is_none() {
                let patience = self.wants_sweep.then_some(SWEEP_AFTER);
                let Taken { groups, behind } = backing.lanes.take(self.number, patience);
                if groups.is_empty() && behind.is_none() {
                    self.sweep();
                }
                self.behind = behind;
                self.commit(groups);
            }
            match self.behind.take() {
                Some(Item::Meeting(meeting)) => {
                    if let Some((item, doom, _lets_others_go_on)) = meeting.arrive() {
                        self.hold_meeting(item, doom, meeting.lanes());
                    }
                }
                Some(Item::Close(close)) => self.close(close),
                Some(Item::Group(..)) | None => {}
            }
            if backing.lanes.are_closed() {
                return;
            }
        }
    }

    fn hold_meeting(&mut self, item: Item, doom: Option<Error>, lanes: &[usize]) {
        match (item, doom) {
            (Item::Group(group, frame), Some(error)) => self.refuse(vec![(group, frame)], lanes, &error),
            (Item::Group(group, frame), None) => self.commit_for(vec![(group, frame)], lanes),
            (Item::Close(close), _) => self.close(close),
            (Item::Meeting(_), _) => {}
        }
    }

    /// Gives back memory that the table has kept.
    fn sweep(&mut self) {
        // Nothing is expired at 0: an entry that has expired still hides what the storage has.
        self.wants_sweep = self.shared.applied.write().table.sweep(0, SWEEP_RECORDS);
    }

    /// Writes and answers groups of this lane in their order.
    fn commit(&mut self, groups: Groups) {
        self.commit_for(groups, &[self.number]);
    }

    /// The same with groups of all these lanes.
    fn commit_for(&mut self, groups: Groups, lanes: &[usize]) {
        if groups.is_empty() {
            return;
        }
        self.wants_sweep = true;
        if let Some(poison) = self.shared.poison.get().cloned() {
            return self.poison(&poison, groups);
        }
        let durability = reached_by(&groups);
        self.waiting.extend(groups);
        while !self.waiting.is_empty() {
            self.hand = take_stretch(&mut self.waiting);
            // One sync of the last ones is enough for all, but who sees a write that is in the storage takes it for durable.
            let reached = if self.waiting.is_empty() { durability } else { reached_by(&self.hand) };
            match self.write_hand(reached) {
                Ok(has_synced) => {
                    self.written.append(&mut self.hand);
                    self.answer_written(if has_synced { Durability::Disk } else { Durability::Os });
                }
                Err(error) => {
                    self.sync_and_answer();
                    let mut refused = std::mem::take(&mut self.hand);
                    refused.extend(self.waiting.drain(..));
                    return self.refuse(refused, lanes, &error);
                }
            }
        }
        self.sync_and_answer();
    }

    /// Writes what is in hand as one group; true where all that is written is synced then.
    fn write_hand(&mut self, durability: Durability) -> Result<bool> {
        let Some(backing) = self.shared.backing() else { return Ok(false) };
        let contents = || self.hand.iter().filter_map(|(group, _)| group.content.as_ref());
        let first_sequence = contents().map(|content| content.first_sequence).min();
        let next_sequence = contents().map(|content| content.next_sequence).max();
        let (Some(first_sequence), Some(next_sequence)) = (first_sequence, next_sequence) else {
            return Ok(false);
        };
        let has_range = has_range_delete(&self.hand);
        let operations = joined(&self.hand, has_range);
        let unsynced = &backing.lanes.unsynced;
        let is_synced = durability == Durability::Disk;
        let begun = is_synced.then(|| unsynced.begin());
        self.runtime.block_on(backing.storage.write(&operations, durability))?;
        unsynced.add(self.number, first_sequence, next_sequence);
        if let Some(mut begun) = begun {
            begun.covers(self.number, next_sequence);
            unsynced.end(&begun);
        }
        land(&self.shared, backing, &operations, has_range, next_sequence);
        Ok(is_synced)
    }

    /// Syncs for the groups that wait for it, and answers them.
    fn sync_and_answer(&mut self) {
        if self.written.is_empty() {
            return;
        }
        match self.sync() {
            Ok(()) => self.answer_written(Durability::Disk),
            Err(error) => {
                let written = std::mem::take(&mut self.written);
                self.poison(&error, written);
            }
        }
    }

    fn sync(&self) -> Result<()> {
        let Some(backing) = self.backing() else { return Ok(()) };
        let unsynced = &backing.lanes.unsynced;
        if unsynced.is_any() {
            let begun = unsynced.begin();
            self.runtime.block_on(backing.storage.sync())?;
            unsynced.end(&begun);
        }
        Ok(())
    }

    /// Answers the written groups that ask for no more than `reached`.
    fn answer_written(&mut self, reached: Durability) {
        let (reached, waiting): (Groups, Groups) =
            std::mem::take(&mut self.written).into_iter().partition(|(group, _)| group.durability <= reached);
        self.written = waiting;
        let mut frames = Vec::new();
        for (group, frame) in reached {
            self.shared.dequeued(&group);
            if let (Durability::Os, Some(content)) = (group.durability, &group.content) {
                group.account.answer_early(content.next_sequence);
            }
            group.settle(Ok(()));
            frames.extend(frame);
        }
        self.shared.give_back(frames.into_iter());
    }

    /// Answers groups of all these lanes that were not written, and takes them out of flight with all that depends on them.
    fn refuse(&mut self, groups: Groups, lanes: &[usize], error: &Error) {
        if error.code() == ErrorCode::Poisoned {
            return self.poison(error, groups);
        }
        let Some(backing) = self.shared.backing() else { return };
        let (mut refused, barriers): (Groups, Groups) =
            groups.into_iter().partition(|(group, _)| group.depends_on_those_before());
        let mut applied = self.shared.applied.write();
        refused.extend(backing.lanes.take_dependent(lanes, error));
        if let Some(Item::Meeting(meeting)) = &self.behind {
            meeting.doom(error);
        }
        for (group, frame) in &refused {
            if let (Some(content), Some(frame)) = (&group.content, frame) {
                if frame.has_range_delete() {
                    applied.land_ranges(content.next_sequence);
                }
                applied
                    .land(frame.operations().filter_map(|operation| operation.key()), content.next_sequence);
            }
        }
        drop(applied);
        self.answer_all(refused, error);
        // A flush among them does not depend on these: it has to know what failed unseen.
        self.commit(barriers);
    }

    /// Answers groups with a failure, which names their keys.
    fn answer_all(&self, groups: Groups, error: &Error) {
        for (group, frame) in groups {
            self.shared.dequeued(&group);
            let named = with_keys(error.clone(), frame.iter().flat_map(Frame::operations));
            group.settle(Err(named));
        }
    }

    /// Ends the store: what is in the storage is unknown until it is opened again.
    fn poison(&self, cause: &Error, groups: Groups) {
        let error = match cause.code() {
            ErrorCode::Poisoned => cause.clone(),
            _ => Error::new(
                ErrorCode::Poisoned,
                "what is stored is unknown since a failure below: close the store, look at the disk, open it again",
            )
            .with_source(cause.clone()),
        };
        // Under the apply lock, so that no group is accepted behind this.
        let applied = self.shared.applied.write();
        let is_first = self.shared.poison.set(error).is_ok();
        drop(applied);
        let (Some(error), Some(backing)) = (self.shared.poison.get(), self.shared.backing()) else { return };
        if is_first {
            self.shared.fail_answered(backing.lanes.unsynced.synced(), error);
        }
        for (group, _) in groups {
            self.shared.dequeued(&group);
            // Who was answered already may have been told, for something else that was not synced.
            if group.completion.is_some() || !group.account.knows_of_poison() {
                group.settle(Err(error.clone()));
            }
        }
    }

    /// Closes the storage, releases the lock whatever failed, and tells the last handle.
    fn close(&mut self, close: Close) {
        let shared = Arc::clone(&self.shared);
        let Some(backing) = shared.backing() else { return };
        let closed = catch_unwind(AssertUnwindSafe(|| {
            let synced = if shared.poison.get().is_some() { Ok(()) } else { self.sync() };
            backing.keeper.stop();
            synced.and(self.runtime.block_on(backing.storage.close()))
        }));
        let closed = match closed {
            Ok(closed) if shared.poison.get().is_none() => closed,
            Ok(_) => Ok(()),
            Err(_) => Err(bug()),
        };
        // Behind the end of the storage, which ends its long calls.
        backing.keeper.join();
        if let Some(place) = &backing.place {
            drop(place.lock.lock().take());
            place.identity.into_iter().for_each(owners::left);
        }
        // Handles that JavaScript has not collected yet must not keep it in memory.
        let table = std::mem::take(&mut shared.applied.write().table);
        drop(table);
        backing.cache.end();
        backing.lanes.end();
        close.tell(closed);
    }
}

/// The most durability that one of the groups asks for.
fn reached_by(groups: &[(Group, Option<Frame>)]) -> Durability {
    groups.iter().map(|(group, _)| group.durability).max().unwrap_or(Durability::Os)
}

/// Takes the groups that are written together: those up to a range delete, or one that holds a range delete.
fn take_stretch(waiting: &mut VecDeque<(Group, Option<Frame>)>) -> Groups {
    let without = waiting.iter().position(|group| has_range_delete(std::slice::from_ref(group)));
    waiting.drain(..without.unwrap_or(waiting.len()).max(1)).collect()
}

fn has_range_delete(groups: &[(Group, Option<Frame>)]) -> bool {
    groups.iter().filter_map(|(_, frame)| frame.as_ref()).any(Frame::has_range_delete)
}

/// The operations of groups: in their order where there is a range delete, else by key, the last one on a key alone.
fn joined(groups: &[(Group, Option<Frame>)], has_range: bool) -> Vec<Operation<'_>> {
    let frames = groups.iter().filter_map(|(_, frame)| frame.as_ref());
    let mut operations: Vec<_> = frames.flat_map(Frame::operations).collect();
    if !has_range && !operations.is_sorted_by(|before, behind| before.key() < behind.key()) {
        // The sort is stable, and of each key the first one stays: so last to first.
        operations.reverse();
        operations.sort_by(|one, other| one.key().cmp(&other.key()));
        operations.dedup_by(|one, kept| one.key() == kept.key());
    }
    operations
}

/// Takes operations out of flight that the storage has. What was set is kept as what is read: it is likely to be asked for.
fn land(
    shared: &Shared,
    backing: &Backing,
    operations: &[Operation<'_>],
    has_range: bool,
    next_sequence: u64,
) {
    for (number, some) in operations.chunks(LANDED_AT_ONCE).enumerate() {
        let mut applied = shared.applied.write();
        // First: a range hides what the storage has of keys that have landed.
        if has_range && number == 0 {
            applied.land_ranges(next_sequence);
        }
        applied.land(some.iter().filter_map(Operation::key), next_sequence);
        if !has_range {
            let newest = some.iter().filter_map(entry_of);
            backing
                .cache
                .keep_all(newest.filter(|(key, _)| !applied.in_flight.is_written_since(key, next_sequence)));
        }
    }
}

/// What a key has after an operation that sets it.
fn entry_of<'a>(operation: &Operation<'a>) -> Option<(&'a [u8], Entry<'a>)> {
    match *operation {
        Operation::Set { key, value, expires_at } => Some((key, Entry { value, expires_at })),
        _ => None,
    }
}

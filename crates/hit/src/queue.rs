use std::sync::Arc;
use std::time::Duration;

use hit_core::{Durability, Error, Result};
use hit_log::Frame;
use hit_table::Undo;
use parking_lot::{Condvar, Mutex};

use crate::account::Account;

/// Called once with how a write ended.
pub(crate) type Completion = Box<dyn FnOnce(Result<()>) + Send>;

/// A group of operations on its way to the log, already applied to the table; or a barrier, which holds none.
pub(crate) struct Group {
    pub(crate) account: Arc<Account>,
    /// What the group must have reached before it is answered.
    pub(crate) durability: Durability,
    /// `None`: answered when it was accepted.
    pub(crate) completion: Option<Completion>,
    pub(crate) content: Option<Content>,
    /// How to take the content back, until it is written.
    pub(crate) undo: Option<Undo>,
    /// A barrier of a read: it fails with the groups before it, because the read may have seen them.
    pub(crate) has_seen: bool,
}

/// The operations of a group.
pub(crate) struct Content {
    pub(crate) first_sequence: u64,
    pub(crate) next_sequence: u64,
    pub(crate) bytes: usize,
    /// Only deletes, which may use the reserve of a full disk.
    pub(crate) frees_space: bool,
    /// A new segment begins with it.
    pub(crate) begins_segment: bool,
}

impl Group {
    /// A group without operations: it is answered when all before it have reached `durability`.
    pub(crate) fn barrier(
        account: Arc<Account>,
        durability: Durability,
        completion: Option<Completion>,
    ) -> Self {
        Self { account, durability, completion, content: None, undo: None, has_seen: false }
    }

    /// Whether it is refused together with groups before it that are.
    pub(crate) fn depends_on_those_before(&self) -> bool {
        self.content.is_some() || self.has_seen
    }

    /// Answers the group. A failure of a group that was answered already goes to its account.
    pub(crate) fn settle(self, result: Result<()>) {
        match (self.completion, result) {
            (Some(completion), result) => completion(result),
            (None, Err(error)) => self.account.fail_unseen(&error),
            (None, Ok(())) => {}
        }
    }
}

/// What the log thread has to do next. `frames` holds one frame for each group with content, in the same order.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) frames: Vec<Frame>,
    pub(crate) groups: Vec<Group>,
    pub(crate) close: Option<Close>,
    /// The table has something to sweep.
    pub(crate) sweep: bool,
}

impl Work {
    /// Takes what belongs into one segment, and leaves the rest.
    fn take_segment(&mut self) -> Self {
        let begins = |group: &Group| group.content.as_ref().is_some_and(|content| content.begins_segment);
        let Some(boundary) = self.groups.iter().skip(1).position(begins) else { return std::mem::take(self) };
        let behind = self.groups.split_off(boundary + 1);
        let groups = std::mem::replace(&mut self.groups, behind);
        let contents = groups.iter().filter(|group| group.content.is_some()).count();
        let behind = self.frames.split_off(contents);
        let frames = std::mem::replace(&mut self.frames, behind);
        Self { frames, groups, close: None, sweep: std::mem::take(&mut self.sweep) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.close.is_none() && !self.sweep
    }
}

/// The end of the store: who is told of it, and what its last handle had not seen.
pub(crate) struct Close {
    pub(crate) account: Arc<Account>,
    pub(crate) completion: Option<Completion>,
}

impl Close {
    /// Tells how it ended: with what the last handle had not seen, else with `closed`.
    pub(crate) fn tell(self, closed: Result<()>) {
        let result = self.account.take_unseen().map_or(closed, Err);
        match (self.completion, result) {
            (Some(completion), result) => completion(result),
            (None, Err(error)) => self.account.fail_unseen(&error),
            (None, Ok(())) => {}
        }
    }
}

/// What submitting threads hand to the log thread. Groups enter in the order of their sequence numbers, because they
/// are pushed under the apply lock.
#[derive(Default)]
pub(crate) struct Queue {
    work: Mutex<Work>,
    arrived: Condvar,
}

impl Queue {
    pub(crate) fn push(&self, group: Group, frame: Option<Frame>) {
        let mut work = self.work.lock();
        work.groups.push(group);
        work.frames.extend(frame);
        self.arrived.notify_one();
    }

    pub(crate) fn close(&self, close: Close) {
        self.work.lock().close = Some(close);
        self.arrived.notify_one();
    }

    /// Has the thread begin to sweep the table.
    pub(crate) fn sweep(&self) {
        self.work.lock().sweep = true;
        self.arrived.notify_one();
    }

    /// Takes what waits and belongs into one segment, without waiting.
    pub(crate) fn take(&self) -> Work {
        self.work.lock().take_segment()
    }

    /// Takes all groups that wait, with their frames.
    pub(crate) fn take_groups(&self) -> Work {
        let mut work = self.work.lock();
        Work {
            frames: std::mem::take(&mut work.frames),
            groups: std::mem::take(&mut work.groups),
            ..Work::default()
        }
    }

    /// Waits until there is something to do or the time is over; `None` waits for as long as it takes. Takes no more than
    /// belongs into one segment.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Work {
        let mut work = self.work.lock();
        if work.is_empty() {
            match timeout {
                Some(timeout) => drop(self.arrived.wait_for(&mut work, timeout)),
                None => self.arrived.wait(&mut work),
            }
        }
        work.take_segment()
    }
}

/// Answers every group with the same failure.
pub(crate) fn fail_all(groups: Vec<Group>, error: &Error) {
    for group in groups {
        group.settle(Err(error.clone()));
    }
}

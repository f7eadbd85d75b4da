//! The lanes of a storage: keys are assigned by hash, so one key stays in order while lanes run side by side.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foldhash::fast::FixedState;
use hit_log::Frame;
use parking_lot::{Condvar, Mutex};

use super::meeting::Meeting;
use super::unsynced::Unsynced;
use crate::queue::{Close, Group};

/// A lane joins what waits up to about so many bytes.
const GROUP_BYTES: usize = 4 << 20;

/// The lanes of one store. One lane keeps all writes in the order accepted; several keep the order of each key.
pub(crate) struct Lanes {
    queues: Vec<LaneQueue>,
    /// Held while a meeting enters the queues: those who only read put barriers there side by side.
    assembling: Mutex<()>,
    /// What they have written since the last sync.
    pub(crate) unsynced: Unsynced,
    closed: AtomicBool,
}

/// What a lane has to do, in order.
#[expect(clippy::large_enum_variant, reason = "nearly all of them are groups")]
pub(crate) enum Item {
    /// Operations of this lane alone, or a barrier without any.
    Group(Group, Option<Frame>),
    /// What concerns several lanes.
    Meeting(Arc<Meeting>),
    /// The end of the store.
    Close(Close),
}

#[derive(Default)]
struct LaneQueue {
    items: Mutex<VecDeque<Item>>,
    arrived: Condvar,
}

/// What a lane takes at once: groups that may be joined, and what comes behind them.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) groups: Vec<(Group, Option<Frame>)>,
    pub(crate) behind: Option<Item>,
}

/// Spreads keys over lanes and marks.
pub(crate) fn hash(key: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(key)
}

impl LaneQueue {
    fn take_dependent(&self, error: &hit_core::Error) -> Vec<(Group, Option<Frame>)> {
        let mut items = self.items.lock();
        let mut dependent = Vec::new();
        for item in std::mem::take(&mut *items) {
            match item {
                Item::Group(group, frame) if group.depends_on_those_before() => {
                    dependent.push((group, frame))
                }
                Item::Meeting(meeting) => {
                    meeting.doom(error);
                    items.push_back(Item::Meeting(meeting));
                }
                other => items.push_back(other),
            }
        }
        dependent
    }
}

impl Lanes {
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            queues: (0..lanes.max(1)).map(|_| LaneQueue::default()).collect(),
            assembling: Mutex::new(()),
            unsynced: Unsynced::new(lanes.max(1)),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.queues.len()
    }

    /// The lane of a key.
    pub(crate) fn of(&self, key: &[u8]) -> usize {
        // The high half, since the low bits say where marks are.
        if self.len() == 1 { 0 } else { (hash(key) >> 32) as usize % self.len() }
    }

    /// Hands a group to a lane. The caller holds the apply lock, so that all lanes have one order.
    pub(crate) fn push(&self, lane: usize, group: Group, frame: Option<Frame>) {
        self.put(lane, Item::Group(group, frame));
    }

    /// Has several lanes meet for a group that runs alone. The caller holds the apply lock.
    pub(crate) fn meet(&self, lanes: &[usize], group: Group, frame: Option<Frame>) {
        match lanes {
            [lane] => self.push(*lane, group, frame),
            _ => self.assemble(lanes, Item::Group(group, frame)),
        }
    }

    /// Ends the lanes behind everything that they have. The caller holds the apply lock.
    pub(crate) fn close(&self, close: Close) {
        match self.len() {
            1 => self.put(0, Item::Close(close)),
            _ => self.assemble(&self.all(), Item::Close(close)),
        }
    }

    fn assemble(&self, lanes: &[usize], item: Item) {
        let meeting = Arc::new(Meeting::new(lanes, item));
        // Invariant: two meetings stand in one order in all queues, else each of two lanes waits for the other.
        let _assembling = self.assembling.lock();
        for &lane in lanes {
            self.put(lane, Item::Meeting(Arc::clone(&meeting)));
        }
    }

    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.len()).collect()
    }

    fn put(&self, lane: usize, item: Item) {
        let Some(queue) = self.queues.get(lane) else { return };
        queue.items.lock().push_back(item);
        queue.arrived.notify_one();
    }

    /// Waits until a lane has something to do or the time is over, and takes it.
    pub(crate) fn take(&self, lane: usize, patience: Option<Duration>) -> Taken {
        let Some(queue) = self.queues.get(lane) else { return Taken::default() };
        let mut items = queue.items.lock();
        if items.is_empty() {
            match patience {
                Some(patience) => drop(queue.arrived.wait_for(&mut items, patience)),
                None => queue.arrived.wait(&mut items),
            }
        }
        let (mut taken, mut bytes) = (Taken::default(), 0);
        while let Some(item) = items.pop_front() {
            match item {
                Item::Group(group, frame) => {
                    bytes += frame.as_ref().map_or(0, Frame::byte_len);
                    taken.groups.push((group, frame));
                }
                behind => taken.behind = Some(behind),
            }
            if bytes >= GROUP_BYTES || taken.behind.is_some() {
                break;
            }
        }
        taken
    }

    /// Takes the groups that wait in lanes and depend on one of all these lanes that has failed, and tells the meetings among what
    /// waits. The caller holds the apply lock.
    pub(crate) fn take_dependent(
        &self,
        lanes: &[usize],
        error: &hit_core::Error,
    ) -> Vec<(Group, Option<Frame>)> {
        let queues = lanes.iter().filter_map(|&lane| self.queues.get(lane));
        queues.flat_map(|queue| queue.take_dependent(error)).collect()
    }

    /// The store is closed: the lanes end.
    pub(crate) fn end(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn are_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

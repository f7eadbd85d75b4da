use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};

use hit_core::{Clock, Durability, Error, ErrorCode, Result};
use hit_log::{Folder, Frame};
use hit_table::{LookupSlot, Table, Undo};
use parking_lot::{Mutex, RwLock};

use crate::account::Account;
use crate::base::Base;
use crate::disk::Disk;
use crate::fill::SegmentFill;
use crate::queue::{Close, Completion, Group, Queue};
use crate::reader::Reader;
use crate::storage::{Backing, InFlight};

/// A submitted frame's buffer is kept for the next one up to this size.
const SPARE_FRAME_BYTES: usize = 1 << 20;
const SPARE_FRAMES: usize = 16;

/// One open store, shared by all its handles and its thread.
pub(crate) struct Shared {
    /// The apply lock: writers hold it while a group becomes visible and gets its place in the queue.
    pub(crate) applied: RwLock<Applied>,
    /// The table in there, for reads of keys; none for a store over a storage, and none once the store is closed.
    pub(crate) lookup: LookupSlot,
    pub(crate) queue: Queue,
    base: Base,
    pub(crate) clock: Arc<dyn Clock>,
    /// The store's thread sleeps until it is woken.
    pub(crate) resting: AtomicBool,
    /// Set once, when a sync failed.
    pub(crate) poison: OnceLock<Error>,
    /// Handles that are not closed; the registry's lock orders its changes.
    pub(crate) handles: AtomicUsize,
    accounts: Mutex<Vec<Weak<Account>>>,
    /// Undo records of groups that are written, for the next holder of the apply lock to settle.
    settled: Mutex<Vec<Undo>>,
    has_settled: AtomicBool,
    spare_frames: Mutex<Vec<Frame>>,
    unanswered: Unanswered,
}

/// The table, the number of its next operation, and how full its segment is.
pub(crate) struct Applied {
    pub(crate) table: Table,
    pub(crate) next_sequence: u64,
    pub(crate) fill: SegmentFill,
    /// What else is known of writes in flight, where the data lies in a storage.
    pub(crate) in_flight: InFlight,
    /// Tables that a refresh has put another one in the place of, as long as scans see them: freeing one takes long.
    pub(crate) replaced: Vec<Table>,
}

impl Applied {
    pub(crate) fn new(table: Table, next_sequence: u64, fill: SegmentFill) -> Self {
        Self { table, next_sequence, fill, in_flight: InFlight::default(), replaced: Vec::new() }
    }

    /// Takes out the replaced tables that no scan sees any more. Freeing them takes long, so not under the apply lock.
    pub(crate) fn take_unseen(&mut self) -> Vec<Table> {
        self.replaced.extract_if(.., |table| table.oldest_snapshot().is_none()).collect()
    }

    /// All tables.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        std::iter::once(&self.table).chain(&self.replaced)
    }
}

/// How many groups have not reached the durability they were made with.
#[derive(Default)]
struct Unanswered {
    os: AtomicUsize,
    disk: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(applied: Applied, base: Base, clock: Arc<dyn Clock>) -> Self {
        let lookup = LookupSlot::default();
        if !matches!(base, Base::Storage(_)) {
            lookup.set(Some(applied.table.lookup()));
        }
        Self {
            applied: RwLock::new(applied),
            lookup,
            queue: Queue::default(),
            base,
            clock,
            resting: AtomicBool::new(false),
            poison: OnceLock::new(),
            handles: AtomicUsize::new(1),
            accounts: Mutex::default(),
            settled: Mutex::default(),
            has_settled: AtomicBool::new(false),
            spare_frames: Mutex::default(),
            unanswered: Unanswered::default(),
        }
    }

    /// What the store stands on.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// What a store over a storage has.
    pub(crate) fn backing(&self) -> Option<&Backing> {
        match &self.base {
            Base::Storage(backing) => Some(backing),
            _ => None,
        }
    }

    /// What a file store has beyond memory.
    pub(crate) fn disk(&self) -> Option<&Disk> {
        match &self.base {
            Base::Log(disk) => Some(disk),
            _ => None,
        }
    }

    /// Whether values may be on disk only.
    pub(crate) fn may_store_values(&self) -> bool {
        self.disk().is_some_and(|disk| disk.values.is_some())
    }

    /// What a file store that was opened read-only follows.
    pub(crate) fn reader(&self) -> Option<&Reader> {
        match &self.base {
            Base::Follower(reader) => Some(reader),
            _ => None,
        }
    }

    /// The folder of a store in files.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        match &self.base {
            Base::Memory => None,
            Base::Log(disk) => Some(&disk.folder),
            Base::Follower(reader) => Some(reader.folder()),
            Base::Storage(backing) => backing.place.as_ref()?.folder.as_ref(),
        }
    }

    /// Refuses every write where the store was opened read-only.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match &self.base {
            Base::Follower(reader) => Err(reader.refusal()),
            Base::Storage(Backing { refusal: Some(refusal), .. }) => Err(refusal.clone()),
            _ => Ok(()),
        }
    }

    /// The time that expiry is judged by; the clock is not asked while nothing expires.
    pub(crate) fn now_ms(&self, table: &Table) -> u64 {
        if table.can_expire() { self.clock.now_ms() } else { 0 }
    }

    pub(crate) fn check_not_poisoned(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Makes a new handle's account known.
    pub(crate) fn add_account(&self, account: &Arc<Account>) {
        let mut accounts = self.accounts.lock();
        accounts.retain(|account| account.strong_count() > 0);
        accounts.push(Arc::downgrade(account));
    }

    /// Tells every handle that was answered at or behind `sequence` before it was on disk.
    pub(crate) fn fail_answered(&self, sequence: u64, error: &Error) {
        let accounts: Vec<_> = self.accounts.lock().iter().filter_map(Weak::upgrade).collect();
        accounts
            .iter()
            .filter(|account| account.was_answered_behind(sequence))
            .for_each(|account| account.fail_unseen(error));
    }

    /// Holds a writer of `bytes` back that is faster than compaction. Called without a lock.
    pub(crate) fn wait_for_compaction(&self, bytes: usize) {
        if let Some(disk) = self.disk() {
            disk.space.wait_for_compaction(bytes);
        }
    }

    /// Refuses a write that needs space while the disk is full.
    pub(crate) fn check_room(&self) -> Result<()> {
        match self.disk() {
            Some(disk) if !disk.has_room() => Err(Error::new(
                ErrorCode::DiskFull,
                "the disk that holds the store is full: free space; deletes and reads go on",
            )),
            _ => Ok(()),
        }
    }

    /// The identity by which a second open of the store in this process finds it.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        match &self.base {
            Base::Log(disk) => Some(disk.identity),
            Base::Storage(backing) => backing.place.as_ref()?.identity,
            Base::Memory | Base::Follower(_) => None,
        }
    }

    /// Queues a group without operations behind all others. The caller holds the apply lock.
    pub(crate) fn enqueue_barrier(&self, group: Group) {
        match &self.base {
            Base::Storage(backing) => {
                self.count_in(&group);
                backing.lanes.meet(&backing.lanes.all(), group, None);
            }
            _ => self.enqueue(group, None),
        }
    }

    /// Ends the store behind everything that is queued. The caller holds the apply lock.
    pub(crate) fn enqueue_close(&self, close: Close) {
        match &self.base {
            Base::Storage(backing) => backing.lanes.close(close),
            _ => self.queue.close(close),
        }
    }

    /// Hands a group to the log. The caller holds the apply lock, which makes the queue's order that of the table.
    pub(crate) fn enqueue(&self, group: Group, frame: Option<Frame>) {
        self.count_in(&group);
        self.queue.push(group, frame);
    }

    /// Counts a group that is handed over.
    pub(crate) fn count_in(&self, group: &Group) {
        if let Some(content) = &group.content {
            group.account.backlog.add(content.bytes);
            if let Some(disk) = self.disk() {
                disk.space.add_pending(content.bytes);
            }
        }
        self.count(group.durability, 1);
    }

    /// Waits until the log has written everything accepted so far; not for a store that is closing.
    pub(crate) fn wait_until_written(&self) {
        let (answer, written) = mpsc::channel();
        let completion: Completion = Box::new(move |result| drop(answer.send(result)));
        let applied = self.applied.write();
        // Invariant: the last handle leaves under the apply lock, so until then the log thread takes what is queued.
        if self.handles.load(Ordering::SeqCst) == 0 || self.poison.get().is_some() {
            return;
        }
        let nobody = Arc::new(Account::new(Durability::Os, usize::MAX, None));
        self.enqueue_barrier(Group::barrier(nobody, Durability::Os, Some(completion)));
        drop(applied);
        // However it ended, there is nothing left to wait for.
        let _ = written.recv();
    }

    /// Takes back what `count_in` counted.
    pub(crate) fn dequeued(&self, group: &Group) {
        if let Some(content) = &group.content {
            group.account.backlog.remove(content.bytes);
            if let Some(disk) = self.disk() {
                disk.space.remove_pending(content.bytes);
            }
        }
        self.count(group.durability, -1);
    }

    fn count(&self, durability: Durability, change: isize) {
        match durability {
            Durability::Disk => self.unanswered.disk.fetch_add(change.cast_unsigned(), Ordering::SeqCst),
            Durability::Os => self.unanswered.os.fetch_add(change.cast_unsigned(), Ordering::SeqCst),
            Durability::Memory => 0,
        };
    }

    /// The most that a write seen by now still waits for; `None` where nothing does.
    pub(crate) fn unanswered(&self) -> Option<Durability> {
        if self.unanswered.disk.load(Ordering::SeqCst) > 0 {
            Some(Durability::Disk)
        } else if self.unanswered.os.load(Ordering::SeqCst) > 0 {
            Some(Durability::Os)
        } else {
            None
        }
    }

    /// Keeps undo records of written groups until somebody holds the apply lock anyway.
    pub(crate) fn add_settled(&self, undos: impl Iterator<Item = Undo>) {
        self.settled.lock().extend(undos);
        self.has_settled.store(true, Ordering::Release);
    }

    /// Has values given up that are too many in memory, and lets go of files in which nobody sees values any more; true while
    /// there are others.
    pub(crate) fn keep_values(&self) -> bool {
        let Some(values) = self.disk().and_then(|disk| disk.values.as_ref()) else { return false };
        values.keep_budget(self);
        values.release(&self.applied.read().table)
    }

    /// Settles what has been written since.
    pub(crate) fn settle(&self, table: &mut Table) {
        if self.has_settled.swap(false, Ordering::Acquire) {
            for undo in self.settled.lock().drain(..) {
                table.settle(undo);
            }
        }
    }

    pub(crate) fn take_frame(&self) -> Frame {
        self.spare_frames.lock().pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, frames: impl Iterator<Item = Frame>) {
        let mut spare = self.spare_frames.lock();
        for mut frame in frames.filter(|frame| frame.byte_len() <= SPARE_FRAME_BYTES) {
            if spare.len() == SPARE_FRAMES {
                return;
            }
            frame.clear();
            spare.push(frame);
        }
    }
}

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};

use hit_core::{Clock, Durability, Error, ErrorCode, Result};
use hit_log::{FileId, Folder, Frame, Lock, Log, LogStats, RESERVE_BYTES, Reserve, Run};
use hit_table::{Snapshot, Table, Undo};
use parking_lot::{Mutex, RwLock};

use crate::account::Account;
use crate::compaction::{Compactor, Space};
use crate::fill::SegmentFill;
use crate::options::FileOptions;
use crate::queue::{Completion, Group, Queue};
use crate::reader::Reader;
use crate::values::Values;

/// A submitted frame's buffer is kept for the next one up to this size.
const SPARE_FRAME_BYTES: usize = 1 << 20;
const SPARE_FRAMES: usize = 16;
/// The reserve is this part of the log, up to a segment.
const RESERVED_PART: u64 = 4;

/// One open store, shared by all its handles and its thread.
pub(crate) struct Shared {
    /// The apply lock: writers hold it while a group becomes visible and gets its place in the queue.
    pub(crate) applied: RwLock<Applied>,
    pub(crate) queue: Queue,
    /// What a file store has beyond memory.
    pub(crate) disk: Option<Disk>,
    /// What a store that was opened read-only has instead.
    pub(crate) reader: Option<Reader>,
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
    /// Tables that a refresh has put another one in the place of, as long as scans see them.
    pub(crate) replaced: Vec<Table>,
}

impl Applied {
    pub(crate) fn new(table: Table, next_sequence: u64, fill: SegmentFill) -> Self {
        Self { table, next_sequence, fill, replaced: Vec::new() }
    }

    /// The table that a snapshot was taken of.
    pub(crate) fn table_of(&self, snapshot: &Snapshot) -> &Table {
        self.replaced.iter().find(|table| table.has_taken(snapshot)).unwrap_or(&self.table)
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

/// What only a file store has.
pub(crate) struct Disk {
    pub(crate) identity: (u64, u64),
    pub(crate) options: FileOptions,
    /// Values that stay on disk; `None` where all are kept in memory.
    pub(crate) values: Option<Values>,
    pub(crate) folder: Folder,
    pub(crate) lock: Mutex<Option<Lock>>,
    /// Written by the log thread; compaction puts runs into its list. Nobody who holds it waits for the apply lock. `None`
    /// once the store is closed.
    pub(crate) log: Mutex<Option<Log>>,
    pub(crate) compactor: Compactor,
    pub(crate) space: Space,
    pins: Mutex<Pins>,
    reserve: Mutex<Kept>,
    /// No room was left at the last append.
    full: AtomicBool,
    /// As of the last commit.
    pub(crate) log_stats: Mutex<LogStats>,
}

/// Who reads the log's files, so that replaced ones stay.
#[derive(Default)]
struct Pins {
    held: usize,
    replaced: Vec<Replaced>,
    replaced_bytes: u64,
}

/// A file that no list has any more.
#[derive(Clone, Copy)]
pub(crate) struct Replaced {
    file: FileId,
    /// Snapshots up to this mark may see values in it.
    seen_to: Option<u64>,
}

impl Replaced {
    /// A file in which nobody sees values.
    pub(crate) fn unseen(file: FileId) -> Self {
        Self { file, seen_to: None }
    }
}

/// Keeps the log's files where they are, replaced ones too, until it is dropped.
pub(crate) struct Pinned<'a>(&'a Disk);

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        let mut pins = self.0.pins.lock();
        pins.held -= 1;
        if pins.held == 0 {
            let (replaced, bytes) = (std::mem::take(&mut pins.replaced), pins.replaced_bytes);
            drop(pins);
            self.0.remove(replaced.into_iter());
            // They take their space up to here.
            self.0.pins.lock().replaced_bytes -= bytes;
        }
    }
}

/// Disk space for deletes and compaction on a full disk.
#[derive(Default)]
struct Kept {
    reserve: Option<Reserve>,
    /// How many are using the space that it gave back.
    lent: usize,
}

/// The right to the space that the reserve gave back: nobody keeps it again until this is dropped.
pub(crate) struct Lent<'a> {
    disk: &'a Disk,
    gave_space: bool,
}

impl Lent<'_> {
    /// Whether there was a reserve, so that trying again may help.
    pub(crate) fn gave_space(&self) -> bool {
        self.gave_space
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.disk.reserve.lock().lent -= 1;
    }
}

impl Disk {
    pub(crate) fn new(
        identity: (u64, u64),
        folder: Folder,
        options: FileOptions,
        values: Option<Values>,
        lock: Lock,
        log: Log,
    ) -> Self {
        let disk = Self {
            identity,
            options,
            values,
            folder,
            lock: Mutex::new(Some(lock)),
            compactor: Compactor::new(options.compaction),
            space: Space::new(options.segment_bytes),
            pins: Mutex::default(),
            reserve: Mutex::default(),
            full: AtomicBool::new(false),
            log_stats: Mutex::new(log.stats()),
            log: Mutex::new(None),
        };
        disk.publish(&log);
        *disk.log.lock() = Some(log);
        disk
    }

    /// Tells the log's figures to those who do not wait for it.
    pub(crate) fn publish(&self, log: &Log) {
        let stats = log.stats();
        self.space.set_log(stats.disk_bytes, stats.closed_bytes);
        *self.log_stats.lock() = stats;
    }

    /// Keeps the log's files where they are.
    pub(crate) fn pin(&self) -> Pinned<'_> {
        self.pins.lock().held += 1;
        Pinned(self)
    }

    /// What replaced files take that are still read.
    pub(crate) fn pinned_bytes(&self) -> u64 {
        self.pins.lock().replaced_bytes + self.values.as_ref().map_or(0, Values::kept_bytes)
    }

    /// Removes the files that a run has replaced, now or when nobody reads them any more. Snapshots up to the mark `seen_to`
    /// may see values in them.
    pub(crate) fn remove_replaced(&self, run: &Run, seen_to: Option<u64>) {
        let replaced = run.replaces().map(|file| Replaced { file, seen_to });
        let mut pins = self.pins.lock();
        if pins.held > 0 {
            pins.replaced.extend(replaced);
            pins.replaced_bytes += run.replaced_bytes();
            return;
        }
        drop(pins);
        self.remove(replaced);
    }

    /// Removes files that no list has.
    pub(crate) fn remove(&self, files: impl Iterator<Item = Replaced>) {
        let Some(remover) = self.log.lock().as_ref().map(Log::remover) else { return };
        for Replaced { file, seen_to } in files {
            let values = self.values.as_ref();
            let is_kept = values.zip(seen_to).is_none_or(|(values, mark)| values.keep_open(file, mark));
            // What cannot be kept open, or removed, now is removed by the next open.
            if is_kept {
                drop(remover.remove(file));
            }
            if let Some(values) = values {
                values.forget(file);
            }
        }
    }

    /// Keeps disk space for deletes. Without it the store works; only deletes on a full disk would not.
    pub(crate) fn keep_reserve(&self) -> bool {
        let mut kept = self.reserve.lock();
        if kept.reserve.is_none() && kept.lent == 0 {
            kept.reserve = Reserve::ensure(&self.folder, RESERVE_BYTES).ok();
        }
        kept.reserve.is_some()
    }

    /// No room was left at the last append.
    pub(crate) fn mark_full(&self) {
        self.full.store(true, Ordering::Relaxed);
    }

    /// Keeps more of it as the log grows: as much as a run takes that compaction makes on a full disk. Best before the disk is
    /// full; where it is already, nothing changes.
    pub(crate) fn grow_reserve(&self) {
        let closed_bytes = self.log_stats.lock().closed_bytes;
        let bytes = (closed_bytes / RESERVED_PART).min(self.options.segment_bytes);
        if bytes > RESERVE_BYTES
            && let Some(reserve) = &self.reserve.lock().reserve
        {
            drop(reserve.grow(bytes));
        }
    }

    /// Gives the reserve back to the disk, for a delete or a compaction when it is full. Writes that are refused look for room
    /// meanwhile, and must not take this one.
    pub(crate) fn lend_reserve(&self) -> Lent<'_> {
        let mut kept = self.reserve.lock();
        kept.lent += 1;
        let reserve = kept.reserve.take();
        let gave_space = reserve.is_some();
        // Where it cannot be removed the write that follows fails, and says why.
        drop(reserve.map(Reserve::release));
        Lent { disk: self, gave_space }
    }

    /// Whether a write that needs space may be tried: after a full disk only when the reserve is whole and there is room
    /// beside it.
    fn has_room(&self) -> bool {
        if !self.full.load(Ordering::Relaxed) {
            return true;
        }
        // Held meanwhile: without the lock the folder may be another program's.
        let lock = self.lock.lock();
        if lock.is_none() {
            return false;
        }
        let room = self.keep_reserve() && self.has_space_beside_reserve();
        if room {
            self.full.store(false, Ordering::Relaxed);
        }
        room
    }

    /// Takes as much space as a new write is likely to need, and gives it back.
    fn has_space_beside_reserve(&self) -> bool {
        hit_log::has_space(&self.folder, RESERVE_BYTES)
    }
}

/// How many groups have not reached the durability they were made with.
#[derive(Default)]
struct Unanswered {
    os: AtomicUsize,
    disk: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(applied: Applied, disk: Option<Disk>, clock: Arc<dyn Clock>) -> Self {
        Self {
            applied: RwLock::new(applied),
            queue: Queue::default(),
            disk,
            reader: None,
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

    /// The store of whoever only reads what `reader` follows.
    pub(crate) fn read_only(applied: Applied, reader: Reader, clock: Arc<dyn Clock>) -> Self {
        Self { reader: Some(reader), ..Self::new(applied, None, clock) }
    }

    /// The folder of a store in files.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        let reader = self.reader.as_ref().map(Reader::folder);
        self.disk.as_ref().map(|disk| &disk.folder).or(reader)
    }

    /// Refuses every write where the store was opened read-only.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match &self.reader {
            Some(reader) => Err(reader.refusal()),
            None => Ok(()),
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
        if let Some(disk) = &self.disk {
            disk.space.wait_for_compaction(bytes);
        }
    }

    /// Refuses a write that needs space while the disk is full.
    pub(crate) fn check_room(&self) -> Result<()> {
        match &self.disk {
            Some(disk) if !disk.has_room() => Err(Error::new(
                ErrorCode::DiskFull,
                "the disk that holds the store is full: free space; deletes and reads go on",
            )),
            _ => Ok(()),
        }
    }

    /// Hands a group to the log. The caller holds the apply lock, which makes the queue's order that of the table.
    pub(crate) fn enqueue(&self, group: Group, frame: Option<Frame>) {
        if let Some(content) = &group.content {
            group.account.backlog.add(content.bytes);
            if let Some(disk) = &self.disk {
                disk.space.add_pending(content.bytes);
            }
        }
        self.count(group.durability, 1);
        self.queue.push(group, frame);
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
        self.enqueue(Group::barrier(nobody, Durability::Os, Some(completion)), None);
        drop(applied);
        // However it ended, there is nothing left to wait for.
        let _ = written.recv();
    }

    /// Takes back what `enqueue` counted.
    pub(crate) fn dequeued(&self, group: &Group) {
        if let Some(content) = &group.content {
            group.account.backlog.remove(content.bytes);
            if let Some(disk) = &self.disk {
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
        let Some(values) = self.disk.as_ref().and_then(|disk| disk.values.as_ref()) else { return false };
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

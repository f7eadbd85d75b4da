//! What a file store has beyond memory: its log, the thread that compacts it, and space kept for a full disk.

use std::sync::atomic::{AtomicBool, Ordering};

use hit_log::{FileId, Folder, Lock, Log, LogStats, RESERVE_BYTES, Reserve, Run};
use parking_lot::Mutex;

use crate::compaction::{Compactor, Space};
use crate::options::FileOptions;
use crate::values::Values;

/// The reserve is this part of the log, up to a segment.
const RESERVED_PART: u64 = 4;

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
    pub(crate) fn has_room(&self) -> bool {
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

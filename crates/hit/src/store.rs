use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hit_core::{AtomicBatch, Capabilities, Durability, Error, ErrorCode, Result, Storage, limits};
use hit_log::{Log, LogOptions, Replay, ReplayedFrame};
use hit_table::Table;
use tokio::sync::oneshot;

use crate::account::Account;
use crate::base::Base;
use crate::commit::Committer;
use crate::compaction::{Compactor, live_bytes};
use crate::disk::Disk;
use crate::fill::SegmentFill;
use crate::location::Location;
use crate::options::OpenOptions;
use crate::owners::{self, Claim, Claimed};
use crate::queue::{Close, Completion, Group};
use crate::reader::Reader;
use crate::shared::{Applied, Shared};
use crate::stats::Stats;
use crate::storage;
use crate::values::Values;

/// A handle of an open store. Clones are the same handle; a second [`Store::open`] of a folder is another handle of
/// the same store. The store closes with its last handle; dropping one closes it without waiting.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

pub(crate) struct Handle {
    shared: Arc<Shared>,
    account: Arc<Account>,
    closed: Arc<AtomicBool>,
    url: String,
}

/// Sees whether a handle is closed, without keeping it open.
#[derive(Clone)]
pub(crate) struct Watch {
    closed: Arc<AtomicBool>,
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the store at a URL: `memory:`, `file:path` or a bare path. Recovery runs on a thread of its own.
    ///
    /// # Errors
    /// `HIT_CONFIG` (URL, options, a folder that is not such a store), `HIT_UNSUPPORTED` (a storage that is not built),
    /// `HIT_LOCKED` (another program holds the store), `HIT_CORRUPTION` (with file and offset), `HIT_IO`.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self> {
        let url = url.to_owned();
        let (answer, answered) = oneshot::channel();
        thread::Builder::new()
            .name("hit-open".into())
            .spawn(move || drop(answer.send(Self::open_blocking(&url, options))))
            .map_err(|source| Error::new(ErrorCode::Io, "no thread could be started").with_source(source))?;
        answered.await.map_err(|_| Error::new(ErrorCode::Io, "opening the store ended without an answer"))?
    }

    /// The same as [`Store::open`] on the calling thread.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_blocking(url: &str, options: OpenOptions) -> Result<Self> {
        options.check()?;
        let shared = match Location::parse(url)? {
            Location::Memory => open_memory(&options)?,
            Location::File(path) if options.read_only => open_read_only(&path, &options)?,
            Location::File(path) => open_file(&path, &options)?,
            #[cfg(feature = "rocksdb")]
            Location::RocksDb(path) => storage::open_rocksdb(&path, &options)?,
        };
        Ok(Self::new(shared, url, options))
    }

    /// A store over a storage of the caller's; always one of its own. `url` is only what it calls itself.
    ///
    /// # Errors
    /// `HIT_CONFIG` (options), `HIT_UNSUPPORTED` without synchronous reads, `HIT_IO` where no thread can be started.
    pub fn over(storage: Arc<dyn Storage>, url: &str, options: OpenOptions) -> Result<Self> {
        options.check()?;
        if !storage.capabilities().sync_reads {
            let message = "a storage that does not answer reads at once is not served yet";
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        let shared = storage::open_over(storage, &options, None, None)?;
        Ok(Self::new(shared, url, options))
    }

    fn new(shared: Arc<Shared>, url: &str, options: OpenOptions) -> Self {
        let account = Arc::new(Account::new(options.durability, options.max_pending_bytes, options.on_error));
        shared.add_account(&account);
        let closed = Arc::new(AtomicBool::new(false));
        Self { handle: Arc::new(Handle { shared, account, closed, url: url.to_owned() }) }
    }

    /// The URL it was opened with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.handle.url
    }

    /// What this kind of store can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        if let Some(backing) = self.handle.shared.backing() {
            return backing.capabilities;
        }
        Capabilities {
            sync_reads: true,
            ordered_scans: true,
            snapshots: true,
            atomic_batch: AtomicBatch::All,
            checks: true,
            ttl: true,
            backup: self.handle.shared.folder().is_some(),
            workers: self.handle.shared.folder().is_some(),
            max_value_bytes: limits::MAX_VALUE_BYTES,
        }
    }

    /// Figures of the store and of this handle. Works on a poisoned store, and after `close` with what was left.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let shared = &self.handle.shared;
        if let Some(backing) = shared.backing() {
            return self.stats_over(backing);
        }
        let reader = shared.reader();
        let log = shared.disk().map(|disk| disk.log_stats.lock().clone());
        let log = log.or_else(|| reader.map(Reader::log_stats));
        let applied = shared.applied.read();
        let table = applied.table.stats();
        Stats {
            entries: table.entries,
            lanes: 1,
            pending_bytes: self.handle.account.backlog.pending_bytes(),
            memory_bytes: applied.tables().map(|table| table.stats().memory_bytes).sum(),
            large_value_bytes: table.large_value_bytes,
            stored_values: table.stored_values,
            stored_bytes: table.stored_bytes,
            disk_bytes: log.as_ref().map_or(0, |log| log.disk_bytes),
            oldest_snapshot_ms: applied
                .tables()
                .filter_map(Table::oldest_snapshot)
                .min()
                .map_or(0, |taken| u64::try_from(taken.elapsed().as_millis()).unwrap_or(u64::MAX)),
            segments: log.as_ref().map_or(0, |log| log.segments),
            runs: log.as_ref().map_or(0, |log| log.runs),
            live_bytes: live_bytes(applied.table.spans()),
            pinned_bytes: shared.disk().map_or(0, Disk::pinned_bytes),
            compaction_error: shared.disk().and_then(|disk| disk.compactor.failure()),
            torn_tail: log.and_then(|log| log.torn_tail),
            next_sequence: applied.next_sequence,
            read_only: reader.is_some(),
            handles: shared.handles.load(Ordering::SeqCst),
            last_error: self.handle.account.last_error(),
            ..Stats::default()
        }
    }

    /// Writes the address of a server on this store where other programs look who holds it (the file `OWNER`).
    ///
    /// # Errors
    /// `HIT_NOT_OPEN`, `HIT_POISONED`, `HIT_IO`.
    pub fn advertise(&self, address: Option<&str>) -> Result<()> {
        let shared = self.open_shared()?;
        let lock = match shared.base() {
            Base::Log(disk) => Some(&disk.lock),
            Base::Storage(backing) => backing.place.as_ref().map(|place| &place.lock),
            Base::Memory | Base::Follower(_) => None,
        };
        if let Some(Some(lock)) = lock.map(|lock| lock.lock()).as_deref() {
            lock.set_address(address);
        }
        Ok(())
    }

    /// Resolves when everything this handle was accepted is on disk.
    ///
    /// # Errors
    /// With what failed after it was answered, and with what fails now.
    pub async fn flush(&self) -> Result<()> {
        let (completion, answered) = answer();
        self.flush_with(completion);
        answered.wait().await
    }

    /// The same as [`Store::flush`], told by a call.
    pub fn flush_with(&self, completion: impl FnOnce(Result<()>) + Send + 'static) {
        let account = Arc::clone(&self.handle.account);
        let completion = move |result: Result<()>| completion(account.take_unseen().map_or(result, Err));
        self.barrier(Durability::Disk, Box::new(completion));
    }

    /// Waits until everything that any file store of this process has accepted is with the operating system, stores that
    /// are closing included. For the end of a process that does not close its stores.
    pub fn drain_all() {
        owners::drain_all();
    }

    /// Flushes and closes this handle; with the last one the store is closed and its lock is released when this
    /// resolves. Scans that are open end with `HIT_NOT_OPEN`. Again: nothing happens.
    ///
    /// # Errors
    /// With what failed after it was answered. The handle is closed all the same.
    pub async fn close(&self) -> Result<()> {
        let (completion, answered) = answer();
        self.close_with(completion);
        answered.wait().await
    }

    /// The same as [`Store::close`], told by a call, at once where it was closed already.
    pub fn close_with(&self, completion: impl FnOnce(Result<()>) + Send + 'static) {
        self.handle.close(Some(Box::new(completion)));
    }

    /// Whether this handle is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.closed.load(Ordering::SeqCst)
    }

    /// The open store, or why it cannot be used.
    pub(crate) fn open_shared(&self) -> Result<&Arc<Shared>> {
        check(&self.handle.closed, &self.handle.shared)?;
        Ok(&self.handle.shared)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.handle.account
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch { closed: Arc::clone(&self.handle.closed), shared: Arc::clone(&self.handle.shared) }
    }

    /// Queues a group without operations behind all others; it is answered when they have that durability.
    pub(crate) fn barrier(&self, durability: Durability, completion: Completion) {
        let shared = &self.handle.shared;
        // Invariant: a handle is closed under the apply lock, so nothing enters the queue behind its close.
        let applied = shared.applied.write();
        if let Err(error) = check(&self.handle.closed, shared) {
            drop(applied);
            return completion(Err(error));
        }
        if matches!(shared.base(), Base::Memory | Base::Follower(_)) {
            drop(applied);
            return completion(Ok(()));
        }
        let account = Arc::clone(&self.handle.account);
        shared.enqueue_barrier(Group::barrier(account, durability, Some(completion)));
    }
}

impl Watch {
    pub(crate) fn check(&self) -> Result<()> {
        check(&self.closed, &self.shared)
    }
}

impl Handle {
    fn close(&self, completion: Option<Completion>) {
        if self.closed.load(Ordering::SeqCst) {
            return answer_closed(completion);
        }
        // Invariant: closing, leaving and queueing are one step under the apply lock. Nothing of this handle enters the
        // queue behind its close, and no handle's close enters it behind that of the last one.
        let applied = self.shared.applied.write();
        if self.closed.swap(true, Ordering::SeqCst) {
            drop(applied);
            return answer_closed(completion);
        }
        let account = Arc::clone(&self.account);
        if owners::leave(&self.shared) {
            self.shared.enqueue_close(Close { account, completion });
            return;
        }
        let unseen = Arc::clone(&account);
        let completion = completion.map(|completion| -> Completion {
            Box::new(move |result: Result<()>| {
                // Closing a poisoned store is no failure of its own.
                let result = result.or_else(|error| match error.code() {
                    ErrorCode::Poisoned => Ok(()),
                    _ => Err(error),
                });
                completion(unseen.take_unseen().map_or(result, Err));
            })
        });
        self.shared.enqueue_barrier(Group::barrier(account, Durability::Disk, completion));
    }
}

/// Closing again: nothing happens.
fn answer_closed(completion: Option<Completion>) {
    if let Some(completion) = completion {
        completion(Ok(()));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close(None);
    }
}

/// How a queued group ends, for whoever waits for it.
pub(crate) struct Answered(oneshot::Receiver<Result<()>>);

impl Answered {
    pub(crate) async fn wait(self) -> Result<()> {
        let ended = "the store closed before it answered: open it again";
        self.0.await.unwrap_or_else(|_| Err(Error::new(ErrorCode::NotOpen, ended)))
    }
}

/// A completion that answers a future.
pub(crate) fn answer() -> (Completion, Answered) {
    let (answer, answered) = oneshot::channel();
    (Box::new(move |result| drop(answer.send(result))), Answered(answered))
}

fn check(closed: &AtomicBool, shared: &Shared) -> Result<()> {
    if closed.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorCode::NotOpen, "the store is closed: open it again"));
    }
    shared.check_not_poisoned()
}

fn open_memory(options: &OpenOptions) -> Result<Arc<Shared>> {
    if options.read_only {
        let message =
            "a memory: store is new, so opened read-only there would never be anything in it: open a folder";
        return Err(Error::new(ErrorCode::Config, message));
    }
    if options.max_memory_bytes.is_some() {
        let message =
            "a memory: store has no disk to keep values on: leave maxMemoryBytes out, or open a folder";
        return Err(Error::new(ErrorCode::Config, message));
    }
    let applied = Applied::new(Table::new(), 1, SegmentFill::new(0, u64::MAX));
    let shared = Arc::new(Shared::new(applied, Base::Memory, Arc::clone(&options.clock)));
    Committer::start(Arc::clone(&shared), None)?;
    Ok(shared)
}

fn open_file(path: &Path, options: &OpenOptions) -> Result<Arc<Shared>> {
    let Claim { opening, identity, folder, lock } = match owners::claim(path, "file", options, agrees)? {
        Claimed::Joined(shared) => return Ok(shared),
        Claimed::Ours(claim) => claim,
    };
    let mut table = Table::new();
    let values = options.max_memory_bytes.map(|bytes| Values::new(bytes, folder.clone()));
    let log_options = LogOptions { segment_bytes: options.file.segment_bytes };
    let log =
        Log::open(&folder, &lock, log_options, &mut Fill { table: &mut table, values: values.as_ref() })?;
    let fill = SegmentFill::new(log.active_bytes(), options.file.segment_bytes);
    let applied = Applied::new(table, log.next_sequence(), fill);
    let disk = Disk::new(identity, folder, options.file, values, lock, log);
    let shared = Arc::new(Shared::new(applied, Base::Log(disk), Arc::clone(&options.clock)));
    let compaction = Compactor::start(Arc::clone(&shared))?;
    Committer::start(Arc::clone(&shared), Some(compaction)).inspect_err(|_| {
        // Nobody else would end that thread, and it keeps the lock.
        shared.disk().into_iter().for_each(|disk| disk.compactor.stop());
    })?;
    opening.succeed(&shared);
    Ok(shared)
}

/// Whether a second open may join a store in files.
fn agrees(shared: &Shared, options: &OpenOptions) -> Result<()> {
    let Some(disk) = shared.disk() else { return Ok(()) };
    if disk.options != options.file {
        return Err(Error::new(
            ErrorCode::Config,
            "this process has the store open with other 'file' options: open it with the same ones",
        ));
    }
    let budget = disk.values.as_ref().map(Values::budget_bytes);
    if budget != options.max_memory_bytes {
        let budget = budget.map_or("without it".into(), |bytes| format!("with {bytes}"));
        let message =
            format!("maxMemoryBytes differs: this process has the store open {budget}: use the same");
        return Err(Error::new(ErrorCode::Config, message));
    }
    Ok(())
}

fn open_read_only(path: &Path, options: &OpenOptions) -> Result<Arc<Shared>> {
    let (reader, applied) = Reader::open(path, options)?;
    let shared = Arc::new(Shared::new(applied, Base::Follower(reader), Arc::clone(&options.clock)));
    Committer::start(Arc::clone(&shared), None)?;
    Ok(shared)
}

/// Fills the table with what the log holds.
struct Fill<'a> {
    table: &'a mut Table,
    values: Option<&'a Values>,
}

impl Replay for Fill<'_> {
    fn begin(&mut self, first_sequences: &[u64], operations: u64) {
        first_sequences.iter().for_each(|&first| self.table.begin_span(first));
        self.table.reserve(usize::try_from(operations).unwrap_or(0));
    }

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        match self.values {
            Some(values) => values.replay(self.table, frame),
            None => self.table.replay(frame.operations()),
        }
        Ok(())
    }

    fn copied(&mut self, frame: &ReplayedFrame<'_>) {
        if let Some(values) = self.values {
            values.note_copied(self.table, frame);
        }
    }
}

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hit_log::{File, Files, OpenMode};

/// A call of the I/O seam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the method of Files or File of that name")]
pub enum Call {
    Open,
    CreateDir,
    Rename,
    Link,
    Remove,
    List,
    SyncFolder,
    ReadAt,
    WriteAt,
    SyncData,
    Size,
    SetSize,
    Allocate,
    TryLock,
    Identity,
}

/// What happens to a call.
#[derive(Clone)]
enum Effect {
    Fail(Failure),
    Cut(usize),
    Delay(Arc<dyn Fn() + Send + Sync>),
}

#[derive(Clone, Copy)]
enum Failure {
    Kind(io::ErrorKind),
    Os(i32),
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Kind(kind) => kind.into(),
            Failure::Os(number) => Self::from_raw_os_error(number),
        }
    }
}

/// Something that goes wrong: which calls it meets, and what happens to them.
///
/// ```
/// use std::io::ErrorKind;
/// use hit_testkit::{Call, Fault};
///
/// // The third write to a segment, and only that one, finds the disk full.
/// let fault = Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path(".log").skip(2);
/// // From now on every call fails, as if the process had been killed.
/// let killed = Fault::fail(ErrorKind::Other).times(u64::MAX);
/// ```
#[derive(Clone)]
pub struct Fault {
    effect: Effect,
    call: Option<Call>,
    path: Option<String>,
    skip: u64,
    times: u64,
}

impl Fault {
    /// The call does nothing and fails with this kind of error.
    #[must_use]
    pub fn fail(kind: io::ErrorKind) -> Self {
        Self::new(Effect::Fail(Failure::Kind(kind)))
    }

    /// The call does nothing and fails with this error number of the system.
    #[must_use]
    pub fn fail_with(number: i32) -> Self {
        Self::new(Effect::Fail(Failure::Os(number)))
    }

    /// A read or a write ends after `bytes` bytes, without an error; other calls are not met.
    #[must_use]
    pub fn cut(bytes: usize) -> Self {
        Self::new(Effect::Cut(bytes))
    }

    /// `wait` runs before the call is done: it may wait for the test, or look at what is on disk at that moment.
    #[must_use]
    pub fn delay(wait: impl Fn() + Send + Sync + 'static) -> Self {
        Self::new(Effect::Delay(Arc::new(wait)))
    }

    fn new(effect: Effect) -> Self {
        Self { effect, call: None, path: None, skip: 0, times: 1 }
    }

    /// Meets only this kind of call.
    #[must_use]
    pub fn on(mut self, call: Call) -> Self {
        self.call = Some(call);
        self
    }

    /// Meets only calls on a path that contains `part`.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.into());
        self
    }

    /// Lets that many of the calls it would meet pass before.
    #[must_use]
    pub fn skip(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// Meets that many calls; one if not said.
    #[must_use]
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    /// Whether the call is met; counts it if so.
    fn meets(&mut self, call: Call, path: &Path) -> bool {
        let kind = match self.effect {
            Effect::Cut(_) => matches!(call, Call::ReadAt | Call::WriteAt),
            Effect::Fail(_) | Effect::Delay(_) => true,
        };
        let here = self.path.as_ref().is_none_or(|part| path.to_string_lossy().contains(part));
        if !kind || !here || self.call.is_some_and(|only| only != call) || self.times == 0 {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times -= 1;
        true
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Fail(failure) => format!("fail with {}", io::Error::from(failure)),
            Effect::Cut(bytes) => format!("cut to {bytes} bytes"),
            Effect::Delay(_) => "delay".into(),
        };
        write!(formatter, "{effect} {:?} {:?} skip {} times {}", self.call, self.path, self.skip, self.times)
    }
}

/// A file system that does what another one does, except where a [`Fault`] meets a call. It counts the calls.
///
/// What is lost with the power is the business of [`Disk`](crate::Disk), which it can stand before.
pub struct FaultyFiles {
    inner: Arc<dyn Files>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    faults: Mutex<Vec<Fault>>,
    counts: Mutex<Vec<Call>>,
    met: AtomicU64,
    failed: Mutex<Vec<(Call, PathBuf)>>,
    ignores_syncs: AtomicBool,
}

impl FaultyFiles {
    /// Wraps a file system, without faults.
    #[must_use]
    pub fn new(inner: Arc<dyn Files>) -> Arc<Self> {
        Arc::new(Self { inner, state: Arc::default() })
    }

    /// Adds a fault. The first one that meets a call takes effect; delays come before others.
    pub fn inject(&self, fault: Fault) {
        locked(&self.state.faults).push(fault);
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        locked(&self.state.faults).clear();
    }

    /// Syncs are counted, and may fail, and do not reach the disk: for tests of the order of things that need many.
    pub fn ignore_syncs(&self) {
        self.state.ignores_syncs.store(true, Ordering::Relaxed);
    }

    /// How many calls of this kind there were.
    #[must_use]
    pub fn count(&self, call: Call) -> u64 {
        locked(&self.state.counts).iter().filter(|&&counted| counted == call).count() as u64
    }

    /// All calls, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        locked(&self.state.counts).clone()
    }

    /// Forgets the calls counted so far.
    pub fn forget_calls(&self) {
        locked(&self.state.counts).clear();
    }

    /// The calls that faults have made fail, in order.
    #[must_use]
    pub fn failed(&self) -> Vec<(Call, PathBuf)> {
        locked(&self.state.failed).clone()
    }

    /// How often a fault has met a call.
    #[must_use]
    pub fn met(&self) -> u64 {
        self.state.met.load(Ordering::Relaxed)
    }
}

impl State {
    /// Counts a call and says how many bytes it may move at most.
    fn before(&self, call: Call, path: &Path) -> io::Result<usize> {
        locked(&self.counts).push(call);
        let effects: Vec<_> = {
            let mut faults = locked(&self.faults);
            faults
                .iter_mut()
                .filter_map(|fault| fault.meets(call, path).then(|| fault.effect.clone()))
                .collect()
        };
        self.met.fetch_add(effects.len() as u64, Ordering::Relaxed);
        let mut most = usize::MAX;
        for effect in effects {
            match effect {
                // Outside the mutex: what waits may itself use the files.
                Effect::Delay(wait) => wait(),
                Effect::Fail(failure) => {
                    locked(&self.failed).push((call, path.into()));
                    return Err(failure.into());
                }
                Effect::Cut(bytes) => most = most.min(bytes),
            }
        }
        Ok(most)
    }

    fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if self.ignores_syncs.load(Ordering::Relaxed) { Ok(()) } else { sync() }
    }
}

impl Files for FaultyFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        self.state.before(Call::Open, path)?;
        let inner = self.inner.open(path, mode)?;
        Ok(Box::new(FaultyFile { inner, path: path.into(), state: self.state.clone() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.state.before(Call::CreateDir, path)?;
        self.inner.create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state.before(Call::Rename, to)?;
        self.inner.rename(from, to)
    }

    fn link(&self, existing: &Path, new: &Path) -> io::Result<()> {
        self.state.before(Call::Link, new)?;
        self.inner.link(existing, new)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state.before(Call::Remove, path)?;
        self.inner.remove(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.state.before(Call::List, path)?;
        self.inner.list(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.state.before(Call::SyncFolder, path)?;
        self.state.sync(|| self.inner.sync_folder(path))
    }
}

struct FaultyFile {
    inner: Box<dyn File>,
    path: PathBuf,
    state: Arc<State>,
}

impl File for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let most = self.state.before(Call::ReadAt, &self.path)?.min(buffer.len());
        self.inner.read_at(buffer.get_mut(..most).unwrap_or_default(), offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let most = self.state.before(Call::WriteAt, &self.path)?.min(bytes.len());
        self.inner.write_at(bytes.get(..most).unwrap_or_default(), offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.state.before(Call::SyncData, &self.path)?;
        self.state.sync(|| self.inner.sync_data())
    }

    fn size(&self) -> io::Result<u64> {
        self.state.before(Call::Size, &self.path)?;
        self.inner.size()
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.state.before(Call::SetSize, &self.path)?;
        self.inner.set_size(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.state.before(Call::Allocate, &self.path)?;
        self.inner.allocate(bytes)
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.state.before(Call::TryLock, &self.path)?;
        self.inner.try_lock()
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        self.state.before(Call::Identity, &self.path)?;
        self.inner.identity()
    }
}

/// A test that failed while it held the mutex has said so itself.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

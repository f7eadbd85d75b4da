//! Calls that may take minutes: each on a thread of its own, since libuv has four for all of the process. They answer by a
//! ticket, like writes.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hit::{Error, ErrorCode, Progress, Result, Tell, VerifyReport};
use napi::Env;
use napi_derive::napi;
use parking_lot::{Condvar, Mutex};

use crate::settle::Settlements;

/// How often JavaScript is told of progress at most.
const TELL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a process that ends waits for a call to remove what it has half made.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A call that is under way, as both threads know it.
struct LongCall {
    settlements: Arc<Settlements>,
    ticket: u64,
    ending: AtomicBool,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    progress: Progress,
    outcome: NativeOutcome,
    ended: bool,
}

/// What a call that has succeeded answers: the members it has.
#[napi(object)]
#[derive(Default)]
pub struct NativeOutcome {
    /// Entries that a load put into the store.
    pub loaded: Option<f64>,
    /// Bad entries that a load left out.
    pub skipped: Option<f64>,
    /// Entries that a dump wrote.
    pub dumped: Option<f64>,
    /// Bytes that a check read.
    pub bytes: Option<f64>,
    /// What a check found.
    pub problems: Option<Vec<NativeProblem>>,
}

/// Damage that a check found.
#[napi(object)]
pub struct NativeProblem {
    /// The file.
    pub file: String,
    /// The first byte that is not right.
    pub offset: f64,
    /// What opening the store would answer.
    pub code: String,
    /// What is wrong, and what is affected.
    pub message: String,
}

impl From<VerifyReport> for NativeOutcome {
    fn from(report: VerifyReport) -> Self {
        let problems = report.problems.into_iter().map(|problem| NativeProblem {
            file: problem.file.display().to_string(),
            offset: problem.offset as f64,
            code: problem.code.name().to_owned(),
            message: problem.message,
        });
        Self { bytes: Some(report.bytes as f64), problems: Some(problems.collect()), ..Self::default() }
    }
}

/// How far a call has come.
#[napi(object)]
pub struct NativeProgress {
    /// What it counts: entries or files.
    pub done: f64,
    /// How many in all, where that is known.
    pub total: Option<f64>,
    /// Bytes read or written.
    pub bytes: f64,
}

/// A call that is under way.
#[napi]
pub struct NativeCall(Arc<LongCall>);

#[napi]
impl NativeCall {
    /// What settles when it ends, and is told of while it goes on.
    #[napi(getter)]
    #[must_use]
    pub fn ticket(&self) -> f64 {
        self.0.ticket as f64
    }

    /// How far it has come.
    #[napi]
    #[must_use]
    pub fn progress(&self) -> NativeProgress {
        let Progress { done, total, bytes } = self.0.state.lock().progress;
        NativeProgress { done: done as f64, total: total.map(|total| total as f64), bytes: bytes as f64 }
    }

    /// What it has answered, once, after its ticket has settled.
    #[napi]
    #[must_use]
    pub fn take_outcome(&self) -> NativeOutcome {
        std::mem::take(&mut self.0.state.lock().outcome)
    }

    /// Has it end with `HIT_ABORTED`, where it has not ended yet.
    #[napi]
    pub fn abort(&self) {
        self.0.ending.store(true, Ordering::Relaxed);
    }

    /// The same at the end of the program, with a moment for it to remove what it has half made.
    #[napi]
    pub fn leave(&self) {
        self.abort();
        let mut state = self.0.state.lock();
        self.0.ended.wait_while_for(&mut state, |state| !state.ended, LEAVE_TIMEOUT);
    }
}

/// Starts a call on a thread of its own. `wants_progress`: its ticket is told of while it runs.
pub(crate) fn start(
    env: Env,
    settlements: Arc<Settlements>,
    wants_progress: bool,
    body: impl FnOnce(&mut Tell<'_>) -> Result<NativeOutcome> + Send + 'static,
) -> NativeCall {
    let call = Arc::new(LongCall {
        ticket: settlements.next_ticket(),
        settlements,
        ending: AtomicBool::new(false),
        state: Mutex::default(),
        ended: Condvar::new(),
    });
    call.settlements.open_ticket(env.raw());
    let running = Arc::clone(&call);
    let spawned =
        thread::Builder::new().name("hit-long".into()).spawn(move || running.run(wants_progress, body));
    if let Err(source) = spawned {
        call.end(Err(Error::new(ErrorCode::Io, "no thread could be started").with_source(source)));
    }
    NativeCall(call)
}

impl LongCall {
    fn run(
        &self,
        wants_progress: bool,
        body: impl FnOnce(&mut Tell<'_>) -> Result<NativeOutcome> + Send + 'static,
    ) {
        let mut told: Option<Instant> = None;
        let mut tell = |progress| {
            if self.ending.load(Ordering::Relaxed) || self.settlements.is_abandoned() {
                return ControlFlow::Break(());
            }
            self.state.lock().progress = progress;
            if wants_progress && told.is_none_or(|told| told.elapsed() >= TELL_INTERVAL) {
                told = Some(Instant::now());
                self.settlements.tell(self.ticket);
            }
            ControlFlow::Continue(())
        };
        let ended = catch_unwind(AssertUnwindSafe(|| body(&mut tell))).unwrap_or_else(|_| {
            let message = "the addon failed in a way it should not: please report this with its output";
            Err(Error::new(ErrorCode::Io, message))
        });
        self.end(ended);
    }

    fn end(&self, ended: Result<NativeOutcome>) {
        let mut state = self.state.lock();
        state.ended = true;
        let settled = ended.map(|outcome| state.outcome = outcome);
        drop(state);
        self.ended.notify_all();
        self.settlements.settle(self.ticket, settled);
    }
}

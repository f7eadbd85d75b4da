//! The way back: the log thread leaves what has settled in an inbox and wakes the JavaScript thread once for all of it.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use hit::{Error, Result};
use napi::sys;
use parking_lot::Mutex;

use crate::error::to_js;
use crate::raw;

/// Tickets of one handle. The JavaScript thread sleeps on a threadsafe function of its own environment, which keeps the
/// process alive only while tickets are open.
pub(crate) struct Settlements {
    inbox: Mutex<Inbox>,
    /// Changed on the JavaScript thread only.
    open_tickets: AtomicUsize,
    next_ticket: AtomicU64,
    abandoned: AtomicBool,
}

#[derive(Default)]
struct Inbox {
    /// Null once it is released or its environment is gone.
    wake: Wake,
    woken: bool,
    /// Nobody uses the handle any more; what is under way still has somebody to tell.
    releasing: bool,
    done: Vec<u64>,
    failed: Vec<(u64, Error)>,
    unseen: Vec<Error>,
    /// Tickets of calls that have got further.
    told: Vec<u64>,
}

struct Wake(sys::napi_threadsafe_function);

impl Default for Wake {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

// SAFETY: a threadsafe function may be used from every thread; it is used under the inbox's lock only, and is null
// when it must not be used any more.
unsafe impl Send for Wake {}

/// What the threadsafe function needs on the JavaScript thread; freed by its finalizer.
struct Context {
    settlements: Arc<Settlements>,
    on_error: sys::napi_ref,
}

impl Settlements {
    /// Makes the way back to `settle(done, failed, told)` and, where given, `on_error(failure)`.
    pub(crate) fn new(
        env: sys::napi_env,
        settle: sys::napi_value,
        on_error: Option<sys::napi_value>,
    ) -> Result<Arc<Self>> {
        let settlements = Arc::new(Self {
            inbox: Mutex::default(),
            open_tickets: AtomicUsize::new(0),
            next_ticket: AtomicU64::new(1),
            abandoned: AtomicBool::new(false),
        });
        let mut on_error_ref = ptr::null_mut();
        if let Some(on_error) = on_error {
            // SAFETY: `on_error` is a function of this scope.
            raw::check(unsafe { sys::napi_create_reference(env, on_error, 1, &mut on_error_ref) })?;
        }
        let context = Box::new(Context { settlements: Arc::clone(&settlements), on_error: on_error_ref });
        let context = Box::into_raw(context).cast::<c_void>();
        let name = raw::text(env, "hitkv")?;
        let mut wake = ptr::null_mut();
        // SAFETY: `settle` is a function; the context lives until `finalize` frees it.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                env,
                settle,
                ptr::null_mut(),
                name,
                0,
                1,
                context,
                Some(finalize),
                context,
                Some(deliver),
                &mut wake,
            )
        };
        if let Err(error) = raw::check(status) {
            // SAFETY: nobody else has the context.
            drop(unsafe { Box::from_raw(context.cast::<Context>()) });
            return Err(error);
        }
        // SAFETY: it was just made, on this thread.
        raw::check(unsafe { sys::napi_unref_threadsafe_function(env, wake) })?;
        settlements.inbox.lock().wake = Wake(wake);
        Ok(settlements)
    }

    /// The number of a new ticket, which is not open yet.
    pub(crate) fn next_ticket(&self) -> u64 {
        self.next_ticket.fetch_add(1, Ordering::Relaxed)
    }

    /// Opens a ticket: the process stays alive until it settles. On the JavaScript thread.
    pub(crate) fn open_ticket(&self, env: sys::napi_env) {
        if self.open_tickets.fetch_add(1, Ordering::Relaxed) == 0 {
            let inbox = self.inbox.lock();
            if !inbox.wake.0.is_null() {
                // SAFETY: it is not released, and this is its thread.
                unsafe { sys::napi_ref_threadsafe_function(env, inbox.wake.0) };
            }
        }
    }

    /// Settles a ticket, from any thread.
    pub(crate) fn settle(&self, ticket: u64, result: Result<()>) {
        self.post(|inbox| match result {
            Ok(()) => inbox.done.push(ticket),
            Err(error) => inbox.failed.push((ticket, error)),
        });
    }

    /// Reports a failure of a write that was answered already, from any thread.
    pub(crate) fn report(&self, error: &Error) {
        self.post(|inbox| inbox.unseen.push(error.clone()));
    }

    /// Tells that the call behind an open ticket has got further, from any thread.
    pub(crate) fn tell(&self, ticket: u64) {
        self.post(|inbox| inbox.told.push(ticket));
    }

    fn post(&self, add: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox.lock();
        if inbox.wake.0.is_null() {
            return;
        }
        add(&mut inbox);
        if !std::mem::replace(&mut inbox.woken, true) {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            // SAFETY: it is not released. A closing environment answers with a status and nobody is waiting then.
            unsafe { sys::napi_call_threadsafe_function(inbox.wake.0, ptr::null_mut(), mode) };
        }
    }

    /// Lets go of the environment when every open ticket has settled. On the JavaScript thread.
    pub(crate) fn release(&self) {
        let mut inbox = self.inbox.lock();
        if self.open_tickets.load(Ordering::Relaxed) > 0 {
            inbox.releasing = true;
            return;
        }
        let wake = std::mem::take(&mut inbox.wake);
        drop(inbox);
        if !wake.0.is_null() {
            let mode = sys::ThreadsafeFunctionReleaseMode::release;
            // SAFETY: it was made with one owner, and this is where that one lets go.
            unsafe { sys::napi_release_threadsafe_function(wake.0, mode) };
        }
    }

    /// Forgets an environment that is being torn down and frees the threadsafe function by itself.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.inbox.lock().wake = Wake::default();
    }

    /// Whether the environment is gone, so that nobody waits for anything any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

unsafe extern "C" fn finalize(env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the context was leaked for this function, which is called once.
    let context = unsafe { Box::from_raw(context.cast::<Context>()) };
    context.settlements.abandon();
    if !context.on_error.is_null() {
        // SAFETY: the reference was made in this environment.
        unsafe { sys::napi_delete_reference(env, context.on_error) };
    }
}

unsafe extern "C" fn deliver(
    env: sys::napi_env,
    settle: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() {
        return;
    }
    // SAFETY: the context lives as long as the threadsafe function that calls this.
    let Some(context) = (unsafe { context.cast::<Context>().as_ref() }) else { return };
    let settlements = Arc::clone(&context.settlements);
    let (done, failed, unseen, told) = {
        let mut inbox = settlements.inbox.lock();
        inbox.woken = false;
        (
            std::mem::take(&mut inbox.done),
            std::mem::take(&mut inbox.failed),
            std::mem::take(&mut inbox.unseen),
            std::mem::take(&mut inbox.told),
        )
    };
    let settled = done.len() + failed.len();
    if settled > 0 && settlements.open_tickets.fetch_sub(settled, Ordering::Relaxed) == settled {
        let inbox = settlements.inbox.lock();
        if !inbox.wake.0.is_null() {
            // SAFETY: it is not released, and this is its thread.
            unsafe { sys::napi_unref_threadsafe_function(env, inbox.wake.0) };
        }
    }
    let releasing = settlements.inbox.lock().releasing;
    let on_error = context.on_error;
    // A failure here means that the environment is going down or an exception is pending; Node reports the latter.
    let _ = tell(env, settle, &done, &failed, &told).and_then(|()| report(env, on_error, &unseen));
    if releasing {
        settlements.release();
    }
}

fn tell(
    env: sys::napi_env,
    settle: sys::napi_value,
    done: &[u64],
    failed: &[(u64, Error)],
    told: &[u64],
) -> Result<()> {
    if done.is_empty() && failed.is_empty() && told.is_empty() {
        return Ok(());
    }
    let mut failures = Vec::with_capacity(failed.len() * 2);
    for (ticket, error) in failed {
        failures.push(raw::number(env, *ticket as f64)?);
        failures.push(to_js(env, error)?);
    }
    call(env, settle, &[tickets(env, done)?, raw::array(env, &failures)?, tickets(env, told)?])
}

fn tickets(env: sys::napi_env, tickets: &[u64]) -> Result<sys::napi_value> {
    let numbers =
        tickets.iter().map(|ticket| raw::number(env, *ticket as f64)).collect::<Result<Vec<_>>>()?;
    raw::array(env, &numbers)
}

fn report(env: sys::napi_env, on_error: sys::napi_ref, unseen: &[Error]) -> Result<()> {
    if on_error.is_null() {
        return Ok(());
    }
    let mut function = ptr::null_mut();
    // SAFETY: the reference is this environment's.
    raw::check(unsafe { sys::napi_get_reference_value(env, on_error, &mut function) })?;
    unseen.iter().try_for_each(|error| call(env, function, &[to_js(env, error)?]))
}

fn call(env: sys::napi_env, function: sys::napi_value, arguments: &[sys::napi_value]) -> Result<()> {
    let this = raw::undefined(env)?;
    // SAFETY: all are values of this scope.
    raw::check(unsafe {
        sys::napi_call_function(env, this, function, arguments.len(), arguments.as_ptr(), ptr::null_mut())
    })
}

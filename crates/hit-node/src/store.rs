//! A handle of a store as a JavaScript object whose functions are raw.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr;
use std::rc::{Rc, Weak};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use hit::{Capabilities, Result};
use napi::sys;

use crate::scan::OpenScans;
use crate::settle::Settlements;
use crate::{life, raw, read, scan, write};

/// How long an environment that goes down waits for its store to be closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Marks objects that hold a store, so that no other object is taken for one.
const TYPE_TAG: sys::napi_type_tag =
    sys::napi_type_tag { lower: 0x9d4f_62d0_61f1_4c3b, upper: 0x6869_746b_7673_746f };

/// One handle, as the functions of its JavaScript object share it. It lives on one JavaScript thread.
pub(crate) struct NativeStore {
    /// Given away when this is dropped.
    pub(crate) store: ManuallyDrop<hit::Store>,
    pub(crate) settlements: Arc<Settlements>,
    pub(crate) text_keys: bool,
    pub(crate) text_values: bool,
    pub(crate) scans: Arc<OpenScans>,
    /// Lengths of values on their way out.
    pub(crate) scratch: RefCell<Vec<u32>>,
    cleanup: Cell<Cleanup>,
}

/// What the object itself holds, for calls that are made with it and not on it.
pub(crate) struct Held {
    pub(crate) store: hit::Store,
    pub(crate) settlements: Arc<Settlements>,
    pub(crate) scans: Arc<OpenScans>,
}

/// The hook that runs when the environment goes down, and what it is given.
#[derive(Clone, Copy)]
struct Cleanup {
    env: sys::napi_env,
    data: *mut c_void,
}

macro_rules! raw_functions {
    ($($name:literal => $callback:ident: $body:path;)*) => {
        $(unsafe extern "C" fn $callback(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            // SAFETY: Node-API calls this for a function that `raw::add_function` made.
            unsafe { raw::enter(env, info, $body) }
        })*

        /// The functions of a store, by name.
        const FUNCTIONS: &[(&str, sys::napi_callback)] = &[$(($name, Some($callback)),)*];
    };
}

raw_functions! {
    "submit" => on_submit: write::submit;
    "submitBatch" => on_submit_batch: write::submit_batch;
    "get" => on_get: read::get;
    "getEntry" => on_get_entry: read::get_entry;
    "has" => on_has: read::has;
    "getMany" => on_get_many: read::get_many;
    "count" => on_count: read::count;
    "scan" => on_scan: scan::open;
    "scanPage" => on_scan_page: scan::page;
    "scanAhead" => on_scan_ahead: scan::ahead;
    "scanClose" => on_scan_close: scan::close;
    "flush" => on_flush: life::flush;
    "stats" => on_stats: life::stats;
    "close" => on_close: life::close;
}

impl NativeStore {
    pub(crate) fn next_ticket(&self) -> u64 {
        self.settlements.next_ticket()
    }
}

/// Makes the JavaScript object of a handle. The handle is closed with the last of its functions, or with the
/// environment.
pub(crate) fn to_js(
    env: sys::napi_env,
    store: hit::Store,
    settlements: Arc<Settlements>,
    text_keys: bool,
    text_values: bool,
) -> Result<sys::napi_value> {
    let object = raw::object(env)?;
    raw::set(env, object, "url", raw::text(env, store.url())?)?;
    raw::set(env, object, "supports", supports(env, store.capabilities())?)?;
    let scans = Arc::new(OpenScans::default());
    let held =
        Held { store: store.clone(), settlements: Arc::clone(&settlements), scans: Arc::clone(&scans) };
    let held = Box::into_raw(Box::new(held)).cast();
    // SAFETY: the box is freed by `free_held`, once.
    unsafe {
        raw::check(sys::napi_wrap(env, object, held, Some(free_held), ptr::null_mut(), ptr::null_mut()))?;
        raw::check(sys::napi_type_tag_object(env, object, &TYPE_TAG))?;
    }
    let native = Rc::new(NativeStore {
        store: ManuallyDrop::new(store),
        settlements,
        text_keys,
        text_values,
        scans,
        scratch: RefCell::default(),
        cleanup: Cell::new(Cleanup { env, data: ptr::null_mut() }),
    });
    for (name, callback) in FUNCTIONS {
        raw::add_function(env, object, name, *callback, &native)?;
    }
    let data = Box::into_raw(Box::new(Rc::downgrade(&native))).cast();
    // SAFETY: the box is freed by the hook or, where the hook is removed first, by `drop`.
    raw::check(unsafe { sys::napi_add_env_cleanup_hook(env, Some(on_teardown), data) })?;
    native.cleanup.set(Cleanup { env, data });
    Ok(object)
}

/// What a JavaScript object that [`to_js`] made holds.
pub(crate) fn from_js(env: sys::napi_env, object: sys::napi_value) -> Result<Held> {
    let (mut ours, mut held) = (false, ptr::null_mut());
    // SAFETY: the tag says that the wrapped pointer is ours; it lives as long as the object.
    unsafe {
        raw::check(sys::napi_check_object_type_tag(env, object, &TYPE_TAG, &mut ours))?;
        raw::check(if ours { sys::Status::napi_ok } else { sys::Status::napi_invalid_arg })?;
        raw::check(sys::napi_unwrap(env, object, &mut held))?;
        let Held { store, settlements, scans } = held.cast::<Held>().as_ref().ok_or_else(raw::overrun)?;
        let (settlements, scans) = (Arc::clone(settlements), Arc::clone(scans));
        Ok(Held { store: store.clone(), settlements, scans })
    }
}

fn supports(env: sys::napi_env, capabilities: Capabilities) -> Result<sys::napi_value> {
    let Capabilities {
        sync_reads,
        ordered_scans,
        snapshots,
        atomic_batch,
        checks,
        ttl,
        backup,
        workers,
        max_value_bytes,
    } = capabilities;
    let supports = raw::object(env)?;
    let flags = [
        ("syncReads", sync_reads),
        ("orderedScans", ordered_scans),
        ("snapshots", snapshots),
        ("checks", checks),
        ("ttl", ttl),
        ("backup", backup),
        ("workers", workers),
    ];
    for (name, flag) in flags {
        raw::set(env, supports, name, raw::boolean(env, flag)?)?;
    }
    raw::set(env, supports, "atomicBatch", raw::text(env, atomic_batch.name())?)?;
    raw::set(env, supports, "maxValueBytes", raw::number(env, max_value_bytes as f64)?)?;
    Ok(supports)
}

unsafe extern "C" fn free_held(_env: sys::napi_env, held: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `to_js` leaked it for this call.
    let held = unsafe { Box::from_raw(held.cast::<Held>()) };
    drop_elsewhere(held.store);
}

/// Drops a handle, an open one on a thread of its own: a garbage collection may come while this thread reads and holds the lock
/// that closing a handle asks for.
fn drop_elsewhere(store: hit::Store) {
    if store.is_closed() {
        return;
    }
    // Without a thread the handle stays open until the process ends, which its lock survives no longer.
    let _ = thread::Builder::new().name("hit-drop".into()).spawn(move || drop(store));
}

/// Closes the handle with its environment: at the natural end of the program or of a worker.
unsafe extern "C" fn on_teardown(data: *mut c_void) {
    // SAFETY: `to_js` leaked it; where `drop` frees it, it has removed this hook before.
    let weak = unsafe { Box::from_raw(data.cast::<Weak<NativeStore>>()) };
    let Some(native) = weak.upgrade() else { return };
    native.cleanup.set(Cleanup { env: ptr::null_mut(), data: ptr::null_mut() });
    native.settlements.abandon();
    native.scans.clear();
    let (closed, wait) = mpsc::channel();
    native.store.close_with(move |_| {
        let _ = closed.send(());
    });
    // Past the time-out the log's thread goes on alone.
    let _ = wait.recv_timeout(CLOSE_TIMEOUT);
}

impl Drop for NativeStore {
    fn drop(&mut self) {
        let Cleanup { env, data } = self.cleanup.get();
        if !data.is_null() {
            // SAFETY: the hook has not run, so the data is still ours to free.
            unsafe {
                sys::napi_remove_env_cleanup_hook(env, Some(on_teardown), data);
                drop(Box::from_raw(data.cast::<Weak<NativeStore>>()));
            }
        }
        self.settlements.release();
        self.scans.clear();
        // SAFETY: this is the end of `self`; nobody uses the store after it.
        drop_elsewhere(unsafe { ManuallyDrop::take(&mut self.store) });
    }
}

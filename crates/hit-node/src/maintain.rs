//! What keeps a store for years: compaction, verifying, backups, and moving a reader on.

use std::path::PathBuf;

use hit::{OpenOptions, VerifyReport};
use napi::Env;
use napi::JsValue;
use napi::bindgen_prelude::{Object, Unknown};
use napi_derive::napi;

use crate::error::to_napi;
use crate::long::{self, NativeCall, NativeOutcome};
use crate::open::held_of;
use crate::settle::Settlements;
use crate::store::Held;

/// Gives the space of dead operations back.
///
/// # Errors
/// Where the object is no store; all else is its ticket's.
#[napi]
pub fn compact(env: Env, store: Object<'_>) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let body = move |_: &mut hit::Tell<'_>| store.compact_blocking().map(|()| NativeOutcome::default());
    Ok(long::start(env, settlements, false, body))
}

/// Moves a read-only handle on.
///
/// # Errors
/// As `compact`.
#[napi]
pub fn refresh(env: Env, store: Object<'_>) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let body = move |_: &mut hit::Tell<'_>| store.refresh_blocking().map(|()| NativeOutcome::default());
    Ok(long::start(env, settlements, false, body))
}

/// Checks everything an open store has on disk.
///
/// # Errors
/// As `compact`.
#[napi]
pub fn verify(env: Env, store: Object<'_>, wants_progress: bool) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let body = move |tell: &mut hit::Tell<'_>| store.verify_blocking(tell).map(NativeOutcome::from);
    Ok(long::start(env, settlements, wants_progress, body))
}

/// Checks a store that is not open. `settle` hears of this call only.
///
/// # Errors
/// Where the environment refuses; all else is its ticket's.
#[napi]
pub fn verify_closed(
    env: Env,
    url: String,
    wants_progress: bool,
    #[napi(ts_arg_type = "(done: number[], failed: unknown[], told: number[]) => void")] settle: Unknown<'_>,
) -> napi::Result<NativeCall> {
    let settlements =
        Settlements::new(env.raw(), settle.raw(), None).map_err(|error| to_napi(env.raw(), &error))?;
    let body = move |tell: &mut hit::Tell<'_>| {
        hit::verify(&url, &OpenOptions::default(), tell).map(|report: VerifyReport| report.into())
    };
    let call = long::start(env, std::sync::Arc::clone(&settlements), wants_progress, body);
    // It lives until its only ticket has settled.
    settlements.release();
    Ok(call)
}

/// Copies the store of one moment into an empty or missing folder.
///
/// # Errors
/// As `compact`.
#[napi]
pub fn backup(env: Env, store: Object<'_>, folder: String, wants_progress: bool) -> napi::Result<NativeCall> {
    let Held { store, settlements, .. } = held_of(env, &store)?;
    let folder = PathBuf::from(folder);
    let body = move |tell: &mut hit::Tell<'_>| {
        store.backup_blocking(&folder, tell).map(|()| NativeOutcome::default())
    };
    Ok(long::start(env, settlements, wants_progress, body))
}

//! Scans, a page at a time.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hit::{Entry, Error, ErrorCode, KeyRange, ReadAhead, Result, Scan, Store};
use napi::bindgen_prelude::{AsyncTask, Object};
use napi::{Env, JsValue, Task, sys};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::error::{hex, to_napi};
use crate::open::held_of;
use crate::raw::{self, Call};
use crate::read::not_text;
use crate::store::Held;

const KEYS: usize = 1;
const VALUES: usize = 2;
/// Added to the number of entries where all of a page is ASCII.
const ASCII: usize = 0x4000_0000;
/// Added where the next page has to wait for the disk …
const DRY: usize = 0x2000_0000;
/// … and where `scanAhead` has something to read.
const THIN: usize = 0x1000_0000;

/// A scan that JavaScript knows by a number.
struct OpenScan {
    scan: Scan,
    parts: usize,
}

/// The open scans of one handle. Only its JavaScript thread uses them.
#[derive(Default)]
pub(crate) struct OpenScans {
    open: Mutex<HashMap<u32, OpenScan>>,
    last: AtomicU32,
}

impl OpenScans {
    /// Opens one; returns its number.
    pub(crate) fn add(&self, scan: Scan, parts: usize) -> u32 {
        let scan = if parts & VALUES == 0 { scan.without_values() } else { scan };
        let number = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.open.lock().insert(number, OpenScan { scan, parts });
        number
    }

    /// Closes all of them.
    pub(crate) fn clear(&self) {
        self.open.lock().clear();
    }
}

/// `scan(start, end, parts, reverse)`
pub(crate) fn open(call: &Call<'_>) -> Result<sys::napi_value> {
    let range = KeyRange { start: call.bytes(0)?, end: call.optional_bytes(1)? };
    let (parts, reverse) = (call.number(2)?, call.bool(3)?);
    let scan = call.store.store.scan(range, reverse)?;
    raw::number(call.env, f64::from(call.store.scans.add(scan, parts)))
}

/// Opens a scan on another thread; `null` where that takes too little to be worth one. As `scan` of a store otherwise.
///
/// # Errors
/// With the failure's code as a property of the error.
#[napi(ts_return_type = "Promise<number> | null")]
pub fn scan_later(
    env: Env,
    store: Object<'_>,
    start: &[u8],
    end: Option<&[u8]>,
    parts: u32,
    reverse: bool,
) -> napi::Result<Option<AsyncTask<Opening>>> {
    let Held { store, scans, .. } = held_of(env, &store)?;
    let takes_long = store.scan_takes_long().map_err(|error| to_napi(env.raw(), &error))?;
    let (start, end) = (start.to_vec(), end.map(<[u8]>::to_vec));
    Ok(takes_long
        .then(|| AsyncTask::new(Opening { store, scans, start, end, parts: parts as usize, reverse })))
}

/// Opens a scan on another thread.
pub struct Opening {
    store: Store,
    scans: Arc<OpenScans>,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
    parts: usize,
    reverse: bool,
}

impl Task for Opening {
    type Output = Result<Scan>;
    type JsValue = u32;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let range = KeyRange { start: &self.start, end: self.end.as_deref() };
        Ok(self.store.scan(range, self.reverse))
    }

    fn resolve(&mut self, env: Env, opened: Self::Output) -> napi::Result<u32> {
        opened.map(|scan| self.scans.add(scan, self.parts)).map_err(|error| to_napi(env.raw(), &error))
    }
}

/// `scanPage(scan, words, limit, out)`
pub(crate) fn page(call: &Call<'_>) -> Result<sys::napi_value> {
    let number = u32::try_from(call.number(0)?).unwrap_or(0);
    let mut scans = call.store.scans.open.lock();
    let Some(OpenScan { scan, parts }) = scans.get_mut(&number) else {
        return Err(Error::new(ErrorCode::NotOpen, "the scan is closed"));
    };
    let lengths = call.words(1)?;
    let limit = call.number(2)?.min(lengths.len() / 2);
    let mut page = Page { out: call.bytes_mut(3)?, used: 0, needed: 0, ascii: true };
    let mut count = 0;
    let mut failed = None;
    let text_keys = call.store.text_keys && *parts & KEYS != 0;
    let text_values = call.store.text_values && *parts & VALUES != 0;
    let parts = *parts;
    scan.visit(|key, Entry { value, .. }| {
        if count == limit {
            return ControlFlow::Break(());
        }
        let shown_key = if parts & KEYS != 0 { key } else { &[] };
        let shown_value = if parts & VALUES != 0 { value } else { &[] };
        if !page.fits(shown_key.len() + shown_value.len()) {
            return ControlFlow::Break(());
        }
        if !page.put(shown_key, text_keys) {
            failed = Some(key_not_text(key));
            return ControlFlow::Break(());
        }
        if !page.put(shown_value, text_values) {
            failed = Some(not_text(key));
            return ControlFlow::Break(());
        }
        if let Some([key_length, value_length]) = lengths.get_mut(count * 2..count * 2 + 2) {
            (*key_length, *value_length) = (shown_key.len() as u32, shown_value.len() as u32);
        }
        count += 1;
        ControlFlow::Continue(())
    })?;
    match (failed, count) {
        (Some(error), 0) => Err(error),
        (_, 0) if page.needed > 0 => raw::number(call.env, -(page.needed as f64)),
        (_, 0) => raw::number(call.env, 0.0),
        _ => {
            let (is_at_hand, behind) = scan.ahead();
            let flags = [(page.ascii, ASCII), (!is_at_hand, DRY), (behind.is_some(), THIN)];
            let flags: usize = flags.iter().filter(|(is_so, _)| *is_so).map(|(_, flag)| flag).sum();
            raw::number(call.env, (count + flags) as f64)
        }
    }
}

/// `scanAhead(scan)`
pub(crate) fn ahead(call: &Call<'_>) -> Result<sys::napi_value> {
    let number = u32::try_from(call.number(0)?).unwrap_or(0);
    let scans = call.store.scans.open.lock();
    let Some(behind) = scans.get(&number).and_then(|open| open.scan.ahead().1) else {
        return raw::undefined(call.env);
    };
    Env::from_raw(call.env)
        .spawn(Ahead(behind))
        .map(|reading| reading.promise_object().raw())
        .map_err(|error| Error::new(ErrorCode::Io, format!("no thread reads the scan ahead: {error}")))
}

/// Reads the next entries of a scan on another thread.
struct Ahead(ReadAhead);

impl Task for Ahead {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        self.0.run();
        Ok(())
    }

    fn resolve(&mut self, _env: Env, (): ()) -> napi::Result<()> {
        Ok(())
    }
}

/// `scanClose(scan)`
pub(crate) fn close(call: &Call<'_>) -> Result<sys::napi_value> {
    let number = u32::try_from(call.number(0)?).unwrap_or(0);
    call.store.scans.open.lock().remove(&number);
    raw::undefined(call.env)
}

fn key_not_text(key: &[u8]) -> Error {
    Error::new(
        ErrorCode::KeyInvalid,
        format!("the key 0x{} is not UTF-8: open the store with keyEncoding 'binary'", hex(key)),
    )
    .with_key(key)
}

/// Keys and values joined in one buffer.
struct Page<'a> {
    out: &'a mut [u8],
    used: usize,
    /// What the entry that did not fit would have taken.
    needed: usize,
    ascii: bool,
}

impl Page<'_> {
    fn fits(&mut self, bytes: usize) -> bool {
        let fits = self.used + bytes <= self.out.len();
        if !fits {
            self.needed = bytes;
        }
        fits
    }

    /// Adds a part; false where it should be text and is not.
    fn put(&mut self, part: &[u8], text: bool) -> bool {
        if text && !part.is_ascii() {
            self.ascii = false;
            if std::str::from_utf8(part).is_err() {
                return false;
            }
        }
        if let Some(room) = self.out.get_mut(self.used..self.used + part.len()) {
            room.copy_from_slice(part);
            self.used += part.len();
        }
        true
    }
}

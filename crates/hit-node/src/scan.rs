//! Scans, a page at a time.

use std::ops::ControlFlow;

use hit::{Entry, Error, ErrorCode, KeyRange, ReadAhead, Result, Scan};
use napi::{Env, JsValue, Task, sys};

use crate::error::hex;
use crate::raw::{self, Call};
use crate::read::not_text;

const KEYS: usize = 1;
const VALUES: usize = 2;
/// Added to the number of entries where all of a page is ASCII.
const ASCII: usize = 0x4000_0000;
/// Added where the next page has to wait for the disk …
const DRY: usize = 0x2000_0000;
/// … and where `scanAhead` has something to read.
const THIN: usize = 0x1000_0000;

/// A scan that JavaScript knows by a number.
pub(crate) struct OpenScan {
    scan: Scan,
    parts: usize,
}

/// `scan(start, end, parts, reverse)`
pub(crate) fn open(call: &Call<'_>) -> Result<sys::napi_value> {
    let range = KeyRange { start: call.bytes(0)?, end: call.optional_bytes(1)? };
    let (parts, reverse) = (call.number(2)?, call.bool(3)?);
    let scan = call.store.store.scan(range, reverse)?;
    let scan = if parts & VALUES == 0 { scan.without_values() } else { scan };
    let number = call.store.next_scan();
    call.store.scans.borrow_mut().insert(number, OpenScan { scan, parts });
    raw::number(call.env, f64::from(number))
}

/// `scanPage(scan, words, limit, out)`
pub(crate) fn page(call: &Call<'_>) -> Result<sys::napi_value> {
    let number = u32::try_from(call.number(0)?).unwrap_or(0);
    let mut scans = call.store.scans.borrow_mut();
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
    let scans = call.store.scans.borrow();
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
    call.store.scans.borrow_mut().remove(&number);
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

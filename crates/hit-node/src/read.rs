//! Reads of single keys and of many at once.

use hit::{Entry, Error, ErrorCode, KeyRange, Result};
use napi::sys;

use crate::error::hex;
use crate::raw::{self, Call};

/// Stands for an absent value among lengths.
pub(crate) const ABSENT: u32 = u32::MAX;

/// `get(bytes, keyBytes)`
pub(crate) fn get(call: &Call<'_>) -> Result<sys::napi_value> {
    let key = key(call)?;
    call.store.store.get_with(key, |entry| match entry {
        Some(entry) => value(call, key, entry.value),
        None => raw::undefined(call.env),
    })?
}

/// `getEntry(bytes, keyBytes)`
pub(crate) fn get_entry(call: &Call<'_>) -> Result<sys::napi_value> {
    let key = key(call)?;
    call.store.store.get_with(key, |entry| {
        let Some(Entry { value: bytes, expires_at }) = entry else { return raw::undefined(call.env) };
        let expires_at = match expires_at {
            Some(at) => raw::number(call.env, at as f64)?,
            None => raw::undefined(call.env)?,
        };
        raw::array(call.env, &[value(call, key, bytes)?, expires_at])
    })?
}

/// `has(bytes, keyBytes)`
pub(crate) fn has(call: &Call<'_>) -> Result<sys::napi_value> {
    raw::boolean(call.env, call.store.store.has(key(call)?)?)
}

/// `getMany(words, count, bytes, out, atOneMoment)`
pub(crate) fn get_many(call: &Call<'_>) -> Result<sys::napi_value> {
    let lengths = call.words(0)?.get_mut(..call.number(1)?).ok_or_else(raw::overrun)?;
    let keys = Keys { lengths, bytes: call.bytes(2)? };
    if keys.clone().count() != lengths.len() {
        return Err(raw::overrun());
    }
    let text = call.store.text_values;
    let out = call.bytes_mut(3)?;
    let mut values = Values { out, used: 0, needed: 0, ascii: true, invalid: None, text };
    let mut found = call.store.scratch.borrow_mut();
    found.clear();
    let at_one_moment = call.bool(4)?;
    let find = |entry: Option<Entry<'_>>| {
        let length = entry.map_or(ABSENT, |entry| {
            values.put(entry.value, found.len());
            u32::try_from(entry.value.len()).unwrap_or(ABSENT)
        });
        found.push(length);
    };
    let store = &call.store.store;
    if at_one_moment {
        store.get_many_with(keys.clone(), find)?;
    } else {
        store.get_each_with(keys.clone(), find)?;
    }
    if let Some(position) = values.invalid {
        return Err(not_text(keys.clone().nth(position).unwrap_or_default()));
    }
    if values.needed > values.used {
        return raw::number(call.env, -(values.needed as f64));
    }
    let ascii = values.ascii;
    lengths.copy_from_slice(&found);
    raw::number(call.env, f64::from(u8::from(ascii)))
}

/// `count(start, end)`
pub(crate) fn count(call: &Call<'_>) -> Result<sys::napi_value> {
    let range = KeyRange { start: call.bytes(0)?, end: call.optional_bytes(1)? };
    raw::number(call.env, call.store.store.count(range)? as f64)
}

fn key<'a>(call: &'a Call<'_>) -> Result<&'a [u8]> {
    call.first_bytes(0, call.number(1)?)
}

fn value(call: &Call<'_>, key: &[u8], value: &[u8]) -> Result<sys::napi_value> {
    if call.store.text_values {
        raw::text(call.env, std::str::from_utf8(value).map_err(|_| not_text(key))?)
    } else {
        raw::byte_array(call.env, value)
    }
}

/// What stored bytes get that are not the text they are read as.
pub(crate) fn not_text(key: &[u8]) -> Error {
    Error::new(
        ErrorCode::ValueInvalid,
        format!(
            "what is stored under key 0x{} is not UTF-8: open the store with valueEncoding 'binary'",
            hex(key)
        ),
    )
    .with_key(key)
}

/// Keys joined in one buffer.
#[derive(Clone)]
pub(crate) struct Keys<'a> {
    pub(crate) lengths: &'a [u32],
    pub(crate) bytes: &'a [u8],
}

impl<'a> Iterator for Keys<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, lengths) = self.lengths.split_first()?;
        let (key, bytes) = self.bytes.split_at_checked(length as usize)?;
        *self = Self { lengths, bytes };
        Some(key)
    }
}

/// Values joined in one buffer, or only measured where they do not fit.
struct Values<'a> {
    out: &'a mut [u8],
    used: usize,
    needed: usize,
    ascii: bool,
    text: bool,
    /// The first one that is not the text it should be.
    invalid: Option<usize>,
}

impl Values<'_> {
    fn put(&mut self, value: &[u8], position: usize) {
        self.needed += value.len();
        if self.text && !value.is_ascii() {
            self.ascii = false;
            if std::str::from_utf8(value).is_err() {
                self.invalid.get_or_insert(position);
            }
        }
        if let Some(room) = self.out.get_mut(self.used..self.needed) {
            room.copy_from_slice(value);
            self.used = self.needed;
        }
    }
}

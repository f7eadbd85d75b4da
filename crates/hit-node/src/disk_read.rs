//! Reads of values that are on disk, on another thread.

use hit::{PendingRead, Result};
use napi::bindgen_prelude::{AsyncTask, Buffer, Float64Array, Object, Uint32Array};
use napi::{Env, Task};
use napi_derive::napi;

use crate::error::to_napi;
use crate::open::held_of;
use crate::read::{ABSENT, Keys, not_text};
use crate::store::Held;

/// Values as `getMany` leaves them, with their expiries.
#[napi(object)]
pub struct NativeValues {
    /// Their lengths; 0xffffffff stands for an absent one.
    pub words: Uint32Array,
    /// The values, joined.
    pub out: Buffer,
    /// Unix milliseconds; NaN where an entry has none, or is absent.
    pub expiries: Float64Array,
    /// Everything is ASCII.
    pub ascii: bool,
}

/// Reads `count` keys as `getMany` does, on another thread; `null` where all that is there is in memory.
///
/// # Errors
/// With the failure's code as a property of the error.
#[napi(ts_return_type = "Promise<NativeValues> | null")]
pub fn read_from_disk(
    env: Env,
    store: Object<'_>,
    words: &[u32],
    count: u32,
    bytes: &[u8],
    text_values: bool,
) -> napi::Result<Option<AsyncTask<DiskRead>>> {
    let Held { store, .. } = held_of(env, &store)?;
    let lengths = words.get(..count as usize).unwrap_or_default();
    let begun = store.begin_read(Keys { lengths, bytes }).map_err(|error| to_napi(env.raw(), &error))?;
    Ok(begun.map(|pending| AsyncTask::new(DiskRead { pending, text_values })))
}

/// Reads on another thread.
pub struct DiskRead {
    pending: PendingRead,
    text_values: bool,
}

/// What was read, as it goes to JavaScript.
pub struct Joined {
    words: Vec<u32>,
    out: Vec<u8>,
    expiries: Vec<f64>,
}

impl DiskRead {
    fn read(&mut self) -> Result<Joined> {
        let entries = self.pending.finish()?;
        let mut joined = Joined { words: Vec::new(), out: Vec::new(), expiries: Vec::new() };
        for (key, entry) in self.pending.keys().zip(entries) {
            let (value, expires_at) = entry.map_or((None, None), |(value, at)| (Some(value), at));
            joined.words.push(value.as_ref().map_or(ABSENT, |value| value.len() as u32));
            joined.expiries.push(expires_at.map_or(f64::NAN, |at| at as f64));
            let Some(value) = value else { continue };
            if self.text_values && std::str::from_utf8(&value).is_err() {
                return Err(not_text(key));
            }
            joined.out.extend_from_slice(&value);
        }
        Ok(joined)
    }
}

impl Task for DiskRead {
    type Output = Result<Joined>;
    type JsValue = NativeValues;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.read())
    }

    fn resolve(&mut self, env: Env, read: Self::Output) -> napi::Result<NativeValues> {
        let Joined { words, out, expiries } = read.map_err(|error| to_napi(env.raw(), &error))?;
        let ascii = self.text_values && out.is_ascii();
        Ok(NativeValues { words: words.into(), out: out.into(), expiries: expiries.into(), ascii })
    }
}

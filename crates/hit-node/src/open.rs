//! Opening a store, and the reads that may take long, on libuv's threads.

use std::sync::Arc;

use hit::{Durability, OnError, OpenOptions, Store};
use napi::bindgen_prelude::{AsyncTask, Object, Unknown};
use napi::{Env, JsValue, Task, sys};
use napi_derive::napi;

use crate::error::to_napi;
use crate::rocksdb::NativeRocksDbOptions;
use crate::settle::Settlements;
use crate::store::{self, Held};

/// How a store is opened; the facade has checked it. Sizes in bytes, durability 0 memory, 1 os, 2 disk.
#[napi(object)]
pub struct NativeOpenOptions {
    /// Of writes that do not say.
    pub durability: u32,
    /// Keys come back as strings.
    pub text_keys: bool,
    /// Values come back as strings.
    pub text_values: bool,
    /// Whether a missing store is created.
    pub create_if_missing: bool,
    /// Accepted and not written, before promises wait.
    pub max_pending_bytes: Option<f64>,
    /// Writer lanes of a storage; a log has one.
    pub io_concurrency: Option<u32>,
    /// Opened beside whoever writes.
    pub read_only: bool,
    /// Of values of 256 bytes and more, to keep in memory.
    pub max_memory_bytes: Option<f64>,
    /// When a segment is followed by a new one.
    pub segment_bytes: Option<f64>,
    /// Whether the space of dead operations is given back without being asked.
    pub compaction: Option<bool>,
    /// Of a RocksDB store.
    pub rocksdb: Option<NativeRocksDbOptions>,
}

impl NativeOpenOptions {
    fn to_rust(&self, on_error: OnError) -> OpenOptions {
        let mut options = OpenOptions {
            durability: match self.durability {
                0 => Durability::Memory,
                1 => Durability::Os,
                _ => Durability::Disk,
            },
            create_if_missing: self.create_if_missing,
            read_only: self.read_only,
            max_memory_bytes: self.max_memory_bytes.map(|bytes| bytes as u64),
            on_error: Some(on_error),
            ..OpenOptions::default()
        };
        if let Some(bytes) = self.max_pending_bytes {
            options.max_pending_bytes = bytes as usize;
        }
        if let Some(bytes) = self.segment_bytes {
            options.file.segment_bytes = bytes as u64;
        }
        if let Some(compaction) = self.compaction {
            options.file.compaction = compaction;
        }
        options.io_concurrency = self.io_concurrency.map(|lanes| lanes as usize);
        #[cfg(feature = "rocksdb")]
        if let Some(rocksdb) = &self.rocksdb {
            options.rocksdb = rocksdb.to_rust();
        }
        options
    }
}

/// Opens a store. `settle(done, failed, told)` hears of tickets, `onError(failure)` of failures after an answer.
///
/// # Errors
/// With the failure's code as a property of the error.
#[napi(ts_return_type = "Promise<object>")]
pub fn open(
    env: Env,
    url: String,
    options: NativeOpenOptions,
    #[napi(ts_arg_type = "(done: number[], failed: unknown[], told: number[]) => void")] settle: Unknown<'_>,
    #[napi(ts_arg_type = "((failure: Error) => void) | null")] on_error: Option<Unknown<'_>>,
) -> napi::Result<AsyncTask<Open>> {
    let on_error = on_error.map(|function| function.raw());
    let settlements =
        Settlements::new(env.raw(), settle.raw(), on_error).map_err(|error| to_napi(env.raw(), &error))?;
    Ok(AsyncTask::new(Open { url, options, settlements }))
}

/// Opens a store on another thread.
pub struct Open {
    url: String,
    options: NativeOpenOptions,
    settlements: Arc<Settlements>,
}

impl Task for Open {
    type Output = hit::Result<Store>;
    type JsValue = Made;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let settlements = Arc::clone(&self.settlements);
        let on_error: OnError = Arc::new(move |error| settlements.report(error));
        Ok(Store::open_blocking(&self.url, self.options.to_rust(on_error)))
    }

    fn resolve(&mut self, env: Env, opened: Self::Output) -> napi::Result<Made> {
        let NativeOpenOptions { text_keys, text_values, .. } = self.options;
        opened
            .and_then(|store| {
                store::to_js(env.raw(), store, Arc::clone(&self.settlements), text_keys, text_values)
            })
            .map(Made)
            .map_err(|error| {
                self.settlements.release();
                to_napi(env.raw(), &error)
            })
    }
}

/// A value that is made already.
pub struct Made(sys::napi_value);

impl napi::bindgen_prelude::TypeName for Made {
    fn type_name() -> &'static str {
        "object"
    }

    fn value_type() -> napi::ValueType {
        napi::ValueType::Object
    }
}

impl napi::bindgen_prelude::ToNapiValue for Made {
    unsafe fn to_napi_value(_env: sys::napi_env, made: Self) -> napi::Result<sys::napi_value> {
        Ok(made.0)
    }
}

/// Counts a range on another thread.
///
/// # Errors
/// With the failure's code as a property of the error.
#[napi(ts_return_type = "Promise<number>")]
pub fn count_async(
    env: Env,
    store: Object<'_>,
    start: &[u8],
    end: Option<&[u8]>,
) -> napi::Result<AsyncTask<Count>> {
    let store = store_of(env, &store)?;
    Ok(AsyncTask::new(Count { store, start: start.to_vec(), end: end.map(<[u8]>::to_vec) }))
}

/// Counts on another thread.
pub struct Count {
    store: Store,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

impl Task for Count {
    type Output = hit::Result<u64>;
    type JsValue = f64;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.store.count(hit::KeyRange { start: &self.start, end: self.end.as_deref() }))
    }

    fn resolve(&mut self, env: Env, counted: Self::Output) -> napi::Result<f64> {
        counted.map(|count| count as f64).map_err(|error| to_napi(env.raw(), &error))
    }
}

pub(crate) fn store_of(env: Env, object: &Object<'_>) -> napi::Result<Store> {
    held_of(env, object).map(|held| held.store)
}

pub(crate) fn held_of(env: Env, object: &Object<'_>) -> napi::Result<Held> {
    store::from_js(env.raw(), object.value().value).map_err(|error| to_napi(env.raw(), &error))
}

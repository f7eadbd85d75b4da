//! What runs behind `hitkv serve`.

use std::sync::Arc;

use hit::{Result, Store};
use hit_server::{Server, ServerOptions};
use napi::bindgen_prelude::{AsyncTask, Object};
use napi::{Env, Task};
use napi_derive::napi;

use crate::error::to_napi;
use crate::open::store_of;

/// What a server listens on.
#[napi(object)]
pub struct NativeServerOptions {
    /// `host:port` for HTTP.
    pub http: Option<String>,
}

/// Serves a store from threads of its own. The store stays the caller's, to be closed after the server has stopped.
///
/// # Errors
/// With the failure's code as a property of the error; a busy port above all.
#[napi(ts_return_type = "Promise<NativeServer>")]
pub fn serve(env: Env, store: Object<'_>, options: NativeServerOptions) -> napi::Result<AsyncTask<Serve>> {
    let options = ServerOptions { http: options.http, ..ServerOptions::default() };
    Ok(AsyncTask::new(Serve { store: store_of(env, &store)?, options }))
}

/// Starts a server on another thread, since it may have to look up a host.
pub struct Serve {
    store: Store,
    options: ServerOptions,
}

impl Task for Serve {
    type Output = Result<Server>;
    type JsValue = NativeServer;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(Server::start(self.store.clone(), &self.options))
    }

    fn resolve(&mut self, env: Env, started: Self::Output) -> napi::Result<NativeServer> {
        started.map(|server| NativeServer(Arc::new(server))).map_err(|error| to_napi(env.raw(), &error))
    }
}

/// A running server. Collected as garbage, it ends at once.
#[napi]
pub struct NativeServer(Arc<Server>);

#[napi]
impl NativeServer {
    /// The address HTTP answers on, `host:port`, or null.
    #[napi(getter)]
    #[must_use]
    pub fn http(&self) -> Option<String> {
        self.0.http_address().map(|address| address.to_string())
    }

    /// Answers what has been read, then stops.
    #[napi(ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn stop(&self) -> AsyncTask<Stop> {
        AsyncTask::new(Stop(Arc::clone(&self.0)))
    }
}

/// Stops a server on another thread; the process stays alive until it has.
pub struct Stop(Arc<Server>);

impl Task for Stop {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        self.0.stop_blocking();
        Ok(())
    }

    fn resolve(&mut self, _env: Env, (): ()) -> napi::Result<()> {
        Ok(())
    }
}

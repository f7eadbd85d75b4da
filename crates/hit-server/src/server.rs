use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hit::Store;
use hit_core::{Error, ErrorCode, Result};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::limits::{STOP_TIMEOUT, WORKER_THREADS};
use crate::listener::serve_http;
use crate::shutdown::{self, Shutdown};
use crate::{address, http};

/// What a server listens on.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `host:port` for HTTP; port 0 takes any free one. `None` does not serve HTTP.
    pub http: Option<String>,
    /// Threads that answer requests.
    pub worker_threads: usize,
    /// How long `stop` waits for requests that have been begun.
    pub stop_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { http: None, worker_threads: WORKER_THREADS, stop_timeout: STOP_TIMEOUT }
    }
}

/// A running server. Dropping it ends it at once; [`Server::stop`] ends it gracefully.
pub struct Server {
    http_address: Option<SocketAddr>,
    shutdown: Shutdown,
    running: Mutex<Option<Running>>,
}

struct Running {
    runtime: Runtime,
    store: Store,
}

impl Server {
    /// Serves `store` on what `options` name, from threads of the server's own. When this returns, connections are
    /// accepted. Blocks only for looking up the host and binding.
    ///
    /// The store stays the caller's: it is flushed and closed after the server has stopped.
    ///
    /// # Errors
    /// `HIT_CONFIG` for an address that is none; `HIT_IO` for one that nothing can listen on, a busy port above all,
    /// and where threads cannot be started; what the store answers where it is closed or poisoned.
    pub fn start(store: Store, options: &ServerOptions) -> Result<Self> {
        let http = options.http.as_deref().map(|http| address::bind(http, "--http")).transpose()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.worker_threads.max(1))
            .thread_name("hitkv-server")
            .enable_all()
            .build()
            .map_err(|source| not_started("its threads", source))?;
        let (shutdown, listening) = shutdown::channel();
        let mut server = Self { http_address: None, shutdown, running: Mutex::default() };
        // From here on a failure ends the runtime as dropping the server does, which async callers may do too.
        let running = server.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Running { runtime, store } = running.insert(Running { runtime, store });
        if let Some(http) = http {
            let _context = runtime.enter();
            let (listener, address) =
                registered(http).map_err(|source| not_started("its listener", source))?;
            server.http_address = Some(address);
            let router = http::router(store.clone());
            runtime.spawn(serve_http(listener, router, options.stop_timeout, listening));
        }
        // Another program that finds the store locked can then say where it is served.
        store.advertise(server.http_address.map(|address| format!("http://{address}")).as_deref())?;
        Ok(server)
    }

    /// The address that HTTP answers on, with the port that was chosen for port 0.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Accepts nothing more, closes idle connections, answers every request that has been read, and ends; what is not
    /// answered within `stop_timeout` is dropped. May be awaited on any runtime, again, and by several at once.
    pub async fn stop(&self) {
        self.shutdown.stop().await;
        self.end();
    }

    /// The same as [`Server::stop`] for a thread that runs no futures, which it blocks. May be called again.
    pub fn stop_blocking(&self) {
        let runtime = self.running().as_ref().map(|running| running.runtime.handle().clone());
        if let Some(runtime) = runtime {
            runtime.block_on(self.stop());
        }
    }

    fn end(&self) {
        let Some(Running { runtime, store }) = self.running().take() else { return };
        // A store that is closed or poisoned by now tells nobody where it is served anyway.
        let _untold = store.advertise(None);
        // Not the waiting kind: this may run inside another runtime, where waiting is not allowed.
        runtime.shutdown_background();
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("http_address", &self.http_address).finish_non_exhaustive()
    }
}

/// The listener as the runtime that is entered drives it, and its address.
fn registered(bound: std::net::TcpListener) -> io::Result<(TcpListener, SocketAddr)> {
    bound.set_nonblocking(true)?;
    let address = bound.local_addr()?;
    Ok((TcpListener::from_std(bound)?, address))
}

fn not_started(what: &str, source: io::Error) -> Error {
    let message =
        format!("the server could not start {what} ({source}): see whether the system is out of resources");
    Error::new(ErrorCode::Io, message).with_source(source)
}

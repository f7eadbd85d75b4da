use std::fmt;
use std::net::SocketAddr;
use std::sync::Mutex;
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
    runtime: Mutex<Option<Runtime>>,
}

impl Server {
    /// Serves `store` on what `options` name, from threads of the server's own. When this returns, connections are
    /// accepted. Blocks only for looking up the host and binding.
    ///
    /// The store stays the caller's: it is flushed and closed after the server has stopped.
    ///
    /// # Errors
    /// `HIT_CONFIG` for an address that is none; `HIT_IO` for one that nothing can listen on, a busy port above all,
    /// and where threads cannot be started.
    pub fn start(store: Store, options: &ServerOptions) -> Result<Self> {
        let bound = options.http.as_deref().map(|http| address::bind(http, "--http")).transpose()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.worker_threads.max(1))
            .thread_name("hitkv-server")
            .enable_all()
            .build()
            .map_err(|source| not_started("its threads", source))?;
        let (shutdown, listening) = shutdown::channel();
        let mut http_address = None;
        if let Some(bound) = bound {
            http_address = Some(bound.local_addr().map_err(|source| not_started("its listener", source))?);
            bound.set_nonblocking(true).map_err(|source| not_started("its listener", source))?;
            let entered = runtime.enter();
            let listener =
                TcpListener::from_std(bound).map_err(|source| not_started("its listener", source))?;
            drop(entered);
            runtime.spawn(serve_http(listener, http::router(store), options.stop_timeout, listening));
        }
        Ok(Self { http_address, shutdown, runtime: Mutex::new(Some(runtime)) })
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

    fn end(&self) {
        let runtime = self.runtime.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            // Not the waiting kind: this may run inside another runtime, where waiting is not allowed.
            runtime.shutdown_background();
        }
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

fn not_started(what: &str, source: std::io::Error) -> Error {
    let message =
        format!("the server could not start {what} ({source}): see whether the system is out of resources");
    Error::new(ErrorCode::Io, message).with_source(source)
}

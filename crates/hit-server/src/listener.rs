use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{ACCEPT_PAUSE, HEAD_TIMEOUT, MAX_CONNECTIONS, MAX_HEAD_BYTES};
use crate::shutdown::Listening;

/// Answers `router`'s routes on every connection until asked to stop; then takes no more, closes those that are
/// idle, and answers what has been read on the others, for at most `stop_timeout`.
pub async fn serve_http(
    listener: TcpListener,
    router: Router,
    stop_timeout: Duration,
    mut listening: Listening,
) {
    let connections = GracefulShutdown::new();
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let (stream, permit) = tokio::select! {
            () = listening.asked() => break,
            accepted = accept(&listener, &free) => accepted,
        };
        // An answer is one small write: waiting to join it with the next would only delay it. It is not worth losing
        // a connection over.
        let _undelayed = stream.set_nodelay(true);
        let connection =
            protocol().serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // What fails here is the connection (reset, timed out, no HTTP); nobody is left to tell.
            let _disconnected = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let _timed_out = tokio::time::timeout(stop_timeout, connections.shutdown()).await;
}

fn protocol() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        // A client that has said all it has to say still gets its answers.
        .half_close(true);
    http
}

/// The next connection, once one more may be served.
async fn accept(listener: &TcpListener, free: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(free).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            // Either that connection is gone already, or descriptors have run out: both pass.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

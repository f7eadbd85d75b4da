//! Stopping: one signal that every listener hears, and one that says when all have ended.

use tokio::sync::watch;

/// Held by the server: asks its listeners to stop and waits until they have.
#[derive(Clone, Debug)]
pub struct Shutdown {
    asked: watch::Sender<bool>,
    ended: watch::Receiver<()>,
}

/// Held by a listener, which has ended when this is dropped.
#[derive(Debug)]
pub struct Listening {
    asked: watch::Receiver<bool>,
    _ended: watch::Sender<()>,
}

/// A pair for one server and its listener.
pub fn channel() -> (Shutdown, Listening) {
    let (asked, hears) = watch::channel(false);
    let (ends, ended) = watch::channel(());
    (Shutdown { asked, ended }, Listening { asked: hears, _ended: ends })
}

impl Shutdown {
    /// Asks, and waits for the end. May be called again, and by several at once.
    pub async fn stop(&self) {
        self.asked.send_replace(true);
        let mut ended = self.ended.clone();
        // Nothing is ever sent: the only change is that the listener dropped its half.
        while ended.changed().await.is_ok() {}
    }
}

impl Listening {
    /// Resolves when the server is asked to stop, or was dropped.
    pub async fn asked(&mut self) {
        let _server_is_gone = self.asked.wait_for(|asked| *asked).await;
    }
}

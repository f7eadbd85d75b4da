use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

/// Bytes that one handle has handed over and the log has not written yet, bounded by holding the writer back.
pub(crate) struct Backlog {
    pending_bytes: AtomicUsize,
    max_bytes: usize,
    waiting: Mutex<usize>,
    drained: Condvar,
}

impl Backlog {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            pending_bytes: AtomicUsize::new(0),
            max_bytes,
            waiting: Mutex::new(0),
            drained: Condvar::new(),
        }
    }

    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending_bytes.load(Ordering::SeqCst)
    }

    /// Whether promises have to wait for the log once `bytes` more are handed over.
    pub(crate) fn is_over_with(&self, bytes: usize) -> bool {
        self.pending_bytes() + bytes > self.max_bytes
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.pending_bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        self.pending_bytes.fetch_sub(bytes, Ordering::SeqCst);
        let waiting = self.waiting.lock();
        if *waiting > 0 {
            self.drained.notify_all();
        }
    }

    /// Blocks while the backlog is twice what promises wait for. The caller holds no lock that the log needs.
    pub(crate) fn wait_for_room(&self) {
        let bound = self.max_bytes.saturating_mul(2);
        if self.pending_bytes() <= bound {
            return;
        }
        let mut waiting = self.waiting.lock();
        *waiting += 1;
        while self.pending_bytes() > bound {
            self.drained.wait(&mut waiting);
        }
        *waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_waits_until_the_backlog_is_below_twice_the_bound() {
        let backlog = Backlog::new(10);
        assert!(!backlog.is_over_with(10) && backlog.is_over_with(11));
        backlog.add(21);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| backlog.wait_for_room());
            backlog.remove(1);
            writer.join().unwrap();
        });
        assert_eq!(backlog.pending_bytes(), 20);
    }
}

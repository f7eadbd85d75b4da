//! A writer that never waits cannot run away from the log.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use hit::{Durability, KeyRange, OpenOptions, Operation, Store, Submitted};
use hit_log::SystemFiles;
use hit_testkit::{Call, Fault, FaultyFiles};

const MAX_PENDING_BYTES: usize = 64 << 10;
const VALUE: [u8; 1_000] = [7; 1_000];

#[tokio::test]
async fn a_loop_that_never_waits_is_held_at_twice_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let options =
        OpenOptions { max_pending_bytes: MAX_PENDING_BYTES, files: files.clone(), ..OpenOptions::default() };
    let store = Store::open(&folder.path().join("store").display().to_string(), options).await.unwrap();
    let (held, release) = mpsc::channel::<()>();
    let release = std::sync::Mutex::new(release);
    files.inject(
        Fault::delay(move || assert!(release.lock().unwrap().recv().is_err()))
            .on(Call::WriteAt)
            .path(".log")
            .times(u64::MAX),
    );
    let submitted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&submitted);
    let writer = store.clone();
    let writing = std::thread::spawn(move || {
        let mut at_once = 0;
        for number in 0..1_000_u32 {
            let operation = Operation::Set { key: &number.to_be_bytes(), value: &VALUE, expires_at: None };
            let answer = writer.submit(std::iter::once(operation), Some(Durability::Memory), |_| ()).unwrap();
            at_once += usize::from(answer == Submitted::Settled);
            counter.fetch_add(1, Ordering::SeqCst);
        }
        at_once
    });
    // Reads never block; the backlog fills up to its bound and no further.
    while store.stats().pending_bytes <= 2 * MAX_PENDING_BYTES {
        std::thread::yield_now();
    }
    let most = 2 * MAX_PENDING_BYTES + 2 * VALUE.len();
    assert!(store.stats().pending_bytes <= most, "{} bytes wait", store.stats().pending_bytes);
    assert!(submitted.load(Ordering::SeqCst) < 200, "the writer was held");
    assert!(store.has(&0_u32.to_be_bytes()).unwrap());
    drop(held);
    let at_once = writing.join().unwrap();
    assert!(at_once > 0, "below the bound `memory` answers at once");
    store.flush().await.unwrap();
    assert_eq!(store.stats().pending_bytes, 0);
    assert_eq!(store.count(KeyRange::ALL).unwrap(), 1_000);
}

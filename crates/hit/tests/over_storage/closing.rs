use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use hit::{Durability, ErrorCode, KeyRange, OpenOptions, Operation, Submitted};
use hit_testkit::conformance::{code, set};

use crate::bench::Bench;

const MAX_PENDING_BYTES: usize = 64 << 10;
const VALUE: [u8; 1_000] = [7; 1_000];

#[test]
fn close_waits_for_what_was_accepted() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        let mut scan = bench.store.scan(KeyRange::ALL, false).unwrap();
        bench.database.hold(b"");
        let writes: Vec<_> = (0..10).map(|key: u8| bench.store.begin(&[set(&[key], "value")])).collect();
        bench.database.until_waiting(1);
        let (closed, closing) = mpsc::channel();
        bench.store.close_with(move |result| closed.send(result).unwrap());
        assert_eq!(code(bench.store.try_put("late", "value")), ErrorCode::NotOpen);
        assert!(closing.try_recv().is_err(), "the storage still waits");
        bench.database.release();
        closing.recv().unwrap().unwrap();
        assert!(writes.iter().all(|write| write.is_answered()));
        assert_eq!(bench.database.len(), 10);
        assert_eq!(code(scan.page(1)), ErrorCode::NotOpen);
        assert_eq!(code(bench.store.get(b"a")), ErrorCode::NotOpen);
    }
}

#[test]
fn what_is_flushed_or_closed_survives_power_loss() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        let several: Vec<_> = (0..20_u8).map(|key| [key]).collect();
        let writes: Vec<_> = several.iter().map(|key| set(key, "value")).collect();
        bench.store.begin_with(&writes, Some(Durability::Os)).wait();
        bench.database.lose_power();
        assert!(bench.database.is_empty(), "`os` promises nothing here");
        bench.store.begin_with(&writes, Some(Durability::Memory)).wait();
        bench.flush().unwrap();
        bench.database.lose_power();
        assert_eq!(bench.database.len(), 20);
        bench.store.put("disk", "value");
        bench.database.lose_power();
        assert_eq!(bench.database.len(), 21);
        drop(bench.store.begin_with(&[set("closed", "value")], Some(Durability::Memory)));
        bench.store.shut();
        bench.database.lose_power();
        assert_eq!(bench.database.len(), 22);
    }
}

#[test]
fn a_loop_that_never_waits_is_held_at_twice_the_bound() {
    let options = OpenOptions {
        max_pending_bytes: MAX_PENDING_BYTES,
        io_concurrency: Some(2),
        ..OpenOptions::default()
    };
    let bench = Bench::with(options);
    bench.database.hold(b"");
    let submitted = Arc::new(AtomicUsize::new(0));
    let (store, counter) = (bench.store.clone(), Arc::clone(&submitted));
    let writing = std::thread::spawn(move || {
        let mut at_once = 0;
        for number in 0..1_000_u32 {
            let operation = Operation::Set { key: &number.to_be_bytes(), value: &VALUE, expires_at: None };
            let answer = store.submit(std::iter::once(operation), Some(Durability::Memory), drop).unwrap();
            at_once += usize::from(answer == Submitted::Settled);
            counter.fetch_add(1, Ordering::SeqCst);
        }
        at_once
    });
    while bench.store.stats().pending_bytes <= 2 * MAX_PENDING_BYTES {
        std::thread::yield_now();
    }
    let pending_bytes = bench.store.stats().pending_bytes;
    assert!(pending_bytes <= 2 * MAX_PENDING_BYTES + 2 * VALUE.len(), "{pending_bytes} bytes wait");
    assert!(submitted.load(Ordering::SeqCst) < 200, "the writer was held");
    // Reads never block.
    assert!(bench.store.has(&0_u32.to_be_bytes()).unwrap());
    bench.database.release();
    let at_once = writing.join().unwrap();
    assert!(at_once > 0, "below the bound `memory` answers at once");
    bench.flush().unwrap();
    assert_eq!(bench.store.stats().pending_bytes, 0);
    assert_eq!(bench.database.len(), 1_000);
}

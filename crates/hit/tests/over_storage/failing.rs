use hit::{Durability, ErrorCode, KeyRange, Operation};
use hit_testkit::conformance::{code, delete, set, wait};

use crate::bench::{Bench, failure, key_of_each_lane};

#[test]
fn a_refused_write_leaves_no_trace() {
    let bench = Bench::new();
    bench.store.put("a", "stored");
    bench.database.fail_write(b"a", failure(ErrorCode::Io));
    let error = bench.store.begin(&[set("a", "new"), delete("gone"), set("b", "new")]).outcome().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert_eq!(error.keys(), [b"a".to_vec(), b"gone".to_vec(), b"b".to_vec()]);
    assert_eq!(bench.all(), ["a=stored"]);
    bench.store.put("b", "again");
    assert_eq!(bench.all(), ["a=stored", "b=again"]);
    assert_eq!(bench.told(), [], "the failure was answered");
    bench.store.shut();
}

#[test]
fn what_was_accepted_behind_a_refused_write_is_refused_with_it() {
    let bench = Bench::new();
    bench.store.put("a", "stored");
    bench.store.put("c", "stored");
    bench.database.hold(b"");
    let first = bench.store.begin(&[set("a", "1")]);
    bench.database.until_waiting(1);
    let sum = bench.store.submit_increment(b"counter", 5, Some(Durability::Memory), drop).unwrap();
    assert_eq!(sum.0, 5);
    let behind = [
        bench.store.begin(&[set("a", "2"), set("b", "2")]),
        bench.store.begin(&[Operation::DeleteRange { range: KeyRange::ALL }]),
        bench.store.begin_batch(&[set("c", "3")]),
    ];
    assert_eq!(bench.all(), ["c=3"]);
    bench.database.fail_write(b"a", failure(ErrorCode::DiskFull));
    bench.database.release();
    assert_eq!(code(first.outcome()), ErrorCode::DiskFull);
    for write in behind {
        assert_eq!(code(write.outcome()), ErrorCode::DiskFull);
    }
    assert_eq!(bench.all(), ["a=stored", "c=stored"]);
    // The increment was answered already.
    assert_eq!(bench.told(), [ErrorCode::DiskFull]);
    bench.store.put("a", "later");
    assert_eq!(code(bench.flush()), ErrorCode::DiskFull);
    assert_eq!(bench.all(), ["a=later", "c=stored"]);
    bench.flush().unwrap();
}

#[test]
fn a_flush_behind_rejects_with_what_failed_unseen() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        bench.database.hold(b"");
        drop(bench.store.begin_with(&[set("a", "1")], Some(Durability::Memory)));
        bench.database.until_waiting(1);
        let store = bench.store.clone();
        let flush = std::thread::spawn(move || wait(store.flush()));
        bench.database.fail_write(b"a", failure(ErrorCode::Io));
        bench.database.release();
        assert_eq!(code(flush.join().unwrap()), ErrorCode::Io);
        assert_eq!(bench.told(), [ErrorCode::Io]);
        assert_eq!(bench.store.stats().last_error.map(|error| error.code()), Some(ErrorCode::Io));
        bench.flush().unwrap();
        bench.store.shut();
    }
}

#[test]
fn a_close_behind_rejects_with_what_failed_unseen() {
    let bench = Bench::with_lanes(2);
    bench.database.hold(b"");
    drop(bench.store.begin_with(&[set("a", "1")], Some(Durability::Memory)));
    bench.database.until_waiting(1);
    bench.database.fail_write(b"a", failure(ErrorCode::Io));
    let store = bench.store.clone();
    let close = std::thread::spawn(move || wait(store.close()));
    bench.database.release();
    assert_eq!(code(close.join().unwrap()), ErrorCode::Io);
}

#[test]
fn a_failed_sync_ends_the_store_until_it_is_opened_again() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        bench.store.put("a", "synced");
        bench.database.fail_sync(failure(ErrorCode::Poisoned));
        assert_eq!(code(bench.store.try_put("b", "lost")), ErrorCode::Poisoned);
        assert_eq!(code(bench.store.try_put("c", "late")), ErrorCode::Poisoned);
        assert_eq!(code(bench.store.get(b"a")), ErrorCode::Poisoned);
        assert_eq!(code(bench.store.scan(KeyRange::ALL, false)), ErrorCode::Poisoned);
        assert_eq!(code(bench.flush()), ErrorCode::Poisoned);
        assert_eq!(code(bench.store.add("counter", 1)), ErrorCode::Poisoned);
        bench.store.shut();
        assert_eq!(bench.told(), [], "nobody was answered too early");
        bench.database.lose_power();
        assert_eq!(bench.database.stored(b"a"), Some(b"synced".to_vec()));
        assert_eq!(bench.database.len(), 1);
    }
}

#[test]
fn a_failed_sync_is_told_once_to_whoever_was_answered_before_it() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        bench.store.begin_with(&[set("a", "1")], Some(Durability::Os)).wait();
        bench.database.hold(b"");
        for key in ["b", "c", "d", "e"] {
            drop(bench.store.begin_with(&[set(key, "1")], Some(Durability::Memory)));
        }
        bench.database.until_waiting(1);
        bench.database.fail_sync(failure(ErrorCode::Poisoned));
        let store = bench.store.clone();
        let flush = std::thread::spawn(move || wait(store.flush()));
        bench.database.release();
        assert_eq!(code(flush.join().unwrap()), ErrorCode::Poisoned);
        assert_eq!(bench.told(), [ErrorCode::Poisoned]);
    }
}

#[test]
fn a_write_that_was_answered_and_never_written_is_told_to_whoever_made_it() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        bench.store.put("a", "synced");
        bench.database.hold(b"b");
        drop(bench.store.begin_with(&[set("b", "1")], Some(Durability::Memory)));
        bench.database.until_waiting(1);
        bench.database.fail_write(b"b", failure(ErrorCode::Poisoned));
        bench.database.release();
        assert_eq!(code(wait(bench.store.close())), ErrorCode::Poisoned);
        assert_eq!(bench.told(), [ErrorCode::Poisoned], "{lanes} lanes");
        assert!(bench.store.stats().last_error.is_some());
    }
}

#[test]
fn a_failed_sync_is_not_told_to_whoever_has_flushed() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        bench.store.begin_with(&[set("a", "1")], Some(Durability::Os)).wait();
        bench.flush().unwrap();
        bench.database.fail_sync(failure(ErrorCode::Poisoned));
        assert_eq!(code(bench.store.try_put("b", "lost")), ErrorCode::Poisoned);
        assert_eq!(bench.told(), [], "{lanes} lanes");
    }
}

#[test]
fn a_panic_in_the_storage_is_answered_to_everybody() {
    for lanes in [1, 4] {
        let keys = key_of_each_lane(lanes);
        let bench = Bench::with_lanes(lanes);
        bench.database.hold(b"");
        let first = bench.store.begin(&[set(&keys[0], "1")]);
        bench.database.until_waiting(1);
        bench.database.panic_in_write(b"");
        let mut behind = vec![bench.store.begin(&[set(&keys[0], "2")])];
        behind.push(bench.store.begin(&[Operation::DeleteRange { range: KeyRange::ALL }]));
        behind.push(bench.store.begin(&[set(&keys[0], "3")]));
        let store = bench.store.clone();
        let flush = std::thread::spawn(move || wait(store.flush()));
        let store = bench.store.clone();
        bench.database.release();
        assert_eq!(code(first.outcome()), ErrorCode::Poisoned);
        for write in behind {
            assert_eq!(code(write.outcome()), ErrorCode::Poisoned);
        }
        assert_eq!(code(flush.join().unwrap()), ErrorCode::Poisoned);
        wait(store.close()).unwrap();
        assert!(bench.database.is_empty());
    }
}

#[test]
fn a_panic_in_what_lanes_have_met_for_lets_all_of_them_go_on() {
    let keys = key_of_each_lane(4);
    let bench = Bench::with_lanes(4);
    bench.database.panic_in_write(b"");
    let operations: Vec<_> = keys.iter().map(|key| set(key, "1")).collect();
    let batch = bench.store.begin_batch(&operations);
    assert_eq!(code(batch.outcome()), ErrorCode::Poisoned);
    wait(bench.store.close()).unwrap();
}

#[test]
fn a_panic_with_a_close_behind_it_lets_the_store_close() {
    for lanes in [1, 3] {
        let keys = key_of_each_lane(lanes);
        let bench = Bench::with_lanes(lanes);
        bench.database.hold(b"");
        let first = bench.store.begin(&[set(&keys[0], "1")]);
        bench.database.until_waiting(1);
        // These two are taken together, the write with what comes behind it.
        bench.database.panic_in_write(b"then");
        let then = bench.store.begin_batch(&[set(&keys[0], "2"), set("then", "2")]);
        let (closed, closing) = std::sync::mpsc::channel();
        bench.store.close_with(move |result| closed.send(result).unwrap());
        bench.database.release();
        first.wait();
        assert_eq!(code(then.outcome()), ErrorCode::Poisoned);
        closing.recv().unwrap().unwrap();
    }
}

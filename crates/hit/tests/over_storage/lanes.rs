use hit::{BatchOperation, Check, ErrorCode, KeyRange, Operation};
use hit_testkit::conformance::{Pending, code, set};

use crate::bench::{Bench, failure, key_of_each_lane, key_of_each_lane_named};

#[test]
fn lanes_write_side_by_side_and_a_key_keeps_its_order() {
    let keys = key_of_each_lane(3);
    let bench = Bench::with_lanes(3);
    bench.database.hold(keys[0].as_bytes());
    let held = bench.store.begin(&[set(&keys[0], "1")]);
    bench.database.until_waiting(1);
    let behind = bench.store.begin(&[set(&keys[0], "2")]);
    bench.store.put(&keys[1], "1");
    bench.store.put(&keys[2], "1");
    assert!(!held.is_answered() && !behind.is_answered());
    assert_eq!(bench.database.stored(keys[0].as_bytes()), None);
    bench.database.release();
    held.wait();
    behind.wait();
    assert_eq!(bench.database.stored(keys[0].as_bytes()), Some(b"2".to_vec()));
}

#[test]
fn what_waits_in_a_lane_becomes_one_group_with_the_last_write_of_each_key() {
    let bench = Bench::new();
    bench.database.hold(b"");
    let mut writes = vec![bench.store.begin(&[set("first", "1")])];
    bench.database.until_waiting(1);
    for number in 0..20 {
        let value = number.to_string();
        writes.push(
            bench.store.begin(&[set("b", &value), set(if number % 2 == 0 { "a" } else { "c" }, &value)]),
        );
    }
    bench.database.release();
    writes.into_iter().for_each(|write| write.wait());
    let written = bench.database.take_written();
    assert_eq!(written.len(), 2);
    assert_eq!(written[1].keys, [b"a", b"b", b"c"]);
    assert_eq!(bench.all(), ["a=18", "b=19", "c=19", "first=1"]);
}

#[test]
fn a_batch_over_lanes_is_one_write_in_its_place() {
    let keys = key_of_each_lane(3);
    let bench = Bench::with_lanes(3);
    bench.database.hold(keys[0].as_bytes());
    let before = bench.store.begin(&[set(&keys[0], "before")]);
    bench.database.until_waiting(1);
    let batch = bench.store.begin_batch(&[set(&keys[0], "batch"), set(&keys[1], "batch")]);
    let behind = bench.store.begin(&[set(&keys[1], "behind")]);
    // The third lane has nothing to do with it.
    bench.store.put(&keys[2], "beside");
    assert!(!batch.is_answered() && !behind.is_answered());
    bench.database.release();
    before.wait();
    batch.wait();
    behind.wait();
    let written = bench.database.take_written();
    let groups: Vec<_> = written.iter().map(|written| written.keys.len()).collect();
    assert_eq!(groups, [1, 1, 2, 1], "the third lane's, the first write, the batch, the last write");
    assert_eq!(bench.database.stored(keys[0].as_bytes()), Some(b"batch".to_vec()));
    assert_eq!(bench.database.stored(keys[1].as_bytes()), Some(b"behind".to_vec()));
}

#[test]
fn a_range_delete_runs_alone_between_what_comes_before_and_behind() {
    let keys = key_of_each_lane(3);
    let bench = Bench::with_lanes(3);
    bench.database.hold(keys[0].as_bytes());
    let before = bench.store.begin(&[set(&keys[0], "before")]);
    bench.database.until_waiting(1);
    let clear = bench.store.begin(&[Operation::DeleteRange { range: KeyRange::ALL }]);
    let behind = bench.store.begin(&[set(&keys[2], "behind")]);
    bench.database.release();
    before.wait();
    clear.wait();
    behind.wait();
    assert_eq!(bench.written(), [keys[0].as_str(), "", keys[2].as_str()]);
    assert_eq!(bench.database.len(), 1);
}

#[test]
fn a_batch_is_written_behind_what_its_checks_have_seen() {
    let keys = key_of_each_lane(3);
    for fails in [false, true] {
        let bench = Bench::with_lanes(3);
        bench.database.hold(keys[1].as_bytes());
        let seen = bench.store.begin(&[set(&keys[1], "1")]);
        bench.database.until_waiting(1);
        if fails {
            bench.database.fail_write(keys[1].as_bytes(), failure(ErrorCode::Io));
        }
        let store = bench.store.clone();
        let (answer, answered) = std::sync::mpsc::channel();
        let operations = [BatchOperation::Plain(set(&keys[0], "because"))];
        let checks = [Check::Equals { key: keys[1].as_bytes(), value: b"1" }];
        store.submit_batch(&operations, &checks, None, move |result| answer.send(result).unwrap()).unwrap();
        bench.database.release();
        if fails {
            assert_eq!(code(seen.outcome()), ErrorCode::Io);
            assert_eq!(code(answered.recv().unwrap()), ErrorCode::Io);
            assert!(bench.database.is_empty());
            assert_eq!(bench.all(), [""; 0]);
        } else {
            seen.wait();
            answered.recv().unwrap().unwrap();
            assert_eq!(bench.written(), [keys[1].as_str(), keys[0].as_str()]);
        }
    }
}

#[test]
fn a_refused_batch_takes_with_it_what_was_decided_by_it_in_every_lane() {
    let keys = key_of_each_lane(3);
    // Whichever lane comes last holds the meeting. The batch fails itself, or with a write before it in one lane.
    for (held, fails_before) in [(0, false), (1, false), (0, true), (1, true)] {
        let context = format!("lane {held} was held, and its write has failed: {fails_before}");
        let bench = Bench::with_lanes(3);
        bench.store.put(&keys[0], "10");
        bench.store.put(&keys[1], "10");
        bench.database.hold(keys[held].as_bytes());
        let before = bench.store.begin(&[set(&keys[held], "20")]);
        bench.database.until_waiting(1);
        let batch = bench.store.begin_batch(&[set(&keys[0], "100"), set(&keys[1], "100")]);
        let mut answers = Vec::new();
        for key in &keys[..2] {
            let (answer, answered) = std::sync::mpsc::channel();
            let done = move |result| answer.send(result).unwrap();
            assert_eq!(bench.store.submit_increment(key.as_bytes(), 1, None, done).unwrap().0, 101);
            answers.push(answered);
        }
        let beside = bench.store.begin(&[set(&keys[2], "beside")]);
        let failing = if fails_before { held } else { 1 - held };
        bench.database.fail_write(keys[failing].as_bytes(), failure(ErrorCode::Io));
        bench.database.release();
        assert_eq!(before.outcome().is_err(), fails_before, "{context}");
        assert_eq!(code(batch.outcome()), ErrorCode::Io, "{context}");
        for answered in answers {
            assert_eq!(code(answered.recv().unwrap()), ErrorCode::Io, "{context}");
        }
        beside.wait();
        let value = if fails_before { "10" } else { "20" };
        let mut expected = [(&keys[held], value), (&keys[1 - held], "10"), (&keys[2], "beside")];
        expected.sort_unstable();
        let expected: Vec<_> = expected.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(bench.all(), expected, "{context}");
    }
}

#[test]
fn a_write_that_one_of_its_lanes_refuses_names_the_keys_of_that_lane() {
    let keys = key_of_each_lane(2);
    let bench = Bench::with_lanes(2);
    bench.database.fail_write(keys[0].as_bytes(), failure(ErrorCode::Io));
    let error = bench.store.begin(&[set(&keys[0], "1"), set(&keys[1], "1")]).outcome().unwrap_err();
    assert_eq!(error.keys(), [keys[0].as_bytes()]);
    assert_eq!(bench.all(), [format!("{}=1", keys[1])]);
}

#[test]
fn a_batch_that_was_taken_together_with_what_it_was_decided_by_is_refused_with_it() {
    let (keys, others) = (key_of_each_lane(2), key_of_each_lane_named("other", 2));
    let bench = Bench::with_lanes(2);
    bench.database.hold(others[0].as_bytes());
    let busy = bench.store.begin(&[set(&others[0], "1")]);
    bench.database.until_waiting(1);
    // Both wait behind it now, and the lane takes them at once.
    let seen = bench.store.begin(&[set(&keys[0], "1")]);
    let (answer, answered) = std::sync::mpsc::channel();
    let operations =
        [BatchOperation::Plain(set(&keys[0], "because")), BatchOperation::Plain(set(&keys[1], "because"))];
    let checks = [Check::Equals { key: keys[0].as_bytes(), value: b"1" }];
    let done = move |result| answer.send(result).unwrap();
    bench.store.submit_batch(&operations, &checks, None, done).unwrap();
    bench.database.fail_write(keys[0].as_bytes(), failure(ErrorCode::Io));
    bench.database.release();
    busy.wait();
    assert_eq!(code(seen.outcome()), ErrorCode::Io);
    assert_eq!(code(answered.recv().unwrap()), ErrorCode::Io);
    assert_eq!(bench.all(), [format!("{}=1", others[0])]);
}

#[test]
fn reads_that_wait_for_writes_enter_all_lanes_in_one_order() {
    let keys = key_of_each_lane(4);
    let bench = Bench::with_lanes(4);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    for _ in 0..50 {
        bench.database.hold(b"");
        let writes: Vec<_> = keys.iter().map(|key| bench.store.begin(&[set(key, "1")])).collect();
        let reads: Vec<_> = (0..64)
            .map(|number| {
                let (store, key) = (bench.store.clone(), keys[number % keys.len()].clone());
                runtime.spawn(async move { store.get_settled(key.as_bytes()).await })
            })
            .collect();
        bench.database.release();
        writes.into_iter().for_each(Pending::wait);
        for read in reads {
            assert_eq!(runtime.block_on(read).unwrap().unwrap(), Some(b"1".to_vec()));
        }
    }
}

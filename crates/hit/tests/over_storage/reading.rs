use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hit::{ErrorCode, KeyRange, Operation};
use hit_testkit::conformance::{code, delete, range, set, some};

use crate::bench::{Bench, START_MS, failure, key_of_each_lane, shown};

/// A storage with `a` to `d`, whose writes wait from now on.
fn with_four_entries() -> Bench {
    let bench = Bench::new();
    for key in ["a", "b", "c", "d"] {
        bench.store.put(key, "stored");
    }
    bench.database.hold(b"");
    bench
}

#[test]
fn writes_in_flight_are_laid_over_what_is_stored() {
    let bench = with_four_entries();
    let writes = [
        bench.store.begin(&[set("b", "new"), delete("c")]),
        bench.store.begin(&[set("bb", "between"), set("e", "behind")]),
    ];
    bench.database.until_waiting(1);
    assert_eq!(bench.store.texts(&["b", "c", "bb"]), [Some("new".into()), None, Some("between".into())]);
    assert_eq!(bench.store.texts(&["a", "b", "x"]), [Some("stored".into()), Some("new".into()), None]);
    assert_eq!(bench.store.text("c"), None);
    assert_eq!(bench.store.text("a"), Some("stored".into()));
    assert_eq!(bench.store.has(b"c").map_err(|error| error.code()), Ok(false));
    let expected = ["a=stored", "b=new", "bb=between", "d=stored", "e=behind"];
    assert_eq!(bench.all(), expected);
    let mut reversed = expected;
    reversed.reverse();
    assert_eq!(bench.all_reversed(), reversed);
    assert_eq!(bench.store.number_of(range("b", "e")), 3);
    assert_eq!(bench.database.stored(b"b"), Some(b"stored".to_vec()), "nothing has been written");
    bench.database.release();
    writes.into_iter().for_each(|write| write.wait());
    assert_eq!(bench.all(), expected);
    assert_eq!(bench.database.len(), 5);
}

#[test]
fn a_range_delete_in_flight_hides_what_is_stored_and_not_what_comes_behind_it() {
    let bench = with_four_entries();
    bench.store.begin(&[set("bb", "before")]).leave();
    bench.store.begin(&[Operation::DeleteRange { range: range("b", "d") }]).leave();
    bench.store.begin(&[set("c", "behind")]).leave();
    let expected = ["a=stored", "c=behind", "d=stored"];
    assert_eq!(bench.all(), expected);
    assert_eq!(
        bench.store.texts(&["b", "bb", "c", "d"]),
        [None, None, Some("behind".into()), Some("stored".into())]
    );
    assert_eq!(bench.store.number_of(KeyRange::ALL), 3);
    bench.database.release();
    bench.flush().unwrap();
    assert_eq!(bench.all(), expected);
    assert_eq!(bench.database.len(), 3);
}

#[test]
fn a_scan_keeps_to_its_moment_while_writes_come_and_land() {
    let bench = with_four_entries();
    bench.store.begin(&[set("b", "in flight"), delete("d")]).leave();
    let mut scan = bench.store.scan(KeyRange::ALL, false).unwrap();
    let mut backwards = bench.store.scan(KeyRange::ALL, true).unwrap();
    bench.store.begin(&[set("aa", "later"), delete("b"), set("d", "later")]).leave();
    bench.database.release();
    bench.flush().unwrap();
    bench.store.remove_range(KeyRange::ALL);
    let expected = ["a=stored", "b=in flight", "c=stored"];
    assert_eq!(shown(scan.page(10).unwrap()), expected);
    let mut reversed = shown(backwards.page(10).unwrap());
    reversed.reverse();
    assert_eq!(reversed, expected);
    assert_eq!(bench.all(), [""; 0]);
}

#[test]
fn an_expired_write_in_flight_hides_what_is_stored() {
    let bench = with_four_entries();
    let expiring = Operation::Set { key: b"b", value: b"for a while", expires_at: Some(START_MS + 10) };
    bench.store.begin(&[expiring]).leave();
    assert_eq!(bench.store.text("b"), Some("for a while".into()));
    bench.clock.advance(10);
    assert_eq!(bench.store.texts(&["a", "b"]), [Some("stored".into()), None]);
    assert_eq!(bench.all(), ["a=stored", "c=stored", "d=stored"]);
    bench.database.release();
    bench.flush().unwrap();
    assert_eq!(bench.all(), ["a=stored", "c=stored", "d=stored"]);
}

#[test]
fn a_scan_that_stops_goes_on_with_the_entry_at_which_it_stopped() {
    let bench = with_four_entries();
    bench.store.begin(&[set("bb", "in flight"), set("d", "in flight")]).leave();
    let mut scan = bench.store.scan(KeyRange::ALL, false).unwrap();
    let mut keys = Vec::new();
    while {
        let mut next = None;
        scan.visit(|key, _| match next {
            Some(_) => ControlFlow::Break(()),
            None => {
                next = Some(key.to_vec());
                ControlFlow::Continue(())
            }
        })
        .unwrap();
        keys.extend(next.iter().map(|key| String::from_utf8(key.clone()).unwrap()));
        next.is_some()
    } {}
    assert_eq!(keys, ["a", "b", "bb", "c", "d"]);
}

#[test]
fn a_batch_over_lanes_is_seen_whole_while_it_comes_and_lands() {
    let keys = key_of_each_lane(4);
    let bench = Bench::with_lanes(4);
    let is_over = Arc::new(AtomicBool::new(false));
    let (store, is_done, written) = (bench.store.clone(), Arc::clone(&is_over), keys.clone());
    let writer = thread::spawn(move || {
        for number in 0..2_000 {
            let value = number.to_string();
            let operations: Vec<_> = written.iter().map(|key| set(key, &value)).collect();
            let write = store.begin_batch(&operations);
            if number % 7 == 0 {
                write.wait();
            }
        }
        is_done.store(true, Ordering::SeqCst);
    });
    let mut looks = 0;
    while !is_over.load(Ordering::SeqCst) || looks == 0 {
        let values = bench.store.texts(&keys);
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:?}");
        let scanned = bench.store.entries();
        assert!(scanned.windows(2).all(|pair| pair[0].1 == pair[1].1), "{scanned:?}");
        looks += 1;
    }
    writer.join().unwrap();
    assert_eq!(bench.store.texts(&keys), some(&["1999"; 4]));
}

#[test]
fn many_reads_see_one_moment_though_a_batch_lands_in_their_middle() {
    let bench = Bench::new();
    for key in ["a", "b"] {
        bench.store.put(key, "stored");
    }
    forget_what_was_kept(&bench);
    bench.database.hold(b"");
    bench.store.begin(&[set("a", "in flight")]).leave();
    let (store, database) = (bench.store.clone(), bench.database.clone());
    bench.database.before_next_read(move || {
        let batch = store.begin_batch(&[set("a", "later"), set("b", "later")]);
        database.release();
        batch.wait();
    });
    assert_eq!(bench.store.texts(&["a", "b"]), some(&["in flight", "stored"]));
    assert_eq!(bench.store.texts(&["a", "b"]), some(&["later", "later"]));
}

#[test]
fn what_was_read_lately_is_given_up_by_every_write_of_its_key() {
    let bench = Bench::with_lanes(2);
    let read = || bench.store.text("a");
    bench.store.put("a", "1");
    for _ in 0..3 {
        assert_eq!(read(), Some("1".into()));
    }
    bench.store.put("a", "2");
    assert_eq!([read(), read()], [Some("2".into()), Some("2".into())]);
    bench.store.remove("a");
    assert_eq!([read(), read()], [None, None]);
    bench.store.put("a", "3");
    assert_eq!([read(), read()], [Some("3".into()), Some("3".into())]);
    bench.store.remove_range(range("a", "b"));
    assert_eq!([read(), read()], [None, None]);
    bench.store.put("a", "4");
    assert_eq!([read(), read()], [Some("4".into()), Some("4".into())]);
    assert_eq!(bench.store.add("a", 1).map_err(|error| error.code()), Ok(5));
    assert_eq!([read(), read()], [Some("5".into()), Some("5".into())]);
    bench.database.fail_write(b"a", failure(ErrorCode::Io));
    assert_eq!(code(bench.store.try_put("a", "6")), ErrorCode::Io);
    assert_eq!([read(), read()], [Some("5".into()), Some("5".into())]);
    assert!(bench.store.expire_at("a", Some(START_MS + 10)));
    assert_eq!([read(), read()], [Some("5".into()), Some("5".into())]);
    bench.clock.advance(10);
    assert_eq!([read(), read()], [None, None]);
    assert_eq!(bench.store.texts(&["a", "b"]), [None, None]);
}

#[test]
fn what_was_written_while_it_was_read_is_not_kept_as_it_was() {
    let bench = Bench::new();
    let until = |expires_at| Operation::Set { key: b"a", value: b"new", expires_at };
    let overtaking: [Operation<'static>; 4] = [
        until(None),
        until(Some(START_MS + 1)),
        Operation::Delete { key: b"a" },
        Operation::DeleteRange { range: KeyRange::ALL },
    ];
    for write in overtaking {
        for reads_many in [false, true] {
            bench.store.put("a", "old");
            bench.store.put("b", "beside");
            forget_what_was_kept(&bench);
            let store = bench.store.clone();
            bench.database.in_next_read(move || store.begin(&[write]).wait());
            if reads_many {
                assert_eq!(bench.store.texts(&["a", "b"]), some(&["old", "beside"]));
            } else {
                assert_eq!(bench.store.text("a"), Some("old".into()));
            }
            let now = bench.database.stored(b"a").map(|value| String::from_utf8(value).unwrap());
            assert_ne!(now.as_deref(), Some("old"));
            assert_eq!(bench.store.text("a"), now, "{write:?}");
            assert_eq!(bench.store.texts(&["a"]), [now]);
        }
    }
}

/// Has the storage asked again for everything: a range delete gives up all that was written or read lately.
fn forget_what_was_kept(bench: &Bench) {
    bench.store.remove_range(range("y", "z"));
}

/// Writes whose answer is of no interest.
trait Later {
    fn leave(self);
}

impl Later for hit_testkit::conformance::Pending {
    fn leave(self) {
        drop(self);
    }
}

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hit::KeyRange;
use hit_testkit::conformance::{delete, range, set, some};

use crate::bench::{Bench, START_MS, key_of_each_lane, shown};

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
    bench.store.begin(&[hit::Operation::DeleteRange { range: range("b", "d") }]).leave();
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
    let expiring = hit::Operation::Set { key: b"b", value: b"for a while", expires_at: Some(START_MS + 10) };
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

/// Writes whose answer is of no interest.
trait Later {
    fn leave(self);
}

impl Later for hit_testkit::conformance::Pending {
    fn leave(self) {
        drop(self);
    }
}

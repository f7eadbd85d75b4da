use std::sync::Arc;
use std::thread;

use hit::{BatchOperation, Check, KeyRange, Operation};
use hit_testkit::MapDatabase;
use hit_testkit::conformance::{Opened, set};

use crate::bench::{Bench, START_MS, key_of_each_lane};

const THREADS: usize = 6;
const ROUNDS: usize = 150;

#[test]
fn increments_of_many_threads_through_many_lanes_all_count() {
    for lanes in [1, 4] {
        let bench = Bench::with_lanes(lanes);
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let store = bench.store.clone();
                thread::spawn(move || {
                    for round in 0..ROUNDS {
                        store.add("shared", 1).unwrap();
                        store.add(&format!("of two {}", number / 2), 1).unwrap();
                        if round % 10 == number {
                            store.put(format!("noise {round}"), "1");
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(bench.store.text("shared"), Some((THREADS * ROUNDS).to_string()));
        for pair in 0..THREADS / 2 {
            assert_eq!(bench.store.text(&format!("of two {pair}")), Some((2 * ROUNDS).to_string()));
        }
    }
}

#[test]
fn checked_batches_of_many_threads_lose_nothing() {
    let keys = Arc::new(key_of_each_lane(4));
    let bench = Bench::with_lanes(4);
    for key in &*keys {
        bench.store.put(key, "1000");
    }
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (store, keys) = (bench.store.clone(), Arc::clone(&keys));
            thread::spawn(move || {
                for round in 0..100 {
                    let (from, to) = (&keys[(number + round) % 4], &keys[(number + round + 1) % 4]);
                    while !moved(&store, from, to) {}
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let values = bench.store.texts(&keys);
    let sum: i64 = values.iter().map(|value| value.as_ref().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(sum, 4_000, "{values:?}");
}

/// Moves 1 from one account to another; false where somebody came between.
fn moved(store: &Opened, from: &str, to: &str) -> bool {
    let values = store.texts(&[from, to]);
    let [from_value, to_value] = [0, 1].map(|at| values[at].clone().unwrap());
    let number = |text: &str| text.parse::<i64>().unwrap();
    let (less, more) = ((number(&from_value) - 1).to_string(), (number(&to_value) + 1).to_string());
    let checks = [
        Check::Equals { key: from.as_bytes(), value: from_value.as_bytes() },
        Check::Equals { key: to.as_bytes(), value: to_value.as_bytes() },
    ];
    match store.try_batch(&[set(from, &less), set(to, &more)], &checks) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.code(), hit::ErrorCode::Conflict);
            false
        }
    }
}

#[test]
fn what_was_written_since_it_was_read_is_read_again() {
    let bench = Bench::new();
    bench.store.put("counter", "1");
    let store = bench.store.clone();
    bench.database.in_next_read(move || store.begin(&[set("counter", "100")]).wait());
    assert_eq!(bench.store.add("counter", 1).unwrap(), 101);
    // A range delete, too.
    let store = bench.store.clone();
    bench
        .database
        .in_next_read(move || store.begin(&[Operation::DeleteRange { range: KeyRange::ALL }]).wait());
    assert_eq!(bench.store.add("counter", 1).unwrap(), 1);
}

#[test]
fn a_key_that_others_write_faster_than_it_is_read_is_decided_all_the_same() {
    let bench = Bench::new();
    bench.store.put("counter", "0");
    interfere(bench.database.clone(), bench.store.clone(), 5);
    assert_eq!(bench.store.add("counter", 1).unwrap(), 5_001);
}

/// Has each of the next `times` reads overtaken by a write.
fn interfere(database: MapDatabase, store: Opened, times: i64) {
    if times > 0 {
        let again = database.clone();
        database.in_next_read(move || {
            store.begin(&[set("counter", &(1_000 * (6 - times)).to_string())]).wait();
            interfere(again, store, times - 1);
        });
    }
}

#[test]
fn decisions_see_what_is_in_flight_and_what_has_expired() {
    let bench = Bench::new();
    let until = |expires_at| Operation::Set { key: b"counter", value: b"5", expires_at };
    bench.store.begin(&[until(Some(START_MS + 100))]).wait();
    bench.database.hold(b"");
    let (sum, _) = bench.store.submit_increment(b"counter", 1, None, drop).unwrap();
    assert_eq!(sum, 6);
    let keeping = BatchOperation::SetKeepingExpiry { key: b"counter", value: b"7" };
    bench.store.submit_batch(&[keeping], &[Check::Exists { key: b"counter" }], None, drop).unwrap();
    assert_eq!(bench.store.entry("counter"), Some(("7".into(), Some(START_MS + 100))));
    bench.clock.advance(100);
    let (sum, _) = bench.store.submit_increment(b"counter", 1, None, drop).unwrap();
    assert_eq!(sum, 1);
    let (found, _) = bench.store.submit_expire(b"absent", Some(START_MS + 900), drop).unwrap();
    assert!(!found);
    bench.database.release();
    bench.flush().unwrap();
    assert_eq!(bench.store.entry("counter"), Some(("1".into(), None)));
}

//! Scans of one moment.

use std::thread;

use hit::{KeyRange, Scan};

use super::Trial;
use super::opened::{Opened, delete, set};

fn key(number: usize) -> String {
    format!("key{number:04}")
}

fn put_thousand(store: &Opened) {
    let keys: Vec<_> = (0..1_000).map(key).collect();
    store.begin(&keys.iter().map(|key| set(key, "before")).collect::<Vec<_>>()).wait();
}

/// Reads a scan to its end and calls `meanwhile` with the number of entries read, every hundred.
fn read(mut scan: Scan, mut meanwhile: impl FnMut(usize)) -> Vec<(String, String)> {
    let mut found = Vec::new();
    loop {
        let page = scan.page(10).expect("the store is open");
        if page.is_empty() {
            return found;
        }
        let text = |bytes| String::from_utf8(bytes).expect("this case stores text");
        found.extend(page.into_iter().map(|(key, value)| (text(key), text(value))));
        if found.len() % 100 == 0 {
            meanwhile(found.len());
        }
    }
}

fn all_before() -> impl DoubleEndedIterator<Item = (String, String)> {
    (0..1_000).map(|number| (key(number), "before".to_owned()))
}

/// A scan sees one moment.
pub fn a_scan_sees_one_moment(trial: &Trial) {
    let store = trial.open();
    put_thousand(&store);
    let scan = store.scan(KeyRange::ALL, false).expect("the store can be scanned");
    let found = read(scan, |number| {
        let keys = [key(number + 500), key(number + 1), key(number + 2)];
        let others = [format!("{} between", key(number)), format!("a{number}"), format!("z{number}")];
        let [later, deleted, replaced] = &keys;
        store.begin(&[set(later, "after"), delete(deleted), set(replaced, "replaced")]).wait();
        store.begin(&others.each_ref().map(|other| set(other, "after"))).wait();
    });
    assert!(found.into_iter().eq(all_before()));
}

/// A reverse scan sees one moment.
pub fn a_reverse_scan_sees_one_moment(trial: &Trial) {
    let store = trial.open();
    put_thousand(&store);
    let scan = store.scan(KeyRange::ALL, true).expect("the store can be scanned");
    let found = read(scan, |number| {
        let deleted = key(1_000_usize.saturating_sub(number + 2));
        let between = format!("{deleted} between");
        store.begin(&[delete(&deleted), set(&between, "after")]).wait();
    });
    assert!(found.into_iter().eq(all_before().rev()));
}

/// A clear is not seen by a scan that has begun.
pub fn a_clear_is_not_seen_by_a_scan_that_has_begun(trial: &Trial) {
    let store = trial.open();
    put_thousand(&store);
    let mut scan = store.scan(KeyRange::ALL, false).expect("the store can be scanned");
    assert_eq!(scan.page(10).expect("the store is open").len(), 10);
    store.remove_range(KeyRange::ALL);
    store.put(key(500), "after");
    assert!(read(scan, |_| ()).into_iter().eq(all_before().skip(10)));
    assert_eq!(store.entries(), [(key(500), "after".to_owned())]);
}

/// A batch is seen whole by every scan, from another thread too.
pub fn a_batch_is_seen_whole_by_every_scan(trial: &Trial) {
    let store = trial.open();
    let transfer = |round: usize| {
        let values = [(100 - round).to_string(), round.to_string()];
        let [a, z] = &values;
        store.begin_batch(&[set("a", a), set("z", z)])
    };
    let is_whole = || {
        let values =
            store.entries().into_iter().map(|(_, value)| value.parse::<usize>().expect("it is a number"));
        values.sum::<usize>() == 100
    };
    transfer(0).wait();
    thread::scope(|scope| {
        let scanning = scope.spawn(|| (0..200).all(|_| is_whole()));
        for round in 1..=50 {
            let pending = transfer(round);
            assert!(is_whole());
            pending.wait();
        }
        assert!(scanning.join().expect("scanning does not panic"));
    });
}

/// A scan that ends gives up its snapshot.
pub fn a_scan_that_ends_gives_up_its_snapshot(trial: &Trial) {
    let store = trial.open();
    put_thousand(&store);
    assert_eq!(store.stats().oldest_snapshot_ms, 0);
    let mut scan = store.scan(KeyRange::ALL, false).expect("the store can be scanned");
    assert_eq!(scan.page(1).expect("the store is open").len(), 1);
    while store.stats().oldest_snapshot_ms == 0 {
        thread::yield_now();
    }
    drop(scan);
    assert_eq!(store.stats().oldest_snapshot_ms, 0);
    assert_eq!(store.entries().len(), 1_000);
    assert_eq!(store.stats().oldest_snapshot_ms, 0);
}

//! Closing, and what is there after opening again.

use hit::{Check, Durability, ErrorCode, KeyRange};

use super::expiry::now_ms;
use super::opened::{code, range, set, some};
use super::{Trial, wait};

/// A closed store refuses everything.
pub fn a_closed_store_refuses_everything(trial: &Trial) {
    let store = trial.open();
    store.put("key", "value");
    let mut begun = store.scan(KeyRange::ALL, false).expect("the store can be scanned");
    store.shut();
    assert!(store.is_closed());
    for code in [
        code(store.get(b"key")),
        code(store.get_many(&["key"])),
        code(store.has(b"key")),
        code(store.try_put("key", "other")),
        code(store.try_remove("key")),
        code(wait(store.clear(KeyRange::ALL))),
        code(store.try_batch(&[set("key", "other")], &[])),
        code(store.add("key", 1)),
        code(wait(store.expire(b"key", None))),
        code(store.count(KeyRange::ALL)),
        code(store.scan(KeyRange::ALL, false)),
        code(begun.page(1)),
        code(wait(store.flush())),
        code(wait(store.get_settled(b"key"))),
    ] {
        assert_eq!(code, ErrorCode::NotOpen);
    }
}

/// Closing twice is nothing.
pub fn closing_twice_is_nothing(trial: &Trial) {
    let store = trial.open();
    store.put("key", "value");
    store.shut();
    store.shut();
}

/// Pending writes settle before close does.
pub fn pending_writes_settle_before_close_does(trial: &Trial) {
    let store = trial.open();
    let write = store.begin(&[set("a", "1")]);
    let batch = store.begin_batch(&[set("b", "1")]);
    store.shut();
    assert!(write.is_answered() && batch.is_answered());
}

/// Everything is there after reopening.
pub fn everything_is_there_after_reopening(trial: &Trial) {
    let first = trial.open();
    let value = |number: usize| vec![(number & 0xff) as u8; (number * 97) % 5_000];
    for number in 0..500 {
        drop(first.begin(&[set(&format!("key{number}"), &value(number))]));
    }
    first.try_batch(&[set(&[0], "zero"), set(&[0xff, 0xfe], "")], &[]).expect("the batch succeeds");
    first.shut();
    let again = trial.open();
    assert_eq!(again.number_of(KeyRange::ALL), 502);
    for number in 0..500 {
        assert!(
            again.bytes(format!("key{number}")) == Some(value(number)),
            "key{number} came back as another"
        );
    }
    assert_eq!(again.texts(&[&[0][..], &[0xff, 0xfe]]), some(&["zero", ""]));
}

/// Deletes and clears hold after reopening.
pub fn deletes_and_clears_hold_after_reopening(trial: &Trial) {
    let first = trial.open();
    let keys: Vec<_> = (0..100).map(|number| format!("key{number}")).collect();
    first.begin(&keys.iter().map(|key| set(key, "1")).collect::<Vec<_>>()).wait();
    first.remove("key1");
    first.remove_range(range("key5", "key6"));
    first.put("key55", "again");
    first.shut();
    let second = trial.open();
    let found = second.texts(&["key0", "key1", "key5", "key50", "key55"]);
    assert_eq!(found, [Some("1".to_owned()), None, None, None, Some("again".to_owned())]);
    assert_eq!(second.number_of(KeyRange::ALL), 89);
    second.remove_range(KeyRange::ALL);
    second.put("only", "1");
    second.shut();
    assert_eq!(trial.open().entries(), [("only".to_owned(), "1".to_owned())]);
}

/// Expiries hold after reopening.
pub fn expiries_hold_after_reopening(trial: &Trial) {
    let expires_at = now_ms() + 3_600_000;
    let first = trial.open();
    first.put_until("later", "1", expires_at);
    first.put("expired", "1");
    first.put_until("expired", "2", 1);
    first.put_until("cleared", "1", expires_at);
    first.put("cleared", "2");
    first.put_until("hits", "1", expires_at);
    let checks = first.capabilities().checks;
    if checks {
        assert_eq!(first.add("hits", 1).expect("it is a counter"), 2);
    }
    first.shut();
    let again = trial.open();
    assert_eq!(again.entry("later"), Some(("1".to_owned(), Some(expires_at))));
    assert_eq!(again.entry("expired"), None);
    assert_eq!(again.entry("cleared"), Some(("2".to_owned(), None)));
    assert_eq!(again.entry("hits"), Some((if checks { "2" } else { "1" }.to_owned(), Some(expires_at))));
    assert_eq!(again.number_of(KeyRange::ALL), 3);
}

/// A refused batch is not there after reopening.
pub fn a_refused_batch_is_not_there_after_reopening(trial: &Trial) {
    let first = trial.open();
    first.put("a", "1");
    if first.capabilities().checks {
        let refused = first.try_batch(&[set("b", "1")], &[Check::Equals { key: b"a", value: b"2" }]);
        assert_eq!(code(refused), ErrorCode::Conflict);
    }
    assert_eq!(code(first.try_batch(&[set("c", "1"), set("", "1")], &[])), ErrorCode::KeyInvalid);
    first.shut();
    assert_eq!(trial.open().entries(), [("a".to_owned(), "1".to_owned())]);
}

/// Unsynced writes are there after a close.
pub fn unsynced_writes_are_there_after_a_close(trial: &Trial) {
    let first = trial.open();
    first.begin_with(&[set("memory", "1")], Some(Durability::Memory)).wait();
    first.begin_with(&[set("os", "1")], Some(Durability::Os)).wait();
    drop(first.begin_with(&[set("not awaited", "1")], Some(Durability::Os)));
    first.shut();
    assert_eq!(trial.open().texts(&["memory", "os", "not awaited"]), some(&["1", "1", "1"]));
}

/// A store is opened many times.
pub fn a_store_is_opened_many_times(trial: &Trial) {
    for round in 0..10 {
        let store = trial.open();
        assert_eq!(store.number_of(KeyRange::ALL), round);
        store.put(format!("key{round}"), round.to_string());
        store.shut();
    }
}

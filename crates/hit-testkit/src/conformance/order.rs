//! Order, reading one's own writes, batches.

use hit::{Durability, ErrorCode, KeyRange, Operation};

use super::opened::{code, delete, range, set, some};
use super::{Pending, Trial, wait};

/// Writes are read before they are awaited.
pub fn writes_are_read_before_they_are_awaited(trial: &Trial) {
    let store = trial.open();
    let first = store.begin(&[set("a", "1"), set("b", "2")]);
    let second = store.begin(&[delete("a")]);
    let third = store.begin(&[set("c", "3")]);
    assert_eq!(store.texts(&["a", "b", "c"]), [None, Some("2".to_owned()), Some("3".to_owned())]);
    let fourth = store.begin(&[set("a", "4")]);
    assert_eq!(store.text("a").as_deref(), Some("4"));
    [first, second, third, fourth].into_iter().for_each(Pending::wait);
    assert_eq!(store.texts(&["a", "b", "c"]), some(&["4", "2", "3"]));
}

/// The last write of a key wins.
pub fn the_last_write_of_a_key_wins(trial: &Trial) {
    let store = trial.open();
    let pending: Vec<_> = (0..5_000)
        .map(|number| store.begin(&[set(&format!("key{}", number % 3), &number.to_string())]))
        .collect();
    let keys = ["key0", "key1", "key2"];
    assert_eq!(store.texts(&keys), some(&["4998", "4999", "4997"]));
    pending.into_iter().for_each(Pending::wait);
    assert_eq!(store.texts(&keys), some(&["4998", "4999", "4997"]));
}

/// Sets, deletes and clears of a key keep their order, in one group and over several.
pub fn sets_deletes_and_clears_of_a_key_keep_their_order(trial: &Trial) {
    let clear = |range| Operation::DeleteRange { range };
    let operations = [
        set("set last", "1"),
        delete("set last"),
        set("deleted last", "1"),
        clear(KeyRange::ALL),
        set("set last", "2"),
        set("deleted last", "2"),
        set("cleared last", "1"),
        delete("deleted last"),
        clear(range("cleared", "clearer")),
    ];
    let store = trial.open();
    for together in [1, 2, 9] {
        let pending: Vec<_> = operations.chunks(together).map(|group| store.begin(group)).collect();
        pending.into_iter().for_each(Pending::wait);
        let found = store.texts(&["set last", "deleted last", "cleared last"]);
        assert_eq!(found, [Some("2".to_owned()), None, None], "{together} at a time");
    }
}

/// Flush settles after the writes before it.
pub fn flush_settles_after_the_writes_before_it(trial: &Trial) {
    let store = trial.open();
    let pending = store.begin(&[set("key", "value")]);
    wait(store.flush()).expect("the store can be flushed");
    assert!(pending.is_answered());
    store.begin_with(&[set("unsynced", "value")], Some(Durability::Memory)).wait();
    wait(store.flush()).expect("the store can be flushed");
    wait(store.flush()).expect("the store can be flushed");
}

/// A batch takes effect as a whole.
pub fn a_batch_takes_effect_as_a_whole(trial: &Trial) {
    let store = trial.open();
    store.put("from", "10");
    let batch = store.begin_batch(&[delete("from"), set("to", "10")]);
    assert_eq!(store.texts(&["from", "to"]), [None, Some("10".to_owned())]);
    batch.wait();
    assert_eq!(store.texts(&["from", "to"]), [None, Some("10".to_owned())]);
}

/// The last operation of a batch on a key wins.
pub fn the_last_operation_of_a_batch_on_a_key_wins(trial: &Trial) {
    let store = trial.open();
    let operations = [set("a", "1"), delete("a"), set("a", "2"), set("b", "1"), delete("b")];
    store.try_batch(&operations, &[]).expect("the batch succeeds");
    assert_eq!(store.texts(&["a", "b"]), [Some("2".to_owned()), None]);
    assert_eq!(store.number_of(KeyRange::ALL), 1);
}

/// An empty batch succeeds.
pub fn an_empty_batch_succeeds(trial: &Trial) {
    let store = trial.open();
    store.try_batch(&[], &[]).expect("the batch succeeds");
    store.begin(&[]).wait();
    assert_eq!(store.number_of(KeyRange::ALL), 0);
}

/// A large batch takes effect as a whole.
pub fn a_large_batch_takes_effect_as_a_whole(trial: &Trial) {
    let store = trial.open();
    let value = "v".repeat(1_000);
    let keys: Vec<_> = (0..5_000).map(|number| format!("key{number}")).collect();
    let operations: Vec<_> = keys.iter().map(|key| set(key, &value)).collect();
    let batch = store.begin_batch(&operations);
    assert_eq!(store.number_of(KeyRange::ALL), 5_000);
    batch.wait();
    assert_eq!(store.text("key4999"), Some(value));
}

/// A bad operation refuses the whole batch.
pub fn a_bad_operation_refuses_the_whole_batch(trial: &Trial) {
    let store = trial.open();
    store.put("kept", "1");
    for key in ["", &"x".repeat(2_049)] {
        let refused = store.try_batch(&[set("new", "1"), delete("kept"), set(key, "1")], &[]);
        assert_eq!(code(refused), ErrorCode::KeyInvalid);
    }
    assert_eq!(store.texts(&["new", "kept"]), [None, Some("1".to_owned())]);
}

/// A batch stands between the writes around it.
pub fn a_batch_stands_between_the_writes_around_it(trial: &Trial) {
    let store = trial.open();
    let before = store.begin(&[set("a", "before"), set("b", "before")]);
    let batch = store.begin_batch(&[set("a", "batch"), set("b", "batch"), set("c", "batch")]);
    let after = store.begin(&[set("b", "after"), delete("c")]);
    let expected = [Some("batch".to_owned()), Some("after".to_owned()), None];
    assert_eq!(store.texts(&["a", "b", "c"]), expected);
    [before, batch, after].into_iter().for_each(Pending::wait);
    assert_eq!(store.texts(&["a", "b", "c"]), expected);
}

//! Batches with checks, and counters.

use hit::{Check, ErrorCode};

use super::opened::{code, delete, set};
use super::{Trial, wait};

fn equals<'a>(key: &'a str, value: &'a (impl AsRef<[u8]> + ?Sized)) -> Check<'a> {
    Check::Equals { key: key.as_bytes(), value: value.as_ref() }
}

fn exists(key: &str) -> Check<'_> {
    Check::Exists { key: key.as_bytes() }
}

fn absent(key: &str) -> Check<'_> {
    Check::Absent { key: key.as_bytes() }
}

/// A batch whose checks hold is applied.
pub fn a_batch_whose_checks_hold_is_applied(trial: &Trial) {
    let store = trial.open();
    store.put("here", "value");
    let checks = [equals("here", "value"), exists("here"), absent("absent")];
    store.try_batch(&[set("done", "yes")], &checks).expect("the checks hold");
    assert_eq!(store.text("done").as_deref(), Some("yes"));
}

/// A failed check refuses the whole batch.
pub fn a_failed_check_refuses_the_whole_batch(trial: &Trial) {
    let store = trial.open();
    store.put("here", "value");
    for failing in
        [equals("here", "other"), equals("here", ""), absent("here"), exists("absent"), equals("absent", "")]
    {
        let refused = store.try_batch(&[set("done", "yes"), delete("here")], &[exists("here"), failing]);
        assert_eq!(code(refused), ErrorCode::Conflict, "{failing:?}");
    }
    assert_eq!(store.texts(&["here", "done"]), [Some("value".to_owned()), None]);
}

/// Checks see the state before their batch, with what was written and not awaited.
pub fn checks_see_the_state_before_their_batch(trial: &Trial) {
    let store = trial.open();
    store.try_batch(&[set("a", "1"), set("a", "2")], &[absent("a")]).expect("the check holds");
    let pending = store.begin(&[set("a", "3")]);
    assert_eq!(code(store.try_batch(&[set("a", "4")], &[equals("a", "2")])), ErrorCode::Conflict);
    store.try_batch(&[set("b", "1")], &[equals("a", "3")]).expect("the check holds");
    pending.wait();
    assert_eq!(store.text("a").as_deref(), Some("3"));
}

/// A check without operations only checks.
pub fn a_check_without_operations_only_checks(trial: &Trial) {
    let store = trial.open();
    store.try_batch(&[], &[absent("a")]).expect("the check holds");
    assert_eq!(code(store.try_batch(&[], &[exists("a")])), ErrorCode::Conflict);
}

/// Equals compares bytes.
pub fn equals_compares_bytes(trial: &Trial) {
    let store = trial.open();
    store.put("a", [0, 1, 2]);
    for other in [&[0, 1][..], &[0, 1, 2, 0], &[0, 1, 3]] {
        assert_eq!(code(store.try_batch(&[set("done", "1")], &[equals("a", other)])), ErrorCode::Conflict);
    }
    store.try_batch(&[set("done", "1")], &[equals("a", &[0, 1, 2])]).expect("the check holds");
    assert_eq!(store.text("done").as_deref(), Some("1"));
}

/// Increments start at zero and add up.
pub fn increments_start_at_zero_and_add_up(trial: &Trial) {
    let store = trial.open();
    for (by, sum) in [(1, 1), (41, 42), (-50, -8), (0, -8)] {
        assert_eq!(store.add("hits", by).expect("it is a counter"), sum);
    }
    assert_eq!(store.text("hits").as_deref(), Some("-8"));
    store.put("hits", "100");
    assert_eq!(store.add("hits", 1).expect("it is a counter"), 101);
}

/// Increments that are not awaited all count.
pub fn increments_that_are_not_awaited_all_count(trial: &Trial) {
    let store = trial.open();
    for sum in 1..=200 {
        let submitted =
            store.submit_increment(b"hits", 1, None, |result| result.expect("the write succeeds"));
        assert_eq!(submitted.expect("it is a counter").0, sum);
    }
    wait(store.flush()).expect("the store can be flushed");
    assert_eq!(store.text("hits").as_deref(), Some("200"));
}

/// An increment of other text is refused, and the text stays.
pub fn an_increment_of_other_text_is_refused(trial: &Trial) {
    let store = trial.open();
    for text in ["", " 1", "1 ", "1.5", "1e3", "0x10", "one", "9223372036854775808", "-9223372036854775809"] {
        store.put("key", text);
        assert_eq!(code(store.add("key", 1)), ErrorCode::ValueInvalid, "{text:?}");
        assert_eq!(store.text("key").as_deref(), Some(text));
    }
}

/// An increment past 64 bits is refused.
pub fn an_increment_past_64_bits_is_refused(trial: &Trial) {
    let store = trial.open();
    for (key, most, by) in [("up", i64::MAX, 1), ("down", i64::MIN, -1)] {
        assert_eq!(store.add(key, most).expect("it fits"), most);
        assert_eq!(code(store.add(key, by)), ErrorCode::ValueInvalid);
        assert_eq!(store.text(key), Some(most.to_string()));
    }
}

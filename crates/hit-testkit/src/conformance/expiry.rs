//! Entries that expire. The expiry lies in the past or far in the future where it can, so that no test is timed.

use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use hit::{Check, ErrorCode, KeyRange, Operation};

use super::Trial;
use super::opened::{code, range};

const AN_HOUR_MS: u64 = 3_600_000;

/// Unix milliseconds.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_millis()).expect("it is before the year 500,000,000")
}

/// An entry past its expiry is not seen by any read.
pub fn an_entry_past_its_expiry_is_not_seen(trial: &Trial) {
    let store = trial.open();
    store.put("before", "1");
    store.put_until("expired", "1", 1);
    store.put("replaced", "1");
    store.put_until("replaced", "2", now_ms() - 1);
    let in_batch = Operation::Set { key: b"in a batch", value: b"1", expires_at: Some(1) };
    store.try_batch(&[in_batch], &[]).expect("the batch succeeds");
    let found = store.texts(&["before", "expired", "replaced", "in a batch"]);
    assert_eq!(found, [Some("1".to_owned()), None, None, None]);
    assert!(!store.has(b"expired").expect("the store can be read"));
    assert_eq!(store.entry("expired"), None);
    assert_eq!(store.keys(KeyRange::ALL), ["before"]);
    assert_eq!(store.number_of(KeyRange::ALL), 1);
    assert_eq!(store.number_of(range("before\0", "")), 0);
}

/// An entry is seen until it expires.
pub fn an_entry_is_seen_until_it_expires(trial: &Trial) {
    let store = trial.open();
    let expires_at = now_ms() + 40;
    store.put_until("soon", "1", expires_at);
    store.put_until("later", "1", now_ms() + AN_HOUR_MS);
    while store.text("soon").is_some() {
        thread::yield_now();
    }
    assert!(now_ms() >= expires_at);
    assert_eq!(store.number_of(KeyRange::ALL), 1);
    assert_eq!(store.entries(), [("later".to_owned(), "1".to_owned())]);
}

/// An expiry is kept to the millisecond.
pub fn an_expiry_is_kept_to_the_millisecond(trial: &Trial) {
    let store = trial.open();
    let expires_at = now_ms() + AN_HOUR_MS;
    for offset_ms in 0..3 {
        store.put_until("key", "1", expires_at + offset_ms);
        assert_eq!(store.entry("key"), Some(("1".to_owned(), Some(expires_at + offset_ms))));
    }
}

/// A set clears an expiry.
pub fn a_set_clears_an_expiry(trial: &Trial) {
    let store = trial.open();
    for (expires_at, value) in [(now_ms() + AN_HOUR_MS, "2"), (1, "4")] {
        store.put_until("key", "1", expires_at);
        store.put("key", value);
        assert_eq!(store.entry("key"), Some((value.to_owned(), None)));
    }
}

/// Expire gives and takes an expiry.
pub fn expire_gives_and_takes_an_expiry(trial: &Trial) {
    let store = trial.open();
    let expires_at = now_ms() + AN_HOUR_MS;
    store.put("key", "1");
    assert!(store.expire_at("key", Some(expires_at)));
    assert_eq!(store.entry("key"), Some(("1".to_owned(), Some(expires_at))));
    assert!(store.expire_at("key", None));
    assert_eq!(store.entry("key"), Some(("1".to_owned(), None)));
}

/// Expire of an absent key says so.
pub fn expire_of_an_absent_key_says_so(trial: &Trial) {
    let store = trial.open();
    store.put_until("expired", "1", 1);
    assert!(!store.expire_at("absent", Some(now_ms() + AN_HOUR_MS)));
    assert!(!store.expire_at("expired", Some(now_ms() + AN_HOUR_MS)));
    assert!(!store.expire_at("expired", None));
    assert_eq!(store.number_of(KeyRange::ALL), 0);
}

/// An increment keeps an expiry.
pub fn an_increment_keeps_an_expiry(trial: &Trial) {
    let store = trial.open();
    let expires_at = now_ms() + AN_HOUR_MS;
    store.put_until("hits", "1", expires_at);
    assert_eq!(store.add("hits", 1).expect("it is a counter"), 2);
    assert_eq!(store.entry("hits"), Some(("2".to_owned(), Some(expires_at))));
}

/// An expired entry is absent for checks and counters.
pub fn an_expired_entry_is_absent_for_checks_and_counters(trial: &Trial) {
    let store = trial.open();
    store.put_until("key", "41", 1);
    let equal = Check::Equals { key: b"key", value: b"41" };
    assert_eq!(code(store.try_batch(&[], &[equal])), ErrorCode::Conflict);
    store.try_batch(&[], &[Check::Absent { key: b"key" }]).expect("the check holds");
    assert_eq!(store.add("key", 1).expect("it starts at zero"), 1);
    assert_eq!(store.entry("key"), Some(("1".to_owned(), None)));
}

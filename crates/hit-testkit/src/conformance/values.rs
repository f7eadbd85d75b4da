//! Keys and values: what goes in comes out.

use hit::{ErrorCode, KeyRange, Operation};

use super::Trial;
use super::opened::{code, set};

/// An absent key has no value.
pub fn an_absent_key_has_no_value(trial: &Trial) {
    let store = trial.open();
    assert_eq!(store.text("absent"), None);
    assert_eq!(store.entry("absent"), None);
    assert!(!store.has(b"absent").expect("the store can be read"));
    assert_eq!(store.number_of(KeyRange::ALL), 0);
}

/// A set value is read back.
pub fn a_set_value_is_read_back(trial: &Trial) {
    let store = trial.open();
    store.put("key", "value");
    assert_eq!(store.text("key").as_deref(), Some("value"));
    assert_eq!(store.entry("key"), Some(("value".into(), None)));
    assert!(store.has(b"key").expect("the store can be read"));
    assert_eq!(store.number_of(KeyRange::ALL), 1);
}

/// A set replaces the value before.
pub fn a_set_replaces_the_value_before(trial: &Trial) {
    let store = trial.open();
    for value in ["first", &"a much longer second value ".repeat(100), "", "last"] {
        store.put("key", value);
        assert_eq!(store.text("key").as_deref(), Some(value));
    }
    assert_eq!(store.number_of(KeyRange::ALL), 1);
}

/// An empty value is a value.
pub fn an_empty_value_is_a_value(trial: &Trial) {
    let store = trial.open();
    store.put("empty", "");
    assert_eq!(store.text("empty").as_deref(), Some(""));
    assert!(store.has(b"empty").expect("the store can be read"));
}

/// Keys and values are any bytes.
pub fn keys_and_values_are_any_bytes(trial: &Trial) {
    let store = trial.open();
    let mut keys: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    keys.extend([&b"\0\0"[..], b"\xff\xff", b"\xc3\x28", b"a\0b", b"../../etc/passwd"].map(<[u8]>::to_vec));
    let value = |key: &[u8]| [&[0], key, &[0xff]].concat();
    for key in &keys {
        store.put(key, value(key));
    }
    for key in &keys {
        assert_eq!(store.bytes(key), Some(value(key)));
    }
    assert_eq!(store.number_of(KeyRange::ALL), keys.len() as u64);
}

/// Keys differ to the last byte: prefixes of one another, equal in their first 8 bytes, with zero bytes behind.
pub fn keys_differ_to_the_last_byte(trial: &Trial) {
    let store = trial.open();
    let (long, longest) = ("x".repeat(2_047), "x".repeat(2_048));
    let keys =
        ["a", "a\0", "a\0\0", "aa", "eightlong", "eightlon", "eightlong\0", "eightlongs", &long, &longest];
    for (number, key) in keys.iter().enumerate() {
        store.put(key, number.to_string());
    }
    let expected: Vec<_> = (0..keys.len()).map(|number| Some(number.to_string())).collect();
    assert_eq!(store.texts(&keys), expected);
    store.remove("eightlong");
    let found = store.texts(&["eightlon", "eightlong", "eightlongs"]);
    assert_eq!(found, [Some("5".to_owned()), None, Some("7".to_owned())]);
}

/// The longest key is accepted.
pub fn the_longest_key_is_accepted(trial: &Trial) {
    let store = trial.open();
    let longest = [0xff; 2_048];
    store.put(longest, "value");
    assert_eq!(store.bytes(longest).as_deref(), Some(&b"value"[..]));
    store.remove(longest);
    assert_eq!(store.bytes(longest), None);
}

/// An empty or over-long key is refused, by reads and writes.
pub fn an_empty_or_over_long_key_is_refused(trial: &Trial) {
    let store = trial.open();
    for key in [vec![], vec![b'x'; 2_049], vec![b'x'; 100_000]] {
        assert_eq!(code(store.get(&key)), ErrorCode::KeyInvalid);
        assert_eq!(code(store.has(&key)), ErrorCode::KeyInvalid);
        assert_eq!(code(store.try_put(&key, "value")), ErrorCode::KeyInvalid);
        assert_eq!(code(store.try_remove(&key)), ErrorCode::KeyInvalid);
        assert_eq!(code(store.get_many(&[&b"fine"[..], &key])), ErrorCode::KeyInvalid);
    }
    assert_eq!(store.number_of(KeyRange::ALL), 0);
    store.put("fine", "value");
    assert_eq!(store.text("fine").as_deref(), Some("value"));
}

/// Values of every size are read back: around each size at which something changes, from varints to pages.
pub fn values_of_every_size_are_read_back(trial: &Trial) {
    let store = trial.open();
    let sizes =
        [0, 1, 127, 128, 255, 256, 257, 4_095, 4_096, 16_383, 16_384, 65_535, 65_536, 262_144, 1_048_579];
    let value =
        |size: usize| -> Vec<u8> { (0..size).map(|index| ((index * 31 + size) & 0xff) as u8).collect() };
    for size in sizes {
        store.put(format!("size {size}"), value(size));
    }
    for size in sizes {
        // Not assert_eq: nobody wants to read a megabyte of difference.
        assert!(
            store.bytes(format!("size {size}")) == Some(value(size)),
            "a value of {size} bytes came back as another"
        );
    }
}

/// A value over the limit is refused.
pub fn a_value_over_the_limit_is_refused(trial: &Trial) {
    let store = trial.open();
    let value = vec![0; store.capabilities().max_value_bytes + 1];
    assert_eq!(code(store.try_put("large", value)), ErrorCode::ValueTooLarge);
    assert_eq!(store.bytes("large"), None);
    store.put("large", "small");
    assert_eq!(store.text("large").as_deref(), Some("small"));
}

/// A deleted key is absent.
pub fn a_deleted_key_is_absent(trial: &Trial) {
    let store = trial.open();
    store.put("key", "value");
    store.put("other", "stays");
    store.remove("key");
    assert_eq!(store.texts(&["key", "other"]), [None, Some("stays".to_owned())]);
    assert_eq!(store.number_of(KeyRange::ALL), 1);
    store.put("key", "again");
    assert_eq!(store.text("key").as_deref(), Some("again"));
}

/// Deleting an absent key succeeds.
pub fn deleting_an_absent_key_succeeds(trial: &Trial) {
    let store = trial.open();
    store.remove("absent");
    store.begin(&["absent", "absent", "other"].map(|key| Operation::Delete { key: key.as_bytes() })).wait();
    assert_eq!(store.number_of(KeyRange::ALL), 0);
}

/// Many keys are read in the order asked.
pub fn many_keys_are_read_in_the_order_asked(trial: &Trial) {
    let store = trial.open();
    for number in 0..500 {
        let pending = store.begin(&[set(&format!("key{number}"), &format!("value{number}"))]);
        if number == 499 {
            pending.wait();
        }
    }
    let numbers: Vec<usize> = (0..700).map(|number| (number * 37) % 650).chain([1, 1]).collect();
    let keys: Vec<_> = numbers.iter().map(|number| format!("key{number}")).collect();
    let expected: Vec<_> =
        numbers.iter().map(|number| (*number < 500).then(|| format!("value{number}"))).collect();
    assert_eq!(store.texts(&keys), expected);
    assert_eq!(store.texts::<&str>(&[]), []);
}

/// Many entries are set and deleted together.
pub fn many_entries_are_set_and_deleted_together(trial: &Trial) {
    let store = trial.open();
    let entries: Vec<_> =
        (0..3_000).map(|number| (format!("key{number}"), format!("of key{number}"))).collect();
    let sets: Vec<_> = entries.iter().map(|(key, value)| set(key, value)).collect();
    store.begin(&sets).wait();
    let keys: Vec<_> = entries.iter().map(|(key, _)| key).collect();
    let expected: Vec<_> = entries.iter().map(|(_, value)| Some(value.clone())).collect();
    assert_eq!(store.texts(&keys), expected);
    let deletes: Vec<_> =
        keys.iter().take(2_000).map(|key| Operation::Delete { key: key.as_bytes() }).collect();
    store.begin(&deletes).wait();
    assert_eq!(store.number_of(KeyRange::ALL), 1_000);
    assert_eq!(store.texts(&["key1999", "key2000"]), [None, Some("of key2000".to_owned())]);
}

use hit::{KeyRange, Scan};

use super::model::Entry;
use crate::conformance::Opened;

/// A scan that was opened at one moment and is read later.
pub struct Held {
    scan: Scan,
    expected: Vec<(Vec<u8>, Entry)>,
}

impl Held {
    pub fn new(store: &Opened, mut expected: Vec<(Vec<u8>, Entry)>, reverse: bool) -> Self {
        if reverse {
            expected.reverse();
        }
        Self { scan: store.scan(KeyRange::ALL, reverse).expect("the store can be scanned"), expected }
    }

    /// Reads it to its end. What has expired since may be seen or not.
    pub fn compare(mut self, now_ms: u64) {
        let mut expected = self.expected.iter();
        loop {
            let page = self.scan.page(3).expect("a scan goes on while the store is open");
            if page.is_empty() {
                break;
            }
            for (key, value) in page {
                let found = expected.find(|(other, (_, expires_at))| {
                    let expired = expires_at.is_some_and(|expires_at| expires_at <= now_ms);
                    assert!(*other == key || expired, "a scan came to {key:?} and left out {other:?}");
                    *other == key
                });
                let (_, (expected, _)) = found.expect("a scan finds only what was there when it began");
                assert_eq!(value, *expected, "{key:?}");
            }
        }
        let left =
            expected.find(|(_, (_, expires_at))| expires_at.is_none_or(|expires_at| expires_at > now_ms));
        assert_eq!(left, None, "a scan ended too early");
    }
}

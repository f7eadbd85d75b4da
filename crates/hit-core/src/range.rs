/// A range of keys in byte order, half open: every key `>= start` and, where there is an end, `< end`.
///
/// The other bounds are written with the next key: `> k` starts at `k\0`, `<= k` ends at `k\0`. Bounds that cross
/// make an empty range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// The first key of the range; empty is open.
    pub start: &'a [u8],
    /// The first key behind the range; `None` is open.
    pub end: Option<&'a [u8]>,
}

impl KeyRange<'_> {
    /// Every key.
    pub const ALL: KeyRange<'static> = KeyRange { start: &[], end: None };

    /// Whether `key` lies in the range.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start && self.end.is_none_or(|end| key < end)
    }

    /// Whether no key can lie in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end.is_some_and(|end| end <= self.start)
    }
}

/// The first key behind all keys with `prefix`; `None` where there is none (the prefix is empty or all `0xff`).
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_prefix() {
        assert_eq!(prefix_end(b"user:"), Some(b"user;".to_vec()));
        assert_eq!(prefix_end(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(prefix_end(b"\xff"), None);
        assert_eq!(prefix_end(b""), None);
    }

    #[test]
    fn a_range_holds_its_start_and_not_its_end() {
        let range = KeyRange { start: b"b", end: Some(b"d") };
        assert!(range.contains(b"b") && range.contains(b"c\xff"));
        assert!(!range.contains(b"a\xff") && !range.contains(b"d"));
        assert!(KeyRange::ALL.contains(b"\xff\xff"));
        assert!(KeyRange { start: b"d", end: Some(b"b") }.is_empty());
    }
}

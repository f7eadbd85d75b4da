use hit_core::KeyRange;

use crate::record::Record;

/// A range delete that hides what it covers until a sweep has removed it.
#[derive(Debug)]
pub(crate) struct RangeTombstone {
    start: Box<[u8]>,
    end: Option<Box<[u8]>>,
    /// Only older operations are covered.
    pub(crate) sequence: u64,
}

impl RangeTombstone {
    pub(crate) fn new(range: KeyRange<'_>, sequence: u64) -> Self {
        Self { start: range.start.into(), end: range.end.map(Into::into), sequence }
    }

    pub(crate) fn range(&self) -> KeyRange<'_> {
        KeyRange { start: &self.start, end: self.end.as_deref() }
    }

    pub(crate) fn covers(&self, record: &Record<'_>) -> bool {
        record.sequence < self.sequence && self.range().contains(record.key)
    }

    /// Whether every key of `other` is one of its own.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let ends_later = match (&self.end, &other.end) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(end), Some(other)) => end >= other,
        };
        self.start <= other.start && ends_later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_what_lies_in_it() {
        let tombstone = |start: &[u8], end: Option<&[u8]>| RangeTombstone::new(KeyRange { start, end }, 1);
        let middle = tombstone(b"b", Some(b"d"));
        assert!(middle.contains(&middle) && middle.contains(&tombstone(b"b\0", Some(b"c"))));
        assert!(!middle.contains(&tombstone(b"a", Some(b"c"))) && !middle.contains(&tombstone(b"c", None)));
        assert!(tombstone(b"", None).contains(&middle) && !middle.contains(&tombstone(b"", None)));
    }
}

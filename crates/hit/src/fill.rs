/// How full the segment is that the next group goes to. It is counted where groups get their sequence numbers, not where
/// they are written, so that the table knows with which of them a file begins.
pub(crate) struct SegmentFill {
    bytes: u64,
    segment_bytes: u64,
}

impl SegmentFill {
    /// `bytes` are in the segment being written, 0 where there is none.
    pub(crate) fn new(bytes: u64, segment_bytes: u64) -> Self {
        Self { bytes, segment_bytes }
    }

    /// Takes a group of so many bytes; true where it begins a segment.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let begins = self.bytes == 0 || self.bytes >= self.segment_bytes;
        if begins {
            self.bytes = 0;
        }
        self.bytes += bytes as u64;
        begins
    }

    /// Has the next group begin a segment.
    pub(crate) fn end(&mut self) {
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_begins_a_segment_behind_a_full_one_and_where_there_is_none() {
        let mut fill = SegmentFill::new(0, 100);
        assert_eq!([60, 60, 60, 60].map(|bytes| fill.take(bytes)), [true, false, true, false]);
        fill.end();
        assert!(fill.take(1) && !fill.take(1));
        assert!(!SegmentFill::new(99, 100).take(50) && SegmentFill::new(100, 100).take(50));
    }
}

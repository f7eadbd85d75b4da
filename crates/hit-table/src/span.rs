//! How much of what was written is still live, by spans of sequence numbers: what a compaction chooses by.

use hit_core::Operation;

/// How much was written and how much of it is live, from one sequence number up to the next span's. Bytes are those of
/// [`span_bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub first_sequence: u64,
    /// Everything written.
    pub total_bytes: u64,
    /// Of that, what is the newest of its key. What a range delete covers counts until a sweep has removed it.
    pub live_bytes: u64,
    /// Of that, deletes and range deletes.
    pub tombstone_bytes: u64,
}

/// About what an operation takes on disk.
#[must_use]
pub fn span_bytes(operation: &Operation<'_>) -> u64 {
    match *operation {
        Operation::Set { key, value, expires_at } => set_bytes(key.len(), value.len(), expires_at.is_some()),
        Operation::Delete { key } => key.len() as u64 + 3,
        Operation::DeleteRange { range } => (range.start.len() + range.end.map_or(0, <[u8]>::len)) as u64 + 4,
    }
}

#[inline]
pub(crate) fn set_bytes(key_bytes: usize, value_bytes: usize, has_expiry: bool) -> u64 {
    let expiry = if has_expiry { 8 } else { 0 };
    (key_bytes + value_bytes) as u64 + 4 + expiry
}

/// The spans in order. Empty, and everything about them free, where nobody has begun one.
#[derive(Default)]
pub(crate) struct Spans {
    spans: Vec<Span>,
    /// Where the last write counted: a replay goes through one span after the other.
    current: usize,
}

impl Spans {
    pub(crate) fn as_slice(&self) -> &[Span] {
        &self.spans
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Which span has a sequence number.
    #[inline]
    fn position(&self, sequence: u64) -> Option<usize> {
        if self.spans.last()?.first_sequence <= sequence {
            return Some(self.spans.len() - 1);
        }
        self.earlier_position(sequence)
    }

    fn earlier_position(&self, sequence: u64) -> Option<usize> {
        let begins = |position: usize| self.spans.get(position).map_or(u64::MAX, |span| span.first_sequence);
        if begins(self.current) <= sequence && sequence < begins(self.current + 1) {
            return Some(self.current);
        }
        self.spans.partition_point(|span| span.first_sequence <= sequence).checked_sub(1)
    }

    #[inline]
    pub(crate) fn find(&mut self, sequence: u64) -> Option<&mut Span> {
        let position = self.position(sequence)?;
        self.spans.get_mut(position)
    }

    /// The span that a write of this sequence number counts in.
    #[inline]
    pub(crate) fn current(&mut self, sequence: u64) -> Option<&mut Span> {
        self.current = self.position(sequence)?;
        self.spans.get_mut(self.current)
    }

    pub(crate) fn begin(&mut self, first_sequence: u64) {
        let at = self.spans.partition_point(|span| span.first_sequence < first_sequence);
        if self.spans.get(at).is_none_or(|span| span.first_sequence != first_sequence) {
            self.spans.insert(at, Span { first_sequence, total_bytes: 0, live_bytes: 0, tombstone_bytes: 0 });
        }
    }

    pub(crate) fn replace(&mut self, first: u64, next: u64, total_bytes: u64, tombstone_bytes: u64) {
        let from = self.spans.partition_point(|span| span.first_sequence < first);
        let to = self.spans.partition_point(|span| span.first_sequence < next);
        let Some(replaced) = self.spans.get(from..to).filter(|replaced| !replaced.is_empty()) else { return };
        let live_bytes = replaced.iter().map(|span| span.live_bytes).sum();
        let joined = Span { first_sequence: first, total_bytes, live_bytes, tombstone_bytes };
        self.spans.splice(from..to, [joined]);
    }

    /// Forgets those that begin behind a sequence number.
    pub(crate) fn truncate(&mut self, sequence: u64) {
        let kept = self.spans.partition_point(|span| span.first_sequence <= sequence);
        self.spans.truncate(kept);
    }

    /// Takes away what is live, for [`Spans::bring_back`].
    pub(crate) fn put_aside(&mut self) -> Vec<(u64, u64)> {
        let live = |span: &mut Span| (span.first_sequence, std::mem::take(&mut span.live_bytes));
        self.spans.iter_mut().map(live).filter(|&(_, bytes)| bytes > 0).collect()
    }

    /// What was put aside is live again, and nothing else. Spans may have been joined meanwhile.
    pub(crate) fn bring_back(&mut self, aside: &[(u64, u64)]) {
        for span in &mut self.spans {
            span.live_bytes = 0;
        }
        for &(first_sequence, bytes) in aside {
            if let Some(span) = self.find(first_sequence) {
                span.live_bytes += bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beginning(firsts: &[u64]) -> Spans {
        let mut spans = Spans::default();
        firsts.iter().for_each(|&first| spans.begin(first));
        spans
    }

    fn first_of(spans: &mut Spans, sequence: u64) -> Option<u64> {
        spans.find(sequence).map(|span| span.first_sequence)
    }

    #[test]
    fn a_sequence_number_is_found_wherever_the_last_write_was() {
        let mut spans = beginning(&[30, 10, 20, 10]);
        assert_eq!(spans.as_slice().len(), 3);
        for last in [10, 25, 99] {
            spans.current(last);
            let found = [9, 10, 19, 20, 29, 30, 1_000].map(|sequence| first_of(&mut spans, sequence));
            assert_eq!(
                found,
                [None, Some(10), Some(10), Some(20), Some(20), Some(30), Some(30)],
                "after {last}"
            );
        }
        assert_eq!(first_of(&mut Spans::default(), 1), None);
    }

    #[test]
    fn what_was_put_aside_comes_back_to_spans_that_were_joined() {
        let mut spans = beginning(&[1, 10, 20, 30]);
        for (sequence, bytes) in [(1, 5), (10, 6), (20, 7), (30, 8)] {
            spans.find(sequence).unwrap().live_bytes = bytes;
        }
        let aside = spans.put_aside();
        assert!(spans.as_slice().iter().all(|span| span.live_bytes == 0));
        spans.replace(10, 30, 100, 3);
        spans.find(30).unwrap().live_bytes = 1;
        spans.bring_back(&aside);
        let live: Vec<_> =
            spans.as_slice().iter().map(|span| (span.first_sequence, span.live_bytes)).collect();
        assert_eq!(live, [(1, 5), (10, 13), (30, 8)]);
        assert_eq!((spans.as_slice()[1].total_bytes, spans.as_slice()[1].tombstone_bytes), (100, 3));
        spans.replace(40, 50, 9, 9);
        assert_eq!(spans.as_slice().len(), 3);
    }
}

use std::ops::AddAssign;

use hit_core::Operation;

use crate::record::Record;
use crate::span::{Spans, set_bytes, span_bytes};

/// What is counted of the records that the index holds, and of what was written: one call for each that comes or goes.
#[derive(Default)]
pub(crate) struct Tally {
    /// Entries in the index with an expiry.
    pub(crate) expiring: usize,
    pub(crate) spans: Spans,
}

/// What a clear of everything has taken out.
pub(crate) struct Aside {
    expiring: usize,
    live: Vec<(u64, u64)>,
}

/// What the operations of one write take: all, and those of them that only delete.
#[derive(Clone, Copy, Default)]
pub(crate) struct Written {
    total_bytes: u64,
    tombstone_bytes: u64,
}

/// What counts of a record.
#[derive(Default)]
pub(crate) struct Counted {
    sequence: u64,
    bytes: u64,
    has_expiry: bool,
}

impl From<&Record<'_>> for Counted {
    #[inline]
    fn from(record: &Record<'_>) -> Self {
        let has_expiry = record.expires_at.is_some();
        let bytes = set_bytes(record.key.len(), record.value.len(), has_expiry);
        Self { sequence: record.sequence, bytes, has_expiry }
    }
}

impl Written {
    fn of(operations: &[(u64, u64, Operation<'_>)]) -> Self {
        let mut written = Self::default();
        for (.., operation) in operations {
            let bytes = span_bytes(operation);
            written.total_bytes += bytes;
            written.tombstone_bytes += if matches!(operation, Operation::Set { .. }) { 0 } else { bytes };
        }
        written
    }
}

impl AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.total_bytes += other.total_bytes;
        self.tombstone_bytes += other.tombstone_bytes;
    }
}

impl Tally {
    #[inline]
    pub(crate) fn has_spans(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Whether there is anything to count when a record without an expiry leaves the index.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.expiring == 0 && self.spans.is_empty()
    }

    /// A record that was replaced is the newest of its key again.
    pub(crate) fn add(&mut self, record: &Counted) {
        self.expiring += usize::from(record.has_expiry);
        if let Some(span) = self.spans.find(record.sequence) {
            span.live_bytes += record.bytes;
        }
    }

    /// A record is no longer the newest of its key.
    #[inline]
    pub(crate) fn remove(&mut self, record: &Counted) {
        self.expiring -= usize::from(record.has_expiry);
        if let Some(span) = self.spans.find(record.sequence) {
            span.live_bytes = span.live_bytes.saturating_sub(record.bytes);
        }
    }

    /// Operations, each behind its hash and its sequence number, are about to be written. Every `Set` counts as live from
    /// here on, until it is removed.
    pub(crate) fn write(&mut self, operations: &[(u64, u64, Operation<'_>)]) -> Written {
        let mut written = Written::default();
        let mut rest = operations;
        while let Some((&(_, first_sequence, _), behind)) = rest.split_first() {
            let Some((span, next)) = self.spans.current(first_sequence) else {
                // Before the first span.
                rest = behind;
                continue;
            };
            let within = rest.partition_point(|&(_, sequence, _)| sequence < next);
            let (these, others) = rest.split_at(within);
            let bytes = Written::of(these);
            span.total_bytes += bytes.total_bytes;
            span.tombstone_bytes += bytes.tombstone_bytes;
            span.live_bytes += bytes.total_bytes - bytes.tombstone_bytes;
            written += bytes;
            rest = others;
        }
        written
    }

    /// Operations from `first_sequence` on were never written.
    pub(crate) fn unwrite(&mut self, first_sequence: u64, written: Written) {
        // A write lies in one span: spans begin between writes.
        if let Some(span) = self.spans.find(first_sequence) {
            span.total_bytes = span.total_bytes.saturating_sub(written.total_bytes);
            span.tombstone_bytes = span.tombstone_bytes.saturating_sub(written.tombstone_bytes);
        }
        self.spans.truncate(first_sequence);
    }

    /// The index is put aside whole.
    pub(crate) fn put_aside(&mut self) -> Aside {
        Aside { expiring: std::mem::take(&mut self.expiring), live: self.spans.put_aside() }
    }

    /// That index is in use again, instead of what came after it.
    pub(crate) fn bring_back(&mut self, aside: &Aside) {
        self.expiring = aside.expiring;
        self.spans.bring_back(&aside.live);
    }
}

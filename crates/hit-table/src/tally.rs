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

impl Tally {
    /// Whether there is anything to count when a record without an expiry leaves the index.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.expiring == 0 && self.spans.is_empty()
    }

    /// A record is the newest of its key.
    #[inline]
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        self.expiring += usize::from(record.expires_at.is_some());
        if let Some(span) = self.spans.find(record.sequence) {
            span.live_bytes += bytes_of(record);
        }
    }

    /// A record is no longer the newest of its key.
    #[inline]
    pub(crate) fn remove(&mut self, record: &Record<'_>) {
        self.expiring -= usize::from(record.expires_at.is_some());
        if let Some(span) = self.spans.find(record.sequence) {
            span.live_bytes = span.live_bytes.saturating_sub(bytes_of(record));
        }
    }

    /// An operation is written, whatever it does.
    #[inline]
    pub(crate) fn write(&mut self, sequence: u64, operation: &Operation<'_>, written: Option<&mut Written>) {
        let Some(span) = self.spans.current(sequence) else { return };
        let bytes = span_bytes(operation);
        let tombstone = if matches!(operation, Operation::Set { .. }) { 0 } else { bytes };
        span.total_bytes += bytes;
        span.tombstone_bytes += tombstone;
        if let Some(written) = written {
            written.total_bytes += bytes;
            written.tombstone_bytes += tombstone;
        }
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

#[inline]
fn bytes_of(record: &Record<'_>) -> u64 {
    set_bytes(record.key.len(), record.value.len(), record.expires_at.is_some())
}

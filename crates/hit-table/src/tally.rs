use std::ops::AddAssign;

use hit_core::Operation;
use hit_core::limits::LARGE_VALUE_BYTES;

use crate::record::Record;
use crate::span::{Spans, set_bytes, span_bytes};
use crate::value::Value;

/// What is counted of the records that the index holds, and of what was written: one call for each that comes or goes.
#[derive(Default)]
pub(crate) struct Tally {
    /// Entries in the index with an expiry.
    pub(crate) expiring: usize,
    /// Bytes of the large values that are in memory.
    pub(crate) large_bytes: u64,
    /// Values on disk, and their bytes.
    pub(crate) stored: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) spans: Spans,
}

/// What a clear of everything has taken out.
pub(crate) struct Aside {
    expiring: usize,
    large_bytes: u64,
    stored: u64,
    stored_bytes: u64,
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
    key_bytes: usize,
    value_bytes: usize,
    has_expiry: bool,
    is_stored: bool,
}

impl Counted {
    #[inline]
    fn span_bytes(&self) -> u64 {
        set_bytes(self.key_bytes, self.value_bytes, self.has_expiry)
    }

    #[inline]
    fn is_large(&self) -> bool {
        self.value_bytes >= LARGE_VALUE_BYTES
    }
}

impl From<&Record<'_>> for Counted {
    #[inline]
    fn from(record: &Record<'_>) -> Self {
        Self {
            sequence: record.sequence,
            key_bytes: record.key.len(),
            value_bytes: record.value.len(),
            has_expiry: record.expires_at.is_some(),
            is_stored: matches!(record.value, Value::Stored(_)),
        }
    }
}

impl From<&Operation<'_>> for Written {
    #[inline]
    fn from(operation: &Operation<'_>) -> Self {
        let total_bytes = span_bytes(operation);
        let is_set = matches!(operation, Operation::Set { .. });
        Self { total_bytes, tombstone_bytes: if is_set { 0 } else { total_bytes } }
    }
}

impl Written {
    pub(crate) fn set(record: &Record<'_>) -> Self {
        Self { total_bytes: Counted::from(record).span_bytes(), tombstone_bytes: 0 }
    }
}

impl AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.total_bytes += other.total_bytes;
        self.tombstone_bytes += other.tombstone_bytes;
    }
}

impl Tally {
    /// Whether nothing that is counted can be in the index.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.expiring == 0 && self.spans.is_empty() && self.large_bytes == 0 && self.stored == 0
    }

    /// A record that was replaced is the newest of its key again.
    pub(crate) fn add(&mut self, record: &Counted) {
        self.enter(record);
        if let Some(span) = self.spans.find(record.sequence) {
            span.live_bytes += record.span_bytes();
        }
    }

    /// A record whose span has counted it as live is the newest of its key.
    #[inline]
    pub(crate) fn enter(&mut self, record: &Counted) {
        self.expiring += usize::from(record.has_expiry);
        if record.is_stored {
            self.stored += 1;
            self.stored_bytes += record.value_bytes as u64;
        } else if record.is_large() {
            self.large_bytes += record.value_bytes as u64;
        }
    }

    /// A record is no longer the newest of its key.
    #[inline]
    pub(crate) fn remove(&mut self, record: &Counted) {
        self.expiring -= usize::from(record.has_expiry);
        if record.is_stored {
            self.stored -= 1;
            self.stored_bytes -= record.value_bytes as u64;
        } else if record.is_large() {
            self.large_bytes -= record.value_bytes as u64;
        }
        if let Some(span) = self.spans.find(record.sequence) {
            span.live_bytes = span.live_bytes.saturating_sub(record.span_bytes());
        }
    }

    /// An operation is about to be written. A `Set` counts as live from here on, until it is removed.
    #[inline]
    pub(crate) fn write(&mut self, sequence: u64, written: Written) {
        if let Some(span) = self.spans.current(sequence) {
            span.total_bytes += written.total_bytes;
            span.tombstone_bytes += written.tombstone_bytes;
            span.live_bytes += written.total_bytes - written.tombstone_bytes;
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
        Aside {
            expiring: std::mem::take(&mut self.expiring),
            large_bytes: std::mem::take(&mut self.large_bytes),
            stored: std::mem::take(&mut self.stored),
            stored_bytes: std::mem::take(&mut self.stored_bytes),
            live: self.spans.put_aside(),
        }
    }

    /// That index is in use again, instead of what came after it.
    pub(crate) fn bring_back(&mut self, aside: &Aside) {
        self.expiring = aside.expiring;
        self.large_bytes = aside.large_bytes;
        (self.stored, self.stored_bytes) = (aside.stored, aside.stored_bytes);
        self.spans.bring_back(&aside.live);
    }
}

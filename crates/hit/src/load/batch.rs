use hit_core::Operation;

/// Operations of one group: enough to pay for a group, few enough that nobody waits long for the apply lock.
const GROUP_OPERATIONS: usize = 1_000;
/// A batch of so many bytes is handed over.
const FULL_BYTES: usize = 1 << 20;
/// A batch of so many entries is handed over.
const FULL_ENTRIES: usize = 8_000;

/// Entries on their way from a source into a store, in one buffer.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Span>,
}

/// Where an entry lies in the buffer.
struct Span {
    key: usize,
    value: usize,
    end: usize,
    expires_at: Option<u64>,
}

impl Batch {
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8], expires_at: Option<u64>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        let (middle, end) = (start + key.len(), self.bytes.len());
        self.entries.push(Span { key: start, value: middle, end, expires_at });
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of its keys and values.
    pub(crate) fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES || self.entries.len() >= FULL_ENTRIES
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// The entries as groups of operations. Each fits a frame: all but the last entry of a batch have less than
    /// [`FULL_BYTES`] in all, and a frame holds the longest value twice.
    pub(crate) fn groups(
        &self,
    ) -> impl Iterator<Item = impl ExactSizeIterator<Item = Operation<'_>> + Clone> {
        self.entries.chunks(GROUP_OPERATIONS).map(|group| group.iter().map(|span| self.operation(span)))
    }

    fn operation(&self, span: &Span) -> Operation<'_> {
        Operation::Set {
            key: self.bytes.get(span.key..span.value).unwrap_or_default(),
            value: self.bytes.get(span.value..span.end).unwrap_or_default(),
            expires_at: span.expires_at,
        }
    }
}

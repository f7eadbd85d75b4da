use parking_lot::Mutex;

/// What lanes have written and the storage has not synced yet.
pub(crate) struct Unsynced(Mutex<Vec<LaneWritten>>);

#[derive(Clone, Copy, Default)]
struct LaneWritten {
    /// The sequence number of the first operation that is not synced; none where all are.
    first: Option<u64>,
    /// The sequence number behind the last operation.
    next: u64,
}

/// How far each lane had written when a sync began.
pub(crate) struct Begun(Vec<u64>);

impl Begun {
    /// What a lane has written is synced, up to a sequence number.
    pub(crate) fn covers(&mut self, lane: usize, next_sequence: u64) {
        if let Some(next) = self.0.get_mut(lane) {
            *next = next_sequence.max(*next);
        }
    }
}

impl Unsynced {
    pub(crate) fn new(lanes: usize) -> Self {
        Self(Mutex::new(vec![LaneWritten::default(); lanes]))
    }

    /// A lane has written operations from `first_sequence` to before `next_sequence`.
    pub(crate) fn add(&self, lane: usize, first_sequence: u64, next_sequence: u64) {
        if let Some(written) = self.0.lock().get_mut(lane) {
            written.first.get_or_insert(first_sequence);
            written.next = next_sequence.max(written.next);
        }
    }

    /// Whether there is anything.
    pub(crate) fn is_any(&self) -> bool {
        self.0.lock().iter().any(|written| written.first.is_some())
    }

    /// A sync begins.
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.0.lock().iter().map(|written| written.next).collect())
    }

    /// That sync has succeeded.
    pub(crate) fn end(&self, begun: &Begun) {
        for (written, &synced) in self.0.lock().iter_mut().zip(&begun.0) {
            written.first = match written.first {
                Some(first) if written.next > synced => Some(first.max(synced)),
                _ => None,
            };
        }
    }

    /// All that was written before this sequence number is synced.
    pub(crate) fn synced(&self) -> u64 {
        self.0.lock().iter().filter_map(|written| written.first).min().unwrap_or(u64::MAX)
    }
}

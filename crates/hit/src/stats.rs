use hit_core::Error;
use hit_log::TornTail;

/// Figures of an open store. Reading them changes nothing and works on a poisoned store too.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Entries that are there; expired ones count until they are swept.
    pub entries: usize,
    /// Writer lanes; a log has one.
    pub lanes: usize,
    /// Bytes that this handle has handed over and the log has not written.
    pub pending_bytes: usize,
    /// Memory that the table holds, in bytes: entries, index and ordered view.
    pub memory_bytes: usize,
    /// Of that, values of 256 bytes and more.
    pub large_value_bytes: u64,
    /// Values that are on disk only, since there is no memory for them.
    pub stored_values: u64,
    /// Bytes of the values that are on disk only.
    pub stored_bytes: u64,
    /// Bytes that the store's files take.
    pub disk_bytes: u64,
    /// Age of the oldest scan that is not closed, in milliseconds; 0 where there is none.
    pub oldest_snapshot_ms: u64,
    /// Segments of the log.
    pub segments: u64,
    /// Files of the log that compaction has made.
    pub runs: u64,
    /// Of the log, what reads see, about: keys and values with a few bytes each.
    pub live_bytes: u64,
    /// Bytes of files that compaction has replaced and a backup or a check still reads. They come on top of `disk_bytes`.
    pub pinned_bytes: u64,
    /// What compaction failed with when it last looked; it tries again.
    pub compaction_error: Option<Error>,
    /// What recovery ignored behind the last whole frame.
    pub torn_tail: Option<TornTail>,
    /// The next operation's sequence number.
    pub next_sequence: u64,
    /// Whether it was opened read-only: then everything is as of the opening or the last refresh.
    pub read_only: bool,
    /// Handles of this store in this process.
    pub handles: usize,
    /// What a storage failed with in the background when it last tried.
    pub background_error: Option<Error>,
    /// A storage's own figures, by name.
    pub storage: Vec<(&'static str, u64)>,
    /// The last failure that was found after its write was answered.
    pub last_error: Option<Error>,
}

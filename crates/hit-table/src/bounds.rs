/// The sizes at which a table changes its ways. The defaults are right for a store; tests make them small to
/// reach every path with little data.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of an ordinary chunk of the arena.
    pub chunk_bytes: usize,
    /// Records larger than this get a chunk of their own.
    pub large_record_bytes: usize,
    /// A range delete that covers at most this many entries deletes them one by one.
    pub expand_entries: usize,
    /// The most range tombstones that reads consult; a range delete past them deletes entries one by one.
    pub range_tombstones: usize,
    /// How long expired entries may stay before a sweep looks for them, in milliseconds.
    pub expiry_slack_ms: u64,
    /// From this many entries on a view is gathered and sorted on two threads, and worth building outside the
    /// write lock.
    pub large_view_entries: usize,
    /// The view is dropped when writes since the last scan outgrow this and a quarter of the entries.
    pub fresh_entries: usize,
    /// Bits of a key's hash that are used. Fewer make collisions, which only tests want.
    pub hash_mask: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            chunk_bytes: 1 << 20,
            large_record_bytes: 64 << 10,
            expand_entries: 1_000,
            range_tombstones: 32,
            expiry_slack_ms: 30 * 1_000,
            large_view_entries: 100_000,
            fresh_entries: 1_024,
            hash_mask: u64::MAX,
        }
    }
}

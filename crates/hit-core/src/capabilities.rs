/// How much of a batch takes effect as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomicBatch {
    /// A batch is seen whole or not at all, also after a crash.
    All,
    /// Only operations of one partition are.
    Partition,
    /// Nothing is promised.
    None,
}

impl AtomicBatch {
    /// The name in the public API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Partition => "partition",
            Self::None => "none",
        }
    }
}

/// What a store can do. Tests, documents and `store.supports` come from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Reads without a promise.
    pub sync_reads: bool,
    /// Scans come in key byte order.
    pub ordered_scans: bool,
    /// Scans see one moment.
    pub snapshots: bool,
    /// How much of a batch takes effect as one.
    pub atomic_batch: AtomicBatch,
    /// Batches with checks, `update`, `increment`, `expire`.
    pub checks: bool,
    /// Entries that expire.
    pub ttl: bool,
    /// `backup` into a folder.
    pub backup: bool,
    /// Several worker threads of one process share one store.
    pub workers: bool,
    /// The longest value, in bytes.
    pub max_value_bytes: usize,
}

use parking_lot::Mutex;

/// Of the process's memory, what all stores together may use for entries that were read: a quarter. The block cache has the rest.
pub(crate) const PART: u64 = 4;

static TAKEN_BYTES: Mutex<u64> = Mutex::new(0);

/// A store's share of that: half of what is left, so that each later store gets some. It is given back when this is dropped.
pub(crate) struct ReadCacheShare {
    pub(crate) bytes: u64,
}

impl ReadCacheShare {
    pub(crate) fn take(memory_bytes: u64) -> Self {
        let mut taken = TAKEN_BYTES.lock();
        let bytes = (memory_bytes / PART).saturating_sub(*taken) / 2;
        *taken += bytes;
        Self { bytes }
    }
}

impl Drop for ReadCacheShare {
    fn drop(&mut self) {
        *TAKEN_BYTES.lock() -= self.bytes;
    }
}

//! The index of what expires: the minute, then the key, in a column family of its own.

/// Milliseconds of a step of the index.
const STEP_MS: u64 = 60_000;
const STEP_BYTES: usize = 8;

/// Behind every key of the index.
pub(crate) const BEHIND_ALL: [u8; STEP_BYTES + 1] = [u8::MAX; STEP_BYTES + 1];

/// The step in which an entry expires.
pub(crate) fn step(expires_at: u64) -> u64 {
    expires_at / STEP_MS
}

/// The key of the index for an entry.
pub(crate) fn index_key(expires_at: u64, key: &[u8]) -> Vec<u8> {
    [&step(expires_at).to_be_bytes()[..], key].concat()
}

/// The first key of the index behind everything that has expired at `now_ms`. The minute that runs is left for later.
pub(crate) fn index_end(now_ms: u64) -> [u8; STEP_BYTES] {
    step(now_ms).to_be_bytes()
}

/// The key of the entry that a key of the index stands for.
pub(crate) fn indexed(index_key: &[u8]) -> &[u8] {
    index_key.get(STEP_BYTES..).unwrap_or_default()
}

//! How far ahead of a segment's end disk space is taken. A sync is faster when the file does not grow with each
//! group, and a store with one key must not take a whole segment.

/// The least that is taken at a time.
const MIN_STEP_BYTES: u64 = 256 << 10;
/// The most that is taken at a time beyond what is needed.
const MAX_STEP_BYTES: u64 = 16 << 20;

/// The length to allocate so that `needed` bytes fit: half of it more, within limits, and where possible not past
/// the length at which the segment is sealed anyway.
pub(crate) fn allocation(needed: u64, segment_bytes: u64) -> u64 {
    let ahead = (needed / 2).clamp(MIN_STEP_BYTES, MAX_STEP_BYTES);
    (needed + ahead).min(segment_bytes.max(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_taken_in_growing_steps_up_to_the_segments_length() {
        const MIB: u64 = 1 << 20;
        assert_eq!(allocation(100, 64 * MIB), 100 + MIN_STEP_BYTES);
        assert_eq!(allocation(8 * MIB, 64 * MIB), 12 * MIB);
        assert_eq!(allocation(60 * MIB, 64 * MIB), 64 * MIB);
        assert_eq!(allocation(65 * MIB, 64 * MIB), 65 * MIB);
        assert_eq!(allocation(100, 10), 100);
    }
}

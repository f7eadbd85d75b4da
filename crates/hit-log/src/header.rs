//! The forty bytes before a frame's operations: `docs/log-format.md`, "Frames".

use hit_core::limits::MAX_FRAME_BYTES;

use crate::bytes::{put, take_u32, take_u64};
use crate::operation::MIN_OPERATION_BYTES;

/// The length of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 40;

/// Frames begin and end on multiples of this.
pub(crate) const FRAME_ALIGNMENT: usize = 8;

/// What a frame's place adds to its checksum: bytes of another segment, or of another place, are never valid here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) salt: [u8; 8],
    pub(crate) offset: u64,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Operations, at least one.
    Operations = 1,
    /// Nothing: it carries the synced sequence number forward.
    Mark = 2,
    /// What compaction kept: operations with their steps, at least one. Only in runs, and nothing else there.
    Kept = 3,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    pub(crate) operations: u32,
    /// Without padding.
    pub(crate) payload_bytes: u32,
    pub(crate) payload_checksum: u32,
    pub(crate) first_sequence: u64,
    /// Everything below this was synced when the frame was written.
    pub(crate) synced_to: u64,
}

/// What forty bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// A header that was written at this place.
    Header(FrameHeader),
    /// Not written here, or not whole.
    Bad,
    /// Written here, yet it means nothing: damage before the checksum was made, or a newer format.
    Malformed(&'static str),
}

impl FrameHeader {
    /// A mark's header.
    pub(crate) fn mark(first_sequence: u64, synced_to: u64) -> Self {
        Self {
            kind: FrameKind::Mark,
            operations: 0,
            payload_bytes: 0,
            payload_checksum: 0,
            first_sequence,
            synced_to,
        }
    }

    /// The length of the whole frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        padded(FRAME_HEADER_BYTES + self.payload_bytes as usize)
    }

    /// The sequence number behind the frame; of a run's frame only its operations tell.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.operations)
    }

    /// The header's bytes at `place`.
    pub(crate) fn encode(&self, place: Place) -> [u8; FRAME_HEADER_BYTES] {
        let mut header = [0; FRAME_HEADER_BYTES];
        let mut target = header.as_mut_slice();
        // Invariant: limits.rs keeps frames below 2^32 bytes.
        put(&mut target, (self.frame_bytes() as u32).to_le_bytes());
        put(&mut target, [0; 4]);
        put(&mut target, self.payload_checksum.to_le_bytes());
        put(&mut target, self.payload_bytes.to_le_bytes());
        put(&mut target, (self.kind as u32).to_le_bytes());
        put(&mut target, self.operations.to_le_bytes());
        put(&mut target, self.first_sequence.to_le_bytes());
        put(&mut target, self.synced_to.to_le_bytes());
        let checksum = checksum(place, &header);
        if let Some((_, mut rest)) = header.split_at_mut_checked(4) {
            put(&mut rest, checksum.to_le_bytes());
        }
        header
    }

    /// What `header` is at `place`.
    pub(crate) fn decode(header: &[u8; FRAME_HEADER_BYTES], place: Place) -> Decoded {
        Self::decode_checked(header, place).unwrap_or(Decoded::Bad)
    }

    fn decode_checked(header: &[u8; FRAME_HEADER_BYTES], place: Place) -> Option<Decoded> {
        let mut rest = header.as_slice();
        let length = take_u32(&mut rest)?;
        if !is_frame_length(length) {
            return None;
        }
        let found = take_u32(&mut rest)?;
        if found != checksum(place, header) {
            return None;
        }
        let payload_checksum = take_u32(&mut rest)?;
        let payload_bytes = take_u32(&mut rest)?;
        let kind = take_u32(&mut rest)?;
        let operations = take_u32(&mut rest)?;
        let first_sequence = take_u64(&mut rest)?;
        let synced_to = take_u64(&mut rest)?;
        let kind = match (kind, operations) {
            (1, 1..) => FrameKind::Operations,
            (2, 0) => FrameKind::Mark,
            (3, 1..) => FrameKind::Kept,
            _ => return Some(Decoded::Malformed("is of an unknown kind")),
        };
        let header = Self { kind, operations, payload_bytes, payload_checksum, first_sequence, synced_to };
        let fits = payload_bytes as usize <= MAX_FRAME_BYTES
            && header.frame_bytes() == length as usize
            && payload_bytes as usize / MIN_OPERATION_BYTES >= operations as usize;
        if !fits {
            return Some(Decoded::Malformed("contradicts its own length"));
        }
        if synced_to > first_sequence {
            return Some(Decoded::Malformed("calls its own operations synced"));
        }
        Some(Decoded::Header(header))
    }
}

/// Whether a frame can have this length.
pub(crate) fn is_frame_length(length: u32) -> bool {
    (FRAME_HEADER_BYTES..=MAX_FRAME_BYTES).contains(&(length as usize))
        && (length as usize).is_multiple_of(FRAME_ALIGNMENT)
}

/// `bytes`, up to the next multiple of the alignment.
pub(crate) fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(FRAME_ALIGNMENT)
}

/// Aligned, for the processor's instruction takes eight bytes at a time.
#[repr(align(8))]
struct Covered([u8; 16 + FRAME_HEADER_BYTES]);

/// The checksum of salt, offset and header, with zeros where the checksum itself stands.
fn checksum(place: Place, header: &[u8; FRAME_HEADER_BYTES]) -> u32 {
    let mut covered = Covered([0; 16 + FRAME_HEADER_BYTES]);
    let mut target = covered.0.as_mut_slice();
    put(&mut target, place.salt);
    put(&mut target, place.offset.to_le_bytes());
    put(&mut target, *header);
    if let Some(field) = covered.0.get_mut(20..24) {
        field.fill(0);
    }
    crc32c::crc32c(&covered.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { salt: *b"saltsalt", offset: 96 };
    const HEADER: FrameHeader = FrameHeader {
        kind: FrameKind::Operations,
        operations: 3,
        payload_bytes: 30,
        payload_checksum: 0x0102_0304,
        first_sequence: 9,
        synced_to: 7,
    };

    #[test]
    fn a_header_is_valid_only_where_it_was_written() {
        let bytes = HEADER.encode(PLACE);
        assert_eq!(FrameHeader::decode(&bytes, PLACE), Decoded::Header(HEADER));
        assert_eq!(HEADER.frame_bytes(), 72);
        assert_eq!(HEADER.next_sequence(), 12);
        assert_eq!(FrameHeader::decode(&bytes, Place { offset: 104, ..PLACE }), Decoded::Bad);
        assert_eq!(FrameHeader::decode(&bytes, Place { salt: *b"saltsalu", ..PLACE }), Decoded::Bad);
    }

    #[test]
    fn every_altered_bit_makes_it_bad() {
        let bytes = HEADER.encode(PLACE);
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut altered = bytes;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FrameHeader::decode(&altered, PLACE), Decoded::Bad, "bit {bit}");
        }
        assert_eq!(FrameHeader::decode(&[0; FRAME_HEADER_BYTES], PLACE), Decoded::Bad);
    }

    #[test]
    fn a_written_header_that_means_nothing_is_told_from_a_bad_one() {
        for header in [
            FrameHeader { operations: 0, ..HEADER },
            FrameHeader { operations: 16, ..HEADER },
            FrameHeader { synced_to: 10, ..HEADER },
            FrameHeader { kind: FrameKind::Mark, ..HEADER },
        ] {
            assert!(
                matches!(FrameHeader::decode(&header.encode(PLACE), PLACE), Decoded::Malformed(_)),
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_frame_is_never_longer_than_the_limit() {
        assert!(is_frame_length(MAX_FRAME_BYTES as u32) && is_frame_length(40));
        for length in [MAX_FRAME_BYTES as u32 + 8, 32, 44, 0, u32::MAX] {
            assert!(!is_frame_length(length), "{length}");
        }
    }
}

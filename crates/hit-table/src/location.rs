/// Where a record lies: a chunk of the arena and a byte offset in it. 41 bits, so that a slot of the index has room for
/// a part of the hash beside it; two flags at the top are for lists of locations, which stay at eight bytes an operation.
///
/// The mark says that it stands for a deletion, in the ordered view, or for an insertion, in an [`crate::Undo`]. The other
/// one says, in the ordered view, that the record can expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location(u64);

const MARK: u64 = 1 << 63;
const EXPIRING: u64 = 1 << 62;
const OFFSET_BITS: u32 = 20;
const CHUNK_BITS: u32 = 21;

impl Location {
    /// How many bits an unmarked location has.
    pub(crate) const BITS: u32 = CHUNK_BITS + OFFSET_BITS;

    /// How many chunks there can be. The last one stays free, so that a slot can say more than a location does.
    pub(crate) const CHUNKS: u32 = (1 << CHUNK_BITS) - 1;

    /// The longest chunk in which records lie behind one another.
    pub(crate) const MAX_CHUNK_BYTES: usize = 1 << OFFSET_BITS;

    #[inline]
    pub(crate) fn new(chunk: u32, offset: usize) -> Self {
        debug_assert!(chunk < Self::CHUNKS && offset < Self::MAX_CHUNK_BYTES);
        Self(u64::from(chunk) << OFFSET_BITS | offset as u64)
    }

    /// The location with these [`Location::BITS`] bits.
    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of an unmarked location.
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn chunk(self) -> usize {
        ((self.0 & !(MARK | EXPIRING)) >> OFFSET_BITS) as usize
    }

    #[inline]
    pub(crate) fn offset(self) -> usize {
        self.0 as usize & (Self::MAX_CHUNK_BYTES - 1)
    }

    pub(crate) fn marked(self) -> Self {
        Self(self.0 | MARK)
    }

    pub(crate) fn unmarked(self) -> Self {
        Self(self.0 & !MARK)
    }

    #[inline]
    pub(crate) fn is_marked(self) -> bool {
        self.0 & MARK != 0
    }

    pub(crate) fn expiring(self) -> Self {
        Self(self.0 | EXPIRING)
    }

    #[inline]
    pub(crate) fn can_expire(self) -> bool {
        self.0 & EXPIRING != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_change_nothing_else() {
        let location = Location::new(Location::CHUNKS - 1, Location::MAX_CHUNK_BYTES - 1);
        assert!(location.marked().is_marked() && !location.is_marked());
        assert!(location.expiring().can_expire() && !location.marked().can_expire());
        for flagged in [location, location.marked(), location.expiring(), location.expiring().marked()] {
            assert_eq!(flagged.chunk(), Location::CHUNKS as usize - 1);
            assert_eq!(flagged.offset(), Location::MAX_CHUNK_BYTES - 1);
        }
        assert_eq!(location.marked().unmarked(), location);
        assert_eq!(Location::from_bits(location.bits()), location);
        assert!(location.bits() < 1 << Location::BITS);
    }
}

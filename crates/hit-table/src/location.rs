/// Where a record lies: a chunk of the arena and a byte offset in it, with one bit to spare.
///
/// The bit marks a deletion in the ordered view and an insertion in an [`crate::Undo`], so that both stay lists of
/// eight bytes an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location(u64);

const MARK: u64 = 1 << 63;

impl Location {
    /// No record: its chunk can never exist, so whoever reads it by mistake finds nothing.
    pub(crate) const NONE: Self = Self(u64::MAX);

    /// The highest chunk number, one below that of [`Location::NONE`].
    pub(crate) const MAX_CHUNK: u32 = (u32::MAX >> 1) - 1;

    pub(crate) fn new(chunk: u32, offset: u32) -> Self {
        Self(u64::from(chunk) << 32 | u64::from(offset))
    }

    #[inline]
    pub(crate) fn chunk(self) -> usize {
        ((self.0 & !MARK) >> 32) as usize
    }

    #[inline]
    pub(crate) fn offset(self) -> usize {
        self.0 as u32 as usize
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_changes_nothing_else() {
        let location = Location::new(Location::MAX_CHUNK, u32::MAX);
        assert!(location.marked().is_marked() && !location.is_marked());
        assert_eq!(location.marked().chunk(), Location::MAX_CHUNK as usize);
        assert_eq!(location.marked().offset(), u32::MAX as usize);
        assert_eq!(location.marked().unmarked(), location);
        assert_ne!(location.marked(), Location::NONE);
    }
}

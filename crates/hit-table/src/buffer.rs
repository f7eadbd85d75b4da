use std::ops::{Deref, DerefMut};

use memmap2::{MmapMut, MmapOptions};

/// Below this a page of its own would waste most of it.
const MAPPED_FROM_BYTES: usize = 32 << 10;

/// The bytes of a chunk.
///
/// They are mapped from the system rather than allocated, for two reasons: they go back to it the moment the chunk is
/// freed (an allocator keeps freed megabytes in its heap), and their pages come in one call instead of a fault each.
pub(crate) enum Buffer {
    Mapped(MmapMut),
    Allocated(Box<[u8]>),
}

impl Buffer {
    /// `length` zero bytes. Where the system has no mapping left (it bounds their number) they are allocated, and
    /// where there is no memory either the process ends as it does with any vector.
    pub(crate) fn new(length: usize) -> Self {
        if length >= MAPPED_FROM_BYTES
            && let Ok(bytes) = MmapOptions::new().len(length).populate().map_anon()
        {
            return Self::Mapped(bytes);
        }
        Self::Allocated(vec![0; length].into_boxed_slice())
    }

    pub(crate) fn empty() -> Self {
        Self::Allocated(Box::default())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Allocated(bytes) => bytes,
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Allocated(bytes) => bytes,
        }
    }
}

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use memmap2::{MmapMut, MmapOptions};

/// Below this a page of its own would waste most of it.
const MAPPED_FROM_BYTES: usize = 32 << 10;

/// The memory of a chunk, reached through a pointer only: while its owner writes behind what is there, others read
/// what is there, and a reference to all of it would claim both.
///
/// It is mapped from the system rather than allocated, for two reasons: it goes back to it the moment the chunk is
/// freed (an allocator keeps freed megabytes in its heap), and its pages come in one call instead of a fault each.
pub(crate) struct Buffer {
    start: NonNull<u8>,
    owner: Owner,
}

enum Owner {
    Mapping(#[expect(dead_code, reason = "it is held to be dropped")] MmapMut),
    Allocation(Layout),
}

// SAFETY: a buffer owns its memory, which is bound to no thread.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer gives out its address only.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `length` zero bytes. Where the system has no mapping left (it bounds their number) they are allocated, and
    /// where there is no memory either the process ends as it does with any vector.
    pub(crate) fn new(length: usize) -> Self {
        if length >= MAPPED_FROM_BYTES
            && let Ok(mut mapping) = MmapOptions::new().len(length).populate().map_anon()
            && let Some(start) = NonNull::new(mapping.as_mut_ptr())
        {
            return Self { start, owner: Owner::Mapping(mapping) };
        }
        let layout = Layout::array::<u8>(length.max(1)).expect("no chunk is as long as the address space");
        // SAFETY: the layout has a size.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) });
        let start = start.unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, owner: Owner::Allocation(layout) }
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Owner::Allocation(layout) = self.owner {
            // SAFETY: it was allocated with this layout, and nobody else frees it.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

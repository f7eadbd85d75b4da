//! The memory of all records, by chunk: one owner opens chunks and gives them back, and anybody reads, at the same time.

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use parking_lot::Mutex;

use crate::buffer::Buffer;
use crate::location::Location;
use crate::prefetch::prefetch;
use crate::record::Record;

/// Chunks of one block. A small table takes one block, and no block ever moves.
const BLOCK_CHUNKS: usize = 1 << 10;
const BLOCKS: usize = (Location::CHUNKS as usize).div_ceil(BLOCK_CHUNKS);

type Block = [AtomicPtr<u8>; BLOCK_CHUNKS];

/// Where each chunk begins. Chunks live until they are released and, with it, until nobody holds this any more.
pub(crate) struct Chunks {
    blocks: Box<[AtomicPtr<Block>]>,
    owned: Mutex<Owned>,
}

#[derive(Default)]
struct Owned {
    buffers: Vec<Option<Buffer>>,
    /// Numbers whose chunk is gone and that nobody can still read by.
    free: Vec<u32>,
}

impl Default for Chunks {
    fn default() -> Self {
        let blocks = (0..BLOCKS).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Self { blocks, owned: Mutex::default() }
    }
}

impl Chunks {
    /// A chunk of `length` zero bytes: its number, and where it begins.
    pub(crate) fn open(&self, length: usize) -> (u32, NonNull<u8>) {
        let buffer = Buffer::new(length);
        let start = buffer.start();
        let mut owned = self.owned.lock();
        let number = owned.free.pop().unwrap_or_else(|| {
            owned.buffers.push(None);
            u32::try_from(owned.buffers.len() - 1).unwrap_or(u32::MAX)
        });
        assert!(number < Location::CHUNKS, "whoever writes has looked whether there is room for it");
        if let Some(slot) = owned.buffers.get_mut(number as usize) {
            *slot = Some(buffer);
        }
        // Release: whoever finds the chunk finds the zeros in it.
        self.slot_to_open(number as usize).store(start.as_ptr(), Ordering::Release);
        (number, start)
    }

    /// Frees a chunk when all that may be reading it have ended. Only its owner calls this, and once no place that
    /// is looked up leads to it.
    pub(crate) fn release(self: &Arc<Self>, number: u32) {
        let (chunks, guard) = (Arc::clone(self), crossbeam_epoch::pin());
        // The number too: a late reader must not find another chunk behind it.
        guard.defer(move || {
            if let Some(slot) = chunks.slot(number as usize) {
                slot.store(ptr::null_mut(), Ordering::Release);
            }
            let mut owned = chunks.owned.lock();
            let buffer = owned.buffers.get_mut(number as usize).and_then(Option::take);
            owned.free.push(number);
            drop(owned);
            drop(buffer);
        });
        // Else it would wait for many others to be freed, and it is a megabyte.
        guard.flush();
    }

    #[inline]
    fn slot(&self, number: usize) -> Option<&AtomicPtr<u8>> {
        let block = self.blocks.get(number / BLOCK_CHUNKS)?.load(Ordering::Acquire);
        // SAFETY: a block that was put there is freed with `self` only.
        unsafe { block.as_ref() }?.get(number % BLOCK_CHUNKS)
    }

    /// The same, its block made where it is not there. Only the owner of `owned`'s lock calls it.
    fn slot_to_open(&self, number: usize) -> &AtomicPtr<u8> {
        if let Some(slot) = self.slot(number) {
            return slot;
        }
        let block: Box<Block> = Box::new([const { AtomicPtr::new(ptr::null_mut()) }; BLOCK_CHUNKS]);
        if let Some(place) = self.blocks.get(number / BLOCK_CHUNKS) {
            place.store(Box::into_raw(block), Ordering::Release);
        }
        self.slot(number).expect("its block was made just now")
    }

    /// Where a record begins; `None` where its chunk is gone.
    #[inline]
    fn at(&self, location: Location) -> Option<NonNull<u8>> {
        let start = NonNull::new(self.slot(location.chunk())?.load(Ordering::Acquire))?;
        // SAFETY: a location lies in its chunk.
        Some(unsafe { start.add(location.offset()) })
    }
}

/// Reads records while something keeps their chunks from being released.
#[derive(Clone, Copy)]
pub(crate) struct Records<'a>(&'a Chunks);

impl<'a> Records<'a> {
    /// # Safety
    /// Every location that is looked up here is that of a record that was appended before, in the order of memory, and its
    /// chunk is not freed for `'a`: the caller has its owner, a snapshot or another pin that is older than its release, or
    /// a guard that is older than that and than the look-up that has led there.
    pub(crate) unsafe fn new(chunks: &'a Chunks) -> Self {
        Self(chunks)
    }

    /// Has the processor load the beginning of a record.
    #[inline]
    pub(crate) fn prefetch(self, location: Location) {
        if let Some(at) = self.0.at(location) {
            prefetch(at.as_ptr());
        }
    }

    /// The record at a location; `None` where its chunk is gone.
    #[inline]
    pub(crate) fn record(self, location: Location) -> Option<Record<'a>> {
        // SAFETY: as whoever made this has promised.
        self.0.at(location).map(|at| unsafe { Record::read(at) })
    }

    /// The key of the record at a location. Each has one; nothing is read otherwise.
    #[inline]
    pub(crate) fn key(self, location: Location) -> &'a [u8] {
        // SAFETY: as above.
        self.0.at(location).map_or(&[], |at| unsafe { Record::read_key(at) })
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        for block in &mut self.blocks {
            let block = *block.get_mut();
            if !block.is_null() {
                // SAFETY: it came from a box, and nobody can reach it any more.
                drop(unsafe { Box::from_raw(block) });
            }
        }
    }
}

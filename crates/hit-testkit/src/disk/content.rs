use std::collections::BTreeMap;
use std::sync::Arc;

/// What a page of a file takes, in memory here and on a disk with a limit.
pub(super) const PAGE_BYTES: u64 = 4096;

type Page = [u8; PAGE_BYTES as usize];

/// A file's bytes. Pages that were never written take no memory and read as zeros; a copy shares the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pages: BTreeMap<u64, Arc<Page>>,
    size: u64,
}

/// A change of a file that a sync makes durable.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write {
        offset: u64,
        bytes: Arc<[u8]>,
    },
    SetSize(u64),
    /// Takes space and lengthens the file to it.
    Allocate(u64),
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Pages behind `reserved_bytes` that hold something.
    pub(super) fn pages_behind(&self, reserved_bytes: u64) -> u64 {
        self.pages.range(reserved_bytes.div_ceil(PAGE_BYTES)..).count() as u64
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let length =
            usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let (target, _) = buffer.split_at_mut(length);
        for (page, within, piece) in pieces(target.len(), offset) {
            let Some(target) = target.get_mut(piece) else { continue };
            match self.pages.get(&page).and_then(|page| page.get(within)) {
                Some(source) => target.copy_from_slice(source),
                None => target.fill(0),
            }
        }
        length
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { offset, bytes } => self.write(bytes, *offset),
            Change::SetSize(size) => self.set_size(*size),
            Change::Allocate(size) => self.size = self.size.max(*size),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        self.size = self.size.max(offset + bytes.len() as u64);
        self.overwrite(bytes, offset);
    }

    /// The same without making the file longer.
    pub(super) fn overwrite(&mut self, bytes: &[u8], offset: u64) {
        for (page, within, piece) in pieces(bytes.len(), offset) {
            let page = self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE_BYTES as usize]));
            if let (Some(target), Some(source)) = (Arc::make_mut(page).get_mut(within), bytes.get(piece)) {
                target.copy_from_slice(source);
            }
        }
    }

    pub(super) fn set_size(&mut self, size: u64) {
        if size < self.size {
            self.clear_behind(size);
        }
        self.size = size;
    }

    /// What lies behind the end reads as zeros if the file grows again.
    pub(super) fn clear_behind(&mut self, size: u64) {
        drop(self.pages.split_off(&size.div_ceil(PAGE_BYTES)));
        if let Some(page) = self.pages.get_mut(&(size / PAGE_BYTES))
            && let Some(behind) = Arc::make_mut(page).get_mut((size % PAGE_BYTES) as usize..)
        {
            behind.fill(0);
        }
    }
}

/// The pages that `length` bytes at `offset` touch: page, place in the page, place in the bytes.
fn pieces(
    length: usize,
    offset: u64,
) -> impl Iterator<Item = (u64, std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let within = (at % PAGE_BYTES) as usize;
        let step = (PAGE_BYTES as usize - within).min(length - done);
        let piece = (at / PAGE_BYTES, within..within + step, done..done + step);
        done += step;
        (step > 0).then_some(piece)
    })
}

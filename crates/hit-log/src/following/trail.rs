use std::collections::VecDeque;

use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::header::FrameHeader;

/// How far a log was read, and what of that a writer may still take back.
///
/// A failed append is cut away and other frames are written in its place, and recovery goes on behind the last frame that it
/// found whole, in another segment. Only what was synced stays what it is. So the frames that are not proven to be synced are
/// remembered and must be met again by the next pass, wherever they lie then.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    /// Everything below this sequence number is synced.
    pub(super) proven: u64,
    /// The sequence number behind the last frame.
    pub(super) next_sequence: u64,
    /// Number and salt of the segment in which reading ended.
    segment: Option<(u64, [u8; 8])>,
    /// Frames from the proven sequence number on, and the last one of the segment in any case: the next pass begins there.
    frames: VecDeque<ReadFrame>,
    /// How many of them this pass has met again.
    met: usize,
}

/// A frame that was read, by what stays the same when it is copied to another place.
#[derive(Clone, Copy, Debug)]
struct ReadFrame {
    offset: u64,
    first_sequence: u64,
    operations: u32,
    payload_bytes: u32,
    payload_checksum: u32,
}

impl ReadFrame {
    fn is_same(&self, other: &Self) -> bool {
        (self.first_sequence, self.operations, self.payload_bytes, self.payload_checksum)
            == (other.first_sequence, other.operations, other.payload_bytes, other.payload_checksum)
    }

    fn next_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.operations)
    }
}

/// What a frame is to whoever has read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// It was read before.
    Known,
    /// It comes next.
    New,
    /// It stands where another one was read: that was taken back.
    Other,
}

impl Trail {
    /// Behind synced operations up to `next_sequence`.
    pub(super) fn behind(next_sequence: u64) -> Self {
        Self { proven: next_sequence, next_sequence, segment: None, frames: VecDeque::new(), met: 0 }
    }

    /// The same, with this segment as the last that was read.
    pub(super) fn behind_segment(header: &FileHeader, next_sequence: u64) -> Self {
        Self { segment: Some((header.id.number, header.salt)), ..Self::behind(next_sequence) }
    }

    pub(super) fn begin_pass(&mut self) {
        self.met = 0;
    }

    /// Goes on in a segment that begins at or before what is proven: where its frames begin that are to be looked at, and with
    /// which sequence number.
    pub(super) fn enter(&mut self, header: &FileHeader, limit: u64) -> (u64, u64) {
        let segment = Some((header.id.number, header.salt));
        if self.segment != segment {
            self.segment = segment;
            self.forget_proven(0);
            return (FILE_HEADER_BYTES as u64, header.first_sequence);
        }
        let first = self.frames.front().filter(|frame| frame.offset <= limit);
        first.map_or((FILE_HEADER_BYTES as u64, header.first_sequence), |frame| {
            (frame.offset, frame.first_sequence)
        })
    }

    /// Compares a frame of operations with what was read.
    pub(super) fn meet(&mut self, offset: u64, header: &FrameHeader) -> Met {
        let frame = ReadFrame::new(offset, header);
        match self.frames.get_mut(self.met) {
            Some(known) if known.is_same(&frame) => {
                known.offset = offset;
                self.met += 1;
                Met::Known
            }
            _ if frame.next_sequence() <= self.proven => Met::Known,
            None if frame.first_sequence == self.next_sequence => Met::New,
            _ => Met::Other,
        }
    }

    /// Takes in a new frame.
    pub(super) fn add(&mut self, offset: u64, header: &FrameHeader) {
        self.frames.push_back(ReadFrame::new(offset, header));
        self.met = self.frames.len();
        self.next_sequence = header.next_sequence();
    }

    /// Hears, behind what was met, up to where everything is synced.
    pub(super) fn hear(&mut self, synced_to: u64) {
        self.proven = self.proven.max(synced_to.min(self.next_sequence));
        self.forget_proven(1);
    }

    fn forget_proven(&mut self, kept: usize) {
        let proven = self.proven;
        while self.frames.len() > kept
            && self.frames.front().is_some_and(|frame| frame.next_sequence() <= proven)
        {
            self.frames.pop_front();
            self.met = self.met.saturating_sub(1);
        }
    }
}

impl ReadFrame {
    fn new(offset: u64, header: &FrameHeader) -> Self {
        let FrameHeader { first_sequence, operations, payload_bytes, payload_checksum, .. } = *header;
        Self { offset, first_sequence, operations, payload_bytes, payload_checksum }
    }
}

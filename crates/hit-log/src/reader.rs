//! Reads the frames of a segment in order, through a window over the file: neither a long segment nor a damaged
//! length makes the reader take memory for more than one frame.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use hit_core::Result;

use crate::corruption::corruption;
use crate::file_id::FileKind;
use crate::files::{File, read_available_at};
use crate::header::{
    Decoded, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader, FrameKind, Place, is_frame_length,
};
use crate::io_error::cannot;
use crate::operation::{FrameOperations, are_valid, last_of_valid_run};

/// How much is read at a time: little enough to stay in the processor's cache.
const WINDOW_BYTES: usize = 1 << 20;

/// A part of a file in memory. One window serves all segments in turn.
#[derive(Default)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    /// Forgets what it holds, for another file.
    pub(crate) fn reset(&mut self) {
        self.filled = 0;
    }

    /// The `length` bytes at `offset`; fewer where the limit or the file ends.
    fn get(&mut self, file: &dyn File, limit: u64, offset: u64, length: usize) -> io::Result<&[u8]> {
        let left = limit.saturating_sub(offset);
        let length = left.min(length as u64) as usize;
        if offset < self.start || offset + length as u64 > self.start + self.filled as u64 {
            let most = left.min(WINDOW_BYTES as u64) as usize;
            self.fill(file, offset, most.max(length))?;
        }
        let from = (offset - self.start) as usize;
        let to = (from + length).min(self.filled);
        Ok(self.buffer.get(from..to).unwrap_or_default())
    }

    fn fill(&mut self, file: &dyn File, offset: u64, length: usize) -> io::Result<()> {
        let held =
            offset.checked_sub(self.start).and_then(|skipped| self.filled.checked_sub(skipped as usize));
        let kept = held.unwrap_or(0);
        self.buffer.copy_within(self.filled - kept..self.filled, 0);
        (self.start, self.filled) = (offset, kept);
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        if let Some(room) = self.buffer.get_mut(kept..length) {
            self.filled += read_available_at(file, room, offset + kept as u64)?;
        }
        Ok(())
    }
}

/// What comes next in a segment.
pub(crate) enum Step<'a> {
    /// A whole frame.
    Frame(FrameAt<'a>),
    /// The limit.
    End,
    /// Something that is not a whole frame, and why not.
    Bad(&'static str),
}

/// A whole, validated frame.
pub(crate) struct FrameAt<'a> {
    pub(crate) offset: u64,
    pub(crate) header: FrameHeader,
    /// Operations and padding.
    pub(crate) body: &'a [u8],
}

impl<'a> FrameAt<'a> {
    pub(crate) fn operations(&self) -> FrameOperations<'a> {
        let FrameHeader { kind, operations, first_sequence, .. } = self.header;
        match kind {
            FrameKind::Kept => FrameOperations::of_run(self.body, operations, first_sequence),
            FrameKind::Operations | FrameKind::Mark => {
                FrameOperations::new(self.body, operations, first_sequence)
            }
        }
    }
}

/// Reads the frames of one segment or run.
pub(crate) struct FrameReader<'a> {
    pub(crate) kind: FileKind,
    pub(crate) file: &'a dyn File,
    pub(crate) path: &'a Path,
    pub(crate) salt: [u8; 8],
    /// Where the next frame begins.
    pub(crate) position: u64,
    /// Where reading ends.
    pub(crate) limit: u64,
    /// The sequence number that the next frame must begin with; in a run, with that one or a later one.
    pub(crate) next_sequence: u64,
    pub(crate) window: &'a mut Window,
}

impl FrameReader<'_> {
    /// Reads the next frame.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` for a frame that was written as it is and cannot be right; `HIT_IO`.
    pub(crate) fn next(&mut self) -> Result<Step<'_>> {
        let (offset, path) = (self.position, self.path);
        let left = self.limit - offset;
        if left == 0 {
            return Ok(Step::End);
        }
        let header = match self.header(offset)? {
            Decoded::Header(header) => header,
            Decoded::Bad => return Ok(Step::Bad("no frame begins here")),
            Decoded::Malformed(what) => return Err(corruption(path, offset, &format!("its frame {what}"))),
        };
        if (header.kind == FrameKind::Kept) != (self.kind == FileKind::Run) {
            return Err(corruption(path, offset, "its frame is of a kind that does not belong here"));
        }
        let follows = match self.kind {
            FileKind::Segment => header.first_sequence == self.next_sequence,
            FileKind::Run => header.first_sequence >= self.next_sequence,
        };
        if !follows {
            let what = format!(
                "its frame begins with operation {}, the one before it ends with {}",
                header.first_sequence,
                self.next_sequence.saturating_sub(1)
            );
            return Err(corruption(path, offset, &what));
        }
        let length = header.frame_bytes();
        if length as u64 > left {
            return Ok(Step::Bad("the frame is cut"));
        }
        let frame = self.window.get(self.file, self.limit, offset, length).map_err(cannot("read", path))?;
        let body = frame.get(FRAME_HEADER_BYTES..length);
        let Some((body, (payload, padding))) =
            body.and_then(|body| Some((body, body.split_at_checked(header.payload_bytes as usize)?)))
        else {
            return Ok(Step::Bad("the file ends within the frame"));
        };
        if crc32c::crc32c(payload) != header.payload_checksum || padding.iter().any(|&byte| byte != 0) {
            return Ok(Step::Bad("the frame's content does not match its checksum"));
        }
        let next_sequence = match header.kind {
            FrameKind::Mark => Some(header.first_sequence),
            FrameKind::Operations => are_valid(payload, header.operations).then(|| header.next_sequence()),
            FrameKind::Kept => {
                last_of_valid_run(payload, header.operations, header.first_sequence).map(|last| last + 1)
            }
        };
        let Some(next_sequence) = next_sequence else {
            return Err(corruption(path, offset, "an operation in its frame cannot be read"));
        };
        self.position += length as u64;
        self.next_sequence = next_sequence;
        Ok(Step::Frame(FrameAt { offset, header, body }))
    }

    /// Goes over the headers from here without reading what is between them, until one is bad or `visit` breaks.
    ///
    /// # Errors
    /// `HIT_IO`.
    pub(crate) fn hop(&mut self, mut visit: impl FnMut(u64, &FrameHeader) -> ControlFlow<()>) -> Result<()> {
        while let Decoded::Header(header) = self.header(self.position)? {
            let end = self.position + header.frame_bytes() as u64;
            if end > self.limit || visit(self.position, &header).is_break() {
                break;
            }
            self.position = end;
        }
        Ok(())
    }

    /// Looks behind the last whole frame for what tells damage from a torn write.
    ///
    /// # Errors
    /// `HIT_IO`.
    pub(crate) fn search_rest(&mut self) -> Result<Rest> {
        let mut rest = Rest { synced_to: 0, last_byte: None };
        // Frames begin on multiples of the alignment, and so does the rest.
        while self.position < self.limit {
            let bytes = self
                .window
                .get(self.file, self.limit, self.position, WINDOW_BYTES)
                .map_err(cannot("read", self.path))?;
            let whole = bytes.len() < WINDOW_BYTES || self.position + WINDOW_BYTES as u64 >= self.limit;
            let stop = if whole { bytes.len() } else { WINDOW_BYTES - FRAME_HEADER_BYTES };
            if stop == 0 {
                break;
            }
            for at in (0..stop).step_by(FRAME_ALIGNMENT) {
                let Some(word) = bytes.get(at..(at + FRAME_ALIGNMENT).min(stop)) else { break };
                if word == [0; FRAME_ALIGNMENT] {
                    continue;
                }
                let Some(last) = word.iter().rposition(|&byte| byte != 0) else { continue };
                let offset = self.position + at as u64;
                rest.last_byte = Some(offset + last as u64);
                if let Some(header) = bytes.get(at..).and_then(|bytes| header_at(bytes, self.salt, offset)) {
                    rest.synced_to = rest.synced_to.max(header.synced_to);
                }
            }
            self.position += stop as u64;
        }
        Ok(rest)
    }

    /// The highest sequence number that a header from here on calls synced. Goes no further.
    ///
    /// # Errors
    /// `HIT_IO`.
    pub(crate) fn synced_behind(&mut self) -> Result<u64> {
        let position = self.position;
        let rest = self.search_rest();
        self.position = position;
        rest.map(|rest| rest.synced_to)
    }

    /// Looks once more at a frame that was bad: its write may have ended meanwhile.
    ///
    /// # Errors
    /// `HIT_IO`.
    pub(crate) fn is_whole_again(&mut self) -> Result<bool> {
        let (position, next_sequence) = (self.position, self.next_sequence);
        self.window.reset();
        let is_whole = matches!(self.next(), Ok(Step::Frame(_)));
        (self.position, self.next_sequence) = (position, next_sequence);
        Ok(is_whole)
    }

    /// Goes on behind damage: finds the next place where a frame of this file begins that continues it, and says which. `None`
    /// where there is none.
    ///
    /// # Errors
    /// `HIT_IO`.
    pub(crate) fn resume(&mut self) -> Result<Option<FrameHeader>> {
        let mut at = self.position + FRAME_ALIGNMENT as u64;
        while at + FRAME_HEADER_BYTES as u64 <= self.limit {
            if let Decoded::Header(header) = self.header(at)?
                && header.first_sequence >= self.next_sequence
            {
                (self.position, self.next_sequence) = (at, header.first_sequence);
                return Ok(Some(header));
            }
            at += FRAME_ALIGNMENT as u64;
        }
        self.position = self.limit;
        Ok(None)
    }

    fn header(&mut self, offset: u64) -> Result<Decoded> {
        let bytes = self
            .window
            .get(self.file, self.limit, offset, FRAME_HEADER_BYTES)
            .map_err(cannot("read", self.path))?;
        Ok(bytes
            .first_chunk()
            .map_or(Decoded::Bad, |header| FrameHeader::decode(header, Place { salt: self.salt, offset })))
    }
}

/// What lies behind the last whole frame of a segment.
pub(crate) struct Rest {
    /// The highest sequence number that a header there calls synced. A header has a checksum of its own, so it
    /// counts even if the operations behind it are damaged.
    pub(crate) synced_to: u64,
    /// Where the last byte that is not zero lies.
    pub(crate) last_byte: Option<u64>,
}

fn header_at(bytes: &[u8], salt: [u8; 8], offset: u64) -> Option<FrameHeader> {
    let header = bytes.first_chunk()?;
    if !is_frame_length(u32::from_le_bytes(*header.first_chunk()?)) {
        return None;
    }
    match FrameHeader::decode(header, Place { salt, offset }) {
        Decoded::Header(header) => Some(header),
        Decoded::Bad | Decoded::Malformed(_) => None,
    }
}

use std::ops::ControlFlow;

use hit_core::Result;

use crate::corruption::corruption;
use crate::files::{File, Files, OpenMode};
use crate::header::FrameKind;
use crate::io_error::cannot;
use crate::reader::{FrameReader, Step, Window};
use crate::segment::SEGMENT_HEADER_BYTES;
use crate::stats::TornTail;

use super::Replay;
use super::survey::Segment;

/// The last segment of a log that was not closed.
pub(super) struct Tail<'s> {
    pub(super) segment: &'s Segment,
    /// Operations in it, by its headers.
    pub(super) operations: u64,
    /// Up to this sequence number it is proven to be synced: its header was written after a sync of what came before,
    /// and each frame says what was synced when it was written.
    pub(super) proven_sequence: u64,
    /// Where the frames from that sequence number on begin.
    pub(super) proven_end: u64,
    /// The sequence number behind its last whole frame.
    pub(super) next_sequence: u64,
    /// What follows that frame, unless it is nothing.
    pub(super) torn: Option<TornTail>,
}

impl Tail<'_> {
    /// Whether there are operations that may not be on disk.
    pub(super) fn must_be_rewritten(&self) -> bool {
        self.next_sequence > self.proven_sequence
    }
}

pub(super) fn open(files: &dyn Files, segment: &Segment) -> Result<Box<dyn File>> {
    files.open(&segment.path, OpenMode::Read).map_err(cannot("read", &segment.path))
}

pub(super) fn reader<'a>(
    file: &'a dyn File,
    segment: &'a Segment,
    limit: u64,
    window: &'a mut Window,
) -> FrameReader<'a> {
    window.reset();
    FrameReader {
        file,
        path: &segment.path,
        salt: segment.header.salt,
        position: SEGMENT_HEADER_BYTES as u64,
        limit,
        next_sequence: segment.header.first_sequence,
        window,
    }
}

/// Goes over the headers of the last segment: how many operations there are and what is proven to be synced.
pub(super) fn look_ahead<'s>(
    files: &dyn Files,
    segment: &'s Segment,
    window: &mut Window,
) -> Result<Tail<'s>> {
    let file = open(files, segment)?;
    let first = segment.header.first_sequence;
    let (mut operations, mut proven_sequence) = (0, first);
    reader(&*file, segment, segment.size, window).hop(|_, header| {
        operations += u64::from(header.operations);
        proven_sequence = proven_sequence.max(header.synced_to);
        ControlFlow::Continue(())
    })?;
    let proven_end = SEGMENT_HEADER_BYTES as u64;
    Ok(Tail { segment, operations, proven_sequence, proven_end, next_sequence: first, torn: None })
}

/// Replays a segment whose end is known, and says which sequence number follows.
pub(super) fn replay_closed(
    files: &dyn Files,
    segment: &Segment,
    end: u64,
    next_sequence: u64,
    window: &mut Window,
    replay: &mut dyn Replay,
) -> Result<u64> {
    check_first_sequence(segment, next_sequence)?;
    let file = open(files, segment)?;
    let mut reader = reader(&*file, segment, end, window);
    loop {
        let offset = reader.position;
        match reader.next()? {
            Step::Frame(frame) if frame.header.kind == FrameKind::Operations => {
                replay.frame(frame.header.first_sequence, frame.operations())?;
            }
            Step::Frame(_) => {}
            Step::Bad(what) => return Err(corruption(&segment.path, offset, what)),
            Step::End => break,
        }
    }
    match segment.next_sequence {
        Some(expected) if expected != reader.next_sequence => {
            let what = format!("its operations end before {}, not before {expected}", reader.next_sequence);
            Err(corruption(&segment.path, end, &what))
        }
        _ => Ok(reader.next_sequence),
    }
}

/// Replays the last segment up to the first frame that is not whole, which must not have been synced.
pub(super) fn replay_tail(
    files: &dyn Files,
    tail: &mut Tail<'_>,
    next_sequence: u64,
    window: &mut Window,
    replay: &mut dyn Replay,
) -> Result<()> {
    let segment = tail.segment;
    check_first_sequence(segment, next_sequence)?;
    let file = open(files, segment)?;
    let mut reader = reader(&*file, segment, segment.size, window);
    let what = loop {
        match reader.next()? {
            Step::Frame(frame) => {
                if frame.header.first_sequence < tail.proven_sequence {
                    tail.proven_end = frame.offset + frame.header.frame_bytes() as u64;
                }
                if frame.header.kind == FrameKind::Operations {
                    replay.frame(frame.header.first_sequence, frame.operations())?;
                }
            }
            Step::Bad(what) => break what,
            Step::End => break "the file ends",
        }
    };
    let offset = reader.position;
    tail.next_sequence = reader.next_sequence;
    let rest = reader.search_rest()?;
    let synced = rest.synced_to.max(tail.proven_sequence);
    if synced > tail.next_sequence {
        let what = format!("{what}, yet operations up to {} had been synced", synced - 1);
        return Err(corruption(&segment.path, offset, &what));
    }
    tail.torn =
        rest.last_byte.map(|last| TornTail { file: segment.path.clone(), offset, bytes: last + 1 - offset });
    Ok(())
}

fn check_first_sequence(segment: &Segment, expected: u64) -> Result<()> {
    let found = segment.header.first_sequence;
    if found == expected {
        return Ok(());
    }
    let what = format!(
        "it begins with operation {found}, the log before it ends with {}",
        expected.saturating_sub(1)
    );
    Err(corruption(&segment.path, 56, &what))
}

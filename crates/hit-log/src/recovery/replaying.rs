use std::ops::ControlFlow;

use hit_core::Result;

use crate::corruption::corruption;
use crate::file_header::FILE_HEADER_BYTES;
use crate::file_id::FileKind;
use crate::files::{File, Files, OpenMode};
use crate::header::FrameKind;
use crate::io_error::cannot;
use crate::reader::{FrameReader, Step, Window};
use crate::replay::{Replay, ReplayedFrame};
use crate::stats::TornTail;

use super::survey::Found;

/// The last segment of a log that was not closed.
pub(crate) struct Tail<'s> {
    pub(crate) segment: &'s Found,
    /// Operations in it, by its headers.
    pub(crate) operations: u64,
    /// The sequence number behind its last whole header.
    announced_to: u64,
    /// Up to this sequence number it is proven to be synced: its header was written after a sync of what came before,
    /// and each frame says what was synced when it was written.
    pub(crate) proven_sequence: u64,
    /// Where the frames from that sequence number on begin.
    pub(crate) proven_end: u64,
    /// The sequence number behind its last whole frame.
    pub(crate) next_sequence: u64,
    /// What follows that frame, unless it is nothing.
    pub(crate) torn: Option<TornTail>,
}

impl Tail<'_> {
    /// Whether its headers announce operations that may not be on disk.
    pub(crate) fn has_unproven(&self) -> bool {
        self.announced_to > self.proven_sequence
    }

    /// Whether there are operations that may not be on disk.
    pub(crate) fn must_be_rewritten(&self) -> bool {
        self.next_sequence > self.proven_sequence
    }
}

pub(crate) fn open(files: &dyn Files, segment: &Found) -> Result<Box<dyn File>> {
    files.open(&segment.path, OpenMode::Read).map_err(cannot("read", &segment.path))
}

pub(crate) fn reader<'a>(
    file: &'a dyn File,
    segment: &'a Found,
    limit: u64,
    window: &'a mut Window,
) -> FrameReader<'a> {
    window.reset();
    FrameReader {
        kind: segment.id().kind,
        file,
        path: &segment.path,
        salt: segment.header.salt,
        position: FILE_HEADER_BYTES as u64,
        limit,
        next_sequence: segment.header.first_sequence,
        window,
    }
}

/// Goes over the headers of the last segment: how many operations there are and what is proven to be synced.
pub(crate) fn look_ahead<'s>(files: &dyn Files, segment: &'s Found, window: &mut Window) -> Result<Tail<'s>> {
    let file = open(files, segment)?;
    let first = segment.header.first_sequence;
    let (mut operations, mut proven_sequence, mut announced_to) = (0, first, first);
    reader(&*file, segment, segment.size, window).hop(|_, header| {
        operations += u64::from(header.operations);
        announced_to = announced_to.max(header.next_sequence());
        proven_sequence = proven_sequence.max(header.synced_to);
        ControlFlow::Continue(())
    })?;
    let proven_end = FILE_HEADER_BYTES as u64;
    Ok(Tail {
        segment,
        operations,
        announced_to,
        proven_sequence,
        proven_end,
        next_sequence: first,
        torn: None,
    })
}

/// Replays a file whose end is known, and says which sequence number follows.
pub(crate) fn replay_closed(
    files: &dyn Files,
    segment: &Found,
    end: u64,
    next_sequence: u64,
    window: &mut Window,
    replay: &mut dyn Replay,
) -> Result<u64> {
    check_first_sequence(segment, next_sequence)?;
    let file = open(files, segment)?;
    let mut reader = reader(&*file, segment, end, window);
    let mut operations = 0;
    loop {
        let offset = reader.position;
        match reader.next()? {
            Step::Frame(frame) if frame.header.kind != FrameKind::Mark => {
                operations += u64::from(frame.header.operations);
                replay.frame(&ReplayedFrame::new(segment.id(), frame))?;
            }
            Step::Frame(_) => {}
            Step::Bad(what) => return Err(corruption(&segment.path, offset, what)),
            Step::End => break,
        }
    }
    let found = reader.next_sequence;
    check_contents(segment, end, found, operations)?;
    Ok(segment.next_sequence.unwrap_or(found))
}

/// Checks that a file held what was recorded of it: as many operations, and none behind its last sequence number.
pub(crate) fn check_contents(file: &Found, end: u64, next_sequence: u64, operations: u64) -> Result<()> {
    let expected = file.next_sequence.unwrap_or(next_sequence);
    let is_run = file.id().kind == FileKind::Run;
    if next_sequence > expected || next_sequence < expected && !is_run {
        let what = format!("its operations end before {next_sequence}, not before {expected}");
        return Err(corruption(&file.path, end, &what));
    }
    match file.listed {
        Some(listed) if listed.operations != operations => {
            let what = format!("it holds {operations} operations, the manifest says {}", listed.operations);
            Err(corruption(&file.path, end, &what))
        }
        _ => Ok(()),
    }
}

/// Replays the last segment up to the first frame that is not whole, which must not have been synced.
pub(crate) fn replay_tail(
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
                let is_proven = frame.header.first_sequence < tail.proven_sequence;
                if is_proven {
                    tail.proven_end = frame.offset + frame.header.frame_bytes() as u64;
                }
                if frame.header.kind != FrameKind::Mark {
                    replay.frame(&ReplayedFrame::of_tail(segment.id(), frame, is_proven))?;
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

/// Checks that a file continues what came before it.
pub(crate) fn check_first_sequence(segment: &Found, expected: u64) -> Result<()> {
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

use hit_core::Result;

use crate::corruption::corruption;
use crate::folder::Folder;
use crate::header::FrameKind;
use crate::io_error::cannot;
use crate::reader::{FrameAt, Step, Window};
use crate::replay::{Replay, ReplayedFrame};
use crate::writer::{Continuation, SegmentWriter};

use super::replaying::{Tail, open, reader};

/// Copies the operations that may not be on disk into a new segment, which takes the place of everything behind the
/// proven end.
///
/// The old file is not synced instead: where the system had failed to write some of its pages it may hold them as
/// clean, and a second sync would succeed without writing them.
pub(super) fn rewrite(
    folder: &Folder,
    continued: Continuation,
    tail: &Tail<'_>,
    next_sequence: u64,
    window: &mut Window,
    replay: &mut dyn Replay,
) -> Result<SegmentWriter> {
    let segment = tail.segment;
    let file = open(&**folder.files(), segment)?;
    let mut source = reader(&*file, segment, segment.size, window);
    source.position = tail.proven_end;
    source.next_sequence = tail.proven_sequence;
    SegmentWriter::create(folder, continued, |target| {
        let path = target.path.clone();
        while source.next_sequence < next_sequence {
            let offset = source.position;
            let frame = match source.next()? {
                Step::Frame(frame) => frame,
                Step::Bad(what) => return Err(corruption(&segment.path, offset, what)),
                Step::End => return Err(corruption(&segment.path, offset, "the file ends")),
            };
            if frame.header.kind == FrameKind::Operations {
                let offset = target.copied_end();
                target.write_copy(frame.header, frame.body).map_err(cannot("write to", &path))?;
                replay.copied(&ReplayedFrame::new(target.header.id, FrameAt { offset, ..frame }));
            }
        }
        target.write_copies().map_err(cannot("write to", &path))?;
        // Durability: the segment gets its name only when it is synced, so under its name the mark is true.
        target.write_mark(next_sequence, next_sequence).map_err(cannot("write to", &path))
    })
}

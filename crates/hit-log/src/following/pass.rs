use std::thread;
use std::time::Duration;

use hit_core::Result;

use crate::corruption::corruption;
use crate::files::Files;
use crate::header::FrameKind;
use crate::reader::{Step, Window};
use crate::recovery::replaying::{open, reader};
use crate::recovery::survey::Found;
use crate::replay::{Replay, ReplayedFrame};
use crate::stats::TornTail;

use super::trail::{Met, Trail};

/// How often a frame that a later sync contradicts is read again, and how long the first pause is; each is twice the one
/// before.
const REREADS: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// How reading a segment ended.
pub(super) enum Reached {
    /// At its end, or at what is not whole yet: which sequence number comes next, and what lies there.
    End(u64, Option<TornTail>),
    /// Something that was read before is not there any more.
    Other,
}

/// Replays what a segment holds beyond the trail, and takes it into the trail.
pub(super) fn read_on(
    files: &dyn Files,
    segment: &Found,
    trail: &mut Trail,
    window: &mut Window,
    replay: &mut dyn Replay,
) -> Result<Reached> {
    let limit = segment.end.unwrap_or(segment.size);
    let (position, first_sequence) = trail.enter(&segment.header, limit);
    let file = open(files, segment)?;
    let mut reader = reader(&*file, segment, limit, window);
    (reader.position, reader.next_sequence) = (position, first_sequence);
    let mut rereads = 0;
    loop {
        let offset = reader.position;
        let what = match reader.next()? {
            Step::Frame(frame) => {
                rereads = 0;
                let header = frame.header;
                if header.kind != FrameKind::Mark {
                    match trail.meet(offset, &header) {
                        Met::Known => {}
                        Met::New => {
                            replay.frame(&ReplayedFrame::new(segment.id(), frame))?;
                            trail.add(offset, &header);
                        }
                        Met::Other => return Ok(Reached::Other),
                    }
                }
                trail.hear(header.synced_to);
                continue;
            }
            Step::Bad(what) => what,
            Step::End => "the file ends",
        };
        let next_sequence = reader.next_sequence;
        if segment.end.is_some() {
            if offset < limit {
                return Err(corruption(&segment.path, offset, what));
            }
            if let Some(expected) = segment.next_sequence.filter(|&expected| expected != next_sequence) {
                let what = format!("its operations end before {next_sequence}, not before {expected}");
                return Err(corruption(&segment.path, offset, &what));
            }
            // What has an end was synced before anybody said so.
            trail.hear(next_sequence);
            return Ok(Reached::End(next_sequence, None));
        }
        let rest = reader.search_rest()?;
        if rest.synced_to <= next_sequence {
            let torn = |last| TornTail { file: segment.path.clone(), offset, bytes: last + 1 - offset };
            return Ok(Reached::End(next_sequence, rest.last_byte.map(torn)));
        }
        // It may have been read while it was written: what is behind it was looked at later.
        if rereads == REREADS {
            let what = format!("{what}, yet operations up to {} had been synced", rest.synced_to - 1);
            return Err(corruption(&segment.path, offset, &what));
        }
        thread::sleep(FIRST_PAUSE * (1 << rereads));
        rereads += 1;
        reader.position = offset;
        reader.window.reset();
    }
}

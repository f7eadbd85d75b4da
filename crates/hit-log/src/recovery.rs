//! Reads a log back: `docs/log-format.md`, "Recovery". Nothing in the folder is changed before everything was read.

mod replaying;
mod rewriting;
mod survey;

use std::path::PathBuf;

use hit_core::Result;

use crate::folder::Folder;
use crate::io_error::{cannot, io_error};
use crate::log::{Log, LogOptions};
use crate::manifest::{Manifest, SealedFile};
use crate::names;
use crate::operation::FrameOperations;
use crate::reader::Window;

use self::replaying::Tail;
use self::survey::{Segment, Survey};

/// Takes in what a log holds.
pub trait Replay {
    /// Announces how many operations come at most, before the first one.
    fn reserve(&mut self, operations: u64);

    /// Takes the operations of one frame; the first has the sequence number `first_sequence`, each other one the next.
    /// They have been checked. Frames come in order.
    ///
    /// # Errors
    /// Any error ends the opening of the log; nothing in the folder is changed.
    fn frame(&mut self, first_sequence: u64, operations: FrameOperations<'_>) -> Result<()>;
}

/// Opens the log in `folder`, or makes it.
pub(crate) fn recover(
    folder: &Folder,
    place: (u64, u64),
    options: LogOptions,
    replay: &mut dyn Replay,
) -> Result<Log> {
    let survey = match Survey::read(folder)? {
        Some(survey) => survey,
        None => return create(folder, place, options),
    };
    let mut log = Log::empty(folder, place, options);
    let mut window = Window::default();
    let tail = replay_all(folder, &survey, &mut log, &mut window, replay)?;
    log.replayed_operations = log.next_sequence - 1;
    log.listed = survey.listed;
    log.next_number = survey.next_number;
    log.synced = log.next_sequence;
    // Everything has been read, so now the folder may change.
    for name in &survey.unfinished {
        let path = log_folder(folder).join(name);
        folder.files().remove(&path).map_err(cannot("remove the unfinished", &path))?;
    }
    if let Some(tail) = tail.filter(|tail| tail.must_be_rewritten()) {
        let segment = rewriting::rewrite(folder, log.continuation(), &tail, log.next_sequence, &mut window)?;
        log.active = Some(segment);
        log.next_number += 1;
    }
    Ok(log)
}

/// The folder of a store's log.
pub(crate) fn log_folder(folder: &Folder) -> PathBuf {
    folder.join(names::LOG)
}

fn create(folder: &Folder, place: (u64, u64), options: LogOptions) -> Result<Log> {
    let path = log_folder(folder);
    match folder.files().create_dir(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io_error("create the folder", &path, error)),
    }
    Manifest::new(folder.id()).write(&**folder.files(), &path)?;
    folder.files().sync_folder(folder.path()).map_err(cannot("sync the folder", folder.path()))?;
    Ok(Log::empty(folder, place, options))
}

/// Replays every segment and says what is special about the last one, if it was not closed cleanly.
fn replay_all<'s>(
    folder: &Folder,
    survey: &'s Survey,
    log: &mut Log,
    window: &mut Window,
    replay: &mut dyn Replay,
) -> Result<Option<Tail<'s>>> {
    let files = &**folder.files();
    let last = survey.segments.last().filter(|segment| segment.end.is_none());
    let tail = last.map(|segment| replaying::look_ahead(files, segment, window)).transpose()?;
    let first = survey.segments.first().map_or(1, |segment| segment.header.first_sequence);
    let before_tail = survey.segments.last().map_or(1, |segment| match segment.end {
        Some(_) => segment.next_sequence.unwrap_or(segment.header.first_sequence),
        None => segment.header.first_sequence,
    });
    replay.reserve(before_tail.saturating_sub(first) + tail.as_ref().map_or(0, |tail| tail.operations));
    for segment in &survey.segments {
        log.closed_bytes += segment.size;
        if let Some(end) = segment.end {
            let next = replaying::replay_closed(files, segment, end, log.next_sequence, window, replay)?;
            log.closed.push(closed(segment, end, next));
            log.next_sequence = next;
        }
    }
    let Some(mut tail) = tail else { return Ok(None) };
    replaying::replay_tail(files, &mut tail, log.next_sequence, window, replay)?;
    log.closed.push(closed(tail.segment, tail.proven_end, tail.proven_sequence));
    log.next_sequence = tail.next_sequence;
    log.torn_tail = tail.torn.clone();
    Ok(Some(tail))
}

fn closed(segment: &Segment, end: u64, next_sequence: u64) -> SealedFile {
    SealedFile { number: segment.number, end, first_sequence: segment.header.first_sequence, next_sequence }
}

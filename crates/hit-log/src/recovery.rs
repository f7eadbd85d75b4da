//! Reads a log back: `docs/log-format.md`, "Recovery". Nothing in the folder is changed before everything was read.

pub(crate) mod replaying;
mod rewriting;
pub(crate) mod survey;

use std::path::{Path, PathBuf};

use hit_core::Result;

use crate::folder::Folder;
use crate::io_error::{cannot, io_error};
use crate::log::{ClosedFile, Log, LogOptions};
use crate::manifest::{Manifest, SealedFile};
use crate::names;
use crate::reader::Window;
use crate::replay::Replay;

use self::replaying::Tail;
use self::survey::{Found, Survey};

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
    log.listed = survey.listed;
    log.next_number = survey.next_number;
    log.next_run = survey.next_run;
    log.synced = log.next_sequence;
    // Everything has been read, so now the folder may change.
    confirm_names(folder, &survey)?;
    for name in &survey.leftover {
        let path = log_folder(folder).join(name);
        folder.files().remove(&path).map_err(cannot("remove the leftover", &path))?;
    }
    if let Some(tail) = tail.filter(|tail| tail.must_be_rewritten()) {
        let segment =
            rewriting::rewrite(folder, log.continuation(), &tail, log.next_sequence, &mut window, replay)?;
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

/// Durability: whoever gave the files their names may have died before these were synced. What is shown, or removed, on
/// account of a list or a segment must not depend on a name that a power loss can take back.
fn confirm_names(folder: &Folder, survey: &Survey) -> Result<()> {
    let sync = |path: &Path| folder.files().sync_folder(path).map_err(cannot("sync the folder", path));
    let was_closed = survey.found.last().is_some_and(|file| file.end.is_some());
    if !was_closed || !survey.leftover.is_empty() {
        sync(&log_folder(folder))?;
    }
    // The first segment is made when the log's own folder has been synced.
    if survey.found.is_empty() { sync(folder.path()) } else { Ok(()) }
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
    let last = survey.found.last().filter(|file| file.end.is_none());
    let tail = last.map(|segment| replaying::look_ahead(files, segment, window)).transpose()?;
    announce(survey, tail.as_ref(), replay);
    for file in &survey.found {
        if let Some(end) = file.end {
            let next = replaying::replay_closed(files, file, end, log.next_sequence, window, replay)?;
            log.closed.push(closed(file, end, next));
            log.next_sequence = next;
        }
    }
    log.replayed_operations = log.closed.iter().map(|file| file.sealed.operations).sum();
    let Some(mut tail) = tail else { return Ok(None) };
    replaying::replay_tail(files, &mut tail, log.next_sequence, window, replay)?;
    log.replayed_operations += tail.next_sequence - tail.segment.header.first_sequence;
    log.closed.push(closed(tail.segment, tail.proven_end, tail.proven_sequence));
    log.next_sequence = tail.next_sequence;
    log.torn_tail = tail.torn.clone();
    Ok(Some(tail))
}

/// Tells what will be replayed, in which files it will lie afterwards.
fn announce(survey: &Survey, tail: Option<&Tail<'_>>, replay: &mut dyn Replay) {
    let mut first_sequences: Vec<_> = survey.found.iter().map(|file| file.header.first_sequence).collect();
    first_sequences.extend(tail.filter(|tail| tail.has_unproven()).map(|tail| tail.proven_sequence));
    first_sequences.dedup();
    let operations: u64 = survey.found.iter().map(operations_of).sum();
    replay.begin(&first_sequences, operations + tail.map_or(0, |tail| tail.operations));
}

/// How many operations a file holds, where that is known.
pub(crate) fn operations_of(file: &Found) -> u64 {
    match (file.listed, file.next_sequence) {
        (Some(listed), _) => listed.operations,
        (None, Some(next)) => next.saturating_sub(file.header.first_sequence),
        (None, None) => 0,
    }
}

fn closed(file: &Found, end: u64, next_sequence: u64) -> ClosedFile {
    let segment = SealedFile::segment(file.id().number, end, file.header.first_sequence, next_sequence);
    ClosedFile { sealed: file.listed.unwrap_or(segment), bytes: file.size }
}

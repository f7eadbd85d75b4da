//! Reads a log beside the program that writes it: without its lock, and without writing anything.
//!
//! A pass lists the folder, opens every file that it needs and only then reads, so that what compaction removes meanwhile can
//! still be read. What does not fit together may have changed while it was looked at: it is looked at again before it is
//! called damaged.

mod held_files;
mod pass;
mod trail;

use std::fmt;
use std::thread;
use std::time::Duration;

use hit_core::{Error, ErrorCode, Result};

use crate::file_id::FileKind;
use crate::files::Files;
use crate::folder::Folder;
use crate::manifest::Manifest;
use crate::reader::Window;
use crate::recovery::operations_of;
use crate::recovery::replaying::{check_first_sequence, replay_closed};
use crate::recovery::survey::{Listing, Survey};
use crate::replay::Replay;
use crate::stats::{LogStats, TornTail};

use self::held_files::HeldFiles;
use self::pass::{Reached, read_on};
use self::trail::Trail;

/// How often a folder is looked at that does not fit together, with any lists and with one; how long the first pause is, each is
/// twice the one before.
const LOOKS: u32 = 8;
const LOOKS_WITH_ONE_LIST: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// How often a damaged file is read: a second time by the list that is there then.
const READINGS: u32 = 2;

/// A log that somebody else may be writing, read up to some moment.
pub struct LogReader {
    folder: Folder,
    /// None before the first pass.
    trail: Option<Trail>,
    stats: LogStats,
}

/// What a refresh has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// Nothing new.
    Unchanged,
    /// Operations behind those that were replayed before.
    Advanced,
    /// Everything was replayed anew, because compaction has rewritten what was not read yet, or a write was taken back.
    Anew,
}

/// Why a pass has ended early.
enum Failure {
    /// What lies in the folder does not fit together, as of this manifest.
    Looking(Error, Option<Manifest>),
    Reading(Error),
}

impl LogReader {
    /// Reads the log in `folder` whole into `replay`. No lock is taken and nothing is written; an unfinished tail is ignored,
    /// and stays.
    ///
    /// [`Replay::begin`] may be called again: everything comes anew then.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` with file and offset, `HIT_CONFIG` for files of a newer version, `HIT_UNAVAILABLE` where the files are
    /// replaced faster than they can be opened, `HIT_IO`, and whatever `replay` answers.
    pub fn open(folder: &Folder, replay: &mut dyn Replay) -> Result<Self> {
        let stats = LogStats {
            segments: 0,
            runs: 0,
            disk_bytes: 0,
            closed_bytes: 0,
            replayed_operations: 0,
            torn_tail: None,
            next_sequence: 1,
            synced: 1,
        };
        let mut reader = Self { folder: folder.clone(), trail: None, stats };
        reader.pass(replay)?;
        Ok(reader)
    }

    /// Replays what was written since: behind what was replayed before, or, after [`Replay::begin`], everything anew. Each
    /// frame brings a state that the writer had, and what it had on disk before this call is among it.
    ///
    /// # Errors
    /// As [`LogReader::open`]; `HIT_CONFIG` where another store, or an older copy of this one, lies in the folder now. The next
    /// call goes on behind the last frame that was replayed; what was replayed anew then does not count.
    pub fn refresh(&mut self, replay: &mut dyn Replay) -> Result<Refreshed> {
        if !self.folder.is_unchanged()? {
            return Err(self.replaced("another store"));
        }
        self.pass(replay)
    }

    /// The sequence number behind the last operation that was replayed.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.trail.as_ref().map_or(1, |trail| trail.next_sequence)
    }

    /// Figures, as of the last pass.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        self.stats.clone()
    }

    fn pass(&mut self, replay: &mut dyn Replay) -> Result<Refreshed> {
        let (mut looks, mut with_one_list, mut readings) = (0, 0, 0);
        let mut seen = None;
        loop {
            let (error, is_last) = match self.try_pass(replay) {
                Ok(refreshed) => return Ok(refreshed),
                Err(Failure::Looking(error, manifest)) => {
                    looks += 1;
                    with_one_list = if seen == manifest { with_one_list + 1 } else { 1 };
                    seen = manifest;
                    (error, looks == LOOKS || with_one_list == LOOKS_WITH_ONE_LIST)
                }
                Err(Failure::Reading(error)) => {
                    readings += 1;
                    (error, readings == READINGS)
                }
            };
            // Everything else is not for want of looking twice.
            if error.code() != ErrorCode::Corruption || is_last {
                let is_moving = is_last && looks == LOOKS && with_one_list < LOOKS_WITH_ONE_LIST;
                return Err(if is_moving { self.too_fast(error) } else { error });
            }
            thread::sleep(FIRST_PAUSE * (1 << looks));
        }
    }

    fn try_pass(&mut self, replay: &mut dyn Replay) -> Result<Refreshed, Failure> {
        let files = HeldFiles::new(self.folder.files());
        let folder = self.folder.through(files);
        if let Some(mut trail) = self.trail.clone() {
            let before = trail.next_sequence;
            let advanced = self.advance(&folder, &mut trail, replay);
            if trail.next_sequence > before {
                self.trail = Some(trail);
            } else if let Ok(true) = advanced {
                // Nothing new, but perhaps a mark.
                self.trail = Some(trail);
                return Ok(Refreshed::Unchanged);
            }
            if advanced? {
                return Ok(Refreshed::Advanced);
            }
        }
        self.load(&folder, replay)?;
        Ok(Refreshed::Anew)
    }

    /// Replays what lies behind the trail. False where that cannot be told from what lies there now.
    fn advance(
        &mut self,
        folder: &Folder,
        trail: &mut Trail,
        replay: &mut dyn Replay,
    ) -> Result<bool, Failure> {
        let Some((listing, survey)) = look(folder, trail.proven)? else { return Ok(false) };
        trail.begin_pass();
        let (files, mut window) = (&**folder.files(), Window::default());
        let (mut torn, mut end, mut expected) = (None, 1, None);
        for file in &survey.found {
            if let Some(expected) = expected {
                check_first_sequence(file, expected).map_err(Failure::Reading)?;
            }
            expected = file.next_sequence;
            if let Some(next) = file.next_sequence.filter(|&next| next <= trail.proven) {
                end = next;
                continue;
            }
            // What a run leaves out is not told apart from what was never there.
            if file.id().kind == FileKind::Run {
                return Ok(false);
            }
            match read_on(files, file, trail, &mut window, replay).map_err(Failure::Reading)? {
                Reached::End(next, found) => (end, torn) = (next, found),
                Reached::Other => return Ok(false),
            }
        }
        // Everything up to the end was compared with what was read before.
        if end < trail.next_sequence {
            return Ok(false);
        }
        let replayed = self.stats.replayed_operations + trail.next_sequence - self.stats.next_sequence;
        self.stats = figures(&listing.manifest, &survey, trail, replayed, torn);
        Ok(true)
    }

    /// Replays everything anew.
    fn load(&mut self, folder: &Folder, replay: &mut dyn Replay) -> Result<(), Failure> {
        let Some((listing, survey)) = look(folder, 1)? else {
            self.check_not_older(1).map_err(Failure::Reading)?;
            replay.begin(&[], 0);
            self.trail = Some(Trail::behind(1));
            return Ok(());
        };
        let first_sequences: Vec<_> = survey.found.iter().map(|file| file.header.first_sequence).collect();
        replay.begin(&first_sequences, survey.found.iter().map(operations_of).sum());
        let loaded = load_all(&**folder.files(), &survey, replay).map_err(Failure::Reading);
        let (trail, operations, torn) = loaded?;
        self.check_not_older(trail.next_sequence).map_err(Failure::Reading)?;
        self.stats = figures(&listing.manifest, &survey, &trail, operations, torn);
        self.trail = Some(trail);
        Ok(())
    }

    /// What was synced once does not go away.
    fn check_not_older(&self, next_sequence: u64) -> Result<()> {
        match &self.trail {
            Some(trail) if next_sequence < trail.proven => Err(self.replaced("an older copy of this store")),
            _ => Ok(()),
        }
    }

    fn replaced(&self, what: &str) -> Error {
        let message = format!(
            "{} holds {what} now, or none: close the store and open it again",
            self.folder.path().display()
        );
        Error::new(ErrorCode::Config, message)
    }

    fn too_fast(&self, error: Error) -> Error {
        let message = format!(
            "the files of {} are replaced faster than they can be opened: try again",
            self.folder.path().display()
        );
        Error::new(ErrorCode::Unavailable, message).with_source(error)
    }
}

/// Lists the folder and opens the files with operations from `from` on.
fn look(folder: &Folder, from: u64) -> Result<Option<(Listing, Survey)>, Failure> {
    let Some(listing) = Listing::read(folder).map_err(|error| Failure::Looking(error, None))? else {
        return Ok(None);
    };
    match Survey::of(folder, &listing, from) {
        Ok(survey) => Ok(Some((listing, survey))),
        Err(error) => Err(Failure::Looking(error, Some(listing.manifest))),
    }
}

/// Replays every file. Says how far it came, how many operations that were, and what followed them.
fn load_all(
    files: &dyn Files,
    survey: &Survey,
    replay: &mut dyn Replay,
) -> Result<(Trail, u64, Option<TornTail>)> {
    let mut window = Window::default();
    let mut trail = Trail::behind(1);
    let (mut operations, mut torn) = (0, None);
    for file in &survey.found {
        let next = trail.next_sequence;
        let Some(end) = file.end else {
            check_first_sequence(file, next)?;
            if let Reached::End(_, found) = read_on(files, file, &mut trail, &mut window, replay)? {
                torn = found;
            }
            operations += trail.next_sequence - next;
            continue;
        };
        let next = replay_closed(files, file, end, next, &mut window, replay)?;
        operations += operations_of(file);
        trail = match file.id().kind {
            FileKind::Segment => Trail::behind_segment(&file.header, next),
            FileKind::Run => Trail::behind(next),
        };
    }
    Ok((trail, operations, torn))
}

fn figures(
    manifest: &Manifest,
    survey: &Survey,
    trail: &Trail,
    replayed_operations: u64,
    torn_tail: Option<TornTail>,
) -> LogStats {
    let runs = manifest.sealed.iter().filter(|file| file.id.kind == FileKind::Run).count() as u64;
    let tail = survey.found.iter().filter(|file| file.listed.is_none());
    let closed = tail.clone().filter(|file| file.end.is_some());
    let sealed_bytes: u64 = manifest.sealed.iter().map(|file| file.end).sum();
    LogStats {
        segments: manifest.sealed.len() as u64 - runs + tail.clone().count() as u64,
        runs,
        disk_bytes: sealed_bytes + tail.map(|file| file.size).sum::<u64>(),
        closed_bytes: sealed_bytes + closed.map(|file| file.size).sum::<u64>(),
        replayed_operations,
        torn_tail,
        next_sequence: trail.next_sequence,
        synced: trail.proven,
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogReader")
            .field("folder", &self.folder)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

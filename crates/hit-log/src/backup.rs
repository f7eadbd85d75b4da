//! A copy of a log as it is at one moment, beside its writer: files that are not written to any more are linked where the
//! file system can, all others are copied.

use std::io;
use std::path::{Path, PathBuf};

use hit_core::{Error, ErrorCode, Progress, Result, Tell, tell};

use crate::corruption::corruption;
use crate::files::{Files, OpenMode, read_available_at, sync, write_all_at};
use crate::folder::{Folder, LOST_AND_FOUND, create_folders, description, sync_way};
use crate::io_error::{cannot, io_error, is_disk_full};
use crate::manifest::{Manifest, SealedFile};
use crate::names;
use crate::reader::{Step, Window};
use crate::recovery::replaying::{open, reader};
use crate::recovery::survey::{Found, Survey};
use crate::replace::replace;

/// Bytes that are copied at a time.
const COPY_BYTES: usize = 1 << 20;
/// How often a backup is begun again because compaction has taken a file away meanwhile.
const TRIES: usize = 100;
/// The same while the list of files stays what it was.
const TRIES_WITH_ONE_LIST: usize = 3;

/// Makes `target` a store of `kind` with everything that the log in `folder` holds, up to the last whole frame. `target` is
/// missing or empty. It becomes a store with the last step, so what an interrupted backup leaves opens as none. Progress
/// counts files, and bytes that were copied.
///
/// # Errors
/// `HIT_CONFIG` where `target` is not empty or may not be written, `HIT_CORRUPTION` where the log cannot be read, `HIT_ABORTED`,
/// `HIT_DISK_FULL`, `HIT_IO`. What was made in `target` is removed then.
pub fn backup(folder: &Folder, target: &Path, kind: &str, progress: &mut Tell<'_>) -> Result<()> {
    backup_with(folder, target, kind, |target| {
        let files = &**folder.files();
        create_folders(files, &target.join(names::LOG))?;
        let mut made = Vec::new();
        let copied = copy_log(folder, target, &mut made, progress);
        if copied.is_err() {
            remove(files, &mut made);
        }
        copied
    })
}

/// The same with something else than a log: `copy` makes it in the folder it is given, which is there and empty, and removes it
/// where it fails.
///
/// # Errors
/// As [`backup`], and as `copy`.
pub fn backup_with(
    folder: &Folder,
    target: &Path,
    kind: &str,
    copy: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let files = &**folder.files();
    let target = std::path::absolute(target).map_err(cannot("find", target))?;
    if target.starts_with(folder.path()) {
        let message = format!("{} is inside the store itself: back up elsewhere", target.display());
        return Err(Error::new(ErrorCode::Config, message));
    }
    check_empty(files, &target)?;
    create_folders(files, &target)?;
    copy(&target)?;
    let path = target.join(names::DESCRIPTION);
    // Not by a link, as a store is made: nobody else makes one here, and not every disk for backups has links.
    let described = replace(files, &path, &description(kind, folder.id())?)
        .and_then(|()| files.sync_folder(&target).map_err(cannot("sync the folder", &target)));
    if described.is_err() {
        // What is copied stays: without a description it is no store.
        remove(files, &mut vec![path]);
    }
    sync_way(files, &target);
    described
}

fn remove(files: &dyn Files, made: &mut Vec<PathBuf>) {
    for path in made.drain(..) {
        // Without a description, what cannot be removed makes no store.
        let _ = files.remove(&path);
    }
}

/// An empty folder for the log may be there: an earlier try has left it.
fn check_empty(files: &dyn Files, target: &Path) -> Result<()> {
    let list = |path: &Path| match files.list(path) {
        Ok(names) => Ok(names),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(io_error("open the folder", path, error)),
    };
    for name in list(target)? {
        let is_empty_log =
            name == names::LOG && list(&target.join(names::LOG)).is_ok_and(|names| names.is_empty());
        if name != LOST_AND_FOUND && !is_empty_log {
            let message = format!(
                "{} holds '{}': a backup needs an empty folder, or one that does not exist",
                target.display(),
                name.display()
            );
            return Err(Error::new(ErrorCode::Config, message));
        }
    }
    Ok(())
}

fn copy_log(folder: &Folder, target: &Path, made: &mut Vec<PathBuf>, progress: &mut Tell<'_>) -> Result<()> {
    let files = &**folder.files();
    let log = target.join(names::LOG);
    let source = folder.join(names::LOG);
    let mut tries = 0;
    let manifest = loop {
        tries += 1;
        let list = Manifest::read(files, &source, folder.id())?;
        match copy_files(folder, &log, made, progress) {
            Err(error) if error.code() == ErrorCode::Corruption && tries < TRIES => {
                remove(files, made);
                // A writer may have replaced a file that was listed, or begun some while the folder was read.
                let is_same = Manifest::read(files, &source, folder.id())? == list;
                if is_same && tries >= TRIES_WITH_ONE_LIST {
                    return Err(error);
                }
            }
            copied => break copied?,
        }
    };
    made.push(log.join(names::MANIFEST));
    manifest.write(files, &log)?;
    files.sync_folder(target).map_err(cannot("sync the folder", target))
}

fn copy_files(
    folder: &Folder,
    log: &Path,
    made: &mut Vec<PathBuf>,
    progress: &mut Tell<'_>,
) -> Result<Manifest> {
    let files = &**folder.files();
    let mut manifest = Manifest::new(folder.id());
    let Some(survey) = Survey::read(folder)? else { return Ok(manifest) };
    manifest.first_tail = survey.next_number;
    let mut done = Progress { total: Some(survey.found.len() as u64), ..Progress::default() };
    for found in &survey.found {
        tell(progress, done, "the backup")?;
        let sealed = match (found.listed, found.end) {
            (Some(listed), _) => listed,
            (None, Some(end)) => {
                let next = found.next_sequence.unwrap_or(found.header.first_sequence);
                SealedFile::segment(found.id().number, end, found.header.first_sequence, next)
            }
            (None, None) => whole_frames(files, found)?,
        };
        let path = log.join(found.id().name());
        made.push(path.clone());
        // The last segment may be written to, so it needs a copy of its own.
        let linked = found.end.is_some() && link(files, &found.path, &path)?;
        if !linked {
            copy(files, &found.path, &path, sealed.end, &mut done, progress)?;
        }
        if found.end.is_none() {
            check_copy(files, found, path, &sealed)?;
        }
        manifest.sealed.push(sealed);
        done.done += 1;
    }
    tell(progress, done, "the backup")?;
    Ok(manifest)
}

/// How far the last segment of a log holds whole frames.
///
/// # Errors
/// `HIT_CORRUPTION` where what follows them had been synced, as recovery answers; `HIT_IO`.
fn whole_frames(files: &dyn Files, found: &Found) -> Result<SealedFile> {
    let file = open(files, found)?;
    let mut window = Window::default();
    let mut reader = reader(&*file, found, found.size, &mut window);
    loop {
        let what = match reader.next()? {
            Step::Frame(_) => continue,
            Step::End => break,
            Step::Bad(what) => what,
        };
        let synced_to = reader.synced_behind()?;
        if synced_to <= reader.next_sequence {
            break;
        }
        // A writer may have ended it, and more behind it, since it was looked at.
        if !reader.is_whole_again()? {
            let what = format!("{what}, yet operations up to {} had been synced", synced_to - 1);
            return Err(corruption(&found.path, reader.position, &what));
        }
    }
    let (end, next) = (reader.position, reader.next_sequence);
    Ok(SealedFile::segment(found.id().number, end, found.header.first_sequence, next))
}

/// Makes sure that the copy of the last segment holds what was seen of it: a write that fails is taken back, and others come in
/// its place.
fn check_copy(files: &dyn Files, found: &Found, copy: PathBuf, sealed: &SealedFile) -> Result<()> {
    let Found { header, .. } = *found;
    let copied = Found { path: copy, header, size: sealed.end, end: None, next_sequence: None, listed: None };
    match whole_frames(files, &copied) {
        Ok(copied) if copied == *sealed => Ok(()),
        Err(error) if error.code() != ErrorCode::Corruption => Err(error),
        Ok(_) | Err(_) => Err(corruption(&found.path, sealed.end, "it has changed while it was copied")),
    }
}

/// Gives a file a second name; false where the file system cannot.
fn link(files: &dyn Files, from: &Path, to: &Path) -> Result<bool> {
    match files.link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone(from)),
        Err(error) if is_disk_full(&error) => Err(io_error("link", to, error)),
        Err(_) => Ok(false),
    }
}

fn copy(
    files: &dyn Files,
    from: &Path,
    to: &Path,
    bytes: u64,
    done: &mut Progress,
    progress: &mut Tell<'_>,
) -> Result<()> {
    let source = match files.open(from, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone(from)),
        opened => opened.map_err(cannot("read", from))?,
    };
    let target = files.open(to, OpenMode::CreateNew).map_err(cannot("create", to))?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut offset = 0;
    while offset < bytes {
        let length = (bytes - offset).min(COPY_BYTES as u64) as usize;
        let part = buffer.get_mut(..length).unwrap_or_default();
        if read_available_at(&*source, part, offset).map_err(cannot("read", from))? < length {
            return Err(corruption(from, offset, &format!("it ends before byte {bytes}")));
        }
        write_all_at(&*target, part, offset).map_err(cannot("write", to))?;
        offset += length as u64;
        done.bytes += length as u64;
        tell(progress, *done, "the backup")?;
    }
    sync(&*target).map_err(cannot("sync", to))
}

fn gone(path: &Path) -> Error {
    corruption(path, 0, "it is missing")
}

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hit_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use crate::corruption::{corruption, newer};
use crate::files::{Files, OpenMode, read_whole, sync, write_all_at};
use crate::io_error::{cannot, io_error};
use crate::names;
use crate::store_id::{StoreId, random_bytes};

/// The version of a folder's layout that this code reads and writes.
const FORMAT: u64 = 1;

/// More bytes than a description ever has.
const MAX_DESCRIPTION_BYTES: u64 = 64 << 10;

/// A file system puts this into its root; a store may live there.
pub(crate) const LOST_AND_FOUND: &str = "lost+found";

/// The folder of a store, which says what kind of store lies in it.
#[derive(Clone)]
pub struct Folder {
    files: Arc<dyn Files>,
    path: PathBuf,
    id: StoreId,
}

/// The content of `hitkv.json`.
#[derive(Serialize, Deserialize)]
struct Description {
    kind: String,
    format: u64,
    id: String,
}

impl Folder {
    /// Opens the folder of a store of `kind`, or makes it: an empty or missing folder becomes a store where
    /// `create_if_missing`. Two programs that make one at the same moment agree on one id.
    ///
    /// # Errors
    /// `HIT_CONFIG`, before anything is touched: the folder is missing and not to be made, is a file, belongs to another
    /// kind of store or to a newer version, holds something that is not a store, or may not be written.
    /// `HIT_CORRUPTION` when its description cannot be read, `HIT_UNSUPPORTED` where the file system has no hard links,
    /// `HIT_DISK_FULL`, `HIT_IO`.
    pub fn open(files: Arc<dyn Files>, path: &Path, kind: &str, create_if_missing: bool) -> Result<Self> {
        let path = std::path::absolute(path).map_err(cannot("find", path))?;
        let id = match read_id(&*files, &path, kind)? {
            Some(id) => id,
            None => {
                check_absent_or_empty(&*files, &path, kind, create_if_missing)?;
                create(&*files, &path, kind)?;
                read_id(&*files, &path, kind)?.ok_or_else(|| replaced(&path))?
            }
        };
        Ok(Self { files, path, id })
    }

    /// The file that says what lies in the folder at `path`.
    #[must_use]
    pub fn description(path: &Path) -> PathBuf {
        path.join(names::DESCRIPTION)
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store's id.
    #[must_use]
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// The file system it lies in.
    #[must_use]
    pub fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The same folder, reached through other files.
    pub(crate) fn through(&self, files: Arc<dyn Files>) -> Self {
        Self { files, ..self.clone() }
    }

    /// Whether the path still leads to the same store.
    pub(crate) fn is_unchanged(&self) -> Result<bool> {
        let path = self.join(names::DESCRIPTION);
        let Some(text) = read(&*self.files, &path)? else { return Ok(false) };
        Ok(parse(&text, &path)?.1 == self.id)
    }

    /// Checks, under the lock, that the path still leads to the same store.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        if self.is_unchanged()? { Ok(()) } else { Err(replaced(&self.path)) }
    }

    /// Makes the description's name survive power loss, and the way to it.
    pub(crate) fn sync_names(&self) -> Result<()> {
        self.files.sync_folder(&self.path).map_err(cannot("sync the folder", &self.path))?;
        sync_way(&*self.files, &self.path);
        Ok(())
    }

    /// Removes what creators that were interrupted have left behind. Only the owner of the lock may.
    pub(crate) fn remove_unfinished(&self) {
        let names = self.files.list(&self.path).unwrap_or_default();
        for name in names.iter().filter_map(|name| name.to_str()).filter(|name| is_unfinished(name)) {
            // It harms nobody if it stays.
            let _ = self.files.remove(&self.join(name));
        }
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Folder")
            .field("path", &self.path)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(crate) fn replaced(path: &Path) -> Error {
    let message = format!("{} was replaced while it was being opened: open it again", path.display());
    Error::new(ErrorCode::Busy, message)
}

/// The id in the folder's description; `None` where there is no description.
fn read_id(files: &dyn Files, folder: &Path, kind: &str) -> Result<Option<StoreId>> {
    let path = folder.join(names::DESCRIPTION);
    let Some(text) = read(files, &path)? else { return Ok(None) };
    let (found, id) = parse(&text, &path)?;
    if found != kind {
        let message = format!(
            "{} holds a store of kind '{found}', not '{kind}': open it with '{found}:' or use another folder",
            folder.display()
        );
        return Err(Error::new(ErrorCode::Config, message));
    }
    Ok(Some(id))
}

fn read(files: &dyn Files, path: &Path) -> Result<Option<Vec<u8>>> {
    let read = files.open(path, OpenMode::Read).and_then(|file| read_whole(&*file, MAX_DESCRIPTION_BYTES));
    match read {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path, error)),
    }
}

fn parse(text: &[u8], path: &Path) -> Result<(String, StoreId)> {
    let json: serde_json::Value = serde_json::from_slice(text)
        .map_err(|error| corruption(path, 0, "it is not JSON").with_source(error))?;
    // The version comes first: a later one may have other members.
    if let Some(format) =
        json.get("format").and_then(serde_json::Value::as_u64).filter(|&format| format > FORMAT)
    {
        return Err(newer(path, &format!("has format {format}, this version reads {FORMAT}")));
    }
    let description: Option<Description> = serde_json::from_value(json).ok();
    if description.as_ref().is_some_and(|it| it.format != FORMAT) {
        return Err(corruption(path, 0, "there has never been a format of that number"));
    }
    description.and_then(|it| StoreId::parse(&it.id).map(|id| (it.kind, id))).ok_or_else(|| {
        let message = format!("{} does not describe a store: use another folder", path.display());
        Error::new(ErrorCode::Config, message)
    })
}

/// Lets through what may become a store: no folder, or one without anything in it.
fn check_absent_or_empty(files: &dyn Files, path: &Path, kind: &str, create_if_missing: bool) -> Result<()> {
    let names = match files.list(path) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io_error("open the folder", path, error)),
    };
    let foreign = names.iter().find(|name| {
        name.to_str()
            .is_none_or(|name| name != LOST_AND_FOUND && name != names::DESCRIPTION && !is_unfinished(name))
    });
    // A folder is not listed at one moment: another creator may have come in between.
    if let Some(name) = foreign.filter(|_| !matches!(read_id(files, path, kind), Ok(Some(_)))) {
        let message = format!(
            "{} holds '{}' and no {}, so it is not a store: use an empty folder or another path",
            path.display(),
            name.display(),
            names::DESCRIPTION
        );
        return Err(Error::new(ErrorCode::Config, message));
    }
    if !create_if_missing {
        let message = format!(
            "there is no store at {}: correct the path; writing to a new one makes it",
            path.display()
        );
        return Err(Error::new(ErrorCode::Config, message));
    }
    Ok(())
}

/// Makes folder and description. Durability: the description is synced before it has its name, and the name before
/// anything else is written, so a folder of ours is never without it.
fn create(files: &dyn Files, folder: &Path, kind: &str) -> Result<()> {
    create_folders(files, folder)?;
    let text = description(kind, StoreId::random()?)?;
    let path = folder.join(names::DESCRIPTION);
    let random = u64::from_le_bytes(random_bytes()?);
    let unfinished = folder.join(format!("{}.{random:016x}{}", names::DESCRIPTION, names::TEMPORARY));
    let written = files.open(&unfinished, OpenMode::CreateNew).and_then(|file| {
        write_all_at(&*file, &text, 0)?;
        sync(&*file)
    });
    let linked = match written.and_then(|()| files.link(&unfinished, &path)) {
        // Another creator was faster; it may also have removed our temporary file.
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            Ok(())
        }
        linked => linked,
    };
    // If it stays, the next owner of the lock removes it.
    let _ = files.remove(&unfinished);
    linked.map_err(cannot("create", &path))?;
    files.sync_folder(folder).map_err(cannot("sync the folder", folder))
}

/// The text that says what lies in a folder.
pub(crate) fn description(kind: &str, id: StoreId) -> Result<Vec<u8>> {
    let description = Description { kind: kind.into(), format: FORMAT, id: id.to_string() };
    let mut text = serde_json::to_vec(&description).map_err(|error| {
        Error::new(ErrorCode::Io, "the store's description cannot be written as JSON").with_source(error)
    })?;
    text.push(b'\n');
    Ok(text)
}

/// Makes a folder and those that lead to it, each name synced.
pub(crate) fn create_folders(files: &dyn Files, path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let created = match files.create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_folders(files, parent)?;
            // Once: some file systems answer the same for folders that nobody can make.
            files.create_dir(path)
        }
        created => created,
    };
    match created {
        Ok(()) => files.sync_folder(parent).map_err(cannot("sync the folder", parent)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error("create the folder", path, error)),
    }
}

/// Makes the names that lead to a folder survive power loss. Whoever makes a folder also syncs its parent; this is for one
/// who died in between, and not every folder on the way can be opened, or synced, by everybody.
pub(crate) fn sync_way(files: &dyn Files, folder: &Path) {
    for ancestor in folder.ancestors().skip(1) {
        let _ = files.sync_folder(ancestor);
    }
}

fn is_unfinished(name: &str) -> bool {
    name.strip_prefix(names::DESCRIPTION)
        .is_some_and(|rest| rest.starts_with('.') && rest.ends_with(names::TEMPORARY))
}

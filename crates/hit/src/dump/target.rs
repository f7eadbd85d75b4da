use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hit_core::{Error, ErrorCode, Result};
use hit_log::{File, Files, OpenMode, io_error};

/// Where a dump goes.
pub(crate) enum Target {
    /// A regular file, or none yet.
    File(PathBuf),
    /// A device or a pipe, which must not be replaced by a file.
    Device(PathBuf),
}

impl Target {
    /// Looks at what is at a path.
    ///
    /// # Errors
    /// `HIT_ARGUMENT` where that is a folder or lies in `store`, `HIT_CONFIG` where its folder is missing.
    pub(crate) fn find(path: &Path, store: Option<&Path>) -> Result<Self> {
        let refused = |what: &str| Error::new(ErrorCode::Argument, format!("{} {what}", path.display()));
        // Looked at before it is resolved: what `/dev/stdout` leads to has no path where that is a pipe.
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Ok(Self::Device(path.to_owned()));
        }
        let real = match fs::canonicalize(path) {
            Ok(real) if real.is_dir() => {
                return Err(refused("is a folder: name a file to dump into"));
            }
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing(path)?,
            Err(error) => return Err(io_error("look at", path, error)),
        };
        let store = store.and_then(|store| fs::canonicalize(store).ok());
        if store.is_some_and(|store| real.starts_with(store)) {
            return Err(refused("lies in the store's own folder: dump to another place"));
        }
        Ok(Self::File(real))
    }
}

/// The full path of a file that is not there yet.
fn missing(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        let message = format!("'{}' is no name of a file: name one to dump into", path.display());
        return Err(Error::new(ErrorCode::Argument, message));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).map_err(|error| {
        let message = format!("the folder of {} cannot be opened: {error}; make it first", path.display());
        Error::new(ErrorCode::Config, message).with_source(error)
    })?;
    Ok(folder.join(name))
}

/// A file that is written under another name until it is whole.
pub(crate) struct NewFile {
    files: Arc<dyn Files>,
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<Box<dyn File>>,
    bytes: u64,
}

impl NewFile {
    /// # Errors
    /// `HIT_CONFIG`, `HIT_DISK_FULL`, `HIT_IO`.
    pub(crate) fn create(files: Arc<dyn Files>, path: PathBuf) -> Result<Self> {
        // Two dumps into one file must not share an unfinished one: the last to finish wins, and its file is whole.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut unfinished = path.clone().into_os_string();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        unfinished.push(format!(".{}-{number}.unfinished", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let file = files
            .open(&unfinished, OpenMode::CreateNew)
            .map_err(|error| io_error("create", &unfinished, error))?;
        Ok(Self { files, path, unfinished, file: Some(file), bytes: 0 })
    }

    /// Gives it its name. Durability: the content is synced before, and the folder behind it.
    ///
    /// # Errors
    /// As [`NewFile::create`]; only where the sync of the folder fails, the file may be under its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        let failed = |error| io_error("write", &path, error);
        if let Some(file) = &self.file {
            file.sync_data().map_err(failed)?;
        }
        self.files.rename(&self.unfinished, &self.path).map_err(failed)?;
        self.file = None;
        match self.path.parent() {
            Some(folder) => self.files.sync_folder(folder).map_err(failed),
            None => Ok(()),
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        let written = file.write_at(bytes, self.bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It harms nobody if it stays: its name says what it is.
            let _ = self.files.remove(&self.unfinished);
        }
    }
}

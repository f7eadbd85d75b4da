use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::files::{File, Files, OpenMode};

/// Files for reading only. What was opened once stays open, and opening it again gives the same file: what a writer removes
/// or replaces meanwhile can still be read.
pub(super) struct HeldFiles {
    files: Arc<dyn Files>,
    held: Mutex<HashMap<PathBuf, Arc<dyn File>>>,
}

impl HeldFiles {
    pub(super) fn new(files: &Arc<dyn Files>) -> Arc<Self> {
        Arc::new(Self { files: Arc::clone(files), held: Mutex::default() })
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Files for HeldFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>> {
        if mode != OpenMode::Read {
            return refused();
        }
        let mut held = self.held.lock();
        let file = match held.get(path) {
            Some(file) => Arc::clone(file),
            None => {
                let file: Arc<dyn File> = Arc::from(self.files.open(path, mode)?);
                held.insert(path.into(), Arc::clone(&file));
                file
            }
        };
        Ok(Box::new(HeldFile(file)))
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        refused()
    }

    fn link(&self, _existing: &Path, _new: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.files.list(path)
    }

    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        refused()
    }
}

struct HeldFile(Arc<dyn File>);

impl File for HeldFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<usize> {
        refused()
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn set_size(&self, _bytes: u64) -> io::Result<()> {
        refused()
    }

    fn allocate(&self, _bytes: u64) -> io::Result<()> {
        refused()
    }

    fn try_lock(&self) -> io::Result<bool> {
        refused()
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        self.0.identity()
    }
}

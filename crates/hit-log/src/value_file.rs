use std::io;
use std::path::PathBuf;

use hit_core::limits::{LARGE_VALUE_BYTES, MAX_VALUE_BYTES};
use hit_core::{Error, Result};

use crate::corruption::corruption;
use crate::file_id::FileId;
use crate::files::{File, OpenMode, read_available_at};
use crate::folder::Folder;
use crate::io_error::io_error;

const CHECKSUM_BYTES: usize = size_of::<u32>();

/// A file of the log, open for reading values where they lie. It can be read on after its name is gone.
pub struct ValueFile {
    file: Box<dyn File>,
    path: PathBuf,
}

impl ValueFile {
    /// Opens a file; `None` where there is none of that name, as after a compaction.
    ///
    /// # Errors
    /// `HIT_IO`, `HIT_CONFIG`.
    pub fn open(folder: &Folder, id: FileId) -> Result<Option<Self>> {
        let path = id.path(folder);
        match folder.files().open(&path, OpenMode::Read) {
            Ok(file) => Ok(Some(Self { file, path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &path, error)),
        }
    }

    /// Its length; 0 where the system does not tell.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.size().unwrap_or(0)
    }

    /// Reads a value of [`LARGE_VALUE_BYTES`] or more and the checksum behind it.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` with file, offset and key where they do not match; `HIT_IO`.
    pub fn read(&self, key: &[u8], offset: u64, length: u32) -> Result<Vec<u8>> {
        let length = length as usize;
        debug_assert!((LARGE_VALUE_BYTES..=MAX_VALUE_BYTES).contains(&length), "small ones have no checksum");
        let mut bytes = vec![0; length + CHECKSUM_BYTES];
        let read = read_available_at(&*self.file, &mut bytes, offset)
            .map_err(|error| io_error("read", &self.path, error).with_key(key))?;
        if read < bytes.len() {
            return Err(self.damaged(key, offset, "the file ends within a value"));
        }
        let checksum = bytes.split_off(length);
        if checksum != crc32c::crc32c(&bytes).to_le_bytes() {
            return Err(self.damaged(key, offset, "a value does not match its checksum"));
        }
        Ok(bytes)
    }

    fn damaged(&self, key: &[u8], offset: u64, what: &str) -> Error {
        corruption(&self.path, offset, what).with_key(key)
    }
}

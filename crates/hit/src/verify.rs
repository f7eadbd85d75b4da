use std::sync::Arc;

pub use hit_core::Problem;
use hit_core::{ErrorCode, Result, Tell};
use hit_log::Folder;

use crate::disk::Disk;
use crate::location::Location;
use crate::{OpenOptions, Store};

/// What a check of everything stored has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// None: everything is as it was written.
    pub problems: Vec<Problem>,
    /// Bytes that were read.
    pub bytes: u64,
}

impl Store {
    /// Reads everything this store has on disk and checks it. Blocks; reads and writes go on meanwhile. Progress counts
    /// files and bytes. A store in memory has nothing to check.
    ///
    /// # Errors
    /// `HIT_IO` where it cannot be read at all, `HIT_ABORTED`. Damage is no error: the report names it.
    pub fn verify_blocking(&self, tell: &mut Tell<'_>) -> Result<VerifyReport> {
        let shared = self.open_shared()?;
        if let Some(backing) = shared.backing() {
            return backing.verify(tell);
        }
        let Some(folder) = shared.folder() else { return Ok(VerifyReport::default()) };
        let _pinned = shared.disk().map(Disk::pin);
        check(folder, tell)
    }
}

/// The same for a store that is not open, or cannot be opened; takes no lock and changes nothing.
///
/// # Errors
/// As [`Store::verify_blocking`]; `HIT_CONFIG` where there is no such store.
pub fn verify(url: &str, options: &OpenOptions, tell: &mut Tell<'_>) -> Result<VerifyReport> {
    match Location::parse(url)? {
        Location::Memory => Ok(VerifyReport::default()),
        #[cfg(feature = "rocksdb")]
        Location::RocksDb(path) => crate::storage::verify_rocksdb(&path, options, tell)
            .map(|(problems, bytes)| VerifyReport { problems, bytes }),
        Location::File(path) => match Folder::open(Arc::clone(&options.files), &path, "file", false) {
            Ok(folder) => check(&folder, tell),
            Err(error) if error.code() == ErrorCode::Corruption => {
                let (code, message) = (error.code(), error.message().to_owned());
                let problem = Problem { file: Folder::description(&path), offset: 0, code, message };
                Ok(VerifyReport { problems: vec![problem], bytes: 0 })
            }
            Err(error) => Err(error),
        },
    }
}

fn check(folder: &Folder, tell: &mut Tell<'_>) -> Result<VerifyReport> {
    hit_log::verify(folder, tell).map(|(problems, bytes)| VerifyReport { problems, bytes })
}

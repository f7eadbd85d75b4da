use std::path::Path;
use std::sync::Arc;

use hit_core::{ErrorCode, Problem, Result, Storage, SystemClock, Tell, at_once};

use crate::config::RocksDbOptions;
use crate::storage::{Access, RocksDb};

/// Checks the database at `path`, which may be open elsewhere or may not open: then that is what is wrong with it.
///
/// # Errors
/// `HIT_CONFIG` where no such database lies there, `HIT_IO`, `HIT_ABORTED`.
pub fn verify(path: &Path, options: &RocksDbOptions, tell: &mut Tell<'_>) -> Result<(Vec<Problem>, u64)> {
    match RocksDb::open(path, options, Access::Read, Arc::new(SystemClock::default())) {
        Ok(database) => at_once(database.verify(tell)),
        Err(error) if error.code() == ErrorCode::Corruption => Ok((vec![Problem::new(path, 0, &error)], 0)),
        Err(error) => Err(error),
    }
}

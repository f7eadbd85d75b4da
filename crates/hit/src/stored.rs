use hit_core::{Error, ErrorCode, Result};
use hit_log::FileId;
use hit_table::StoredValue;

use crate::shared::Shared;

/// Reads a value that was found on disk, outside the apply lock. A compaction may move it meanwhile; then it has to be
/// looked up again.
#[derive(Default)]
pub(crate) struct StoredRead {
    gone: Option<StoredValue>,
}

impl StoredRead {
    /// The value; `None` where it has moved.
    ///
    /// # Errors
    /// `HIT_CORRUPTION` where it is damaged, or its file is not there though nothing has moved; `HIT_IO`.
    pub(crate) fn read(&mut self, shared: &Shared, key: &[u8], at: StoredValue) -> Result<Option<Vec<u8>>> {
        let values = shared.disk().and_then(|disk| disk.values.as_ref());
        if let Some(bytes) = values.map(|values| values.read(key, at)).transpose()?.flatten() {
            return Ok(Some(bytes));
        }
        // Looked up again and still there: it has not moved.
        if self.gone.replace(at) == Some(at) {
            return Err(missing(key, at));
        }
        Ok(None)
    }
}

/// A value whose file is not there.
pub(crate) fn missing(key: &[u8], at: StoredValue) -> Error {
    let message = format!(
        "log/{} is missing, which holds a value of {} bytes: restore the store from a backup",
        FileId::from_u64(at.file).name(),
        at.length
    );
    Error::new(ErrorCode::Corruption, message).with_key(key)
}

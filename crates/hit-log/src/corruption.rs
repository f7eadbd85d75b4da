use std::path::Path;

use hit_core::{Error, ErrorCode};

/// Damage at a byte of a file. Nothing in the folder has been changed.
pub(crate) fn corruption(path: &Path, offset: u64, what: &str) -> Error {
    Error::new(
        ErrorCode::Corruption,
        format!(
            "{} is damaged at byte {offset}: {what}; nothing was changed: restore the store from a backup",
            path.display()
        ),
    )
}

/// A file that a newer version has written.
pub(crate) fn newer(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorCode::Config,
        format!("{} {what}: a newer hitkv has written it; use that version or a later one", path.display()),
    )
}

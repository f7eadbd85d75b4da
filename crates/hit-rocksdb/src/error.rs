//! What RocksDB answers, as our errors.
//!
//! RocksDB's own errors come as text: a kind, and what it was doing to which file.

use hit_core::{Error, ErrorCode};
use rocksdb::ErrorKind;

/// The longest part of RocksDB's text that a message carries; the source of the error has all of it.
const MOST_TEXT_BYTES: usize = 400;

/// Turns what RocksDB answers into an error of ours. `action` completes "RocksDB could not".
pub(crate) fn storage_error(action: &str, error: rocksdb::Error) -> Error {
    let (code, remedy) = classify(&error.kind(), error.as_ref());
    let text = shortened(error.as_ref());
    Error::new(code, format!("RocksDB could not {action}: {text}; {remedy}")).with_source(error)
}

/// The same for a write to its log or a sync of it. What failed for another reason than a full disk leaves unknown what is
/// on disk, and RocksDB takes no more writes.
pub(crate) fn write_error(action: &str, error: rocksdb::Error) -> Error {
    if !leaves_unknown(&error.kind(), error.as_ref()) {
        return storage_error(action, error);
    }
    let text = shortened(error.as_ref());
    Error::new(
        ErrorCode::Poisoned,
        format!(
            "RocksDB could not {action}: {text}; what of it is on disk is unknown: check the disk and the system's \
             log, then close the store and open it again"
        ),
    )
    .with_source(error)
}

fn leaves_unknown(kind: &ErrorKind, text: &str) -> bool {
    match kind {
        ErrorKind::IOError => !is_disk_full(text) || is_sync(text),
        ErrorKind::Corruption => true,
        _ => false,
    }
}

/// A shorthand for `map_err`.
pub(crate) fn cannot(action: &str) -> impl FnOnce(rocksdb::Error) -> Error + '_ {
    move |error| storage_error(action, error)
}

fn classify(kind: &ErrorKind, text: &str) -> (ErrorCode, &'static str) {
    match kind {
        ErrorKind::IOError if is_disk_full(text) => (
            ErrorCode::DiskFull,
            "free space on that disk, 8 MiB and as much as waits in memory; RocksDB goes on within ten seconds of it",
        ),
        ErrorKind::IOError if is_lock(text) => {
            (ErrorCode::Locked, "close the program that has it open, or open it with readOnly")
        }
        ErrorKind::IOError
            if text.contains("Permission denied") || text.contains("Read-only file system") =>
        {
            (ErrorCode::Config, "give this user the right to write there, or open it with readOnly")
        }
        ErrorKind::IOError if text.contains("Too many open files") => {
            (ErrorCode::Io, "raise the limit of open files (ulimit -n), then try again")
        }
        ErrorKind::IOError => (ErrorCode::Io, "check the disk and the system's log"),
        ErrorKind::Corruption => {
            (ErrorCode::Corruption, "take it from a backup; verify says what is damaged")
        }
        ErrorKind::InvalidArgument | ErrorKind::NotSupported | ErrorKind::NotFound => {
            (ErrorCode::Config, "open it with the program and the options that made it")
        }
        ErrorKind::Busy | ErrorKind::TryAgain | ErrorKind::Incomplete | ErrorKind::MergeInProgress => {
            (ErrorCode::Busy, "try again")
        }
        ErrorKind::TimedOut | ErrorKind::Expired => (ErrorCode::Timeout, "try again"),
        ErrorKind::ShutdownInProgress | ErrorKind::Aborted => {
            (ErrorCode::NotOpen, "the store is being closed: open it again")
        }
        _ => (ErrorCode::Io, "check the disk and the system's log"),
    }
}

fn is_disk_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

fn is_sync(text: &str) -> bool {
    ["While fsync", "While fdatasync", "While sync_file_range"].iter().any(|step| text.contains(step))
}

fn is_lock(text: &str) -> bool {
    text.contains("lock hold by current process") || text.to_ascii_lowercase().contains("while lock file")
}

fn shortened(text: &str) -> &str {
    let end = (0..=MOST_TEXT_BYTES.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_what_can_be_done() {
        for (kind, text, code) in [
            (
                ErrorKind::IOError,
                "While appending to file: /a/4.log: No space left on device",
                ErrorCode::DiskFull,
            ),
            (
                ErrorKind::IOError,
                "While lock file: /a/LOCK: Resource temporarily unavailable",
                ErrorCode::Locked,
            ),
            (ErrorKind::IOError, "lock hold by current process, acquire time 1", ErrorCode::Locked),
            (ErrorKind::IOError, "While mkdir if missing: /a: Read-only file system", ErrorCode::Config),
            (ErrorKind::IOError, "While pread: /a/4.sst: Input/output error", ErrorCode::Io),
            (ErrorKind::Corruption, "block checksum mismatch", ErrorCode::Corruption),
            (ErrorKind::InvalidArgument, "does not match existing comparator", ErrorCode::Config),
            (ErrorKind::TimedOut, "", ErrorCode::Timeout),
            (ErrorKind::Busy, "", ErrorCode::Busy),
            (ErrorKind::ShutdownInProgress, "", ErrorCode::NotOpen),
        ] {
            assert_eq!(classify(&kind, text).0, code, "{text}");
        }
    }

    #[test]
    fn only_a_full_disk_while_appending_leaves_known_what_was_written() {
        let full = "While appending to file: /a/4.log: No space left on device";
        assert!(!leaves_unknown(&ErrorKind::IOError, full));
        assert!(!leaves_unknown(&ErrorKind::Busy, ""));
        assert!(leaves_unknown(&ErrorKind::IOError, "While fdatasync: /a/4.log: No space left on device"));
        assert!(leaves_unknown(&ErrorKind::IOError, "While fsync: /a/4.log: Input/output error"));
        assert!(leaves_unknown(&ErrorKind::IOError, "While appending to file: /a/4.log: Input/output error"));
        assert!(leaves_unknown(&ErrorKind::Corruption, ""));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "é".repeat(MOST_TEXT_BYTES);
        assert_eq!(shortened(&text).len(), MOST_TEXT_BYTES);
        assert_eq!(shortened(&format!("a{text}")).len(), MOST_TEXT_BYTES - 1);
        assert_eq!(shortened("short"), "short");
    }
}

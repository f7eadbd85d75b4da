use std::io;
use std::path::Path;

use hit_core::{Error, ErrorCode};

/// Whether the disk, or the user's share of it, is full.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether this process, or the system, may not open another file.
#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error())).contains(&error.raw_os_error())
}

/// The error there has no code of its own that a program would meet.
#[cfg(not(unix))]
fn is_out_of_files(_error: &io::Error) -> bool {
    false
}

/// Turns the system's error into ours. `action` completes "cannot …".
#[must_use]
pub fn io_error(action: &str, path: &Path, error: io::Error) -> Error {
    let (code, remedy) = match error.kind() {
        _ if is_disk_full(&error) => (ErrorCode::DiskFull, "free space on that disk, then try again"),
        _ if is_out_of_files(&error) => {
            (ErrorCode::Io, "raise the limit of open files (ulimit -n), then try again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorCode::Config, "give this user the right to write there, or use another folder")
        }
        io::ErrorKind::NotADirectory => (ErrorCode::Config, "use the path of a folder"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => {
            (ErrorCode::Config, "use a path that the system allows")
        }
        io::ErrorKind::Unsupported => (ErrorCode::Unsupported, "use a folder on another file system"),
        _ => (ErrorCode::Io, "check the disk and the system's log"),
    };
    Error::new(code, format!("cannot {action} {}: {error}; {remedy}", path.display())).with_source(error)
}

/// A shorthand for `map_err`.
pub(crate) fn cannot<'a>(action: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |error| io_error(action, path, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_what_can_be_done_and_the_message_to_what() {
        for (kind, code) in [
            (io::ErrorKind::StorageFull, ErrorCode::DiskFull),
            (io::ErrorKind::QuotaExceeded, ErrorCode::DiskFull),
            (io::ErrorKind::PermissionDenied, ErrorCode::Config),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorCode::Config),
            (io::ErrorKind::NotADirectory, ErrorCode::Config),
            (io::ErrorKind::InvalidFilename, ErrorCode::Config),
            (io::ErrorKind::Unsupported, ErrorCode::Unsupported),
            (io::ErrorKind::Other, ErrorCode::Io),
        ] {
            let error = io_error("write", Path::new("x.log"), kind.into());
            assert_eq!(error.code(), code);
            assert!(error.message().starts_with("cannot write x.log: "), "{error}");
        }
    }
    #[cfg(unix)]
    #[test]
    fn a_process_without_open_files_left_is_told_of_the_limit() {
        let error = io::Error::from(rustix::io::Errno::MFILE);
        let error = io_error("open", Path::new("x.log"), error);
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(error.message().ends_with("raise the limit of open files (ulimit -n), then try again"));
    }
}

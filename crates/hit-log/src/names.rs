//! The names of the files in a store's folder.

use crate::file_id::{FileId, FileKind};

/// What a folder is and which store lies in it.
pub(crate) const DESCRIPTION: &str = "hitkv.json";
/// The empty file that carries the kernel lock.
pub(crate) const LOCK: &str = "hitkv.lock";
/// Who holds the lock, for messages.
pub(crate) const OWNER: &str = "OWNER";
/// The space kept for deletes on a full disk.
pub(crate) const RESERVE: &str = "hitkv.reserve";
/// The folder of the log.
pub(crate) const LOG: &str = "log";
/// The list of the log's files.
pub(crate) const MANIFEST: &str = "manifest";
/// Ends the name of a file that is being made.
pub(crate) const TEMPORARY: &str = ".tmp";

/// A file's name: its number in eight digits or more, and what it is.
pub(crate) fn log_file(id: FileId) -> String {
    let number = id.number;
    match id.kind {
        FileKind::Segment => format!("{number:08}.log"),
        FileKind::Run => format!("{number:08}.run"),
    }
}

/// The file of a log that has this name; `None` for every other name.
pub(crate) fn parse_log_file(name: &str) -> Option<FileId> {
    let (number, kind) = name.split_once('.')?;
    let number = number.parse().ok()?;
    let id = match kind {
        "log" => FileId::segment(number),
        "run" => FileId::run(number),
        _ => return None,
    };
    (number > 0 && log_file(id) == name).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_number_is_read_from_its_exact_name_only() {
        assert_eq!(log_file(FileId::segment(1)), "00000001.log");
        assert_eq!(log_file(FileId::run(1)), "00000001.run");
        for number in [1, 99_999_999, 100_000_000] {
            for id in [FileId::segment(number), FileId::run(number)] {
                assert_eq!(parse_log_file(&log_file(id)), Some(id));
                assert_eq!(FileId::from_u64(id.to_u64()), id);
            }
        }
        for name in
            ["1.log", "00000000.log", "000000001.log", "+0000001.log", "00000001.sst", "00000001.log.tmp"]
        {
            assert_eq!(parse_log_file(name), None, "{name}");
        }
    }
}

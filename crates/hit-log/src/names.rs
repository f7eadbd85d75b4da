//! The names of the files in a store's folder.

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

/// A segment's name: its number in eight digits or more.
pub(crate) fn segment(number: u64) -> String {
    format!("{number:08}.log")
}

/// The number in a segment's name; `None` for every other name.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".log")?.parse().ok()?;
    (number > 0 && segment(number) == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segments_number_is_read_from_its_exact_name_only() {
        assert_eq!(segment(1), "00000001.log");
        for number in [1, 99_999_999, 100_000_000] {
            assert_eq!(segment_number(&segment(number)), Some(number));
        }
        for name in
            ["1.log", "00000000.log", "000000001.log", "+0000001.log", "00000001.run", "00000001.log.tmp"]
        {
            assert_eq!(segment_number(name), None, "{name}");
        }
    }
}

use std::path::PathBuf;

use hit_core::{Error, ErrorCode, Result};

/// Schemes of storages that hitkv knows and this build does not hold.
const KNOWN_ELSEWHERE: [&str; 3] = ["postgres", "postgresql", "cassandra"];

/// Where a store is kept, as its URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `memory:`: nowhere; always a new store.
    Memory,
    /// `file:path` or a bare path: a folder of files. The path is literal, without query or percent-decoding.
    File(PathBuf),
    /// `rocksdb:path`: a folder with a RocksDB; the path as for files.
    #[cfg(feature = "rocksdb")]
    RocksDb(PathBuf),
}

impl Location {
    /// Reads a URL or a bare path. A scheme is two or more letters before the first colon, so `C:\x` is a path.
    ///
    /// # Errors
    /// `HIT_CONFIG` for an empty path or an unknown scheme, `HIT_UNSUPPORTED` for a storage that is not built.
    pub fn parse(url: &str) -> Result<Self> {
        let scheme = url
            .split_once(':')
            .filter(|(scheme, _)| scheme.len() >= 2 && scheme.bytes().all(|byte| byte.is_ascii_alphabetic()));
        match scheme {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("memory", _)) => Err(Error::new(
                ErrorCode::Config,
                format!("'{url}' names a store in memory: write 'memory:' alone"),
            )),
            Some(("file", path)) => literal(path).map(Self::File),
            None => literal(url).map(Self::File),
            #[cfg(feature = "rocksdb")]
            Some(("rocksdb", path)) => literal(path).map(Self::RocksDb),
            #[cfg(not(feature = "rocksdb"))]
            Some(("rocksdb", _)) => Err(Error::new(
                ErrorCode::Unsupported,
                "'rocksdb:' is not built into this hitkv: build it with 'npm run build -- --rocksdb'",
            )),
            Some((scheme, _)) if KNOWN_ELSEWHERE.contains(&scheme) => Err(Error::new(
                ErrorCode::Unsupported,
                format!("'{scheme}:' is not built into this hitkv: use a file store ('./data') or 'memory:'"),
            )),
            Some((scheme, _)) => Err(Error::new(
                ErrorCode::Config,
                format!(
                    "'{scheme}:' is no kind of store: use a path, 'file:path', 'rocksdb:path' or 'memory:'"
                ),
            )),
        }
    }
}

fn literal(path: &str) -> Result<PathBuf> {
    if path.is_empty() || path.contains('\0') {
        return Err(Error::new(
            ErrorCode::Config,
            "the path of a store is empty or holds a NUL byte: name a folder, for example './data'",
        ));
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_two_letters_or_more() {
        assert_eq!(Location::parse("memory:").unwrap(), Location::Memory);
        assert_eq!(Location::parse("file:a%20b?c").unwrap(), Location::File("a%20b?c".into()));
        assert_eq!(Location::parse("./data").unwrap(), Location::File("./data".into()));
        assert_eq!(Location::parse("C:\\x").unwrap(), Location::File("C:\\x".into()));
    }

    #[test]
    fn what_is_not_built_and_what_does_not_exist_are_told_apart() {
        assert_eq!(Location::parse("cassandra://r").unwrap_err().code(), ErrorCode::Unsupported);
        assert_eq!(Location::parse("ftp://x").unwrap_err().code(), ErrorCode::Config);
        assert_eq!(Location::parse("").unwrap_err().code(), ErrorCode::Config);
        assert_eq!(Location::parse("memory:x").unwrap_err().code(), ErrorCode::Config);
    }
}

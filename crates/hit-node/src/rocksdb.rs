//! The options of a RocksDB store on their way in.

use napi_derive::napi;

/// The members of the option `rocksdb`; the facade has checked them. Sizes in bytes.
#[napi(object)]
pub struct NativeRocksDbOptions {
    /// The folder is a plain RocksDB of another program.
    pub raw: Option<bool>,
    /// Of blocks and of writes that are not in files yet, for the process.
    pub memory_bytes: Option<f64>,
    /// `lz4` or `none`.
    pub compression: Option<String>,
    /// Of a block.
    pub block_bytes: Option<u32>,
    /// That write and compact files.
    pub background_threads: Option<u32>,
}

#[cfg(feature = "rocksdb")]
impl NativeRocksDbOptions {
    pub(crate) fn to_rust(&self) -> hit::RocksDbOptions {
        let standard = hit::RocksDbOptions::default();
        hit::RocksDbOptions {
            raw: self.raw.unwrap_or(standard.raw),
            memory_bytes: self.memory_bytes.map(|bytes| bytes as u64),
            compression: match self.compression.as_deref() {
                None => standard.compression,
                Some("none") => hit::Compression::None,
                Some(_) => hit::Compression::Lz4,
            },
            block_bytes: self.block_bytes.unwrap_or(standard.block_bytes),
            background_threads: self.background_threads,
        }
    }
}

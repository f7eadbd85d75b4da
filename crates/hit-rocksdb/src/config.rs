use std::ops::RangeInclusive;

use hit_core::{Error, ErrorCode, Result};

/// The least memory that can be asked for.
pub(crate) const LEAST_MEMORY_BYTES: u64 = 8 << 20;
const BLOCK_BYTES: RangeInclusive<u32> = 1 << 10..=1 << 20;
const BACKGROUND_THREADS: RangeInclusive<u32> = 1..=64;

/// A RocksDB store's own options. They belong to the store: a second open must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RocksDbOptions {
    /// The folder is a plain RocksDB of someone else's: values are as they are, nothing expires. Default: false.
    pub raw: bool,
    /// Memory for cached blocks and writes that are not in files yet, of all RocksDB stores of the process together. The
    /// first that is opened decides. 8 MiB and more; default: a part of the machine's or the container's memory.
    pub memory_bytes: Option<u64>,
    /// How blocks are compressed. Default: LZ4.
    pub compression: Compression,
    /// Uncompressed bytes of a block, the least that is read from disk. 1 KiB to 1 MiB; default 8 KiB.
    pub block_bytes: u32,
    /// Threads that write files and compact them. 1 to 64; default: as many as processors, from 2 to 4.
    pub background_threads: Option<u32>,
}

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast, about half the space for text.
    #[default]
    Lz4,
}

impl Default for RocksDbOptions {
    fn default() -> Self {
        Self {
            raw: false,
            memory_bytes: None,
            compression: Compression::Lz4,
            block_bytes: 8 << 10,
            background_threads: None,
        }
    }
}

impl RocksDbOptions {
    /// Refuses figures outside their ranges.
    ///
    /// # Errors
    /// `HIT_CONFIG`, with the range.
    pub fn check(&self) -> Result<()> {
        if let Some(bytes) = self.memory_bytes.filter(|&bytes| bytes < LEAST_MEMORY_BYTES) {
            return refuse("memoryBytes", bytes, &format!("{LEAST_MEMORY_BYTES} (8 MiB) or more"));
        }
        if !BLOCK_BYTES.contains(&self.block_bytes) {
            return refuse("blockBytes", self.block_bytes.into(), "1,024 to 1,048,576");
        }
        match self.background_threads {
            Some(threads) if !BACKGROUND_THREADS.contains(&threads) => {
                refuse("backgroundThreads", threads.into(), "1 to 64")
            }
            _ => Ok(()),
        }
    }
}

fn refuse(option: &str, given: u64, range: &str) -> Result<()> {
    Err(Error::new(ErrorCode::Config, format!("the option rocksdb.{option} is {given}: use {range}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_outside_its_range_is_refused_with_the_range() {
        let fine = RocksDbOptions::default();
        assert!(fine.check().is_ok());
        for (options, range) in [
            (RocksDbOptions { memory_bytes: Some(LEAST_MEMORY_BYTES - 1), ..fine }, "8 MiB"),
            (RocksDbOptions { block_bytes: 1_023, ..fine }, "1,024 to"),
            (RocksDbOptions { block_bytes: (1 << 20) + 1, ..fine }, "1,024 to"),
            (RocksDbOptions { background_threads: Some(0), ..fine }, "1 to 64"),
            (RocksDbOptions { background_threads: Some(65), ..fine }, "1 to 64"),
        ] {
            let error = options.check().unwrap_err();
            assert_eq!(error.code(), ErrorCode::Config);
            assert!(error.message().contains(range), "{error}");
        }
    }
}

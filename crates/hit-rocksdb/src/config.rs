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
    /// Uncompressed bytes of a block, the least that is read from disk. 1 KiB to 1 MiB; default 16 KiB.
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
            block_bytes: 16 << 10,
            background_threads: None,
        }
    }
}

//! RocksDB's options, and why they are what they are. `docs/rocksdb.md` says it for users.

use std::thread;

use rocksdb::{BlockBasedOptions, DB, DBCompressionType, DBRecoveryMode, DataBlockIndexType, Options};

use crate::config::{Compression, RocksDbOptions};
use crate::memory::Memory;

/// Tables that a column family may have in memory: one that is written to and those that wait to become files.
const MOST_WRITE_BUFFERS: i32 = 4;
/// Files of a store that are open at a time. Beyond it the one that was used longest ago is closed.
const OPEN_FILES: i32 = 512;
/// Files of level 0 from which they are compacted, from which writers are slowed, and held. Each is looked into by a read.
const LEVEL_0_COMPACTS: i32 = 4;
pub(crate) const LEVEL_0_SLOWS: i32 = 20;
const LEVEL_0_STOPS: i32 = 36;
/// Bytes that wait to be compacted, from which writers are slowed, and held. It bounds the space of what is dead.
const DEBT_SLOWS_BYTES: usize = 16 << 30;
const DEBT_STOPS_BYTES: usize = 64 << 30;
/// Free space with which writing goes on after the disk was full.
const RESUME_BYTES: usize = 8 << 20;
/// RocksDB's text log of what it does: two files of at most this size.
const TEXT_LOG_BYTES: usize = 1 << 20;
/// Files are handed to the disk in steps of this size, so that a sync at their end has little left to do.
const BYTES_PER_SYNC: u64 = 1 << 20;

/// The format of the tables, which RocksDB 8.6 and newer read …
const FORMAT: i32 = 6;
/// … and in someone else's database, whose owner may be older: 6.6 and newer.
const RAW_FORMAT: i32 = 5;

/// Options of the database as a whole.
pub(crate) fn database(options: &RocksDbOptions, memory: &Memory) -> Options {
    let mut database = Options::default();
    database.set_write_buffer_manager(&memory.write_buffers);
    database.set_max_open_files(OPEN_FILES);
    let threads = background_threads(options);
    database.set_max_background_jobs(threads);
    // Level 0 is where compactions fall behind: half of the threads may share one of those.
    database.set_max_subcompactions(u32::try_from(threads / 2).unwrap_or(1).max(1));
    database.set_bytes_per_sync(BYTES_PER_SYNC);
    database.set_avoid_unnecessary_blocking_io(true);

    // Durability: a torn end of the log is what a power loss leaves; what lies behind a bad record is not replayed.
    database.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // The logs are kept until every column family has written what they hold.
    database.set_max_total_wal_size(4 * memory.write_buffer_bytes() as u64);

    database.set_keep_log_file_num(2);
    database.set_max_log_file_size(TEXT_LOG_BYTES);
    database.set_stats_dump_period_sec(0);
    database.set_stats_persist_period_sec(0);
    database
}

/// Options of the column family of the entries.
pub(crate) fn entries(options: &RocksDbOptions, memory: &Memory) -> Options {
    let mut family = Options::default();
    let buffer_bytes = memory.write_buffer_bytes();
    // Grown by `grow` once it is open: RocksDB keeps a store whose disk was full stopped until as much as this is free.
    family.set_write_buffer_size(buffer_bytes.min(RESUME_BYTES));
    family.set_max_write_buffer_number(MOST_WRITE_BUFFERS);
    family.set_target_file_size_base(buffer_bytes as u64);
    // Level 1 is as large as what starts its compaction, four files of level 0.
    family.set_max_bytes_for_level_base(LEVEL_0_COMPACTS as u64 * buffer_bytes as u64);
    family.set_level_compaction_dynamic_level_bytes(true);
    family.set_level_zero_file_num_compaction_trigger(LEVEL_0_COMPACTS);
    family.set_level_zero_slowdown_writes_trigger(LEVEL_0_SLOWS);
    family.set_level_zero_stop_writes_trigger(LEVEL_0_STOPS);
    family.set_soft_pending_compaction_bytes_limit(DEBT_SLOWS_BYTES);
    family.set_hard_pending_compaction_bytes_limit(DEBT_STOPS_BYTES);
    family.set_compression_type(compression(options));
    // A filter of the table that is written to: a tenth of the write rate, and a lookup that ends in a file is half as long.
    family.set_memtable_whole_key_filtering(true);
    family.set_memtable_prefix_bloom_ratio(0.02);
    family.set_block_based_table_factory(&blocks(options, memory));
    family
}

/// Gives the entries the table in memory that they are to have.
pub(crate) fn grow(db: &DB, memory: &Memory) -> Result<(), rocksdb::Error> {
    let bytes = memory.write_buffer_bytes();
    if bytes <= RESUME_BYTES {
        return Ok(());
    }
    db.set_options(&[("write_buffer_size", &bytes.to_string())])
}

/// Options of the small column families.
pub(crate) fn index(options: &RocksDbOptions, memory: &Memory) -> Options {
    let mut family = Options::default();
    family.set_write_buffer_size((memory.write_buffer_bytes() / 4).min(RESUME_BYTES));
    family.set_level_compaction_dynamic_level_bytes(true);
    family.set_compression_type(compression(options));
    family.set_block_based_table_factory(&blocks(options, memory));
    family
}

fn blocks(options: &RocksDbOptions, memory: &Memory) -> BlockBasedOptions {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&memory.cache);
    blocks.set_block_size(options.block_bytes as usize);
    blocks.set_format_version(if options.raw { RAW_FORMAT } else { FORMAT });
    // Of a hundred lookups of keys that a file does not have, one passes ten bits.
    blocks.set_bloom_filter(10.0, false);
    // Of all places in the hash index of a block, two in five are taken: fewer lookups fall back to the binary search.
    blocks.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    blocks.set_data_block_hash_ratio(0.4);
    // Indexes and filters are in the cache: outside of it they would grow with the data, and no limit would hold. They are not
    // partitioned, which made reads a third slower.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks
}

fn compression(options: &RocksDbOptions) -> DBCompressionType {
    match options.compression {
        Compression::None => DBCompressionType::None,
        Compression::Lz4 => DBCompressionType::Lz4,
    }
}

fn background_threads(options: &RocksDbOptions) -> i32 {
    let processors = || thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    options.background_threads.map_or_else(
        || i32::try_from(processors()).unwrap_or(2),
        |threads| i32::try_from(threads).unwrap_or(2),
    )
}

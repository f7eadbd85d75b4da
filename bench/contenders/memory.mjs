/**
 * What stores with a cache of their own may take, where that can be chosen: some of their defaults (8 MiB, LevelDB's 4 MiB
 * of writes) do not hold the entries that are read, and hitkv's default does.
 */
export const CACHE_BYTES = 256 << 20;

/** What is gathered before it is written as a sorted file: RocksDB's default, for LevelDB too. */
export const WRITE_BUFFER_BYTES = 64 << 20;

/** Every limit of the facade by name, the same as in `crates/hit-core/src/limits.rs`. All are checked before any I/O. */

/** The longest key, in bytes. The shortest is one byte. */
export const MAX_KEY_BYTES = 2_048;

/** The longest value of a local store, in bytes. */
export const MAX_VALUE_BYTES = 128 * 1024 * 1024;

/** The longest frame of a log, in bytes. A batch lies in one, so it is smaller than this. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/** A segment of a log, in bytes. */
export const MIN_SEGMENT_BYTES = 64 * 1024;
export const MAX_SEGMENT_BYTES = 1024 * 1024 * 1024;

/** What a `rocksdb` option may be, the same as in `crates/hit-rocksdb/src/config.rs`. */
export const MIN_ROCKSDB_MEMORY_BYTES = 8 * 1024 * 1024;
export const MIN_BLOCK_BYTES = 1024;
export const MAX_BLOCK_BYTES = 1024 * 1024;
export const MAX_BACKGROUND_THREADS = 64;

/** How often `update` tries before it gives up with a conflict. */
export const MAX_UPDATE_TRIES = 100;

/** The most keys that an error names. */
export const MAX_ERROR_KEYS = 100;

/** The most bytes a UTF-16 code unit takes in UTF-8. */
export const MAX_BYTES_PER_CHARACTER = 3;

/** What a counter can hold: a signed 64-bit integer. */
export const MIN_COUNTER = -(2n ** 63n);
export const MAX_COUNTER = 2n ** 63n - 1n;

/** What `load` of an iterable writes at a time, in entries and in bytes, and how many of these wait for their answers. */
export const MAX_LOAD_CHUNK_ENTRIES = 1_000;
export const MAX_LOAD_CHUNK_BYTES = 1024 * 1024;
export const MAX_LOAD_CHUNKS_IN_FLIGHT = 4;

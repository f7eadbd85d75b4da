//! Every limit of hitkv by name. All of them are checked before any I/O.

/// The longest key, in bytes. The shortest is one byte.
pub const MAX_KEY_BYTES: usize = 2_048;

/// The longest bound of a range, in bytes: a key and the zero byte that makes the next one.
pub const MAX_BOUND_BYTES: usize = MAX_KEY_BYTES + 1;

/// The longest value of a local store, in bytes: half a frame, so that a value always fits one.
pub const MAX_VALUE_BYTES: usize = 128 << 20;

/// The longest frame of a log, in bytes, header and padding included. A batch lies in one frame.
pub const MAX_FRAME_BYTES: usize = 256 << 20;

/// Values of this many bytes and more carry their own checksum on disk and may stay there.
pub const LARGE_VALUE_BYTES: usize = 256;

/// The largest integer on disk and in JavaScript: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Bytes accepted but not yet written, for each handle, before promises wait. Twice that blocks the writer.
pub const DEFAULT_MAX_PENDING_BYTES: usize = 64 << 20;

/// The most keys that an error names.
pub const MAX_ERROR_KEYS: usize = 100;

/// How often `update` tries before it gives up with a conflict.
pub const MAX_UPDATE_TRIES: usize = 100;

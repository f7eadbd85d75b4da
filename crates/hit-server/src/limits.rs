//! What one server takes on, by name.

use std::time::Duration;

/// Threads that answer requests. The store has its own for files.
pub const WORKER_THREADS: usize = 2;

/// Connections served at a time; more wait in the system's queue. Below the 1,024 descriptors that many systems
/// give a process, so that the store can still open its files.
pub const MAX_CONNECTIONS: usize = 900;

/// Request line and headers together, and the size of a read. The longest key takes 6 KiB of a URL.
pub const MAX_HEAD_BYTES: usize = 64 << 10;

/// What a body of `POST /set` may have beyond the longest value: the key and the JSON around both.
pub const BODY_MARGIN_BYTES: usize = 16 << 10;

/// Memory taken at once for a body that comes in several parts; it grows with what comes.
pub const FIRST_BUFFER_BYTES: usize = 256 << 10;

/// How long a request's head may take to arrive, and a connection be idle between requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the next part of a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a stopping server waits for requests that it has begun to read.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long accepting rests when the system has no descriptor left for a connection.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often a read looks again when a write that it saw has failed in the meantime.
pub const READ_TRIES: usize = 3;

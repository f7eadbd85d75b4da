use std::sync::mpsc::SyncSender;

use hit_core::{Error, ErrorCode, Result, check_key, check_value, limits};

use crate::load::batch::Batch;

/// What the reading thread hands to the one that writes.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) batch: Batch,
    /// Bad lines, since the last one.
    pub(crate) skipped: u64,
    /// Bytes read, since the beginning.
    pub(crate) bytes: u64,
    /// How reading ended; nothing comes behind.
    pub(crate) end: Option<Result<()>>,
}

/// Where the formats put what they have read.
pub(crate) struct Sink {
    read: Read,
    target: SyncSender<Read>,
    skip_bad: bool,
}

impl Sink {
    pub(crate) fn new(target: SyncSender<Read>, skip_bad: bool) -> Self {
        Self { read: Read::default(), target, skip_bad }
    }

    /// Takes an entry that has been checked.
    pub(crate) fn entry(&mut self, key: &[u8], value: &[u8], expires_at: Option<u64>) {
        self.read.batch.push(key, value, expires_at);
    }

    /// Counts a bad entry where those are skipped.
    ///
    /// # Errors
    /// Else with what is wrong with it.
    pub(crate) fn bad(&mut self, error: Error) -> Result<()> {
        if !self.skip_bad {
            return Err(error);
        }
        self.read.skipped += 1;
        Ok(())
    }

    /// Hands over what there is, `bytes` being read by now.
    ///
    /// # Errors
    /// Where nobody takes it any more.
    pub(crate) fn hand_over(&mut self, bytes: u64) -> Result<()> {
        self.read.bytes = bytes;
        if self.read.batch.len() == 0 && self.read.skipped == 0 {
            return Ok(());
        }
        self.send()
    }

    /// The same where enough has been gathered.
    ///
    /// # Errors
    /// As [`Sink::hand_over`].
    pub(crate) fn hand_over_if_full(&mut self, bytes: u64) -> Result<()> {
        if self.read.batch.is_full() { self.hand_over(bytes) } else { Ok(()) }
    }

    /// Hands over the last entries, and how reading ended.
    pub(crate) fn end(mut self, result: Result<()>) {
        self.read.end = Some(result);
        // Where nobody takes it, nobody wants to know.
        let _ = self.send();
    }

    fn send(&mut self) -> Result<()> {
        let bytes = self.read.bytes;
        let read = std::mem::replace(&mut self.read, Read { bytes, ..Read::default() });
        self.target.send(read).map_err(|_| Error::new(ErrorCode::Aborted, "loading has ended"))
    }
}

/// Refuses an entry that no store takes.
///
/// # Errors
/// `HIT_KEY_INVALID`, `HIT_VALUE_TOO_LARGE`, `HIT_ARGUMENT`.
pub(crate) fn check_entry(key: &[u8], value: &[u8], expires_at: Option<u64>) -> Result<()> {
    check_key(key)?;
    check_value(key, value)?;
    match expires_at {
        Some(expires_at) if expires_at > limits::MAX_INTEGER => Err(Error::new(
            ErrorCode::Argument,
            format!("expiresAt is {expires_at}: use Unix milliseconds up to {}", limits::MAX_INTEGER),
        )
        .with_key(key)),
        _ => Ok(()),
    }
}

/// The same failure, saying where in the source it was met.
pub(crate) fn at(place: &str, error: &Error) -> Error {
    let located = Error::new(error.code(), format!("{place}: {}", error.message()));
    error.keys().iter().fold(located, |located, key| located.with_key(key))
}

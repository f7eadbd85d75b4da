use std::sync::Arc;
use std::sync::atomic::Ordering;

use hit_core::{Durability, Error, ErrorCode, KeyRange, Operation, Result, check_key, check_value, limits};
use hit_log::{Encoded, Frame};
use hit_table::Undo;

use crate::base::Base;
use crate::options::WriteOptions;
use crate::queue::{Completion, Content, Group};
use crate::shared::{Applied, Shared};
use crate::store::{Answered, Store, answer};

/// When a submitted write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It has its durability already; the completion is dropped uncalled.
    Settled,
    /// The completion will be called.
    Pending,
}

impl Submitted {
    /// Waits for the completion that `answered` belongs to, if it will be called.
    pub(crate) async fn wait(self, answered: Answered) -> Result<()> {
        match self {
            Self::Settled => Ok(()),
            Self::Pending => answered.wait().await,
        }
    }
}

/// Writes. Each is seen by reads when the call has been made, and resolves when it has its durability.
///
/// They fail with `HIT_NOT_OPEN` after `close`, `HIT_POISONED` after a failed sync, `HIT_DISK_FULL` and `HIT_IO` when the
/// log could not be written (nothing of the write is kept then), `HIT_KEY_INVALID` and `HIT_VALUE_TOO_LARGE`.
impl Store {
    /// Gives `key` a value; clears an expiry unless the options give one.
    ///
    /// # Errors
    /// As all writes.
    pub async fn set(&self, key: &[u8], value: &[u8], options: WriteOptions) -> Result<()> {
        let operation = Operation::Set { key, value, expires_at: options.expires_at };
        self.submit_one(operation, options.durability).await
    }

    /// Takes `key` away; nothing happens where it is not there.
    ///
    /// # Errors
    /// As all writes.
    pub async fn delete(&self, key: &[u8], options: WriteOptions) -> Result<()> {
        self.submit_one(Operation::Delete { key }, options.durability).await
    }

    /// Takes every key of a range away, as one.
    ///
    /// # Errors
    /// As all writes.
    pub async fn clear(&self, range: KeyRange<'_>) -> Result<()> {
        self.submit_one(Operation::DeleteRange { range }, None).await
    }

    async fn submit_one(&self, operation: Operation<'_>, durability: Option<Durability>) -> Result<()> {
        let (completion, answered) = answer();
        self.submit(std::iter::once(operation), durability, completion)?.wait(answered).await
    }

    /// Accepts a group of operations: it is seen whole when this returns, and becomes durable whole but on a storage with several
    /// lanes, where [`Store::submit_batch`] does. `completion` is called once, from another thread, unless the answer is [`Submitted::Settled`] or an error.
    ///
    /// Blocks while twice the handle's bound of pending bytes is not written yet.
    ///
    /// # Errors
    /// As all writes; `HIT_BATCH_TOO_LARGE` where the group does not fit one frame. Nothing is applied then.
    pub fn submit<'a>(
        &self,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        let submitted = self.try_submit(operations.clone(), false, durability, completion);
        submitted.map_err(|error| named(error, operations))
    }

    /// Accepts operations that are encoded already, as [`Store::submit`] does others; as one atomic batch where `whole`.
    ///
    /// # Errors
    /// As [`Store::submit`].
    pub fn submit_encoded(
        &self,
        encoded: &Encoded<'_>,
        whole: bool,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        let fill = |frame: &mut Frame| frame.push_encoded(encoded);
        let accepted = self.accept(encoded.operations(), fill, whole, durability, completion);
        accepted.map_err(|error| if whole { error } else { named(error, encoded.operations()) })
    }

    pub(crate) fn try_submit<'a>(
        &self,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        whole: bool,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        operations.clone().try_for_each(|operation| check_operation(&operation))?;
        let fill = |frame: &mut Frame| push_all(frame, operations.clone());
        self.accept(operations.clone(), fill, whole, durability, completion)
    }

    /// Accepts operations within the limits, which `fill` puts into a frame.
    fn accept<'a>(
        &self,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        fill: impl FnOnce(&mut Frame) -> Result<()>,
        whole: bool,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        let shared = self.open_shared()?;
        shared.check_writable()?;
        let frame = match shared.base() {
            Base::Log(_) => {
                let frees_space = operations.clone().all(|operation| frees_space(&operation));
                Some(self.make_frame(frees_space, fill)?)
            }
            Base::Storage(backing) => {
                return self.submit_to_storage(backing, operations, whole, durability, completion);
            }
            Base::Memory | Base::Follower(_) => None,
        };
        let mut applied = shared.applied.write();
        self.open_shared()?;
        shared.settle(&mut applied.table);
        Ok(self.apply(&mut applied, operations, frame, durability, completion))
    }

    /// Waits for room, then has a frame filled.
    fn make_frame(&self, frees_space: bool, fill: impl FnOnce(&mut Frame) -> Result<()>) -> Result<Frame> {
        self.account().backlog.wait_for_room();
        let shared = self.open_shared()?;
        if !frees_space {
            shared.check_room()?;
        }
        let mut frame = shared.take_frame();
        fill(&mut frame)?;
        shared.wait_for_compaction(frame.byte_len());
        Ok(frame)
    }

    /// Makes a checked and encoded group visible and hands it to the log.
    pub(crate) fn apply<'a>(
        &self,
        applied: &mut Applied,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        frame: Option<Frame>,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Submitted {
        let count = operations.len() as u64;
        if count == 0 {
            return Submitted::Settled;
        }
        let first_sequence = applied.next_sequence;
        let next_sequence = first_sequence + count;
        let frees_space = frame.is_some() && operations.clone().all(|operation| frees_space(&operation));
        let begins_segment = frame.as_ref().is_some_and(|frame| applied.fill.take(frame.byte_len()));
        if begins_segment {
            applied.table.begin_span(first_sequence);
        }
        let undo = applied.table.apply(first_sequence, operations);
        applied.next_sequence = next_sequence;
        match frame {
            None => self.keep_in_memory(applied, undo),
            Some(frame) => {
                let bytes = frame.byte_len();
                let content = Content { first_sequence, next_sequence, bytes, frees_space, begins_segment };
                self.hand_to_log(content, undo, frame, durability, completion)
            }
        }
    }

    fn keep_in_memory(&self, applied: &mut Applied, undo: Undo) -> Submitted {
        applied.table.settle(undo);
        if self.shared().resting.load(Ordering::SeqCst) {
            self.shared().queue.sweep();
        }
        Submitted::Settled
    }

    fn hand_to_log(
        &self,
        content: Content,
        undo: Undo,
        frame: Frame,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Submitted {
        let (durability, at_once) = self.durability_of(durability, content.next_sequence, content.bytes);
        let group = Group {
            account: Arc::clone(self.account()),
            durability,
            completion: (!at_once).then(|| -> Completion { Box::new(completion) }),
            content: Some(content),
            undo: Some(undo),
            has_seen: false,
        };
        self.shared().enqueue(group, Some(frame));
        if at_once { Submitted::Settled } else { Submitted::Pending }
    }

    /// The durability of a write, and whether it is answered at once.
    pub(crate) fn durability_of(
        &self,
        durability: Option<Durability>,
        next_sequence: u64,
        bytes: usize,
    ) -> (Durability, bool) {
        let account = self.account();
        match durability.unwrap_or(account.durability) {
            // Back-pressure: the answer waits until what is behind has caught up with this write.
            Durability::Memory if account.backlog.is_over_with(bytes) => (Durability::Os, false),
            Durability::Memory => {
                account.answer_early(next_sequence);
                (Durability::Memory, true)
            }
            durability => (durability, false),
        }
    }
}

/// Encodes operations as one frame, in a buffer that was used before.
pub(crate) fn encode<'a>(shared: &Shared, operations: impl Iterator<Item = Operation<'a>>) -> Result<Frame> {
    let mut frame = shared.take_frame();
    push_all(&mut frame, operations)?;
    Ok(frame)
}

fn push_all<'a>(frame: &mut Frame, mut operations: impl Iterator<Item = Operation<'a>>) -> Result<()> {
    operations.try_for_each(|operation| frame.push(&operation))
}

/// A failure with the keys of the operations it concerns.
pub(crate) fn with_keys<'a>(error: Error, operations: impl Iterator<Item = Operation<'a>>) -> Error {
    let keys = operations.filter_map(|operation| operation.key());
    keys.take(limits::MAX_ERROR_KEYS).fold(error, Error::with_key)
}

/// The same, unless it names keys already.
fn named<'a>(error: Error, operations: impl Iterator<Item = Operation<'a>>) -> Error {
    if error.keys().is_empty() { with_keys(error, operations) } else { error }
}

pub(crate) fn frees_space(operation: &Operation<'_>) -> bool {
    !matches!(operation, Operation::Set { .. })
}

pub(crate) fn check_operation(operation: &Operation<'_>) -> Result<()> {
    match operation {
        Operation::Set { key, value, expires_at } => {
            check_key(key)?;
            check_value(key, value)?;
            check_expiry(*expires_at)
        }
        Operation::Delete { key } => check_key(key),
        Operation::DeleteRange { range } => {
            let longest = range.start.len().max(range.end.map_or(0, <[u8]>::len));
            if longest <= limits::MAX_BOUND_BYTES {
                return Ok(());
            }
            Err(Error::new(
                ErrorCode::KeyInvalid,
                format!("a bound of a range has {longest} bytes: use up to {}", limits::MAX_BOUND_BYTES),
            ))
        }
    }
}

fn check_expiry(expires_at: Option<u64>) -> Result<()> {
    match expires_at {
        Some(expires_at) if expires_at > limits::MAX_INTEGER => Err(Error::new(
            ErrorCode::Argument,
            format!("an expiry is {expires_at}: use Unix milliseconds up to {}", limits::MAX_INTEGER),
        )),
        _ => Ok(()),
    }
}

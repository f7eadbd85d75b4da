use std::collections::HashMap;

use hit_core::{Durability, Error, ErrorCode, Operation, Result, check_key};
use hit_table::{StoredValue, Value};

use crate::Store;
use crate::options::WriteOptions;
use crate::read::Entry;
use crate::shared::Applied;
use crate::store::answer;
use crate::stored::StoredRead;
use crate::write::{Submitted, check_operation, encode, frees_space};

/// One member of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOperation<'a> {
    /// What a log keeps as it is.
    Plain(Operation<'a>),
    /// Gives a key a value, with the expiry of the one it replaces.
    SetKeepingExpiry {
        /// 1 to 2,048 bytes.
        key: &'a [u8],
        /// The value.
        value: &'a [u8],
    },
}

impl BatchOperation<'_> {
    /// About what it takes.
    fn bytes(&self) -> usize {
        match self {
            Self::SetKeepingExpiry { key, value } | Self::Plain(Operation::Set { key, value, .. }) => {
                key.len() + value.len()
            }
            Self::Plain(Operation::Delete { key }) => key.len(),
            Self::Plain(Operation::DeleteRange { range }) => {
                range.start.len() + range.end.map_or(0, <[u8]>::len)
            }
        }
    }
}

/// A condition on the state before a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check<'a> {
    /// The key has this value.
    Equals {
        /// The key.
        key: &'a [u8],
        /// The bytes that must be stored.
        value: &'a [u8],
    },
    /// The key is there.
    Exists {
        /// The key.
        key: &'a [u8],
    },
    /// The key is not there.
    Absent {
        /// The key.
        key: &'a [u8],
    },
}

impl Check<'_> {
    fn key(&self) -> &[u8] {
        let (Self::Equals { key, .. } | Self::Exists { key } | Self::Absent { key }) = self;
        key
    }

    fn hold<C>(&self, decision: &Decision<'_, C>) -> std::result::Result<(), Stop> {
        let found = decision.find(self.key());
        let (held, what) = match self {
            Self::Equals { key, value } => {
                // Where the length is another, a value on disk need not be read.
                let may_hold = found.is_some_and(|entry| entry.value.len() == value.len());
                let holds = may_hold && decision.value(key)?.is_some_and(|entry| entry.value == *value);
                (holds, "another value")
            }
            Self::Exists { .. } => (found.is_some(), "no value"),
            Self::Absent { .. } => (found.is_none(), "a value"),
        };
        if held {
            return Ok(());
        }
        let message = format!("a check found {what}, so the batch wrote nothing: read again and decide anew");
        Err(Error::new(ErrorCode::Conflict, message).with_key(self.key()).into())
    }
}

/// Writes that depend on what is there. They are decided under the apply lock, so nothing comes between the look and
/// the write.
impl Store {
    /// Writes all operations as one, if all checks hold on the state before. The last operation on a key wins.
    ///
    /// # Errors
    /// `HIT_CONFLICT` naming the key whose check failed, `HIT_BATCH_TOO_LARGE`, and as all writes. Nothing is written then.
    pub async fn batch(
        &self,
        operations: &[BatchOperation<'_>],
        checks: &[Check<'_>],
        durability: Option<Durability>,
    ) -> Result<()> {
        let (completion, answered) = answer();
        self.submit_batch(operations, checks, durability, completion)?.wait(answered).await
    }

    /// The same as [`Store::batch`]: decided when this returns, `completion` called as [`Store::submit`] says.
    ///
    /// # Errors
    /// As [`Store::batch`].
    pub fn submit_batch(
        &self,
        operations: &[BatchOperation<'_>],
        checks: &[Check<'_>],
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        checks.iter().try_for_each(|check| check_key(check.key()))?;
        let frees = operations.iter().all(|operation| match operation {
            BatchOperation::Plain(operation) => frees_space(operation),
            BatchOperation::SetKeepingExpiry { .. } => false,
        });
        let bytes = operations.iter().map(BatchOperation::bytes).sum();
        self.decide(frees, bytes, completion, |decision| {
            checks.iter().try_for_each(|check| check.hold(decision))?;
            let resolved: Vec<_> = operations.iter().map(|operation| decision.resolve(*operation)).collect();
            Ok(decision.write(resolved.iter().copied(), durability)?)
        })
    }

    /// Adds `by` to the counter under `key` (signed decimal text; 0 where absent) and keeps its expiry.
    ///
    /// # Errors
    /// `HIT_VALUE_INVALID` where the value is no counter or the sum leaves 64 bits, and as all writes.
    pub async fn increment(&self, key: &[u8], by: i64, options: WriteOptions) -> Result<i64> {
        let (completion, answered) = answer();
        let (sum, submitted) = self.submit_increment(key, by, options.durability, completion)?;
        submitted.wait(answered).await.map(|()| sum)
    }

    /// The same as [`Store::increment`]: the sum is known when this returns.
    ///
    /// # Errors
    /// As [`Store::increment`].
    pub fn submit_increment(
        &self,
        key: &[u8],
        by: i64,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<(i64, Submitted)> {
        self.decide(false, key.len(), completion, |decision| {
            let (sum, expires_at) = match decision.value(key)? {
                Some(entry) => (add(key, entry.value, by)?, entry.expires_at),
                None => (by, None),
            };
            let value = sum.to_string();
            let operation = Operation::Set { key, value: value.as_bytes(), expires_at };
            let submitted = decision.write(std::iter::once(operation), durability)?;
            Ok((sum, submitted))
        })
    }

    /// Gives the entry under `key` another expiry, or none. False where there is no such key.
    ///
    /// # Errors
    /// As all writes.
    pub async fn expire(&self, key: &[u8], expires_at: Option<u64>) -> Result<bool> {
        let (completion, answered) = answer();
        let (found, submitted) = self.submit_expire(key, expires_at, completion)?;
        submitted.wait(answered).await.map(|()| found)
    }

    /// The same as [`Store::expire`]: whether there is such a key is known when this returns.
    ///
    /// # Errors
    /// As [`Store::expire`].
    pub fn submit_expire(
        &self,
        key: &[u8],
        expires_at: Option<u64>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<(bool, Submitted)> {
        check_key(key)?;
        self.decide(false, key.len(), completion, |decision| {
            let found: Option<Vec<u8>> = decision.value(key)?.map(|entry| entry.value.to_vec());
            let Some(value) = found else { return Ok((false, Submitted::Settled)) };
            let operation = Operation::Set { key, value: &value, expires_at };
            let submitted = decision.write(std::iter::once(operation), None)?;
            Ok((true, submitted))
        })
    }

    /// Looks and writes under the apply lock. Where it takes a value that is on disk, the lock is given back while that is
    /// read, and everything is decided anew: what was read counts as long as it is still the newest.
    fn decide<C, T>(
        &self,
        frees_space: bool,
        bytes: usize,
        completion: C,
        mut decide: impl FnMut(&mut Decision<'_, C>) -> std::result::Result<T, Stop>,
    ) -> Result<T> {
        let shared = self.open_shared()?;
        shared.check_writable()?;
        if shared.disk().is_some() {
            self.account().backlog.wait_for_room();
            shared.wait_for_compaction(bytes);
            if !frees_space {
                shared.check_room()?;
            }
        }
        let mut completion = Some(completion);
        let mut read = HashMap::new();
        let mut stored = StoredRead::default();
        loop {
            let mut guard = shared.applied.write();
            self.open_shared()?;
            shared.settle(&mut guard.table);
            let now_ms = shared.clock.now_ms();
            let applied = &mut *guard;
            let mut decision =
                Decision { store: self, applied, now_ms, read: &read, completion: completion.take() };
            let Unread { key, sequence, at } = match decide(&mut decision) {
                Ok(decided) => return Ok(decided),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Unread(unread)) => unread,
            };
            completion = decision.completion;
            drop(guard);
            if let Some(value) = stored.read(shared, &key, at)? {
                read.insert(key, (sequence, value));
            }
        }
    }
}

/// Why a write is not decided.
enum Stop {
    Failed(Error),
    Unread(Unread),
}

/// A value that has to be read first.
struct Unread {
    key: Vec<u8>,
    sequence: u64,
    at: StoredValue,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A write that is being decided; it holds the apply lock.
struct Decision<'a, C> {
    store: &'a Store,
    applied: &'a mut Applied,
    now_ms: u64,
    /// Values that were read from disk, by key, with their sequence numbers.
    read: &'a HashMap<Vec<u8>, (u64, Vec<u8>)>,
    /// There until the write is made.
    completion: Option<C>,
}

impl<C> Decision<'_, C> {
    fn find(&self, key: &[u8]) -> Option<hit_table::Entry<'_>> {
        self.applied.table.get(key, self.now_ms)
    }

    /// The entry of a key, which stops the decision where its value has to be read first.
    fn value(&self, key: &[u8]) -> std::result::Result<Option<Entry<'_>>, Stop> {
        let Some(entry) = self.find(key) else { return Ok(None) };
        let hit_table::Entry { value, expires_at, sequence } = entry;
        let value = match (value, self.read.get(key)) {
            (Value::Memory(value), _) => value,
            (Value::Stored(_), Some((read, value))) if *read == sequence => value,
            (Value::Stored(at), _) => return Err(Stop::Unread(Unread { key: key.to_vec(), sequence, at })),
        };
        Ok(Some(Entry { value, expires_at }))
    }

    fn resolve<'o>(&self, operation: BatchOperation<'o>) -> Operation<'o> {
        match operation {
            BatchOperation::Plain(operation) => operation,
            BatchOperation::SetKeepingExpiry { key, value } => {
                let expires_at = self.find(key).and_then(|entry| entry.expires_at);
                Operation::Set { key, value, expires_at }
            }
        }
    }
}

impl<C: FnOnce(Result<()>) + Send + 'static> Decision<'_, C> {
    fn write<'a>(
        &mut self,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        durability: Option<Durability>,
    ) -> Result<Submitted> {
        for operation in operations.clone() {
            check_operation(&operation)?;
        }
        let shared = self.store.open_shared()?;
        let frame = match shared.disk() {
            Some(_) => Some(encode(shared, operations.clone())?),
            None => None,
        };
        let completion = self.completion.take().expect("a decision writes once");
        Ok(self.store.apply(self.applied, operations, frame, durability, completion))
    }
}

fn add(key: &[u8], value: &[u8], by: i64) -> Result<i64> {
    let counter = std::str::from_utf8(value).ok().and_then(parse_counter).ok_or_else(|| {
        Error::new(
            ErrorCode::ValueInvalid,
            "a value is no counter: increment needs a signed 64-bit integer in decimal text",
        )
        .with_key(key)
    })?;
    counter.checked_add(by).ok_or_else(|| {
        Error::new(ErrorCode::ValueInvalid, format!("{counter} plus {by} leaves the signed 64-bit integers"))
            .with_key(key)
    })
}

/// Decimal text as `increment` writes it, or with leading zeros; no sign but a minus, no spaces.
fn parse_counter(text: &str) -> Option<i64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

use hit_core::{Durability, Error, ErrorCode, Operation, Result, check_key};
use hit_table::Table;

use crate::Store;
use crate::options::WriteOptions;
use crate::read::in_memory;
use crate::shared::Applied;
use crate::store::answer;
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

    fn hold(&self, table: &Table, now_ms: u64) -> Result<()> {
        let found = table.get(self.key(), now_ms);
        let (held, what) = match self {
            Self::Equals { value, .. } => {
                (found.is_some_and(|entry| in_memory(entry.value) == *value), "another value")
            }
            Self::Exists { .. } => (found.is_some(), "no value"),
            Self::Absent { .. } => (found.is_none(), "a value"),
        };
        if held {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Conflict,
            format!("a check found {what}, so the batch wrote nothing: read again and decide anew"),
        )
        .with_key(self.key()))
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
        self.decide(frees, |decision| {
            checks.iter().try_for_each(|check| check.hold(&decision.applied.table, decision.now_ms))?;
            let table = &decision.applied.table;
            let resolved: Vec<_> =
                operations.iter().map(|operation| resolve(*operation, table, decision.now_ms)).collect();
            decision.write(resolved.iter().copied(), durability, completion)
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
        self.decide(false, |decision| {
            let (sum, expires_at) = match decision.applied.table.get(key, decision.now_ms) {
                Some(entry) => (add(key, in_memory(entry.value), by)?, entry.expires_at),
                None => (by, None),
            };
            let value = sum.to_string();
            let operation = Operation::Set { key, value: value.as_bytes(), expires_at };
            let submitted = decision.write(std::iter::once(operation), durability, completion)?;
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
        self.decide(false, |decision| {
            let found: Option<Vec<u8>> =
                decision.applied.table.get(key, decision.now_ms).map(|entry| in_memory(entry.value).to_vec());
            let Some(value) = found else { return Ok((false, Submitted::Settled)) };
            let operation = Operation::Set { key, value: &value, expires_at };
            let submitted = decision.write(std::iter::once(operation), None, completion)?;
            Ok((true, submitted))
        })
    }

    /// Looks and writes under the apply lock.
    fn decide<T>(&self, frees_space: bool, decide: impl FnOnce(Decision<'_>) -> Result<T>) -> Result<T> {
        let shared = self.open_shared()?;
        shared.check_writable()?;
        if shared.disk.is_some() {
            self.account().backlog.wait_for_room();
            shared.wait_for_compaction();
            if !frees_space {
                shared.check_room()?;
            }
        }
        let mut applied = shared.applied.write();
        self.open_shared()?;
        shared.settle(&mut applied.table);
        let now_ms = shared.clock.now_ms();
        decide(Decision { store: self, applied: &mut applied, now_ms })
    }
}

/// A write that is being decided; it holds the apply lock.
struct Decision<'a> {
    store: &'a Store,
    applied: &'a mut Applied,
    now_ms: u64,
}

impl Decision<'_> {
    fn write<'a>(
        self,
        operations: impl ExactSizeIterator<Item = Operation<'a>> + Clone,
        durability: Option<Durability>,
        completion: impl FnOnce(Result<()>) + Send + 'static,
    ) -> Result<Submitted> {
        for operation in operations.clone() {
            check_operation(&operation)?;
        }
        let shared = self.store.open_shared()?;
        let frame = match &shared.disk {
            Some(_) => Some(encode(shared, operations.clone())?),
            None => None,
        };
        Ok(self.store.apply(self.applied, operations, frame, durability, completion))
    }
}

fn resolve<'a>(operation: BatchOperation<'a>, table: &Table, now_ms: u64) -> Operation<'a> {
    match operation {
        BatchOperation::Plain(operation) => operation,
        BatchOperation::SetKeepingExpiry { key, value } => {
            let expires_at = table.get(key, now_ms).and_then(|entry| entry.expires_at);
            Operation::Set { key, value, expires_at }
        }
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

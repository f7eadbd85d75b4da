use std::collections::HashMap;

use hit_core::{Durability, Error, ErrorCode, Operation, Result, check_key};
use hit_table::{StoredValue, Value};

use crate::Store;
use crate::base::Base;
use crate::options::WriteOptions;
use crate::read::Entry;
use crate::shared::Applied;
use crate::storage::{Known, Seen, Unknown};
use crate::store::answer;
use crate::stored::StoredRead;
use crate::write::{Submitted, check_operation, encode, frees_space};

/// How often a storage is asked without the apply lock, before others are kept from writing meanwhile.
const UNLOCKED_TRIES: usize = 4;

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
        let found = decision.find(self.key())?;
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
        let plain = operations.iter().map_while(|operation| match operation {
            BatchOperation::Plain(operation) => Some(*operation),
            BatchOperation::SetKeepingExpiry { .. } => None,
        });
        let plain: Vec<_> = plain.collect();
        if checks.is_empty() && plain.len() == operations.len() {
            // Nothing to look at: it is encoded without the apply lock.
            return self.try_submit(plain.into_iter(), true, durability, completion);
        }
        let frees = operations.iter().all(|operation| match operation {
            BatchOperation::Plain(operation) => frees_space(operation),
            BatchOperation::SetKeepingExpiry { .. } => false,
        });
        let bytes = operations.iter().map(BatchOperation::bytes).sum();
        let keeping = operations.iter().filter_map(|operation| match operation {
            BatchOperation::SetKeepingExpiry { key, .. } => Some(*key),
            BatchOperation::Plain(_) => None,
        });
        let keys: Vec<_> = checks.iter().map(Check::key).chain(keeping).collect();
        self.decide(&keys, frees, bytes, completion, |decision| {
            checks.iter().try_for_each(|check| check.hold(decision))?;
            let resolved = operations.iter().map(|operation| decision.resolve(*operation));
            let resolved = resolved.collect::<std::result::Result<Vec<_>, Stop>>()?;
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
        self.decide(&[key], false, key.len(), completion, |decision| {
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
        self.decide(&[key], false, key.len(), completion, |decision| {
            let found: Option<Vec<u8>> = decision.value(key)?.map(|entry| entry.value.to_vec());
            let Some(value) = found else { return Ok((false, Submitted::Settled)) };
            let operation = Operation::Set { key, value: &value, expires_at };
            let submitted = decision.write(std::iter::once(operation), None)?;
            Ok((true, submitted))
        })
    }

    /// Looks at `keys` and writes under the apply lock. Where it takes a value that is not in memory, the lock is given back while
    /// that is read, and everything is decided anew: what was read counts as long as it is still the newest.
    fn decide<C, T>(
        &self,
        keys: &[&[u8]],
        frees_space: bool,
        bytes: usize,
        completion: C,
        mut decide: impl FnMut(&mut Decision<'_, C>) -> std::result::Result<T, Stop>,
    ) -> Result<T> {
        let shared = self.open_shared()?;
        shared.check_writable()?;
        if !matches!(shared.base(), Base::Memory) {
            self.account().backlog.wait_for_room();
        }
        shared.wait_for_compaction(bytes);
        if !frees_space {
            shared.check_room()?;
        }
        let mut completion = Some(completion);
        let mut read = HashMap::new();
        let mut stored = StoredRead::default();
        let mut known = Known::default();
        if let Some(backing) = shared.backing() {
            known.ask(shared, backing, keys)?;
        }
        for tries in 1.. {
            let mut guard = shared.applied.write();
            self.open_shared()?;
            shared.settle(&mut guard.table);
            if let Some(backing) = shared.backing().filter(|_| tries > UNLOCKED_TRIES) {
                known.ask_locked(&guard, backing, keys)?;
            }
            let now_ms = shared.clock.now_ms();
            let applied = &mut *guard;
            let mut decision = Decision {
                store: self,
                keys,
                applied,
                now_ms,
                read: &read,
                known: &known,
                completion: completion.take(),
            };
            let unread = match decide(&mut decision) {
                Ok(decided) => return Ok(decided),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Unread(unread)) => unread,
            };
            completion = decision.completion;
            drop(guard);
            match (unread, shared.backing()) {
                (Unread::InFile { key, sequence, at }, _) => {
                    if let Some(value) = stored.read(shared, &key, at)? {
                        read.insert(key, (sequence, value));
                    }
                }
                (Unread::InStorage, Some(backing)) => known.ask(shared, backing, keys)?,
                (Unread::InStorage, None) => {}
            }
        }
        unreachable!("the loop ends with a decision or a failure")
    }
}

/// Why a write is not decided.
enum Stop {
    Failed(Error),
    Unread(Unread),
}

/// What has to be read first.
enum Unread {
    /// A value that the table has on disk.
    InFile { key: Vec<u8>, sequence: u64, at: StoredValue },
    /// An entry that is not in flight.
    InStorage,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A write that is being decided; it holds the apply lock.
struct Decision<'a, C> {
    store: &'a Store,
    /// What it is decided by.
    keys: &'a [&'a [u8]],
    applied: &'a mut Applied,
    now_ms: u64,
    /// Values that were read from disk, by key, with their sequence numbers.
    read: &'a HashMap<Vec<u8>, (u64, Vec<u8>)>,
    /// What the storage has said.
    known: &'a Known,
    /// There until the write is made.
    completion: Option<C>,
}

impl<C> Decision<'_, C> {
    /// The entry of a key, its value perhaps still on disk.
    fn find(&self, key: &[u8]) -> std::result::Result<Option<hit_table::Entry<'_>>, Stop> {
        if self.store.shared().backing().is_none() {
            return Ok(self.applied.table.get(key, self.now_ms));
        }
        match self.known.find(self.applied, key, self.now_ms) {
            Ok(entry) => Ok(entry.map(|Entry { value, expires_at }| hit_table::Entry {
                value: Value::Memory(value),
                expires_at,
                sequence: 0,
            })),
            Err(Unknown) => Err(Stop::Unread(Unread::InStorage)),
        }
    }

    /// The entry of a key, which stops the decision where its value has to be read first.
    fn value(&self, key: &[u8]) -> std::result::Result<Option<Entry<'_>>, Stop> {
        let Some(entry) = self.find(key)? else { return Ok(None) };
        let hit_table::Entry { value, expires_at, sequence } = entry;
        let value = match (value, self.read.get(key)) {
            (Value::Memory(value), _) => value,
            (Value::Stored(_), Some((read, value))) if *read == sequence => value,
            (Value::Stored(at), _) => {
                return Err(Stop::Unread(Unread::InFile { key: key.to_vec(), sequence, at }));
            }
        };
        Ok(Some(Entry { value, expires_at }))
    }

    fn resolve<'o>(&self, operation: BatchOperation<'o>) -> std::result::Result<Operation<'o>, Stop> {
        Ok(match operation {
            BatchOperation::Plain(operation) => operation,
            BatchOperation::SetKeepingExpiry { key, value } => {
                let expires_at = self.find(key)?.and_then(|entry| entry.expires_at);
                Operation::Set { key, value, expires_at }
            }
        })
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
        let frame = match shared.base() {
            Base::Log(_) => Some(encode(shared, operations.clone())?),
            Base::Storage(backing) => {
                let in_flight = |key: &&[u8]| !matches!(self.applied.see(key, 0), Seen::Below);
                let seen: Vec<_> = self.keys.iter().copied().filter(in_flight).collect();
                let route = backing.route(shared, operations.clone(), true, &seen)?;
                let completion = self.completion.take().expect("a decision writes once");
                return Ok(self.store.put_in_flight(
                    backing,
                    self.applied,
                    operations,
                    route,
                    durability,
                    completion,
                ));
            }
            Base::Memory | Base::Follower(_) => None,
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

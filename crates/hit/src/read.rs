use std::sync::Arc;

use hit_core::{Error, ErrorCode, KeyRange, Result, Values, at_once, check_key};
use hit_table::{StoredValue, Value};

use crate::Store;
use crate::queue::Group;
use crate::storage::{Below, Seen};
use crate::store::{Answered, answer};
use crate::stored::StoredRead;

/// A value and its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The value.
    pub value: &'a [u8],
    /// Unix time in milliseconds from which the entry is not seen.
    pub expires_at: Option<u64>,
}

/// A value that was read, and its expiry.
pub type FoundEntry = Option<(Vec<u8>, Option<u64>)>;

/// Reads that were looked up and are to be made: [`Store::begin_read`].
pub struct PendingRead {
    store: Store,
    keys: Vec<Vec<u8>>,
    looked: Looked,
}

/// What was looked up.
enum Looked {
    /// In the table; values may be on disk.
    Table(Vec<Found>),
    /// Among the writes in flight and what was read lately.
    Below(Below),
}

impl PendingRead {
    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.keys.iter().map(Vec::as_slice)
    }

    /// Reads the values and, with them, the expiries, as they were when the reading was begun. Where one has been overwritten
    /// since and compaction has removed it, all are read as they are now.
    ///
    /// # Errors
    /// As all reads.
    pub fn finish(&mut self) -> Result<Vec<FoundEntry>> {
        let mut entries = Vec::with_capacity(self.keys.len());
        let looked = std::mem::replace(&mut self.looked, Looked::Table(Vec::new()));
        let push = |entry: Option<Entry<'_>>| {
            entries.push(entry.map(|entry| (entry.value.to_vec(), entry.expires_at)));
        };
        match (looked, self.store.shared().backing()) {
            (Looked::Below(below), Some(backing)) => {
                below.finish(self.store.shared(), backing, self.keys(), push)?;
            }
            (Looked::Below(_), None) => {}
            (Looked::Table(found), _) => {
                let mut stored = StoredRead::default();
                if let Some(found) = self.store.read_found(self.keys(), found, &mut stored)? {
                    return Ok(found);
                }
                self.store.get_many_with(self.keys(), push)?;
            }
        }
        Ok(entries)
    }
}

/// A thread that read has panicked, or its runtime has ended.
fn read_failed(failed: tokio::task::JoinError) -> Error {
    Error::new(ErrorCode::Io, "a read ended without an answer: try again").with_source(failed)
}

/// The entry where its value is in memory.
pub(crate) fn entry_in_memory(entry: hit_table::Entry<'_>) -> Option<Entry<'_>> {
    let expires_at = entry.expires_at;
    entry.value.in_memory().map(|value| Entry { value, expires_at })
}

/// An entry as it was found under the apply lock.
enum Found {
    Absent,
    Here(Vec<u8>, Option<u64>),
    OnDisk(StoredValue, Option<u64>),
    /// Nothing of it is in flight.
    InStorage,
}

impl From<Option<hit_table::Entry<'_>>> for Found {
    fn from(entry: Option<hit_table::Entry<'_>>) -> Self {
        match entry {
            None => Self::Absent,
            Some(entry) => match entry.value {
                Value::Memory(value) => Self::Here(value.to_vec(), entry.expires_at),
                Value::Stored(at) => Self::OnDisk(at, entry.expires_at),
            },
        }
    }
}

/// Reads. They see every accepted write, and come from memory but for large values beyond `max_memory_bytes`, which are read
/// from disk.
///
/// Keys are looked up without a lock. Where the table has to be asked, the apply lock is taken for reading, and whether the store
/// is open is looked at once more under it, because closing takes the data away.
///
/// Each of them fails with `HIT_NOT_OPEN` after `close`, with `HIT_POISONED` after a failed sync, with `HIT_KEY_INVALID` for
/// an empty or over-long key, and, for values on disk, with `HIT_CORRUPTION` or `HIT_IO`.
impl Store {
    /// The value under `key`.
    ///
    /// # Errors
    /// As all reads.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get_with(key, |entry| entry.map(|entry| entry.value.to_vec()))
    }

    /// Whether there is a value under `key`.
    ///
    /// # Errors
    /// As all reads.
    pub fn has(&self, key: &[u8]) -> Result<bool> {
        check_key(key)?;
        let shared = self.shared();
        if let Some(backing) = shared.backing() {
            return self.get_below(backing, key, |entry| entry.is_some());
        }
        self.look_up(key, |entry| entry.is_some())
    }

    /// The value under `key`, once everything that a read could see at this moment has the durability it was made with.
    /// For answers that leave the process: none reveals a write, or that there is none, that may still be lost.
    ///
    /// # Errors
    /// As all reads, and with the failure of a write that was seen.
    pub async fn get_settled(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut stored = StoredRead::default();
        loop {
            let (found, unanswered) = self.find_with_barrier(key)?;
            if let Some(answered) = unanswered {
                answered.wait().await?;
            }
            match found {
                Found::Absent => return Ok(None),
                Found::Here(value, _) => return Ok(Some(value)),
                Found::OnDisk(at, _) => {
                    if let Some(value) = stored.read(self.shared(), key, at)? {
                        return Ok(Some(value));
                    }
                }
                // What the storage has was written with the durability it was made with.
                Found::InStorage => {
                    let Some(backing) = self.open_shared()?.backing() else { return Ok(None) };
                    let (storage, key) = (Arc::clone(&backing.storage), key.to_vec());
                    // Of the storage alone: what is in flight by now is not settled.
                    let read = tokio::task::spawn_blocking(move || {
                        let mut values = Values::default();
                        at_once(storage.get_many(&[&key], &mut values))?;
                        Ok(values.iter().next().flatten().map(|(value, _)| value.to_vec()))
                    });
                    return read.await.unwrap_or_else(|failed| Err(read_failed(failed)));
                }
            }
        }
    }

    /// Reads, and queues a barrier behind what was seen where that is not answered yet.
    fn find_with_barrier(&self, key: &[u8]) -> Result<(Found, Option<Answered>)> {
        check_key(key)?;
        let shared = self.shared();
        // Invariant: both under one hold of the apply lock. Taking a failed write back needs it for writing, and fails
        // every barrier that is queued by then.
        let applied = shared.applied.read();
        self.open_shared()?;
        let now_ms = shared.now_ms(&applied.table);
        let found = match shared.backing() {
            None => Found::from(applied.table.get(key, now_ms)),
            Some(backing) => match applied.see(key, now_ms) {
                Seen::Here(entry) => Found::Here(entry.value.to_vec(), entry.expires_at),
                Seen::Absent => Found::Absent,
                Seen::Below => {
                    let clock = || shared.clock.now_ms();
                    let kept = backing.cache.get(key, clock, |entry| entry.map(|entry| entry.value.to_vec()));
                    let found =
                        kept.ok().flatten().map_or(Found::InStorage, |value| Found::Here(value, None));
                    return Ok((found, None));
                }
            },
        };
        let unanswered = shared.unanswered().map(|durability| {
            let (completion, answered) = answer();
            let account = Arc::clone(self.account());
            let barrier = Group::barrier(account, durability, Some(completion));
            shared.enqueue_barrier(Group { has_seen: true, ..barrier });
            answered
        });
        Ok((found, unanswered))
    }

    /// Calls `read` with the entry under `key`, without copying it. `read` must not call the store.
    ///
    /// # Errors
    /// As all reads.
    pub fn get_with<T>(&self, key: &[u8], read: impl FnOnce(Option<Entry<'_>>) -> T) -> Result<T> {
        check_key(key)?;
        let shared = self.shared();
        if let Some(backing) = shared.backing() {
            return self.get_below(backing, key, read);
        }
        let (mut stored, mut read) = (StoredRead::default(), Some(read));
        loop {
            let mut read_now = |entry: Option<Entry<'_>>| read.take().map(|read| read(entry));
            let looked = self.look_up(key, |entry| match entry {
                None => Ok(read_now(None)),
                Some(hit_table::Entry { value: Value::Memory(value), expires_at, .. }) => {
                    Ok(read_now(Some(Entry { value, expires_at })))
                }
                Some(hit_table::Entry { value: Value::Stored(at), expires_at, .. }) => Err((at, expires_at)),
            })?;
            let read_from_disk = match looked {
                Ok(done) => done,
                Err((at, expires_at)) => stored
                    .read(shared, key, at)?
                    .and_then(|value| read_now(Some(Entry { value: &value, expires_at }))),
            };
            if let Some(done) = read_from_disk {
                return Ok(done);
            }
        }
    }

    /// Hands `found` the entry under a key, whose value may be on disk.
    #[inline]
    fn look_up<T>(&self, key: &[u8], found: impl FnOnce(Option<hit_table::Entry<'_>>) -> T) -> Result<T> {
        let shared = self.open_shared()?;
        match shared.lookup.get(key, || shared.clock.now_ms(), found) {
            Ok(found) => Ok(found),
            Err((_, found)) => {
                let applied = shared.applied.read();
                self.open_shared()?;
                Ok(found(applied.table.get(key, shared.now_ms(&applied.table))))
            }
        }
    }

    /// Reads many keys, each at some moment of the call, so that no writer keeps this waiting; otherwise as
    /// [`Store::get_many_with`].
    ///
    /// # Errors
    /// As all reads; nothing is read then.
    pub fn get_each_with<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        self.get_all_with(keys, false, found)
    }

    /// Reads many keys at one moment: `found` gets their entries in the order of the keys. It must not call the store.
    ///
    /// # Errors
    /// As all reads; nothing is read then.
    pub fn get_many_with<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        self.get_all_with(keys, true, found)
    }

    fn get_all_with<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        at_one_moment: bool,
        mut found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        keys.clone().try_for_each(check_key)?;
        let shared = self.shared();
        if let Some(backing) = shared.backing() {
            return self.get_many_below(backing, keys, found);
        }
        self.open_shared()?;
        if !shared.may_store_values() {
            let in_memory = |entry: Option<hit_table::Entry<'_>>| found(entry.and_then(entry_in_memory));
            let now_ms = || shared.clock.now_ms();
            if shared.lookup.get_many(keys.clone(), at_one_moment, now_ms, in_memory).is_ok() {
                return Ok(());
            }
        }
        let mut stored = StoredRead::default();
        loop {
            let entries: Vec<Found> = {
                let applied = shared.applied.read();
                self.open_shared()?;
                let now_ms = shared.now_ms(&applied.table);
                if applied.table.stored_values().0 == 0 {
                    applied.table.get_many(keys, now_ms, |entry| found(entry.and_then(entry_in_memory)));
                    return Ok(());
                }
                let mut entries = Vec::new();
                applied.table.get_many(keys.clone(), now_ms, |entry| entries.push(Found::from(entry)));
                entries
            };
            if let Some(entries) = self.read_found(keys.clone(), entries, &mut stored)? {
                for entry in &entries {
                    let entry = entry.as_ref();
                    found(entry.map(|(value, expires_at)| Entry { value, expires_at: *expires_at }));
                }
                return Ok(());
            }
        }
    }

    /// Reads what is on disk; `None` where one of the values has moved.
    fn read_found<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]>,
        entries: Vec<Found>,
        stored: &mut StoredRead,
    ) -> Result<Option<Vec<FoundEntry>>> {
        let mut read = Vec::with_capacity(entries.len());
        for (key, entry) in keys.zip(entries) {
            read.push(match entry {
                Found::Absent => None,
                Found::Here(value, expires_at) => Some((value, expires_at)),
                Found::OnDisk(at, expires_at) => {
                    let Some(value) = stored.read(self.shared(), key, at)? else { return Ok(None) };
                    Some((value, expires_at))
                }
                // Only stores over a storage have these, and they read otherwise.
                Found::InStorage => None,
            });
        }
        Ok(Some(read))
    }

    /// Looks many keys up, for reading them elsewhere: a thread that must not wait for the disk begins, another one finishes.
    /// `None` where nothing of it is on disk, so that reading needs no other thread.
    ///
    /// # Errors
    /// As all reads.
    pub fn begin_read<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Result<Option<PendingRead>> {
        keys.clone().try_for_each(check_key)?;
        let shared = self.shared();
        let owned = |keys: &mut dyn Iterator<Item = &'k [u8]>| keys.map(<[u8]>::to_vec).collect();
        if let Some(backing) = shared.backing() {
            let below = self.look_below(backing, keys.clone())?;
            if below.is_near(shared, backing, keys.clone())? {
                return Ok(None);
            }
            let (keys, looked) = (owned(&mut keys.clone()), Looked::Below(below));
            return Ok(Some(PendingRead { store: self.clone(), keys, looked }));
        }
        let applied = shared.applied.read();
        self.open_shared()?;
        if applied.table.stored_values().0 == 0 {
            return Ok(None);
        }
        let now_ms = shared.now_ms(&applied.table);
        let mut is_on_disk = false;
        applied.table.get_many(keys.clone(), now_ms, |entry| {
            is_on_disk |= entry.is_some_and(|entry| entry.value.in_memory().is_none());
        });
        if !is_on_disk {
            return Ok(None);
        }
        let mut entries = Vec::new();
        applied.table.get_many(keys.clone(), now_ms, |entry| entries.push(Found::from(entry)));
        let (keys, looked) = (owned(&mut keys.clone()), Looked::Table(entries));
        Ok(Some(PendingRead { store: self.clone(), keys, looked }))
    }

    /// The values under `keys`, in their order, at one moment.
    ///
    /// # Errors
    /// As all reads.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = Vec::with_capacity(keys.len());
        self.get_many_with(keys.iter().map(AsRef::as_ref), |entry| {
            values.push(entry.map(|entry| entry.value.to_vec()));
        })?;
        Ok(values)
    }

    /// How many entries a range holds, where that is known without visiting them.
    pub(crate) fn exact_len(&self, range: KeyRange<'_>) -> Result<Option<u64>> {
        let shared = self.open_shared()?;
        if range != KeyRange::ALL || shared.backing().is_some() {
            return Ok(None);
        }
        Ok(shared.applied.read().table.exact_len().map(|entries| entries as u64))
    }

    /// How many entries a range holds. At once for everything while nothing expires, else it visits the range.
    ///
    /// # Errors
    /// As all reads.
    pub fn count(&self, range: KeyRange<'_>) -> Result<u64> {
        let shared = self.open_shared()?;
        if range.is_empty() {
            return Ok(0);
        }
        if let Some(backing) = shared.backing() {
            return self.count_merged(backing, range);
        }
        if range == KeyRange::ALL {
            let applied = shared.applied.read();
            self.open_shared()?;
            if let Some(entries) = applied.table.exact_len() {
                return Ok(entries as u64);
            }
        }
        Ok(self.snapshot()?.count(range, shared.clock.now_ms()))
    }
}

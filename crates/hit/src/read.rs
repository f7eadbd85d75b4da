use std::sync::Arc;

use hit_core::{KeyRange, Result, check_key};
use hit_table::Value;

use crate::Store;
use crate::queue::Group;
use crate::store::{Answered, answer};

/// A value and its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The value.
    pub value: &'a [u8],
    /// Unix time in milliseconds from which the entry is not seen.
    pub expires_at: Option<u64>,
}

/// The bytes of a value; none is stored yet.
pub(crate) fn in_memory(value: Value<'_>) -> &[u8] {
    value.in_memory().expect("nobody has stored a value")
}

/// Reads. They come from memory, take the apply lock for reading only, and see every accepted write.
///
/// Whether the store is open is looked at under the lock, because closing takes the data away.
///
/// Each of them fails with `HIT_NOT_OPEN` after `close`, with `HIT_POISONED` after a failed sync, and with
/// `HIT_KEY_INVALID` for an empty or over-long key.
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
        self.get_with(key, |entry| entry.is_some())
    }

    /// The value under `key`, once everything that a read could see at this moment has the durability it was made with.
    /// For answers that leave the process: none reveals a write, or that there is none, that may still be lost.
    ///
    /// # Errors
    /// As all reads, and with the failure of a write that was seen.
    pub async fn get_settled(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let (value, unanswered) = self.get_with_barrier(key)?;
        if let Some(answered) = unanswered {
            answered.wait().await?;
        }
        Ok(value)
    }

    /// Reads, and queues a barrier behind what was seen where that is not answered yet.
    fn get_with_barrier(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, Option<Answered>)> {
        check_key(key)?;
        let shared = self.shared();
        // Invariant: both under one hold of the apply lock. Taking a failed write back needs it for writing, and fails
        // every barrier that is queued by then.
        let applied = shared.applied.read();
        self.open_shared()?;
        let now_ms = shared.now_ms(&applied.table);
        let value = applied.table.get(key, now_ms).map(|entry| in_memory(entry.value).to_vec());
        let unanswered = shared.unanswered().map(|durability| {
            let (completion, answered) = answer();
            let account = Arc::clone(self.account());
            let barrier = Group::barrier(account, durability, Some(completion));
            shared.enqueue(Group { has_seen: true, ..barrier }, None);
            answered
        });
        Ok((value, unanswered))
    }

    /// Calls `read` with the entry under `key`, without copying it. `read` must not call the store.
    ///
    /// # Errors
    /// As all reads.
    pub fn get_with<T>(&self, key: &[u8], read: impl FnOnce(Option<Entry<'_>>) -> T) -> Result<T> {
        check_key(key)?;
        let shared = self.shared();
        let applied = shared.applied.read();
        self.open_shared()?;
        let now_ms = shared.now_ms(&applied.table);
        let found = applied.table.get(key, now_ms);
        Ok(read(found.map(|entry| Entry { value: in_memory(entry.value), expires_at: entry.expires_at })))
    }

    /// Reads many keys at one moment: `found` gets their entries in the order of the keys. It must not call the store.
    ///
    /// # Errors
    /// As all reads; nothing is read then.
    pub fn get_many_with<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        mut found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        keys.clone().try_for_each(check_key)?;
        let shared = self.shared();
        let applied = shared.applied.read();
        self.open_shared()?;
        let now_ms = shared.now_ms(&applied.table);
        applied.table.get_many(keys, now_ms, |entry| {
            found(entry.map(|entry| Entry { value: in_memory(entry.value), expires_at: entry.expires_at }));
        });
        Ok(())
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
        if range != KeyRange::ALL {
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
        if range == KeyRange::ALL {
            let applied = shared.applied.read();
            self.open_shared()?;
            if let Some(entries) = applied.table.exact_len() {
                return Ok(entries as u64);
            }
        }
        let snapshot = self.snapshot()?;
        let applied = shared.applied.read();
        self.open_shared()?;
        // The snapshot may hold entries that expire when the table no longer does.
        let now_ms = shared.clock.now_ms();
        Ok(applied.table_of(&snapshot).count(&snapshot, range, now_ms))
    }
}

use hit_core::{KeyRange, Result, check_key};

use crate::Store;

/// A value and its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The value.
    pub value: &'a [u8],
    /// Unix time in milliseconds from which the entry is not seen.
    pub expires_at: Option<u64>,
}

/// Reads. They come from memory, take the apply lock for reading only, and see every accepted write.
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

    /// Calls `read` with the entry under `key`, without copying it. `read` must not call the store.
    ///
    /// # Errors
    /// As all reads.
    pub fn get_with<T>(&self, key: &[u8], read: impl FnOnce(Option<Entry<'_>>) -> T) -> Result<T> {
        let shared = self.open_shared()?;
        check_key(key)?;
        let applied = shared.applied.read();
        let now_ms = shared.now_ms(&applied.table);
        let found = applied.table.get(key, now_ms);
        Ok(read(found.map(|entry| Entry { value: entry.value, expires_at: entry.expires_at })))
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
        let shared = self.open_shared()?;
        keys.clone().try_for_each(check_key)?;
        let applied = shared.applied.read();
        let now_ms = shared.now_ms(&applied.table);
        applied.table.get_many(keys, now_ms, |entry| {
            found(entry.map(|entry| Entry { value: entry.value, expires_at: entry.expires_at }));
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
            if let Some(entries) = applied.table.exact_len() {
                return Ok(entries as u64);
            }
        }
        let snapshot = self.snapshot()?;
        let applied = shared.applied.read();
        let now_ms = shared.now_ms(&applied.table);
        Ok(applied.table.count(&snapshot, range, now_ms))
    }
}

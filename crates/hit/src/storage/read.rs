use std::cell::RefCell;

use hit_core::{Pending, Result, StorageSnapshot, Values, at_once, check_key};

use super::backing::Backing;
use super::in_flight::Seen;
use super::open::wait;
use crate::Store;
use crate::read::{Entry, FoundEntry};
use crate::shared::Applied;

thread_local! {
    /// Where values are read to, kept for the next read.
    static VALUES: RefCell<Values> = RefCell::default();
}

/// The most memory that is kept.
const KEPT_BYTES: usize = 1 << 20;

/// What the writes in flight say of keys, and the storage at that moment.
pub(crate) struct Below {
    /// Of each key: its entry or that it is not there; `None` where the storage knows.
    seen: Vec<Option<FoundEntry>>,
    /// Where some were seen and others not: both at one moment.
    snapshot: Option<Box<dyn StorageSnapshot>>,
}

impl Below {
    /// Looks keys up among the writes in flight. The caller holds the apply lock.
    fn look<'k>(
        store: &Store,
        backing: &Backing,
        applied: &Applied,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Result<Self> {
        let now_ms = store.shared().now_ms(&applied.table);
        let seen: Vec<_> = keys
            .map(|key| match applied.see(key, now_ms) {
                Seen::Here(Entry { value, expires_at }) => Some(Some((value.to_vec(), expires_at))),
                Seen::Absent => Some(None),
                Seen::Below => None,
            })
            .collect();
        let is_mixed = seen.iter().any(Option::is_some) && seen.iter().any(Option::is_none);
        let snapshot = if is_mixed { Some(at_once(backing.storage.snapshot())?) } else { None };
        Ok(Self { seen, snapshot })
    }

    /// Whether the storage need not be asked.
    pub(crate) fn is_seen(&self) -> bool {
        self.seen.iter().all(Option::is_some)
    }

    /// Asks the storage for the rest, through `asked`, and hands out all entries in the order of the keys.
    fn finish<'k>(
        self,
        backing: &Backing,
        keys: impl Iterator<Item = &'k [u8]>,
        asked: impl FnOnce(Pending<'_, ()>) -> Result<()>,
        mut found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        let unseen = keys.zip(&self.seen).filter(|(_, seen)| seen.is_none());
        let unseen: Vec<_> = unseen.map(|(key, _)| key).collect();
        with_values(|values| {
            if !unseen.is_empty() {
                asked(match &self.snapshot {
                    Some(snapshot) => snapshot.get_many(&unseen, values),
                    None => backing.storage.get_many(&unseen, values),
                })?;
            }
            let mut stored = values.iter();
            for seen in &self.seen {
                match seen {
                    Some(entry) => found(
                        entry.as_ref().map(|(value, expires_at)| Entry { value, expires_at: *expires_at }),
                    ),
                    None => {
                        found(stored.next().flatten().map(|(value, expires_at)| Entry { value, expires_at }))
                    }
                }
            }
            Ok(())
        })
    }

    /// The same on a thread that may wait.
    pub(crate) fn finish_waiting<'k>(
        self,
        backing: &Backing,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Vec<FoundEntry>> {
        let mut entries = Vec::new();
        self.finish(backing, keys, wait, |entry| {
            entries.push(entry.map(|entry| (entry.value.to_vec(), entry.expires_at)));
        })?;
        Ok(entries)
    }
}

fn with_values<T>(read: impl FnOnce(&mut Values) -> Result<T>) -> Result<T> {
    let mut values = VALUES.with(RefCell::take);
    values.clear();
    let result = read(&mut values);
    if values.capacity_bytes() <= KEPT_BYTES {
        VALUES.with(|kept| kept.replace(values));
    }
    result
}

/// Reads of stores over a storage. They take the apply lock for looking at what is in flight, and not while they ask the storage.
impl Store {
    pub(crate) fn get_below<T>(
        &self,
        backing: &Backing,
        key: &[u8],
        read: impl FnOnce(Option<Entry<'_>>) -> T,
    ) -> Result<T> {
        check_key(key)?;
        let shared = self.shared();
        let applied = shared.applied.read();
        self.open_shared()?;
        if !applied.is_settled() {
            match applied.see(key, shared.now_ms(&applied.table)) {
                Seen::Here(entry) => return Ok(read(Some(entry))),
                Seen::Absent => return Ok(read(None)),
                Seen::Below => {}
            }
        }
        drop(applied);
        with_values(|values| {
            at_once(backing.storage.get_many(&[key], values))?;
            let entry = values.iter().next().flatten();
            Ok(read(entry.map(|(value, expires_at)| Entry { value, expires_at })))
        })
    }

    pub(crate) fn get_many_below<'k>(
        &self,
        backing: &Backing,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        let below = self.look_below(backing, keys.clone())?;
        below.finish(backing, keys, at_once, found)
    }

    /// Looks keys up among the writes in flight.
    pub(crate) fn look_below<'k>(
        &self,
        backing: &Backing,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Result<Below> {
        keys.clone().try_for_each(check_key)?;
        let shared = self.shared();
        let applied = shared.applied.read();
        self.open_shared()?;
        Below::look(self, backing, &applied, keys)
    }
}

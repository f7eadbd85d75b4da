use std::cell::RefCell;
use std::sync::atomic::Ordering;

use hit_core::{Result, StorageSnapshot, Values, at_once, check_key};

use super::backing::Backing;
use super::in_flight::Seen;
use crate::Store;
use crate::read::Entry;
use crate::shared::{Applied, Shared};

thread_local! {
    /// Where values are read to, kept for the next read.
    static VALUES: RefCell<Values> = RefCell::default();
}

/// The most memory that is kept.
const KEPT_BYTES: usize = 1 << 20;

/// What is known of keys without asking the storage, and the storage at that moment.
pub(crate) struct Below {
    /// Of each key whether it is known; else the storage has to be asked.
    is_known: Vec<bool>,
    known: Values,
    /// Where some are known and others not: both at one moment.
    snapshot: Option<Box<dyn StorageSnapshot>>,
    /// The number of the next operation at that moment.
    next_sequence: u64,
}

impl Below {
    /// Looks keys up among the writes in flight and what was read lately. The caller holds the apply lock.
    fn look<'k>(
        store: &Store,
        backing: &Backing,
        applied: &Applied,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Self> {
        let clock = &store.shared().clock;
        let now_ms = store.shared().now_ms(&applied.table);
        let is_settled = applied.is_settled();
        let (mut known, mut is_known) = (Values::default(), Vec::new());
        for key in keys {
            let seen = if is_settled { Seen::Below } else { applied.see(key, now_ms) };
            is_known.push(match seen {
                Seen::Here(entry) => {
                    known.push(Some((entry.value, entry.expires_at)));
                    true
                }
                Seen::Absent => {
                    known.push(None);
                    true
                }
                Seen::Below => {
                    let read = |entry: Option<Entry<'_>>| {
                        known.push(entry.map(|entry| (entry.value, entry.expires_at)));
                    };
                    backing.cache.get(key, || clock.now_ms(), read).is_ok()
                }
            });
        }
        let is_mixed = is_known.contains(&true) && is_known.contains(&false);
        let snapshot = if is_mixed { Some(at_once(backing.storage.snapshot())?) } else { None };
        Ok(Self { is_known, known, snapshot, next_sequence: applied.next_sequence })
    }

    /// Whether the storage need not be waited for: what it has of the rest in memory is kept, for the read that follows.
    pub(crate) fn is_near<'k>(
        &self,
        shared: &Shared,
        backing: &Backing,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<bool> {
        let unknown = self.unknown(keys);
        if unknown.is_empty() {
            return Ok(true);
        }
        with_values(|values| {
            let is_near = backing.storage.get_many_in_memory(&unknown, values)?;
            if is_near {
                backing.keep(shared, &unknown, values, self.next_sequence);
            }
            Ok(is_near)
        })
    }

    fn unknown<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> Vec<&'k [u8]> {
        keys.zip(&self.is_known).filter(|(_, is_known)| !**is_known).map(|(key, _)| key).collect()
    }

    /// Asks the storage for the rest, which may wait for the disk, and hands out all entries in the order of the keys.
    pub(crate) fn finish<'k>(
        self,
        shared: &Shared,
        backing: &Backing,
        keys: impl Iterator<Item = &'k [u8]>,
        mut found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<()> {
        let unknown = self.unknown(keys);
        with_values(|values| {
            if !unknown.is_empty() {
                at_once(match &self.snapshot {
                    Some(snapshot) => snapshot.get_many(&unknown, values),
                    None => backing.storage.get_many(&unknown, values),
                })?;
                backing.keep(shared, &unknown, values, self.next_sequence);
            }
            let (mut known, mut stored) = (self.known.iter(), values.iter());
            for &is_known in &self.is_known {
                let entry = if is_known { known.next() } else { stored.next() };
                found(entry.flatten().map(|(value, expires_at)| Entry { value, expires_at }));
            }
            Ok(())
        })
    }
}

impl Backing {
    /// Keeps what the storage has said of keys, but for those that were written since: a write gives up what is kept under the
    /// same lock under which it is accepted.
    fn keep(&self, shared: &Shared, keys: &[&[u8]], values: &Values, next_sequence: u64) {
        let applied = shared.applied.read();
        if self.is_moving.load(Ordering::SeqCst) {
            return;
        }
        let stored = keys.iter().copied().zip(values.iter());
        self.cache.keep_all(
            stored
                .filter_map(|(key, value)| {
                    value.map(|(value, expires_at)| (key, Entry { value, expires_at }))
                })
                .filter(|(key, _)| !applied.in_flight.is_written_since(key, next_sequence)),
        );
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
        let read = match backing.cache.get(key, || shared.clock.now_ms(), read) {
            Ok(answer) => return Ok(answer),
            Err(read) => read,
        };
        let next_sequence = applied.next_sequence;
        drop(applied);
        with_values(|values| {
            at_once(backing.storage.get_many(&[key], values))?;
            backing.keep(shared, &[key], values, next_sequence);
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
        below.finish(self.shared(), backing, keys, found)
    }

    /// Looks keys up without asking the storage.
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

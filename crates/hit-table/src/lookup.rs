//! Reading keys without the table, on any thread and while the table is written to: no lock, and no writer that keeps a
//! reader waiting.
//!
//! A look-up holds a guard (`crossbeam_epoch`); what the table gives up meanwhile is freed when the guard is gone. The bytes of a
//! record never change, and a slot of the index is one atomic word, so whatever is found was true at some moment of the
//! look-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_epoch::{Atomic, Guard, Owned};

use crate::ahead::Ahead;
use crate::chunks::{Chunks, Records};
use crate::hasher::KeyHasher;
use crate::index::{Root, Shards};
use crate::location::Location;
use crate::read::Entry;
use crate::record::Record;
use crate::table::Table;

/// How often keys are looked up again that were written to meanwhile, before the table is asked.
const TRIES: usize = 3;

/// What a table shares with those who read it without it.
#[derive(Default)]
pub(crate) struct Signs {
    /// How many range deletes hide what the index has.
    pub(crate) hiding: AtomicUsize,
    /// Odd while a write is under way, and another number after it.
    moment: AtomicU64,
}

impl Signs {
    /// A write begins. Only the owner of the table writes.
    #[inline]
    pub(crate) fn begin(&self) {
        // Relaxed: slots are stored with release behind it.
        self.moment.store(self.moment.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// It ends.
    #[inline]
    pub(crate) fn end(&self) {
        self.moment.store(self.moment.load(Ordering::Relaxed) + 1, Ordering::Release);
    }
}

/// Reads a table without it.
pub struct Lookup {
    hasher: KeyHasher,
    index: Arc<Root>,
    memory: Arc<Chunks>,
    signs: Arc<Signs>,
}

/// Only the table can tell: a range delete hides entries, or it was written to all the time, or there is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskTable;

impl Table {
    /// What reads this table without it. It keeps the table's memory, so whoever drops the table drops this first.
    #[must_use]
    pub fn lookup(&self) -> Lookup {
        Lookup {
            hasher: self.hasher.clone(),
            index: Arc::clone(self.index.root()),
            memory: Arc::clone(self.arena.memory()),
            signs: Arc::clone(&self.signs),
        }
    }
}

impl Lookup {
    fn read<'g>(&'g self, guard: &'g Guard) -> Result<(&'g Shards, Records<'g>), AskTable> {
        if self.signs.hiding.load(Ordering::Acquire) > 0 {
            return Err(AskTable);
        }
        let shards = self.index.shards(guard);
        // SAFETY: the guard is older than any look-up in these shards.
        Ok((shards, unsafe { Records::new(&self.memory) }))
    }

    fn get<'g>(&'g self, key: &[u8], guard: &'g Guard) -> Result<Option<Record<'g>>, AskTable> {
        let (shards, records) = self.read(guard)?;
        let is_it = |location| records.record(location).filter(|record| record.key == key);
        Ok(shards.find(self.hasher.hash(key), is_it))
    }

    /// The records of keys, as they are at one moment if `at_one_moment`.
    fn get_many<'g, 'k>(
        &'g self,
        keys: &(impl Iterator<Item = &'k [u8]> + Clone),
        at_one_moment: bool,
        guard: &'g Guard,
    ) -> Result<(Vec<Option<Location>>, Records<'g>), AskTable> {
        let mut locations = Vec::with_capacity(keys.size_hint().0);
        for _ in 0..TRIES {
            let moment = self.signs.moment.load(Ordering::Acquire);
            if at_one_moment && moment % 2 == 1 {
                return Err(AskTable);
            }
            let (shards, records) = self.read(guard)?;
            locations.clear();
            self.find_many(keys.clone(), shards, records, &mut locations);
            // The slots were loaded with acquire, so this is not loaded before them.
            if !at_one_moment || self.signs.moment.load(Ordering::Relaxed) == moment {
                return Ok((locations, records));
            }
        }
        Err(AskTable)
    }

    fn find_many<'k>(
        &self,
        mut keys: impl Iterator<Item = &'k [u8]> + Clone,
        shards: &Shards,
        records: Records<'_>,
        locations: &mut Vec<Option<Location>>,
    ) {
        let mut ahead = Ahead::new(keys.clone());
        while let Some(group) = ahead.next(&self.hasher, shards, records) {
            for (&hash, key) in group.hashes().iter().zip(&mut keys) {
                let is_it = |location| (records.key(location) == key).then_some(location);
                locations.push(shards.find(hash, is_it));
            }
        }
    }
}

/// Where those who read find the [`Lookup`] that counts. There is none before the first is put there, and after it was taken
/// away.
#[derive(Default)]
pub struct LookupSlot(Atomic<Lookup>);

impl LookupSlot {
    /// Has those who read from now on use this one, or none. Returns when nobody uses the one before any more, or after some time:
    /// what it keeps is then freed later.
    pub fn set(&self, lookup: Option<Lookup>) {
        const TURNS: usize = 1_000;
        let new = lookup.map_or_else(crossbeam_epoch::Shared::null, |lookup| {
            // SAFETY: nobody else knows it yet.
            Owned::new(lookup).into_shared(unsafe { crossbeam_epoch::unprotected() })
        });
        let is_gone = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let guard = crossbeam_epoch::pin();
        let old = self.0.swap(new, Ordering::AcqRel, &guard);
        if old.is_null() {
            return;
        }
        let mark = Arc::clone(&is_gone);
        // SAFETY: nobody finds it any more, and those who have found it have ended when this runs.
        unsafe {
            guard.defer_unchecked(move || {
                drop(old.into_owned());
                mark.store(true, Ordering::Release);
            });
        }
        drop(guard);
        for _ in 0..TURNS {
            crossbeam_epoch::pin().flush();
            if is_gone.load(Ordering::Acquire) {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Hands `read` the entry of a key, unless it has expired by the time that `now_ms` tells, which is asked for only where
    /// it matters.
    ///
    /// # Errors
    /// [`AskTable`] with `read` given back.
    #[inline]
    pub fn get<T, F: FnOnce(Option<Entry<'_>>) -> T>(
        &self,
        key: &[u8],
        now_ms: impl FnOnce() -> u64,
        read: F,
    ) -> Result<T, (AskTable, F)> {
        let guard = crossbeam_epoch::pin();
        // SAFETY: what is found there is freed when the guard is gone.
        let Some(lookup) = (unsafe { self.0.load(Ordering::Acquire, &guard).as_ref() }) else {
            return Err((AskTable, read));
        };
        match lookup.get(key, &guard) {
            Ok(found) => {
                let found = found.filter(|record| match record.expires_at {
                    Some(expires_at) => now_ms() < expires_at,
                    None => true,
                });
                Ok(read(found.map(Entry::from)))
            }
            Err(ask) => Err((ask, read)),
        }
    }

    /// Hands `found` the entries of many keys, in their order: as they are at one moment, or, which never keeps anybody waiting for
    /// a writer, each as it is at some moment.
    ///
    /// # Errors
    /// [`AskTable`], before the first entry is handed out.
    pub fn get_many<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        at_one_moment: bool,
        now_ms: impl FnOnce() -> u64,
        mut found: impl FnMut(Option<Entry<'_>>),
    ) -> Result<(), AskTable> {
        let guard = crossbeam_epoch::pin();
        // SAFETY: as above.
        let lookup = unsafe { self.0.load(Ordering::Acquire, &guard).as_ref() }.ok_or(AskTable)?;
        let (locations, records) = lookup.get_many(&keys, at_one_moment, &guard)?;
        let (mut ask, mut known_ms) = (Some(now_ms), 0);
        for location in locations {
            let record = location.and_then(|location| records.record(location));
            let record = record.filter(|record| {
                if record.expires_at.is_some()
                    && let Some(ask) = ask.take()
                {
                    known_ms = ask();
                }
                !record.is_expired(known_ms)
            });
            found(record.map(Entry::from));
        }
        Ok(())
    }
}

impl Drop for LookupSlot {
    fn drop(&mut self) {
        self.set(None);
    }
}

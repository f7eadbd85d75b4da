//! Entries in key order, page by page.

use std::sync::Arc;

use hit_core::{Error, Page, Pending, Result, StorageScan};
use parking_lot::Mutex;
use rocksdb::{DBRawIterator, ReadOptions};
use self_cell::self_cell;

use crate::database::Database;
use crate::error::cannot;
use crate::open::{Held, closed};
use crate::read::Now;
use crate::snapshot::Snapshot;

self_cell!(
    struct HeldIterator {
        owner: Arc<Database>,
        #[not_covariant]
        dependent: DBRawIterator,
    }
);

enum State {
    /// Nothing has been read yet.
    New(HeldIterator),
    /// The iterator stands at the next entry.
    Within(HeldIterator),
    /// Everything has been read.
    Ended,
    /// What lies behind is unknown, for whoever goes on as well.
    Failed(Error),
    Closed,
}

/// A scan while it is open.
pub(crate) struct OpenScan(Mutex<State>);

impl Held for OpenScan {
    fn end(&self) {
        *self.0.lock() = State::Closed;
    }
}

/// A scan of a snapshot.
pub(crate) struct Scan {
    shared: Arc<OpenScan>,
    reverse: bool,
    /// RocksDB wants a snapshot to live as long as what reads from it.
    _snapshot: Arc<Snapshot>,
}

impl Scan {
    pub(crate) fn begin(
        database: Arc<Database>,
        reads: ReadOptions,
        reverse: bool,
        snapshot: Arc<Snapshot>,
    ) -> Self {
        let iterator = HeldIterator::new(database, |database| database.db.raw_iterator_opt(reads));
        Self { shared: Arc::new(OpenScan(Mutex::new(State::New(iterator)))), reverse, _snapshot: snapshot }
    }

    pub(crate) fn shared(&self) -> &Arc<OpenScan> {
        &self.shared
    }
}

impl StorageScan for Scan {
    fn fill<'a>(&'a mut self, page: &'a mut Page) -> Pending<'a, ()> {
        Box::pin(async move {
            let mut state = self.shared.0.lock();
            let is_new = matches!(*state, State::New(_));
            let filled = match &mut *state {
                State::New(iterator) | State::Within(iterator) => {
                    iterator.with_dependent_mut(|database, iterator| {
                        fill(database, iterator, is_new, self.reverse, page)
                    })
                }
                State::Ended => return Ok(()),
                State::Failed(error) => return Err(error.clone()),
                State::Closed => return Err(closed()),
            };
            // At the end the iterator goes at once, and with it the files that it keeps.
            *state = match (std::mem::replace(&mut *state, State::Ended), &filled) {
                (State::New(iterator) | State::Within(iterator), Ok(false)) => State::Within(iterator),
                (_, Err(error)) => State::Failed(error.clone()),
                _ => State::Ended,
            };
            filled.map(drop)
        })
    }
}

/// Fills a page; true at the end.
fn fill(
    database: &Database,
    iterator: &mut DBRawIterator<'_>,
    is_new: bool,
    reverse: bool,
    page: &mut Page,
) -> Result<bool> {
    if is_new {
        if reverse { iterator.seek_to_last() } else { iterator.seek_to_first() }
    }
    let mut now = Now::new(database);
    while let Some((key, stored)) = iterator.item() {
        if page.is_full() {
            return Ok(false);
        }
        let (value, expires_at) = database.codec.decode(key, stored)?;
        if now.sees(expires_at) {
            page.push(key, value, expires_at);
        }
        if reverse { iterator.prev() } else { iterator.next() }
    }
    iterator.status().map_err(cannot("go on with a scan"))?;
    Ok(true)
}

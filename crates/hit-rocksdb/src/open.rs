//! A database while it is open, and everything that is open in it: close ends all of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use hit_core::{Error, ErrorCode, Result};
use parking_lot::{MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard};

use crate::database::Database;

/// How long a close waits for a thread that is just dropping a snapshot or a scan.
const LET_GO_WITHIN: Duration = Duration::from_secs(5);

/// A snapshot or a scan, which holds on to the database.
pub(crate) trait Held: Send + Sync {
    /// Lets go of the database; whoever uses it from now on is told that the store is closed.
    fn end(&self);
}

/// What is open.
pub(crate) struct Open {
    database: RwLock<Option<Arc<Database>>>,
    held: Mutex<Vec<Weak<dyn Held>>>,
    /// Set when closing begins: whatever takes long ends at its next step.
    stopping: AtomicBool,
}

/// The database; it stays open as long as this lives.
pub(crate) type Using<'a> = MappedRwLockReadGuard<'a, Arc<Database>>;

impl Open {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database: RwLock::new(Some(Arc::new(database))),
            held: Mutex::new(Vec::new()),
            stopping: AtomicBool::new(false),
        }
    }

    /// The database.
    ///
    /// # Errors
    /// `HIT_NOT_OPEN`.
    pub(crate) fn database(&self) -> Result<Using<'_>> {
        RwLockReadGuard::try_map(self.database.read(), Option::as_ref).map_err(|_| closed())
    }

    /// Has `held` ended by close.
    pub(crate) fn register<H: Held + 'static>(&self, held: &Arc<H>) {
        let held: Weak<dyn Held> = Arc::<H>::downgrade(held);
        let mut list = self.held.lock();
        if list.len() == list.capacity() {
            list.retain(|held| held.strong_count() > 0);
            let room = list.len().max(16);
            list.reserve(room);
        }
        list.push(held);
    }

    /// Ends what takes long with `HIT_NOT_OPEN` once closing has begun.
    pub(crate) fn check_going_on(&self) -> Result<()> {
        if self.stopping.load(Ordering::Relaxed) { Err(closed()) } else { Ok(()) }
    }

    /// Ends everything and closes the database. After this its lock is free. Only the first call does something.
    pub(crate) fn close(&self) -> Result<()> {
        self.stopping.store(true, Ordering::Relaxed);
        let written = match self.database() {
            Ok(database) => {
                let written = database.finish();
                // Compactions end at once; what waits for one gets an answer, and gives its access back.
                database.db.cancel_all_background_work(false);
                written
            }
            Err(_) => return Ok(()),
        };
        let database = self.database.write().take();
        let is_displaced = database.as_ref().is_some_and(|database| database.check_place().is_err());
        // A snapshot can still have begun a scan while others were ended; it has itself ended after the first round.
        loop {
            let held = std::mem::take(&mut *self.held.lock());
            if held.is_empty() {
                break;
            }
            held.iter().filter_map(Weak::upgrade).for_each(|held| held.end());
        }
        if is_displaced {
            // RocksDB's own closing would write a manifest there and remove what it does not know. Its memory, and the lock of the folder
            // that was moved, stay until the process ends.
            std::mem::forget(database);
        } else {
            database.into_iter().for_each(drop_last);
        }
        written
    }
}

/// Closes the database here. A snapshot or a scan that another thread is just letting go of cannot be ended any more, and would close
/// it behind this call.
fn drop_last(mut database: Arc<Database>) {
    let begun = Instant::now();
    while let Err(held) = Arc::try_unwrap(database) {
        if begun.elapsed() > LET_GO_WITHIN {
            return;
        }
        database = held;
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a closed store answers.
pub(crate) fn closed() -> Error {
    Error::new(ErrorCode::NotOpen, "the store is closed: open it again")
}

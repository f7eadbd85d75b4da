//! What a store was given, what it has promised of it, and what it must therefore hold after an accident.
//!
//! A log is durable in order, so what an accident leaves is always what the first so many groups of writes make: a
//! prefix, with no group in part, and no shorter than what was promised. A [`Ledger`] gathers groups and answers while a
//! store works; its [`History`] judges what is found afterwards.

mod history;
mod script;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use hit::{
    BatchOperation, Durability, Error, ErrorCode, KeyRange, OpenOptions, Operation, Result, Store, Submitted,
};
use parking_lot::Mutex;

pub use history::History;
pub use script::{Script, Session, Step};

/// Keys, values and expiries.
pub type Content = BTreeMap<Arc<[u8]>, (Arc<[u8]>, Option<u64>)>;

/// One write. Copies share its bytes.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are those of Operation")]
pub enum Write {
    Set { key: Arc<[u8]>, value: Arc<[u8]>, expires_at: Option<u64> },
    Delete { key: Arc<[u8]> },
    Clear { start: Arc<[u8]>, end: Option<Arc<[u8]>> },
}

impl Write {
    fn operation(&self) -> Operation<'_> {
        match self {
            Self::Set { key, value, expires_at } => Operation::Set { key, value, expires_at: *expires_at },
            Self::Delete { key } => Operation::Delete { key },
            Self::Clear { start, end } => {
                Operation::DeleteRange { range: KeyRange { start, end: end.as_deref() } }
            }
        }
    }

    fn apply(&self, content: &mut Content) {
        match self {
            Self::Set { key, value, expires_at } => {
                content.insert(Arc::clone(key), (Arc::clone(value), *expires_at));
            }
            Self::Delete { key } => drop(content.remove(key)),
            Self::Clear { start, end } => {
                let range = KeyRange { start, end: end.as_deref() };
                content.retain(|key, _| !range.contains(key));
            }
        }
    }
}

/// How many of the groups a store has promised to keep, counted from the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promised {
    /// Through a power loss.
    pub disk: usize,
    /// Through the death of the program.
    pub os: usize,
    /// How many backups were begun, and whether the last of them is there; all before it ended one way or another.
    pub backups: Backups,
}

/// Backups that were asked for, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backups {
    /// How many were begun.
    pub begun: usize,
    /// How many of them, from the first on, have ended.
    pub ended: usize,
}

/// Groups of writes in the order accepted, and what was answered.
#[derive(Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    groups: Vec<Group>,
    promised: Promised,
    backups: Vec<Backup>,
    /// The store has told of a failed sync: it closes then without a promise.
    is_poisoned: bool,
}

struct Group {
    writes: Vec<Write>,
    fate: Fate,
}

/// A backup that was asked for.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Where.
    pub url: String,
    /// How many groups had been given by then: it holds those that were not refused, and no others.
    pub groups: usize,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// What a store has said of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing yet; or that nobody knows until the store is opened again.
    Open,
    Accepted,
    /// That nothing of it was kept.
    Refused,
}

/// The answer to a group, or to a flush.
#[must_use = "nothing is known of a write that is not waited for"]
pub struct Answer(Option<mpsc::Receiver<Result<()>>>);

impl Answer {
    /// Waits for it.
    ///
    /// # Errors
    /// With what the store answered.
    pub fn wait(self) -> Result<()> {
        let unanswered = || Error::new(ErrorCode::Aborted, "the store has dropped a write without an answer");
        self.0.map_or(Ok(()), |answer| answer.recv().unwrap_or_else(|_| Err(unanswered())))
    }
}

impl Ledger {
    /// Gives a group to a store and notes what becomes of it. One thread calls this.
    ///
    /// # Errors
    /// As the store's; the group counts as refused then.
    pub fn submit(
        self: &Arc<Self>,
        store: &Store,
        writes: Vec<Write>,
        durability: Durability,
        as_batch: bool,
    ) -> Result<Answer> {
        let position = {
            let mut entries = self.entries.lock();
            entries.groups.push(Group { writes: writes.clone(), fate: Fate::Open });
            entries.groups.len() - 1
        };
        let (answer, answered) = mpsc::channel();
        let ledger = Arc::clone(self);
        let completion = move |result: Result<()>| {
            match &result {
                Ok(()) => ledger.accept(position, durability),
                // Whether it is there is open until the store is opened again.
                Err(error) if error.code() == ErrorCode::Poisoned => ledger.entries.lock().is_poisoned = true,
                Err(_) => ledger.decide(position, Fate::Refused),
            }
            // The script may be over.
            drop(answer.send(result));
        };
        let operations: Vec<_> = writes.iter().map(Write::operation).collect();
        let submitted = if as_batch {
            let operations: Vec<_> = operations.into_iter().map(BatchOperation::Plain).collect();
            store.submit_batch(&operations, &[], Some(durability), completion)
        } else {
            store.submit(operations.iter().copied(), Some(durability), completion)
        };
        match submitted {
            Ok(Submitted::Settled) => {
                self.decide(position, Fate::Accepted);
                Ok(Answer(None))
            }
            Ok(Submitted::Pending) => Ok(Answer(Some(answered))),
            Err(error) => {
                self.decide(position, Fate::Refused);
                Err(error)
            }
        }
    }

    /// Flushes a store: everything that it has accepted so far is promised then.
    pub fn flush(self: &Arc<Self>, store: &Store) -> Answer {
        self.raise(|completion| store.flush_with(completion))
    }

    /// Closes a store, with the same promise.
    pub fn close(self: &Arc<Self>, store: &Store) -> Answer {
        self.raise(|completion| store.close_with(completion))
    }

    fn raise(self: &Arc<Self>, begin: impl FnOnce(Box<dyn FnOnce(Result<()>) + Send>)) -> Answer {
        let groups = self.entries.lock().groups.len();
        let ledger = Arc::clone(self);
        let (answer, answered) = mpsc::channel();
        begin(Box::new(move |result| {
            match &result {
                Ok(()) => ledger.promise_all(groups),
                Err(error) if error.code() == ErrorCode::Poisoned => ledger.entries.lock().is_poisoned = true,
                Err(_) => {}
            }
            drop(answer.send(result));
        }));
        Answer(Some(answered))
    }

    /// Takes a backup into a folder of its own, and notes how that ended. Nothing is given meanwhile.
    ///
    /// # Errors
    /// As the store's.
    pub fn back_up(&self, store: &Store) -> Result<()> {
        let folder = {
            let mut entries = self.entries.lock();
            let folder = format!("/data/backup{}", entries.backups.len());
            let (url, groups) = (format!("file:{folder}"), entries.groups.len());
            entries.backups.push(Backup { url, groups, succeeded: false });
            entries.promised.backups.begun += 1;
            folder
        };
        let ended = store.backup_blocking(Path::new(&folder), &mut |_| ControlFlow::Continue(()));
        let mut entries = self.entries.lock();
        entries.promised.backups.ended += 1;
        if let Some(backup) = entries.backups.last_mut() {
            backup.succeeded = ended.is_ok();
        }
        ended
    }

    /// The backups that were asked for, in order.
    #[must_use]
    pub fn backups(&self) -> Vec<Backup> {
        self.entries.lock().backups.clone()
    }

    /// The store was opened again: which of the groups it knew nothing of are there is decided.
    fn opened(&self, store: &Store) {
        let mut entries = self.entries.lock();
        entries.is_poisoned = false;
        let (mut sequence, next_sequence) = (1, store.stats().next_sequence);
        for group in entries.groups.iter_mut().filter(|group| group.fate != Fate::Refused) {
            sequence += group.writes.len() as u64;
            if group.fate == Fate::Open {
                group.fate = if sequence <= next_sequence { Fate::Accepted } else { Fate::Refused };
            }
        }
    }

    /// What is promised by now.
    #[must_use]
    pub fn promised(&self) -> Promised {
        self.entries.lock().promised
    }

    /// How many groups were given.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.entries.lock().groups.len()
    }

    /// What all groups that were not refused make, one after another.
    #[must_use]
    pub fn history(&self) -> History {
        let entries = self.entries.lock();
        History::of(entries.groups.iter().map(|group| (&*group.writes, group.fate == Fate::Refused)))
    }

    fn accept(&self, position: usize, durability: Durability) {
        self.decide(position, Fate::Accepted);
        self.promise(position + 1, durability);
    }

    fn promise_all(&self, groups: usize) {
        if !self.entries.lock().is_poisoned {
            self.promise(groups, Durability::Disk);
        }
    }

    fn promise(&self, groups: usize, durability: Durability) {
        let promised = &mut self.entries.lock().promised;
        if durability == Durability::Disk {
            promised.disk = promised.disk.max(groups);
        }
        if durability >= Durability::Os {
            promised.os = promised.os.max(groups);
        }
    }

    fn decide(&self, position: usize, fate: Fate) {
        if let Some(group) = self.entries.lock().groups.get_mut(position) {
            group.fate = fate;
        }
    }
}

/// Options for a store in an accident: the smallest segments there are.
#[must_use]
pub fn small_segments() -> OpenOptions {
    OpenOptions {
        file: hit::FileOptions { segment_bytes: 64 << 10, ..hit::FileOptions::default() },
        ..OpenOptions::default()
    }
}

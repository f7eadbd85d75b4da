//! The folders that this process has open: a second open of one joins the first.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use hit_core::Result;
use hit_log::{Folder, Lock, LockFile};
use parking_lot::{Condvar, Mutex};

use crate::options::OpenOptions;
use crate::shared::Shared;

/// Device and inode of a store's lock file.
type Identity = (u64, u64);

enum Owner {
    /// Whoever wants it waits.
    Opening,
    Open(Arc<Shared>),
    /// Whoever wants it waits.
    Closing,
}

static OWNERS: LazyLock<Mutex<HashMap<Identity, Owner>>> = LazyLock::new(Mutex::default);
static CHANGED: Condvar = Condvar::new();

/// What there is at a folder.
pub(crate) enum Entered {
    /// This process has it open; the store has one handle more now.
    Joined(Arc<Shared>),
    /// Nobody in this process has; the caller opens it.
    Vacant(Opening),
}

/// The right to open a folder, given back when it is dropped without success.
pub(crate) struct Opening {
    identity: Identity,
    done: bool,
}

/// A store's folder of ours.
#[expect(clippy::large_enum_variant, reason = "there is one for each opening")]
pub(crate) enum Claimed {
    /// This process has it open; the store has one handle more now.
    Joined(Arc<Shared>),
    /// The caller opens it.
    Ours(Claim),
}

/// A folder that is locked, and the right to open it. What fails lets go of the lock before others may try.
pub(crate) struct Claim {
    pub(crate) lock: Lock,
    pub(crate) folder: Folder,
    pub(crate) identity: Identity,
    pub(crate) opening: Opening,
}

/// Joins the store of `kind` in the folder `path` if `agrees` lets it, or locks the folder, which is made where the options say so.
pub(crate) fn claim(
    path: &Path,
    kind: &str,
    options: &OpenOptions,
    agrees: impl Fn(&Shared, &OpenOptions) -> Result<()>,
) -> Result<Claimed> {
    let folder = Folder::open(Arc::clone(&options.files), path, kind, options.create_if_missing)?;
    let lock_file = LockFile::open(&folder)?;
    let identity = lock_file.identity();
    match enter(identity, |shared| agrees(shared, options))? {
        Entered::Joined(shared) => Ok(Claimed::Joined(shared)),
        Entered::Vacant(opening) => {
            Ok(Claimed::Ours(Claim { lock: lock_file.acquire()?, folder, identity, opening }))
        }
    }
}

/// Joins the store at `identity` if `agrees` lets it, or gets the right to open it. Waits for one that is opening or closing.
pub(crate) fn enter(identity: Identity, agrees: impl Fn(&Shared) -> Result<()>) -> Result<Entered> {
    let mut owners = OWNERS.lock();
    loop {
        match owners.get(&identity) {
            None => {
                owners.insert(identity, Owner::Opening);
                return Ok(Entered::Vacant(Opening { identity, done: false }));
            }
            Some(Owner::Opening | Owner::Closing) => CHANGED.wait(&mut owners),
            Some(Owner::Open(shared)) => {
                shared.check_not_poisoned()?;
                agrees(shared)?;
                shared.handles.fetch_add(1, Ordering::SeqCst);
                return Ok(Entered::Joined(Arc::clone(shared)));
            }
        }
    }
}

impl Opening {
    /// Makes the store known, so that later opens join it.
    pub(crate) fn succeed(mut self, shared: &Arc<Shared>) {
        self.done = true;
        OWNERS.lock().insert(self.identity, Owner::Open(Arc::clone(shared)));
        CHANGED.notify_all();
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.done {
            left(self.identity);
        }
    }
}

/// Takes one handle away, under the store's apply lock. True for the last one: the store is closing now, and nobody joins it any more.
pub(crate) fn leave(shared: &Shared) -> bool {
    let mut owners = OWNERS.lock();
    let last = shared.handles.fetch_sub(1, Ordering::SeqCst) == 1;
    if let (true, Some(identity)) = (last, shared.identity()) {
        owners.insert(identity, Owner::Closing);
    }
    last
}

/// Forgets a folder whose lock is released.
pub(crate) fn left(identity: Identity) {
    OWNERS.lock().remove(&identity);
    CHANGED.notify_all();
}

/// Waits until every open store has written what it accepted, and every closing one is closed.
pub(crate) fn drain_all() {
    let identities: Vec<_> = OWNERS.lock().keys().copied().collect();
    for identity in identities {
        let open = match OWNERS.lock().get(&identity) {
            Some(Owner::Open(shared)) => Some(Arc::clone(shared)),
            _ => None,
        };
        if let Some(shared) = open {
            shared.wait_until_written();
        }
        // It may have begun to close meanwhile.
        let mut owners = OWNERS.lock();
        while matches!(owners.get(&identity), Some(Owner::Closing)) {
            CHANGED.wait(&mut owners);
        }
    }
}

use std::collections::HashMap;
use std::sync::Arc;

use hit_core::Result;
use hit_log::{FileId, Folder, ValueFile};
use parking_lot::Mutex;

/// The most files that are kept open though they could be opened again: a process may often have no more than 1,024.
const MOST_OPEN: usize = 200;

/// The log's files that are open for reading values.
pub(super) struct OpenFiles {
    folder: Folder,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Opened>,
    replaced: Vec<Kept>,
    uses: u64,
}

/// A replaced file in which somebody sees values.
struct Kept {
    id: u64,
    /// Nobody who comes later does.
    mark: u64,
    bytes: u64,
}

struct Opened {
    file: Arc<ValueFile>,
    last_use: u64,
    /// It has lost its name, or will, so it cannot be opened again.
    is_replaced: bool,
}

impl OpenFiles {
    pub(super) fn new(folder: Folder) -> Self {
        Self { folder, state: Mutex::default() }
    }

    /// A file, opened where it is not open; `None` where it is gone.
    pub(super) fn get(&self, id: u64) -> Result<Option<Arc<ValueFile>>> {
        // Opening under the lock: a file that is replaced meanwhile is either kept open or not found.
        let mut state = self.state.lock();
        state.uses += 1;
        let last_use = state.uses;
        if let Some(opened) = state.open.get_mut(&id) {
            opened.last_use = last_use;
            return Ok(Some(Arc::clone(&opened.file)));
        }
        let Some(file) = ValueFile::open(&self.folder, FileId::from_u64(id))?.map(Arc::new) else {
            return Ok(None);
        };
        state.make_room();
        state.open.insert(id, Opened { file: Arc::clone(&file), last_use, is_replaced: false });
        Ok(Some(file))
    }

    /// Keeps a file open whatever becomes of its name, until `mark` is past: nobody who comes later sees values in it.
    pub(super) fn keep_open(&self, id: u64, mark: u64) -> Result<()> {
        self.get(id)?;
        let mut state = self.state.lock();
        if let Some(opened) = state.open.get_mut(&id) {
            opened.is_replaced = true;
            let bytes = opened.file.bytes();
            state.replaced.push(Kept { id, mark, bytes });
        }
        Ok(())
    }

    /// Closes the replaced files whose mark is past; true while there are others.
    pub(super) fn release(&self, is_past: impl Fn(u64) -> bool) -> bool {
        let State { open, replaced, .. } = &mut *self.state.lock();
        replaced.retain(|kept| {
            let is_past = is_past(kept.mark);
            if is_past {
                open.remove(&kept.id);
            }
            !is_past
        });
        !replaced.is_empty()
    }

    /// What the replaced files take.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.state.lock().replaced.iter().map(|kept| kept.bytes).sum()
    }

    /// A file has lost its name. If somebody has opened it since it was closed, it is closed again.
    pub(super) fn forget(&self, id: u64) {
        let mut state = self.state.lock();
        if state.open.get(&id).is_some_and(|opened| !opened.is_replaced) {
            state.open.remove(&id);
        }
    }

    pub(super) fn close(&self) {
        *self.state.lock() = State::default();
    }
}

impl State {
    /// Closes what was not used for the longest time, if there are too many.
    fn make_room(&mut self) {
        let known = self.open.iter().filter(|(_, opened)| !opened.is_replaced);
        if known.clone().count() < MOST_OPEN {
            return;
        }
        if let Some(oldest) = known.min_by_key(|(_, opened)| opened.last_use).map(|(&id, _)| id) {
            self.open.remove(&oldest);
        }
    }
}

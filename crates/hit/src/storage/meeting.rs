use hit_core::Error;
use parking_lot::{Condvar, Mutex};

use super::lanes::Item;

/// What several lanes come together for: the last one to arrive does it while the others wait. It stands in the queues of all of
/// them in one order, so none waits for another that waits for it.
pub(crate) struct Meeting {
    /// Who comes.
    lanes: Vec<usize>,
    state: Mutex<State>,
    ended: Condvar,
}

/// Lets the other lanes go on when it is dropped, in a panic too.
pub(crate) struct End<'a>(&'a Meeting);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.state.lock().is_ended = true;
        self.0.ended.notify_all();
    }
}

struct State {
    missing: usize,
    /// There until it is done.
    item: Option<Item>,
    /// Something before it has failed.
    doom: Option<Error>,
    is_ended: bool,
}

impl Meeting {
    pub(crate) fn new(lanes: &[usize], item: Item) -> Self {
        let state = State { missing: lanes.len(), item: Some(item), doom: None, is_ended: false };
        Self { lanes: lanes.to_vec(), state: Mutex::new(state), ended: Condvar::new() }
    }

    /// The lanes that come.
    pub(crate) fn lanes(&self) -> &[usize] {
        &self.lanes
    }

    /// A lane has come this far. The last one gets what is to be done, and the end of the meeting; the others wait for that.
    pub(crate) fn arrive(&self) -> Option<(Item, Option<Error>, End<'_>)> {
        let mut state = self.state.lock();
        state.missing = state.missing.saturating_sub(1);
        if state.missing == 0 {
            let doom = state.doom.take();
            return state.item.take().map(|item| (item, doom, End(self)));
        }
        while !state.is_ended {
            self.ended.wait(&mut state);
        }
        None
    }

    /// A write before it has failed, so what depends on it must fail too.
    pub(crate) fn doom(&self, error: &Error) {
        let mut state = self.state.lock();
        let depends = matches!(&state.item, Some(Item::Group(group, _)) if group.depends_on_those_before());
        if depends {
            state.doom.get_or_insert_with(|| error.clone());
        }
    }
}

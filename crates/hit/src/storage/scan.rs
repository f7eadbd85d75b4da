use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use hit_core::{KeyRange, Page, Result, StorageSnapshot};
use hit_table::{Cursor, Snapshot, Value};

use super::ahead::{Pages, ReadAhead};
use super::backing::Backing;
use super::in_flight::RangeInFlight;
use crate::Store;
use crate::read::Entry;
use crate::shared::Shared;
use crate::store::Watch;

/// Writes in flight that are taken out of the table under one hold of the apply lock.
const IN_FLIGHT_AT_ONCE: usize = 256;

/// A storage and what was in flight at one moment.
#[derive(Clone)]
pub(crate) struct Moment {
    storage: Arc<dyn StorageSnapshot>,
    /// Nothing, where nothing was in flight.
    in_flight: Option<Snapshot>,
    ranges: Arc<[RangeInFlight]>,
    _taken: Arc<Instant>,
}

/// A scan of a storage with what was in flight laid over it.
pub(crate) struct MergedScan {
    shared: Arc<Shared>,
    handle: Watch,
    moment: Moment,
    pages: Pages,
    page: Page,
    /// The next entry of the page.
    position: usize,
    /// The storage has no more.
    is_exhausted: bool,
    in_flight: InFlightScan,
    is_reverse: bool,
}

/// The writes in flight of a moment, in the order of a scan.
struct InFlightScan {
    cursor: Option<Cursor>,
    taken: VecDeque<Write>,
}

/// A write in flight.
struct Write {
    key: Vec<u8>,
    value: Vec<u8>,
    expires_at: Option<u64>,
}

impl InFlightScan {
    /// The next write, which stays.
    fn peek(&mut self, handle: &Watch) -> Result<Option<&Write>> {
        if self.taken.is_empty()
            && let Some(cursor) = &mut self.cursor
        {
            handle.check()?;
            let taken = &mut self.taken;
            // At 0 nothing has expired: what has hides what the storage has.
            let flow = cursor.visit(0, |key, entry| {
                if let Value::Memory(value) = entry.value {
                    taken.push_back(Write {
                        key: key.to_vec(),
                        value: value.to_vec(),
                        expires_at: entry.expires_at,
                    });
                }
                if taken.len() == IN_FLIGHT_AT_ONCE {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if flow.is_continue() {
                self.cursor = None;
            }
        }
        Ok(self.taken.front())
    }
}

impl Store {
    /// Takes the moment of now: both under one hold of the apply lock. What lands meanwhile is in both, and the same.
    fn moment(&self, backing: &Backing) -> Result<Moment> {
        let shared = self.open_shared()?;
        let (in_flight, ranges, storage) = if backing.refusal.is_some() {
            // Nothing is ever in flight, and a refresh may keep the storage waiting: nobody else is kept by the lock.
            (None, Vec::new(), hit_core::at_once(backing.storage.snapshot())?)
        } else {
            let mut applied = shared.applied.write();
            self.open_shared()?;
            let in_flight = (!applied.table.is_empty()).then(|| applied.table.snapshot());
            let ranges = applied.in_flight.ranges().cloned().collect();
            (in_flight, ranges, hit_core::at_once(backing.storage.snapshot())?)
        };
        let (storage, ranges) = (storage.into(), ranges.into());
        Ok(Moment { storage, in_flight, ranges, _taken: backing.note_moment() })
    }

    pub(crate) fn scan_merged(
        &self,
        backing: &Backing,
        range: KeyRange<'_>,
        reverse: bool,
    ) -> Result<MergedScan> {
        let moment = self.moment(backing)?;
        MergedScan::new(Arc::clone(self.shared()), self.watch(), moment, range, reverse, true)
    }

    /// Counts a range by walking it.
    pub(crate) fn count_merged(&self, backing: &Backing, range: KeyRange<'_>) -> Result<u64> {
        let mut scan = self.scan_merged(backing, range, false)?.without_values();
        let mut count = 0;
        scan.visit(|_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }
}

impl MergedScan {
    fn new(
        shared: Arc<Shared>,
        handle: Watch,
        moment: Moment,
        range: KeyRange<'_>,
        is_reverse: bool,
        wants_values: bool,
    ) -> Result<Self> {
        let storage = hit_core::at_once(moment.storage.scan(range, is_reverse))?;
        let cursor = moment.in_flight.clone().map(|snapshot| Cursor::new(snapshot, range, is_reverse));
        Ok(Self {
            shared,
            handle,
            moment,
            pages: Pages::new(storage, wants_values),
            page: Page::new(wants_values),
            position: 0,
            is_exhausted: false,
            in_flight: InFlightScan { cursor, taken: VecDeque::new() },
            is_reverse,
        })
    }

    /// Another scan of the same moment, from the beginning.
    pub(crate) fn again(&self, range: KeyRange<'_>) -> Result<Self> {
        let (shared, handle) = (Arc::clone(&self.shared), self.handle.clone());
        Self::new(shared, handle, self.moment.clone(), range, false, self.page.wants_values)
    }

    pub(crate) fn without_values(self) -> Self {
        self.pages.set_wants_values(false);
        Self { page: Page::new(false), ..self }
    }

    /// Whether the next entries are at hand, and what reads those behind them.
    pub(crate) fn ahead(&self) -> (bool, Option<ReadAhead>) {
        if self.is_exhausted {
            return (true, None);
        }
        let is_at_hand = self.position < self.page.len() || self.pages.is_read();
        (is_at_hand, self.pages.read_ahead())
    }

    /// As [`crate::Scan::visit`].
    pub(crate) fn visit(&mut self, mut visit: impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>) -> Result<()> {
        // The moment may hold entries that expire when nothing else does.
        let now_ms = self.shared.clock.now_ms();
        loop {
            self.handle.check()?;
            if self.position == self.page.len() && !self.is_exhausted {
                self.position = 0;
                self.page.clear();
                self.pages.turn(&mut self.page)?;
                self.is_exhausted = self.page.is_empty();
            }
            let stored = self.page.get(self.position);
            let in_flight = self.in_flight.peek(&self.handle)?;
            let order = match (&stored, in_flight) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((stored, _)), Some(write)) => {
                    let order = stored.cmp(&&write.key[..]);
                    if self.is_reverse { order.reverse() } else { order }
                }
            };
            let flow = match (order, stored, in_flight) {
                (Ordering::Less, Some((key, (value, expires_at))), _) => {
                    // Expired ones are left out where they come from.
                    if self.moment.ranges.iter().any(|range| range.contains(key)) {
                        ControlFlow::Continue(())
                    } else {
                        visit(key, Entry { value, expires_at })
                    }
                }
                (_, _, Some(Write { key, value, expires_at })) => {
                    if expires_at.is_some_and(|at| at <= now_ms) {
                        ControlFlow::Continue(())
                    } else {
                        let value = if self.page.wants_values { &value[..] } else { &[] };
                        visit(key, Entry { value, expires_at: *expires_at })
                    }
                }
                (_, _, None) => return Ok(()),
            };
            if flow.is_break() {
                return Ok(());
            }
            if order.is_le() {
                self.position += 1;
            }
            if order.is_ge() {
                self.in_flight.taken.pop_front();
            }
        }
    }
}

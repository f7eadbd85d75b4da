use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hit_core::{Clock, KeyRange, Page, Pending, Result, StorageScan, StorageSnapshot, Values};

use super::{Entries, MapDatabase, check_open};

/// What was stored at one moment.
#[derive(Clone)]
pub(super) struct MapSnapshot {
    pub(super) database: MapDatabase,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entries: Arc<Entries>,
    pub(super) is_closed: Arc<AtomicBool>,
}

impl MapSnapshot {
    pub(super) fn read(&self, keys: &[&[u8]], values: &mut Values) -> Result<()> {
        check_open(&self.is_closed)?;
        let now_ms = self.clock.now_ms();
        for &key in keys {
            let entry = self.entries.get(key);
            let entry = entry.filter(|(_, expires_at)| expires_at.is_none_or(|at| at > now_ms));
            values.push(entry.map(|(value, expires_at)| (&value[..], *expires_at)));
        }
        let in_read = self.database.0.state.lock().orders.in_read.take();
        if let Some(then) = in_read {
            then();
        }
        Ok(())
    }
}

impl StorageSnapshot for MapSnapshot {
    fn get_many<'a>(&'a self, keys: &'a [&'a [u8]], values: &'a mut Values) -> Pending<'a, ()> {
        Box::pin(async move {
            self.database.begin_read();
            self.read(keys, values)
        })
    }

    fn scan(&self, range: KeyRange<'_>, reverse: bool) -> Pending<'_, Box<dyn StorageScan>> {
        let snapshot = self.clone();
        let start = Bound::Included(range.start.to_vec());
        let end = range.end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.to_vec()));
        let scan = MapScan { snapshot, start, end, reverse, is_empty: range.is_empty() };
        Box::pin(async move { Ok(Box::new(scan) as Box<dyn StorageScan>) })
    }
}

/// What of a snapshot a scan has not handed out.
struct MapScan {
    snapshot: MapSnapshot,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    reverse: bool,
    /// The bounds cross, which a map does not take.
    is_empty: bool,
}

impl StorageScan for MapScan {
    fn fill<'a>(&'a mut self, page: &'a mut Page) -> Pending<'a, ()> {
        Box::pin(async move {
            check_open(&self.snapshot.is_closed)?;
            let now_ms = self.snapshot.clock.now_ms();
            while !self.is_empty && !page.is_full() {
                let mut left = self.snapshot.entries.range((self.start.clone(), self.end.clone()));
                let next = if self.reverse { left.next_back() } else { left.next() };
                let Some((key, (value, expires_at))) = next else { break };
                if expires_at.is_none_or(|at| at > now_ms) {
                    page.push(key, value, *expires_at);
                }
                let taken = Bound::Excluded(key.clone());
                // Where both bounds exclude one key a map panics.
                self.is_empty = taken == *(if self.reverse { &self.start } else { &self.end });
                *(if self.reverse { &mut self.end } else { &mut self.start }) = taken;
            }
            Ok(())
        })
    }
}

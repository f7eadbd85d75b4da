//! Counting the entries of a range without visiting them.

use std::ops::{ControlFlow, Range};

use hit_core::KeyRange;

use crate::chunks::Records;
use crate::cursor::{Cursor, next_key};
use crate::run::{Run, RunEntry};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// How many entries of a range it holds that have not expired at `now_ms`.
    ///
    /// At once for everything where nothing expires. Else two binary searches; besides them it looks at the entries that
    /// can expire, and at those written since the view was last merged into one run. Only while a range delete waits to be
    /// merged does it visit all.
    #[must_use]
    pub fn count(&self, range: KeyRange<'_>, now_ms: u64) -> u64 {
        let contents = self.contents();
        match (contents.entries, contents.runs.split_first()) {
            (Some(entries), _) if range == KeyRange::ALL => entries as u64,
            (_, None) => 0,
            (_, Some((base, newer))) if contents.tombstones.is_empty() => {
                let records = self.records();
                let mut count = count_run(base, base.window(range, records), records, now_ms);
                let mut windows: Vec<_> = newer.iter().map(|run| run.window(range, records)).collect();
                while let Some(entry) = next_key(newer, &mut windows, records) {
                    let replaced = base.find(records.key(entry.location), records);
                    count -= u64::from(replaced.is_some_and(|entry| is_visible(entry, records, now_ms)));
                    count += u64::from(is_visible(entry, records, now_ms));
                }
                count
            }
            _ => self.count_by_visiting(range, now_ms),
        }
    }

    fn count_by_visiting(&self, range: KeyRange<'_>, now_ms: u64) -> u64 {
        let mut count = 0;
        let flow: ControlFlow<()> = Cursor::new(self.clone(), range, false).visit(now_ms, |_, _| {
            count += 1;
            ControlFlow::Continue(())
        });
        debug_assert!(flow.is_continue(), "counting never breaks off");
        count
    }
}

/// How many entries of a run are seen.
fn count_run(run: &Run, window: Range<usize>, records: Records<'_>, now_ms: u64) -> u64 {
    let hidden = run.doubtful(window.clone()).filter(|entry| !is_visible(entry, records, now_ms)).count();
    (window.len() - hidden) as u64
}

fn is_visible(entry: &RunEntry, records: Records<'_>, now_ms: u64) -> bool {
    let has_expired = || records.record(entry.location).is_none_or(|record| record.is_expired(now_ms));
    let is_gone = entry.location.is_marked() || entry.location.can_expire() && has_expired();
    !is_gone
}

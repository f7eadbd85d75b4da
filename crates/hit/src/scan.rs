//! Scans: of the table alone, or of a storage with what is in flight laid over it.

mod table;

use std::ops::ControlFlow;

use hit_core::{KeyRange, Result};

use self::table::TableScan;
use crate::Store;
use crate::read::Entry;
use crate::storage::{MergedScan, ReadAhead};

/// A scan of one moment, in key byte order. It holds a snapshot until it is dropped.
pub struct Scan(Kind);

enum Kind {
    Table(TableScan),
    Merged(MergedScan),
}

impl Store {
    /// Opens a scan of `range` as it is now, from its end where `reverse`.
    ///
    /// The first scan of a store in memory or files sorts its keys; see [`Store::scan_takes_long`].
    ///
    /// # Errors
    /// As all reads.
    pub fn scan(&self, range: KeyRange<'_>, reverse: bool) -> Result<Scan> {
        let kind = match self.open_shared()?.backing() {
            Some(backing) => Kind::Merged(self.scan_merged(backing, range, reverse)?),
            None => Kind::Table(self.scan_table(range, reverse)?),
        };
        Ok(Scan(kind))
    }
}

impl Scan {
    /// Another scan of the same moment, from the beginning.
    pub(crate) fn again(&self, range: KeyRange<'_>) -> Result<Self> {
        Ok(Self(match &self.0 {
            Kind::Table(scan) => Kind::Table(scan.again(range)),
            Kind::Merged(scan) => Kind::Merged(scan.again(range)?),
        }))
    }

    /// The same scan for who does not look at values: those on disk are not read, and may seem empty.
    #[must_use]
    pub fn without_values(self) -> Self {
        Self(match self.0 {
            Kind::Table(scan) => Kind::Table(scan.without_values()),
            Kind::Merged(scan) => Kind::Merged(scan.without_values()),
        })
    }

    /// Visits the next entries until `visit` breaks or the scan ends. The entry at which it breaks is not taken: the
    /// next call begins with it.
    ///
    /// # Errors
    /// `HIT_NOT_OPEN` once the handle is closed, `HIT_POISONED` after a failed sync; for values on disk `HIT_CORRUPTION` and
    /// `HIT_IO`.
    pub fn visit(&mut self, visit: impl FnMut(&[u8], Entry<'_>) -> ControlFlow<()>) -> Result<()> {
        match &mut self.0 {
            Kind::Table(scan) => scan.visit(visit),
            Kind::Merged(scan) => scan.visit(visit),
        }
    }

    /// Whether the next entries are at hand, so that visiting them does not wait for a disk; and, where the ones behind them are
    /// still to be read, what does that. Only scans over a storage have some to read.
    #[must_use]
    pub fn ahead(&self) -> (bool, Option<ReadAhead>) {
        match &self.0 {
            Kind::Table(_) => (true, None),
            Kind::Merged(scan) => scan.ahead(),
        }
    }

    /// Reads up to `limit` entries; none is the end.
    ///
    /// # Errors
    /// As [`Scan::visit`].
    pub fn page(&mut self, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut page = Vec::new();
        self.visit(|key, entry| {
            if page.len() == limit {
                return ControlFlow::Break(());
            }
            page.push((key.to_vec(), entry.value.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok(page)
    }
}

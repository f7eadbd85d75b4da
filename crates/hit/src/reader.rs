//! A file store that is only read, beside whoever writes it.

use std::path::Path;
use std::sync::Arc;

use hit_core::{Error, ErrorCode, Result};
use hit_log::{Folder, LogReader, LogStats, Replay, ReplayedFrame};
use hit_table::Table;
use parking_lot::Mutex;

use crate::fill::SegmentFill;
use crate::options::OpenOptions;
use crate::shared::{Applied, Shared};
use crate::store::Watch;

/// Follows a log, and brings what it reads into the table of its store.
pub(crate) struct Reader {
    folder: Folder,
    log: Mutex<LogReader>,
    /// As of the last refresh.
    log_stats: Mutex<LogStats>,
}

impl Reader {
    /// Reads the store at `path`, which must be there.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<(Self, Applied)> {
        let folder = Folder::open(Arc::clone(&options.files), path, "file", false)?;
        let mut load = Load::default();
        let log = LogReader::open(&folder, &mut load)?;
        let applied = Applied::new(load.table, log.next_sequence(), SegmentFill::new(0, u64::MAX));
        let log_stats = Mutex::new(log.stats());
        Ok((Self { folder, log: Mutex::new(log), log_stats }, applied))
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn log_stats(&self) -> LogStats {
        self.log_stats.lock().clone()
    }

    /// What every write is answered.
    #[cold]
    pub(crate) fn refusal(&self) -> Error {
        refusal(self.folder.path())
    }

    /// Moves the store on to what has been written since.
    pub(crate) fn refresh(&self, shared: &Shared, watch: &Watch) -> Result<()> {
        let mut log = self.log.lock();
        let mut refresh = Refresh { shared, watch, anew: None };
        let refreshed = log.refresh(&mut refresh);
        *self.log_stats.lock() = log.stats();
        refreshed?;
        if let Some(Load { table }) = refresh.anew {
            put_in_place(shared, watch, table, log.next_sequence())?;
        }
        let unseen = shared.applied.write().take_unseen();
        drop(unseen);
        // There may be something to sweep now.
        shared.queue.sweep();
        Ok(())
    }
}

/// What a write is answered by the store at `path`, opened read-only.
pub(crate) fn refusal(path: &Path) -> Error {
    let message = format!(
        "the store at {} was opened read-only: open it without readOnly, or write through the server that has it",
        path.display()
    );
    Error::new(ErrorCode::Unsupported, message)
}

/// Puts a table in the place of the one in use, which scans may see until they end.
fn put_in_place(shared: &Shared, watch: &Watch, table: Table, next_sequence: u64) -> Result<()> {
    let mut applied = shared.applied.write();
    // Closing has taken the data away.
    watch.check()?;
    shared.lookup.set(Some(table.lookup()));
    let before = std::mem::replace(&mut applied.table, table);
    applied.next_sequence = next_sequence;
    applied.replaced.push(before);
    Ok(())
}

/// Fills a new table.
#[derive(Default)]
struct Load {
    table: Table,
}

impl Replay for Load {
    fn begin(&mut self, _first_sequences: &[u64], operations: u64) {
        self.table = Table::new();
        // One span for everything: what is live in it is all that a reader tells.
        self.table.begin_span(1);
        self.table.reserve(usize::try_from(operations).unwrap_or(0));
    }

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        self.table.replay(frame.operations());
        Ok(())
    }
}

/// Brings frames into the table in use, each under a hold of the apply lock of its own, so that reads come in between; or, where
/// everything comes anew, into a new one beside it.
struct Refresh<'a> {
    shared: &'a Shared,
    watch: &'a Watch,
    anew: Option<Load>,
}

impl Replay for Refresh<'_> {
    fn begin(&mut self, first_sequences: &[u64], operations: u64) {
        self.anew.insert(Load::default()).begin(first_sequences, operations);
    }

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        if let Some(load) = &mut self.anew {
            self.watch.check()?;
            return load.frame(frame);
        }
        let mut applied = self.shared.applied.write();
        self.watch.check()?;
        let operations = frame.operations();
        // Behind what was read before nothing comes but frames of segments, whose sequence numbers have no gaps.
        let (first, next) = (applied.next_sequence, applied.next_sequence + operations.len() as u64);
        let undo = applied.table.apply(first, operations.map(|(_, operation)| operation));
        applied.table.settle(undo);
        applied.next_sequence = next;
        Ok(())
    }
}

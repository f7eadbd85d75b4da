//! The in-memory half of hitkv: key → newest operation. It knows no file, no thread and no runtime.
//!
//! * [`Table::apply`] puts operations in at once and returns how to take them back; [`Table::settle`] when they are
//!   durable.
//! * [`Table::get`] and [`Table::get_many`] find the newest.
//! * [`Lookup`] finds them without the table, while it is written to.
//! * [`Table::snapshot`] and [`Cursor`] walk one moment in key order, without the table too.
//! * [`Table::sweep`], called now and then, removes what has expired or was cleared and gives memory back.
//! * [`Table::spans`] and [`Table::judge`] tell a compaction where dead operations are, and which.
//! * [`Table::store_value`] leaves a large value on disk and only its place in memory.
//!
//! Inside: `arena` has the bytes of all records (in memory of `chunks`), `index` says which one is the newest of a key, `view` has
//! the keys in order from the first scan on.

mod ahead;
mod arena;
mod bounds;
mod buffer;
mod chunks;
mod count;
mod cursor;
mod evacuate;
mod forget;
mod gather;
mod hasher;
mod index;
mod judge;
mod location;
mod lookup;
#[cfg(test)]
mod model;
mod prefetch;
mod range_delete;
mod read;
mod record;
mod run;
mod snapshot;
mod span;
mod stats;
mod sweep;
mod table;
mod tally;
mod tombstone;
mod undo;
mod value;
mod view;
mod write;

pub use bounds::Bounds;
pub use cursor::Cursor;
pub use judge::Verdict;
pub use lookup::{AskTable, Lookup, LookupSlot};
pub use read::Entry;
pub use snapshot::Snapshot;
pub use span::{Span, span_bytes};
pub use stats::TableStats;
pub use table::Table;
pub use undo::Undo;
pub use value::{StoredValue, Value};
pub use view::{ViewBuild, ViewPlan};

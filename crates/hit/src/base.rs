use crate::disk::Disk;
use crate::reader::Reader;
use crate::storage::Backing;

/// What a store stands on besides its table. It follows from the URL and from `read_only`.
#[expect(clippy::large_enum_variant, reason = "there is one for each store")]
pub(crate) enum Base {
    /// Nothing: all data is in the table, and gone with it.
    Memory,
    /// A log that it writes; the table has all data.
    Log(Disk),
    /// A log that another program may write; the table has what was read of it.
    Follower(Reader),
    /// A storage, which has all data; the table has writes in flight.
    Storage(Backing),
}

//! Random steps. Keys come from few, so that they meet: prefixes of one another, equal in their first eight bytes, at
//! the ends of the order.

use hit::{BatchOperation, Check, Durability, KeyRange, Operation};
use proptest::collection::vec;
use proptest::option::{self, weighted};
use proptest::prelude::*;

/// The longest key that steps name.
const LONGEST_KEY: usize = 40;

/// One thing that is done to a store and to the map.
#[derive(Clone, Debug)]
pub enum Step {
    /// Several writes in one group.
    Write {
        /// The writes, in order.
        writes: Vec<Write>,
        /// Whether it is waited for.
        awaited: bool,
        /// Other than the store's own.
        durability: Option<Durability>,
    },
    /// A batch that takes place if all guards hold.
    Batch {
        /// Its operations.
        members: Vec<Member>,
        /// Its checks.
        guards: Vec<Guard>,
    },
    /// Adds to a counter, or to what is none.
    Increment {
        /// The counter.
        key: Vec<u8>,
        /// The summand.
        by: i64,
    },
    /// Gives an entry another expiry.
    Expire {
        /// The entry.
        key: Vec<u8>,
        /// From now; none is never.
        ttl_ms: Option<u64>,
    },
    /// Lets time pass.
    Advance {
        /// So much of it.
        by_ms: u64,
    },
    /// Reads keys, together and one by one.
    Read {
        /// The keys.
        keys: Vec<Vec<u8>>,
    },
    /// Scans and counts a range.
    Scan {
        /// Its first key.
        start: Vec<u8>,
        /// The first key behind it.
        end: Option<Vec<u8>>,
        /// From its end.
        reverse: bool,
    },
    /// Opens a scan of everything that is read later.
    Hold {
        /// From the end.
        reverse: bool,
    },
    /// Reads the scans that are held.
    Release,
    /// Waits until everything is on disk.
    Flush,
    /// Compacts all there is.
    Compact,
    /// Closes the store and opens it again, where its kind allows that.
    Reopen,
}

/// One write of a group.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are those of Operation, with an expiry from now")]
pub enum Write {
    Set { key: Vec<u8>, value: Vec<u8>, ttl_ms: Option<u64> },
    Delete { key: Vec<u8> },
    Clear { start: Vec<u8>, end: Option<Vec<u8>> },
}

impl Write {
    pub(super) fn operation(&self, now_ms: u64) -> Operation<'_> {
        match self {
            Self::Set { key, value, ttl_ms } => {
                Operation::Set { key, value, expires_at: ttl_ms.map(|ttl_ms| now_ms + ttl_ms) }
            }
            Self::Delete { key } => Operation::Delete { key },
            Self::Clear { start, end } => {
                Operation::DeleteRange { range: KeyRange { start, end: end.as_deref() } }
            }
        }
    }
}

/// One member of a batch.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "these are BatchOperation with data of their own")]
pub enum Member {
    Plain(Write),
    Keeping { key: Vec<u8>, value: Vec<u8> },
}

impl Member {
    pub(super) fn operation(&self, now_ms: u64) -> BatchOperation<'_> {
        match self {
            Self::Plain(write) => BatchOperation::Plain(write.operation(now_ms)),
            Self::Keeping { key, value } => BatchOperation::SetKeepingExpiry { key, value },
        }
    }
}

/// A check of a batch.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "these are Check with data of their own")]
pub enum Guard {
    Equals { key: Vec<u8>, value: Vec<u8> },
    Exists { key: Vec<u8> },
    Absent { key: Vec<u8> },
}

impl Guard {
    pub(super) fn check(&self) -> Check<'_> {
        match self {
            Self::Equals { key, value } => Check::Equals { key, value },
            Self::Exists { key } => Check::Exists { key },
            Self::Absent { key } => Check::Absent { key },
        }
    }
}

/// Up to `most` random steps.
pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=most)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (vec(write(), 1..8), any::<bool>(), option::of(durability()))
            .prop_map(|(writes, awaited, durability)| Step::Write { writes, awaited, durability }),
        3 => (vec(member(), 0..5), vec(guard(), 0..3)).prop_map(|(members, guards)| Step::Batch { members, guards }),
        2 => (key(), small_number()).prop_map(|(key, by)| Step::Increment { key, by }),
        2 => (key(), option::of(ttl_ms())).prop_map(|(key, ttl_ms)| Step::Expire { key, ttl_ms }),
        2 => ttl_ms().prop_map(|by_ms| Step::Advance { by_ms }),
        3 => vec(key(), 1..20).prop_map(|keys| Step::Read { keys }),
        4 => (bound(), option::of(bound()), any::<bool>())
            .prop_map(|(start, end, reverse)| Step::Scan { start, end, reverse }),
        2 => any::<bool>().prop_map(|reverse| Step::Hold { reverse }),
        1 => Just(Step::Release),
        1 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        8 => (key(), value(), weighted(0.2, ttl_ms())).prop_map(|(key, value, ttl_ms)| Write::Set { key, value, ttl_ms }),
        3 => key().prop_map(|key| Write::Delete { key }),
        1 => (bound(), weighted(0.9, bound())).prop_map(|(start, end)| Write::Clear { start, end }),
    ]
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![
        3 => write().prop_map(Member::Plain),
        1 => (key(), value()).prop_map(|(key, value)| Member::Keeping { key, value }),
    ]
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![
        (key(), value()).prop_map(|(key, value)| Guard::Equals { key, value }),
        key().prop_map(|key| Guard::Exists { key }),
        key().prop_map(|key| Guard::Absent { key }),
    ]
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => (0..12_u8).prop_map(|number| format!("key{number}").into_bytes()),
        2 => vec(prop_oneof![Just(0), Just(1), Just(b'a'), Just(0xff)], 1..4),
        1 => (0..LONGEST_KEY - 8).prop_map(|length| [&b"prefixed"[..], &vec![b'x'; length]].concat()),
    ]
}

/// A key, nothing, or the place right behind a key.
fn bound() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => key(),
        1 => Just(Vec::new()),
        1 => key().prop_map(|key| [&key[..], &[0]].concat()),
    ]
}

/// Numbers as text are counters; the rest never is.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => small_number().prop_map(|number| number.to_string().into_bytes()),
        4 => vec(b'a'..=b'f', 0..4),
        2 => (250..262_usize).prop_map(|length| vec![b'v'; length]),
        1 => (0..9_000_usize).prop_map(|length| vec![0xff; length]),
    ]
}

fn small_number() -> impl Strategy<Value = i64> {
    prop_oneof![-3..4_i64, Just(i64::MAX), Just(i64::MIN)]
}

fn ttl_ms() -> impl Strategy<Value = u64> {
    0..40_u64
}

fn durability() -> impl Strategy<Value = Durability> {
    prop_oneof![Just(Durability::Memory), Just(Durability::Os), Just(Durability::Disk)]
}

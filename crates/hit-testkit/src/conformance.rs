//! What every kind of store is held to: the cases of `fixtures/conformance-cases.json`, which the TypeScript suite has
//! under the same names.
//!
//! [`conformance!`](crate::conformance) makes a test of each case that a kind of store can be held to.

mod checks;
mod expiry;
mod opened;
mod order;
mod reopening;
mod scans;
mod snapshots;
mod values;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use hit::{AtomicBatch, Capabilities, OpenOptions, Result, Store};

pub use self::opened::{Opened, Pending, code, delete, range, set, some, wait};
pub use self::{checks::*, expiry::*, order::*, reopening::*, scans::*, snapshots::*, values::*};
use crate::MapDatabase;

/// Where a kind of store is made anew for each case.
pub trait Place {
    /// A place where nothing is stored.
    fn empty() -> Self;

    /// Opens the store there.
    ///
    /// # Errors
    /// As [`Store::open`].
    fn open(&self, options: OpenOptions) -> Result<Store>;

    /// Whether what was stored is there when the store is opened again.
    const REOPENS: bool;

    /// How the store there is opened.
    #[must_use]
    fn options() -> OpenOptions {
        OpenOptions::default()
    }
}

/// `memory:`.
#[derive(Debug)]
pub struct Memory;

impl Place for Memory {
    const REOPENS: bool = false;

    fn empty() -> Self {
        Self
    }

    fn open(&self, options: OpenOptions) -> Result<Store> {
        Store::open_blocking("memory:", options)
    }
}

/// `file:` in a temporary folder, which goes with this.
#[derive(Debug)]
pub struct Files(tempfile::TempDir);

impl Files {
    /// The folder of the store.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.0.path().join("store")
    }
}

impl Place for Files {
    const REOPENS: bool = true;

    fn empty() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn open(&self, options: OpenOptions) -> Result<Store> {
        Store::open_blocking(&format!("file:{}", self.folder().display()), options)
    }
}

/// `rocksdb:` in a temporary folder, with so many lanes; 0 leaves it to the store.
#[derive(Debug)]
pub struct RocksDb<const LANES: usize>(tempfile::TempDir);

impl<const LANES: usize> Place for RocksDb<LANES> {
    const REOPENS: bool = true;

    fn empty() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn open(&self, options: OpenOptions) -> Result<Store> {
        Store::open_blocking(&format!("rocksdb:{}", self.0.path().join("store").display()), options)
    }

    fn options() -> OpenOptions {
        OpenOptions { io_concurrency: (LANES > 0).then_some(LANES), ..OpenOptions::default() }
    }
}

/// [`Files`] with a budget of memory for large values. All of them stay on disk where it is 0.
#[derive(Debug)]
pub struct FilesWithin<const BYTES: u64>(Files);

impl<const BYTES: u64> Place for FilesWithin<BYTES> {
    const REOPENS: bool = true;

    fn empty() -> Self {
        Self(Files::empty())
    }

    fn open(&self, options: OpenOptions) -> Result<Store> {
        self.0.open(options)
    }

    fn options() -> OpenOptions {
        OpenOptions { max_memory_bytes: Some(BYTES), ..OpenOptions::default() }
    }
}

/// A storage of this kit, with so many lanes; 0 leaves it to the store.
pub struct InStorage<const LANES: usize>(pub MapDatabase);

impl<const LANES: usize> Place for InStorage<LANES> {
    const REOPENS: bool = true;

    fn empty() -> Self {
        Self(MapDatabase::default())
    }

    fn open(&self, options: OpenOptions) -> Result<Store> {
        Store::over(self.0.open(Arc::clone(&options.clock)), "map:", options)
    }

    fn options() -> OpenOptions {
        OpenOptions { io_concurrency: (LANES > 0).then_some(LANES), ..OpenOptions::default() }
    }
}

impl<const LANES: usize> Drop for InStorage<LANES> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.check_contract();
        }
    }
}

/// The store under test, empty when a case begins.
pub struct Trial<'p>(Box<dyn Fn() -> Store + 'p>);

impl<'p> Trial<'p> {
    /// A trial at `place`.
    #[must_use]
    pub fn at<P: Place>(place: &'p P) -> Self {
        Self(Box::new(|| place.open(P::options()).expect("the store opens")))
    }

    /// Opens the store; again after closing it, with what it holds then.
    #[must_use]
    pub fn open(&self) -> Opened {
        Opened::new((self.0)())
    }
}

/// What a kind of store can be held to, by the names that cases need them by.
#[must_use]
pub fn needs_met<P: Place>() -> Vec<&'static str> {
    let Capabilities { ordered_scans, snapshots, atomic_batch, checks, ttl, .. } =
        Trial::at(&P::empty()).open().capabilities();
    [
        ("atomicBatch", atomic_batch == AtomicBatch::All),
        ("checks", checks),
        ("orderedScans", ordered_scans),
        ("reopening", P::REOPENS),
        ("snapshots", snapshots),
        ("ttl", ttl),
    ]
    .into_iter()
    .filter_map(|(need, met)| met.then_some(need))
    .collect()
}

/// Calls a macro of this crate with the names of the cases that need something, or `nothing`.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($then:ident! nothing $($with:tt)*) => {
        $crate::$then! { $($with)*
            an_absent_key_has_no_value
            a_set_value_is_read_back
            a_set_replaces_the_value_before
            an_empty_value_is_a_value
            keys_and_values_are_any_bytes
            keys_differ_to_the_last_byte
            the_longest_key_is_accepted
            an_empty_or_over_long_key_is_refused
            values_of_every_size_are_read_back
            a_value_over_the_limit_is_refused
            a_deleted_key_is_absent
            deleting_an_absent_key_succeeds
            many_keys_are_read_in_the_order_asked
            many_entries_are_set_and_deleted_together
            writes_are_read_before_they_are_awaited
            the_last_write_of_a_key_wins
            sets_deletes_and_clears_of_a_key_keep_their_order
            flush_settles_after_the_writes_before_it
            an_empty_batch_succeeds
            a_scan_finds_every_entry_once
            a_scan_of_nothing_ends_at_once
            clear_removes_everything
            a_closed_store_refuses_everything
            closing_twice_is_nothing
            pending_writes_settle_before_close_does
        }
    };
    ($then:ident! atomicBatch $($with:tt)*) => {
        $crate::$then! { $($with)*
            a_batch_takes_effect_as_a_whole
            the_last_operation_of_a_batch_on_a_key_wins
            a_large_batch_takes_effect_as_a_whole
            a_bad_operation_refuses_the_whole_batch
            a_batch_stands_between_the_writes_around_it
        }
    };
    ($then:ident! checks $($with:tt)*) => {
        $crate::$then! { $($with)*
            a_batch_whose_checks_hold_is_applied
            a_failed_check_refuses_the_whole_batch
            checks_see_the_state_before_their_batch
            a_check_without_operations_only_checks
            equals_compares_bytes
            increments_start_at_zero_and_add_up
            increments_that_are_not_awaited_all_count
            an_increment_of_other_text_is_refused
            an_increment_past_64_bits_is_refused
            expire_gives_and_takes_an_expiry
            expire_of_an_absent_key_says_so
            an_increment_keeps_an_expiry
            an_expired_entry_is_absent_for_checks_and_counters
        }
    };
    ($then:ident! ttl $($with:tt)*) => {
        $crate::$then! { $($with)*
            an_entry_past_its_expiry_is_not_seen
            an_entry_is_seen_until_it_expires
            an_expiry_is_kept_to_the_millisecond
            a_set_clears_an_expiry
        }
    };
    ($then:ident! orderedScans $($with:tt)*) => {
        $crate::$then! { $($with)*
            a_scan_comes_in_key_byte_order
            a_scan_of_many_pages_misses_nothing
            writes_after_a_scan_are_in_the_next_one
            every_kind_of_bound_is_kept
            a_prefix_selects_its_keys
            a_prefix_and_bounds_intersect
            crossing_bounds_select_nothing
            a_limit_cuts_a_scan
            count_agrees_with_a_scan
            clear_removes_only_its_range
            many_small_clears_leave_the_rest
        }
    };
    ($then:ident! snapshots $($with:tt)*) => {
        $crate::$then! { $($with)*
            a_scan_sees_one_moment
            a_reverse_scan_sees_one_moment
            a_clear_is_not_seen_by_a_scan_that_has_begun
            a_batch_is_seen_whole_by_every_scan
            a_scan_that_ends_gives_up_its_snapshot
        }
    };
    ($then:ident! reopening $($with:tt)*) => {
        $crate::$then! { $($with)*
            everything_is_there_after_reopening
            deletes_and_clears_hold_after_reopening
            expiries_hold_after_reopening
            a_refused_batch_is_not_there_after_reopening
            unsynced_writes_are_there_after_a_close
            a_store_is_opened_many_times
        }
    };
}

/// Makes a module of tests, one for each case that a kind of store can be held to:
/// `conformance!(memory, Memory: atomicBatch checks …)`. That the needs are those the store meets is a test of its own.
#[macro_export]
macro_rules! conformance {
    ($kind:ident, $place:ty: $($need:ident)*) => {
        mod $kind {
            use super::*;

            #[test]
            fn the_needs_are_those_that_the_store_meets() {
                let mut declared = vec![$(stringify!($need)),*];
                declared.sort_unstable();
                assert_eq!(declared, $crate::conformance::needs_met::<$place>());
            }

            $crate::conformance_cases!(conformance_tests! nothing $place:);
            $($crate::conformance_cases!(conformance_tests! $need $place:);)*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($place:ty: $($case:ident)*) => {
        $(#[test]
        fn $case() {
            let place = <$place as $crate::conformance::Place>::empty();
            $crate::conformance::$case(&$crate::conformance::Trial::at(&place));
        })*
    };
}

/// Collects the names of cases with what they need.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_names {
    ($need:expr, $names:ident: $($case:ident)*) => {
        $($names.insert((stringify!($case).to_owned(), $need));)*
    };
}

/// A case's name and what it needs.
pub type Named = (String, Option<String>);

/// The cases of `fixtures/conformance-cases.json`.
#[must_use]
pub fn listed() -> BTreeSet<Named> {
    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        needs: Option<String>,
    }
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../fixtures/conformance-cases.json"))
        .expect("the list is an array of names and needs");
    cases.into_iter().map(|Case { name, needs }| (name, needs)).collect()
}

/// The cases there are here.
#[must_use]
pub fn present() -> BTreeSet<Named> {
    let mut names = BTreeSet::new();
    crate::conformance_cases!(conformance_names! nothing None, names:);
    crate::conformance_cases!(conformance_names! atomicBatch Some("atomicBatch".to_owned()), names:);
    crate::conformance_cases!(conformance_names! checks Some("checks".to_owned()), names:);
    crate::conformance_cases!(conformance_names! ttl Some("ttl".to_owned()), names:);
    crate::conformance_cases!(conformance_names! orderedScans Some("orderedScans".to_owned()), names:);
    crate::conformance_cases!(conformance_names! snapshots Some("snapshots".to_owned()), names:);
    crate::conformance_cases!(conformance_names! reopening Some("reopening".to_owned()), names:);
    names
}

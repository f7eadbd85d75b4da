//! Random operations on every kind of store against a plain map. What they find becomes a test with a name, so nothing
//! else is kept of a failure.

#[cfg(feature = "rocksdb")]
use hit_testkit::conformance::RocksDb;
use hit_testkit::conformance::{Files, FilesWithin, InStorage, Memory};
use hit_testkit::oracle::{Step, Write, run, steps};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_memory_store_answers_as_a_map_does(steps in steps(80)) {
        run::<Memory>(&steps);
    }

    #[test]
    fn a_store_over_a_storage_answers_as_a_map_does_and_so_after_reopening(steps in steps(60), in_lanes in any::<bool>()) {
        if in_lanes { run::<InStorage<3>>(&steps) } else { run::<InStorage<0>>(&steps) }
    }
}

proptest! {
    // Fewer, since each of them waits for the disk.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_store_answers_as_a_map_does_and_so_after_reopening(steps in steps(60)) {
        run::<Files>(&steps);
    }

    #[test]
    fn a_store_that_keeps_values_on_disk_answers_as_a_map_does(steps in steps(60), has_room in any::<bool>()) {
        if has_room { run::<FilesWithin<10_000>>(&steps) } else { run::<FilesWithin<0>>(&steps) }
    }
}

#[cfg(feature = "rocksdb")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rocksdb_store_answers_as_a_map_does_and_so_after_reopening(steps in steps(60), in_lanes in any::<bool>()) {
        if in_lanes { run::<RocksDb<3>>(&steps) } else { run::<RocksDb<0>>(&steps) }
    }
}

#[test]
fn an_expired_entry_stays_unseen_by_a_scan_when_nothing_else_expires() {
    let write = |write| Step::Write { writes: vec![write], awaited: true, durability: None };
    run::<Memory>(&[
        write(Write::Set { key: b"expired".into(), value: b"1".into(), ttl_ms: Some(0) }),
        write(Write::Set { key: b"there".into(), value: b"1".into(), ttl_ms: None }),
        Step::Hold { reverse: false },
        write(Write::Clear { start: Vec::new(), end: None }),
        Step::Release,
    ]);
}

//! Holds every kind of store to what all of them must do.

use hit_testkit::conformance;
use hit_testkit::conformance::{Files, FilesWithin, InStorage, Memory};

#[test]
fn the_cases_are_those_of_the_shared_list() {
    assert_eq!(conformance::present(), conformance::listed());
}

conformance!(memory, Memory: atomicBatch checks orderedScans snapshots ttl);
conformance!(file, Files: atomicBatch checks orderedScans reopening snapshots ttl);
conformance!(a_storage, InStorage<0>: atomicBatch checks orderedScans reopening snapshots ttl);
conformance!(a_storage_in_lanes, InStorage<4>: atomicBatch checks orderedScans reopening snapshots ttl);
#[cfg(feature = "rocksdb")]
conformance!(rocksdb, conformance::RocksDb<0>: atomicBatch checks orderedScans reopening snapshots ttl);
#[cfg(feature = "rocksdb")]
conformance!(rocksdb_in_lanes, conformance::RocksDb<4>: atomicBatch checks orderedScans reopening snapshots ttl);
conformance!(values_on_disk, FilesWithin<0>: atomicBatch checks orderedScans reopening snapshots ttl);

//! Compaction under writes: the bound holds, nothing is lost and nothing comes back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;

use hit::{Durability, ErrorCode, FileOptions, KeyRange, OpenOptions, Operation, Stats, Store, WriteOptions};
use hit_testkit::contents;
use tempfile::TempDir;

const SEGMENT: u64 = 64 << 10;

fn root() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn options(compaction: bool) -> OpenOptions {
    let file = FileOptions { segment_bytes: SEGMENT, compaction };
    OpenOptions { file, durability: Durability::Os, ..OpenOptions::default() }
}

fn open(path: &Path, compaction: bool) -> Store {
    Store::open_blocking(path.to_str().unwrap(), options(compaction)).unwrap()
}

fn set_all(store: &Store, entries: &[(Vec<u8>, Vec<u8>)]) {
    let sets = entries.iter().map(|(key, value)| Operation::Set { key, value, expires_at: None });
    store.submit(sets, None, |result| result.unwrap()).unwrap();
}

/// Entries of about 100 bytes whose values say in which round they were written.
fn entries(keys: std::ops::Range<u32>, round: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    keys.map(|key| (format!("key{key:06}").into_bytes(), format!("{round:0>80}").into_bytes())).collect()
}

fn folder_bytes(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path.join("log")).unwrap();
    // Some are removed between the listing and the look.
    entries.filter_map(|entry| entry.unwrap().metadata().ok()).map(|metadata| metadata.len()).sum()
}

async fn flush(store: &Store) -> Stats {
    store.flush().await.unwrap();
    store.stats()
}

#[tokio::test]
async fn overwriting_stays_within_the_bound_under_load_and_at_rest() {
    let root = root();
    let store = open(root.path(), true);
    let mut most = 0.0_f64;
    for round in 0..200 {
        for part in 0..10 {
            set_all(&store, &entries(part * 100..part * 100 + 100, round));
        }
        let stats = flush(&store).await;
        let bound = (3 * stats.live_bytes + 4 * SEGMENT) as f64;
        most = most.max(folder_bytes(root.path()) as f64 / bound);
    }
    assert!(most <= 1.0, "{most} of the bound under load");
    store.wait_for_compaction_blocking().unwrap();
    let stats = store.stats();
    assert!(stats.runs > 0, "nothing was compacted");
    let bound = 2 * stats.live_bytes + 2 * SEGMENT;
    assert!(folder_bytes(root.path()) <= bound, "{} of {bound} at rest", folder_bytes(root.path()));
    let expected: BTreeMap<_, _> = entries(0..1_000, 199).into_iter().collect();
    assert_eq!(contents(&store), expected);
    store.close().await.unwrap();
    let store = open(root.path(), true);
    assert_eq!(contents(&store), expected);
}

#[tokio::test]
async fn deleting_everything_gives_everything_back() {
    for by_range in [false, true] {
        let root = root();
        let store = open(root.path(), true);
        for round in 0..20 {
            set_all(&store, &entries(0..2_000, round));
        }
        if by_range {
            store.clear(KeyRange { start: b"key", end: Some(b"kez") }).await.unwrap();
        } else {
            for (key, _) in entries(0..2_000, 0) {
                store.delete(&key, WriteOptions::default()).await.unwrap();
            }
        }
        flush(&store).await;
        store.compact_blocking().unwrap();
        let taken = folder_bytes(root.path());
        assert!(taken < 2_000, "{taken} bytes are left, by range: {by_range}");
        store.close().await.unwrap();
        let store = open(root.path(), true);
        assert_eq!(contents(&store), BTreeMap::new());
    }
}

#[tokio::test]
async fn short_lived_entries_beside_long_lived_ones_stay_within_the_bound() {
    let root = root();
    let store = open(root.path(), true);
    set_all(&store, &entries(0..3_000, 0));
    for round in 1..300_u32 {
        let queue = entries(10_000 + round * 100..10_100 + round * 100, round);
        set_all(&store, &queue);
        let deletes = queue.iter().map(|(key, _)| Operation::Delete { key });
        store.submit(deletes, None, |result| result.unwrap()).unwrap();
        let stats = flush(&store).await;
        let bound = 3 * stats.live_bytes + 4 * SEGMENT;
        assert!(folder_bytes(root.path()) <= bound, "round {round}");
    }
    store.wait_for_compaction_blocking().unwrap();
    let stats = store.stats();
    assert!(folder_bytes(root.path()) <= 2 * stats.live_bytes + 2 * SEGMENT);
    let expected: BTreeMap<_, _> = entries(0..3_000, 0).into_iter().collect();
    assert_eq!(contents(&store), expected);
    store.close().await.unwrap();
    assert_eq!(contents(&open(root.path(), true)), expected);
}

#[tokio::test]
async fn expired_entries_give_their_space_back_and_hide_what_they_replaced() {
    let root = root();
    let clock = std::sync::Arc::new(hit_testkit::TestClock::at(1_000_000));
    let options = || OpenOptions { clock: clock.clone(), ..options(false) };
    let url = root.path().to_str().unwrap().to_owned();
    let store = Store::open_blocking(&url, options()).unwrap();
    let all = entries(0..2_000, 0);
    set_all(&store, &all);
    for part in all.chunks(500) {
        let sets = part.iter().map(|(key, value)| Operation::Set { key, value, expires_at: Some(1_000_500) });
        store.submit(sets, None, |result| result.unwrap()).unwrap();
    }
    flush(&store).await;
    store.compact_blocking().unwrap();
    let before = folder_bytes(root.path());
    clock.advance(1_000);
    assert_eq!(contents(&store), BTreeMap::new());
    store.compact_blocking().unwrap();
    assert!(folder_bytes(root.path()) * 20 < before, "{} of {before}", folder_bytes(root.path()));
    store.close().await.unwrap();
    let store = Store::open_blocking(&url, options()).unwrap();
    assert_eq!(contents(&store), BTreeMap::new());
}

#[tokio::test]
async fn compacting_twice_changes_nothing_the_second_time() {
    let root = root();
    let store = open(root.path(), false);
    for round in 0..5 {
        set_all(&store, &entries(0..3_000, round));
    }
    store.compact_blocking().unwrap();
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(root.path().join("log"))
            .unwrap()
            .map(|entry| (entry.as_ref().unwrap().file_name(), entry.unwrap().metadata().unwrap().len()))
            .collect();
        names.sort();
        names
    };
    let first = names();
    store.compact_blocking().unwrap();
    assert_eq!(names(), first);
    assert!(folder_bytes(root.path()) < store.stats().live_bytes * 11 / 10);
}

#[tokio::test]
async fn a_scan_sees_its_moment_while_everything_is_compacted() {
    let root = root();
    let store = open(root.path(), false);
    set_all(&store, &entries(0..2_000, 1));
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    let first = scan.page(10).unwrap();
    set_all(&store, &entries(0..2_000, 2));
    store.compact_blocking().unwrap();
    let mut rest = first;
    loop {
        let page = scan.page(100).unwrap();
        if page.is_empty() {
            break;
        }
        rest.extend(page);
    }
    assert_eq!(rest, entries(0..2_000, 1));
}

#[tokio::test]
async fn closing_ends_a_compaction_and_tells_who_waits() {
    let root = root();
    let store = open(root.path(), false);
    for round in 0..50 {
        set_all(&store, &entries(0..3_000, round));
    }
    let waiting = {
        let store = store.clone();
        std::thread::spawn(move || store.compact_blocking())
    };
    store.close().await.unwrap();
    if let Err(error) = waiting.join().unwrap() {
        assert_eq!(error.code(), ErrorCode::NotOpen, "{error}");
    }
    let expected: BTreeMap<_, _> = entries(0..3_000, 49).into_iter().collect();
    assert_eq!(contents(&open(root.path(), false)), expected);
}

#[tokio::test]
async fn many_small_files_are_joined() {
    let root = root();
    for round in 0..80 {
        let store = open(root.path(), round == 79);
        set_all(&store, &entries(round * 10..round * 10 + 10, 0));
        if round == 79 {
            store.wait_for_compaction_blocking().unwrap();
            let stats = store.stats();
            assert!(stats.segments + stats.runs < 45, "{stats:?}");
        }
        store.close().await.unwrap();
    }
    let expected: BTreeMap<_, _> = entries(0..800, 0).into_iter().collect();
    assert_eq!(contents(&open(root.path(), false)), expected);
}

#[tokio::test]
async fn damage_in_one_file_is_told_and_does_not_keep_the_others_from_being_compacted() {
    let root = root();
    let store = open(root.path(), true);
    set_all(&store, &entries(0..1_000, 0));
    flush(&store).await;
    // The first segment is closed by now, and its first operation damaged behind the store's back.
    let first = root.path().join("log/00000001.log");
    let mut bytes = std::fs::read(&first).unwrap();
    bytes[96 + 40 + 20] ^= 1;
    std::fs::write(&first, bytes).unwrap();
    for round in 1..40 {
        set_all(&store, &entries(0..1_000, round));
        flush(&store).await;
    }
    // It may have to fail once for each of the files that it tried together with the damaged one.
    let mut rests = 0;
    while store.wait_for_compaction_blocking().is_err() {
        rests += 1;
        assert!(rests < 5, "it fails again and again");
    }
    let stats = store.stats();
    assert_eq!(stats.compaction_error.unwrap().code(), ErrorCode::Corruption);
    assert!(stats.runs > 0, "nothing was compacted");
    // What is in memory is right: the damaged operations are superseded.
    let expected: BTreeMap<_, _> = entries(0..1_000, 39).into_iter().collect();
    assert_eq!(contents(&store), expected);
    assert_eq!(store.compact_blocking().unwrap_err().code(), ErrorCode::Corruption);
}

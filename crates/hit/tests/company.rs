//! A writer that overwrites, deletes and lets expire, in the company of a scan, a reader and backups: the folder stays within
//! its bound, and everybody sees moments that there were.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hit::{Clock, Durability, FileOptions, KeyRange, OpenOptions, Operation, Store, SystemClock};
use tempfile::TempDir;

const SEGMENT: u64 = 64 << 10;
/// A round is one group, and shorter than a segment.
const KEYS: u32 = 300;
const ROUNDS: u32 = 500;

fn root() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn options() -> OpenOptions {
    let file = FileOptions { segment_bytes: SEGMENT, ..FileOptions::default() };
    OpenOptions { file, durability: Durability::Os, ..OpenOptions::default() }
}

fn open(path: &Path, options: OpenOptions) -> Store {
    Store::open_blocking(path.to_str().unwrap(), options).unwrap()
}

/// One round: every third key is overwritten, a third is overwritten and deleted again, a third expires at once; in one group,
/// with the number of the round, so that a state between two rounds would show.
fn write_round(store: &Store, round: u32, clock: &dyn Clock) {
    let keys: Vec<_> = (0..KEYS).map(|key| format!("key{key:05}")).collect();
    let value = format!("{round:0>60}");
    let soon = clock.now_ms() + 1;
    let sets = keys.iter().zip(0..).map(|(key, number)| Operation::Set {
        key: key.as_bytes(),
        value: value.as_bytes(),
        expires_at: (number % 3 == 2).then_some(soon),
    });
    let deletes = keys.iter().skip(1).step_by(3).map(|key| Operation::Delete { key: key.as_bytes() });
    let round = round.to_string();
    let counter = Operation::Set { key: b"round", value: round.as_bytes(), expires_at: None };
    let operations: Vec<_> = sets.chain(deletes).chain([counter]).collect();
    store.submit(operations.iter().copied(), None, |result| result.unwrap()).unwrap();
}

/// The round that a store shows: all of its lasting keys are of it, and no deleted one is there.
fn round_of(store: &Store) -> u32 {
    let mut values = Vec::new();
    let mut round = None;
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    scan.visit(|key, entry| {
        let value: u32 = std::str::from_utf8(entry.value).unwrap().parse().unwrap();
        match key {
            b"round" => round = Some(value),
            key => {
                let number: u32 = std::str::from_utf8(&key[3..]).unwrap().parse().unwrap();
                assert_ne!(number % 3, 1, "a deleted key came back");
                if number.is_multiple_of(3) {
                    values.push(value);
                }
            }
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let round = round.expect("a round was written before anybody looked");
    assert_eq!(values.len(), KEYS as usize / 3);
    assert!(values.iter().all(|&value| value == round), "a mix of rounds");
    round
}

fn log_bytes(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path.join("log")).unwrap();
    // Some are removed between the listing and the look.
    entries.filter_map(|entry| entry.unwrap().metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[tokio::test]
async fn the_bound_holds_and_every_state_was_there_once() {
    let root = root();
    let path = root.path().join("store");
    let clock = Arc::new(SystemClock::default());
    let store = open(&path, OpenOptions { clock: clock.clone(), ..options() });
    write_round(&store, 0, &*clock);
    store.flush().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let begun = Arc::new(std::sync::Barrier::new(3));

    let reader = {
        let (path, done, begun) = (path.clone(), done.clone(), begun.clone());
        thread::spawn(move || {
            let reader = open(&path, OpenOptions { read_only: true, ..options() });
            let mut last = round_of(&reader);
            begun.wait();
            let mut refreshes = 0;
            while !done.load(Ordering::Relaxed) {
                reader.refresh_blocking().unwrap();
                let round = round_of(&reader);
                assert!(round >= last, "the reader went back from {last} to {round}");
                last = round;
                refreshes += 1;
            }
            reader.refresh_blocking().unwrap();
            assert_eq!(round_of(&reader), ROUNDS);
            assert!(refreshes > 0);
        })
    };
    let backups = {
        let (root, store, done, begun) = (root.path().to_owned(), store.clone(), done.clone(), begun.clone());
        thread::spawn(move || {
            begun.wait();
            let mut made = 0;
            while !done.load(Ordering::Relaxed) {
                let target = root.join(format!("backup{made}"));
                let before = round_of(&store);
                store.backup_blocking(&target, &mut |_| ControlFlow::Continue(())).unwrap();
                let backup = open(&target, options());
                assert!(round_of(&backup) >= before);
                drop(backup);
                made += 1;
            }
            assert!(made > 0);
        })
    };

    let mut scan = store.scan(KeyRange { start: b"key", end: None }, false).unwrap();
    begun.wait();
    let mut scanned = Vec::new();
    for round in 1..=ROUNDS {
        write_round(&store, round, &*clock);
        store.flush().await.unwrap();
        let stats = store.stats();
        let bound = 3 * stats.live_bytes + 4 * SEGMENT;
        let taken = log_bytes(&path).saturating_sub(store.stats().pinned_bytes.max(stats.pinned_bytes));
        assert!(taken <= bound, "round {round}: {taken} of {bound}, {stats:?}");
        scanned.extend(scan.page(1).unwrap());
    }
    done.store(true, Ordering::Relaxed);
    reader.join().unwrap();
    backups.join().unwrap();
    // The scan has gone on in its moment.
    let lasting = scanned.iter().filter(|(key, _)| {
        std::str::from_utf8(&key[3..])
            .ok()
            .and_then(|key| key.parse::<u32>().ok())
            .is_some_and(|key| key % 3 == 0)
    });
    let lasting: Vec<_> = lasting.collect();
    assert!(lasting.len() >= KEYS as usize / 3, "{}", lasting.len());
    assert!(lasting.iter().all(|(_, value)| value.ends_with(b"0") && value.starts_with(b"00000000000")));
    assert!(
        lasting.iter().all(|(_, value)| value.iter().all(|&byte| byte == b'0')),
        "values of a later round"
    );
    drop(scan);
    store.wait_for_compaction_blocking().unwrap();
    let stats = store.stats();
    assert!(stats.runs > 0);
    assert!(log_bytes(&path) <= 2 * stats.live_bytes + 2 * SEGMENT);
    store.close().await.unwrap();
    assert_eq!(round_of(&open(&path, options())), ROUNDS);
}

//! Stores that are only read, beside whoever writes them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::SystemTime;

use hit::{
    BatchOperation, Durability, ErrorCode, FileOptions, Format, KeyRange, LoadOptions, OpenOptions,
    Operation, Result, Store, WriteOptions,
};
use hit_log::SystemFiles;
use hit_testkit::{Call, Fault, FaultyFiles, TestClock, contents};
use tempfile::TempDir;

const SEGMENT: u64 = 64 << 10;

fn root() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn file() -> FileOptions {
    FileOptions { segment_bytes: SEGMENT, ..FileOptions::default() }
}

fn writer(path: &Path) -> Store {
    let options = OpenOptions { file: file(), durability: Durability::Os, ..OpenOptions::default() };
    Store::open_blocking(path.to_str().unwrap(), options).unwrap()
}

fn read_only() -> OpenOptions {
    OpenOptions { read_only: true, ..OpenOptions::default() }
}

fn try_reader(path: &Path, options: OpenOptions) -> Result<Store> {
    Store::open_blocking(path.to_str().unwrap(), options)
}

fn reader(path: &Path) -> Store {
    try_reader(path, read_only()).unwrap()
}

async fn set(store: &Store, key: &str, value: &str) {
    store.set(key.as_bytes(), value.as_bytes(), WriteOptions::default()).await.unwrap();
}

fn get(store: &Store, key: &str) -> Option<String> {
    store.get(key.as_bytes()).unwrap().map(|value| String::from_utf8(value).unwrap())
}

/// Everything that a change of the folder would change.
fn image(path: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut image = BTreeMap::new();
    for folder in [path.to_owned(), path.join("log")] {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let bytes = if metadata.is_file() { std::fs::read(entry.path()).unwrap() } else { Vec::new() };
            image.insert(entry.path().display().to_string(), (bytes, metadata.modified().unwrap()));
        }
    }
    image
}

#[tokio::test]
async fn it_reads_and_leaves_no_trace() {
    let root = root();
    let store = writer(root.path());
    for number in 0..100 {
        set(&store, &format!("k{number:02}"), "v").await;
    }
    store.close().await.unwrap();
    for name in ["hitkv.lock", "hitkv.reserve"] {
        let _ = std::fs::remove_file(root.path().join(name));
    }
    let before = image(root.path());
    let reader = reader(root.path());
    assert_eq!((get(&reader, "k07"), contents(&reader).len()), (Some("v".into()), 100));
    reader.flush().await.unwrap();
    reader.refresh_blocking().unwrap();
    let stats = reader.stats();
    assert!(stats.read_only && stats.entries == 100 && stats.next_sequence == 101 && stats.segments == 1);
    assert!(stats.disk_bytes > 0 && stats.live_bytes > 0 && stats.pending_bytes == 0);
    assert!(reader.verify_blocking(&mut |_| ControlFlow::Continue(())).unwrap().problems.is_empty());
    reader.close().await.unwrap();
    assert_eq!(reader.get(b"k07").unwrap_err().code(), ErrorCode::NotOpen);
    assert_eq!(reader.refresh_blocking().unwrap_err().code(), ErrorCode::NotOpen);
    assert!(image(root.path()) == before);
}

#[tokio::test]
async fn every_write_is_refused_with_what_to_do() {
    let root = root();
    writer(root.path()).close().await.unwrap();
    let reader = reader(root.path());
    let (options, mut tell) = (WriteOptions::default(), |_| ControlFlow::Continue(()));
    let set = [BatchOperation::Plain(Operation::Set { key: b"a", value: b"1", expires_at: None })];
    let load = LoadOptions { format: Some(Format::Ndjson), ..LoadOptions::default() };
    let memory = Store::open_blocking("memory:", OpenOptions::default()).unwrap();
    let results = [
        reader.set(b"a", b"1", options).await,
        reader.delete(b"a", options).await,
        reader.clear(KeyRange::ALL).await,
        reader.batch(&set, &[], None).await,
        reader.increment(b"a", 1, options).await.map(drop),
        reader.compact_blocking(),
        reader.load_stream_blocking(Box::new(std::io::empty()), "nothing", &load, &mut tell).map(drop),
        reader.load_from_blocking(&memory, &mut tell).map(drop),
    ];
    for result in results {
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.message().contains("read-only") && error.message().contains("readOnly"), "{error}");
    }
    assert_eq!(reader.stats().next_sequence, 1);
}

#[tokio::test]
async fn it_makes_no_store_and_memory_has_none() {
    let root = root();
    let missing = root.path().join("store");
    let error = try_reader(&missing, read_only()).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(!missing.exists());
    assert_eq!(Store::open_blocking("memory:", read_only()).err().unwrap().code(), ErrorCode::Config);
    let store = writer(root.path());
    assert_eq!(store.refresh_blocking().unwrap_err().code(), ErrorCode::Unsupported);
    let bounded = OpenOptions { max_memory_bytes: Some(1 << 20), ..read_only() };
    assert_eq!(try_reader(root.path(), bounded).err().unwrap().code(), ErrorCode::Unsupported);
}

#[tokio::test]
async fn each_reader_has_its_own_moment_beside_a_writer_that_rotates_compacts_and_dies() {
    let root = root();
    let store = writer(root.path());
    set(&store, "a", "1").await;
    let (early, late) = (reader(root.path()), reader(root.path()));
    set(&store, "a", "2").await;
    late.refresh_blocking().unwrap();
    assert_eq!((get(&early, "a"), get(&late, "a")), (Some("1".into()), Some("2".into())));
    for number in 0..3_000 {
        let value = format!("{number:0>100}");
        let operation = Operation::Set { key: b"b", value: value.as_bytes(), expires_at: None };
        let _ = store.submit([operation].into_iter(), None, |result| result.unwrap()).unwrap();
    }
    store.delete(b"a", WriteOptions::default()).await.unwrap();
    store.flush().await.unwrap();
    store.compact_blocking().unwrap();
    for reader in [&early, &late] {
        assert!(reader.stats().runs == 0);
        reader.refresh_blocking().unwrap();
        assert!(get(reader, "a").is_none() && reader.stats().runs > 0);
        assert_eq!(contents(reader), contents(&store));
    }
    store.close().await.unwrap();
    drop(store);
    early.refresh_blocking().unwrap();
    let store = writer(root.path());
    set(&store, "c", "3").await;
    early.refresh_blocking().unwrap();
    assert_eq!((get(&early, "c"), get(&late, "c")), (Some("3".into()), None));
}

/// Closed scans leave nothing of the table they saw.
#[tokio::test]
async fn a_scan_that_is_open_over_a_refresh_sees_its_moment_to_the_end() {
    for anew in [false, true] {
        let root = root();
        let store = writer(root.path());
        for number in 0..500 {
            set(&store, &format!("k{number:03}"), "old").await;
        }
        let reader = reader(root.path());
        let mut scan = reader.scan(KeyRange::ALL, false).unwrap();
        let mut seen = scan.page(10).unwrap();
        let again = reader.scan(KeyRange::ALL, true).unwrap();
        store.clear(KeyRange { start: b"k1", end: Some(b"k4") }).await.unwrap();
        for number in 0..500 {
            set(&store, &format!("k{number:03}"), &"new".repeat(200)).await;
        }
        store.delete(b"k499", WriteOptions::default()).await.unwrap();
        if anew {
            store.flush().await.unwrap();
            store.compact_blocking().unwrap();
        }
        reader.refresh_blocking().unwrap();
        reader.refresh_blocking().unwrap();
        assert_eq!(reader.stats().runs > 0, anew);
        assert_eq!(get(&reader, "k400"), Some("new".repeat(200)));
        assert_eq!(reader.count(KeyRange::ALL).unwrap(), 499);
        assert!(contents(&reader) == contents(&store));
        seen.extend(scan.page(1_000).unwrap());
        let expected: Vec<_> =
            (0..500).map(|number| (format!("k{number:03}").into_bytes(), b"old".to_vec())).collect();
        assert!(seen == expected, "{} of 500", seen.len());
        let before = reader.stats();
        drop((scan, again));
        reader.refresh_blocking().unwrap();
        if anew {
            assert!(reader.stats().memory_bytes < before.memory_bytes, "the replaced table is still there");
        }
        assert_eq!(reader.stats().oldest_snapshot_ms, 0);
    }
}

#[tokio::test]
async fn a_closed_reader_ends_its_scans() {
    let root = root();
    let store = writer(root.path());
    set(&store, "a", "1").await;
    let reader = reader(root.path());
    let mut scan = reader.scan(KeyRange::ALL, false).unwrap();
    reader.close().await.unwrap();
    assert_eq!(scan.page(1).unwrap_err().code(), ErrorCode::NotOpen);
    assert_eq!(
        reader.stats().memory_bytes,
        Store::open_blocking("memory:", OpenOptions::default()).unwrap().stats().memory_bytes
    );
}

#[tokio::test]
async fn what_expires_is_not_seen_and_given_back_without_a_refresh() {
    let root = root();
    let clock = Arc::new(TestClock::at(1_000_000));
    let store = writer(root.path());
    let options = WriteOptions { expires_at: Some(1_500_000), ..WriteOptions::default() };
    store.set(b"a", b"1", options).await.unwrap();
    let reader = try_reader(root.path(), OpenOptions { clock: clock.clone(), ..read_only() }).unwrap();
    assert_eq!(get(&reader, "a"), Some("1".into()));
    clock.advance(500_000);
    assert_eq!((get(&reader, "a"), reader.count(KeyRange::ALL).unwrap()), (None, 0));
}

#[tokio::test]
async fn a_refresh_that_fails_keeps_what_was_seen_and_can_be_repeated() {
    let root = root();
    let store = writer(root.path());
    set(&store, "a", "1").await;
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let reader = try_reader(root.path(), OpenOptions { files: files.clone(), ..read_only() }).unwrap();
    for number in 0..2_000 {
        set(&store, "a", &format!("{number:0>100}")).await;
    }
    set(&store, "a", "2").await;
    store.flush().await.unwrap();
    store.compact_blocking().unwrap();
    set(&store, "b", "2").await;
    let faults = [
        (Fault::fail_with(24).on(Call::Open).path(".run"), ErrorCode::Io),
        (Fault::fail_with(5).on(Call::ReadAt).path(".run").skip(1), ErrorCode::Io),
        (Fault::fail_with(5).on(Call::ReadAt).path(".log").skip(1), ErrorCode::Io),
        (Fault::fail_with(5).on(Call::List), ErrorCode::Io),
        (Fault::fail(ErrorKind::NotFound).on(Call::Open).path(".run").times(100), ErrorCode::Corruption),
    ];
    for (fault, code) in faults {
        files.inject(fault.clone());
        assert_eq!(reader.refresh_blocking().unwrap_err().code(), code, "{fault:?}");
        files.heal();
        assert_eq!((get(&reader, "a"), get(&reader, "b")), (Some("1".into()), None), "{fault:?}");
    }
    reader.refresh_blocking().unwrap();
    assert_eq!((get(&reader, "a"), get(&reader, "b")), (Some("2".into()), Some("2".into())));
    files.inject(Fault::fail(ErrorKind::NotFound).on(Call::Open).path(".run"));
    assert_eq!(contents(&try_reader(root.path(), OpenOptions { files, ..read_only() }).unwrap()).len(), 2);
}

#[tokio::test]
async fn damage_is_named_and_the_folder_left_alone() {
    let root = root();
    let store = writer(root.path());
    for number in 0..100 {
        set(&store, &format!("k{number:02}"), "v").await;
    }
    store.close().await.unwrap();
    let path = root.path().join("log/00000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let before = image(root.path());
    let error = try_reader(root.path(), read_only()).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Corruption);
    assert!(error.message().contains("00000001.log"), "{error}");
    assert!(image(root.path()) == before);
}

/// How many keys the writer below writes.
const KEYS: u64 = 200;

/// One state of the writer: all entries carry the round in which they were written, `round` says which was the last, and `sum` the
/// sum of all rounds. A reader that mixed two states would see another sum.
fn check_state(entries: &BTreeMap<Vec<u8>, Vec<u8>>, at_least: u64) -> u64 {
    let number = |value: &[u8]| -> u64 {
        std::str::from_utf8(value).unwrap().trim_start_matches('x').parse().unwrap()
    };
    let Some(round) = entries.get(b"round".as_slice()).map(|value| number(value)) else {
        assert!(entries.is_empty() && at_least == 0, "{} entries, none is the round's", entries.len());
        return 0;
    };
    assert!(round >= at_least, "round {round} and {at_least} was answered before");
    let keys = entries.iter().filter(|(key, _)| key.starts_with(b"k"));
    let (count, sum) = keys.fold((0, 0), |(count, sum), (_, value)| (count + 1, sum + number(value)));
    let expected = ["count", "sum"].map(|key| number(&entries[key.as_bytes()]));
    assert_eq!([count, sum], expected, "round {round}");
    round
}

/// A batch of a writer: some keys change, some go, now and then all of them.
fn write_round(store: &Store, model: &mut BTreeMap<String, u64>, round: u64, random: &mut u64) {
    let mut next = || {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random
    };
    let mut operations = Vec::new();
    if next().is_multiple_of(50) {
        model.clear();
        operations.push(None);
    }
    for _ in 0..next() % 20 {
        let key = format!("k{}", next() % KEYS);
        if next().is_multiple_of(3) {
            model.remove(&key);
            operations.push(Some((key, None)));
        } else {
            model.insert(key.clone(), round);
            operations.push(Some((key, Some(round))));
        }
    }
    let figures = [("round", round), ("count", model.len() as u64), ("sum", model.values().sum())];
    operations.extend(figures.map(|(key, value)| Some((key.to_owned(), Some(value)))));
    // Large enough for segments to fill fast.
    let values: Vec<_> = operations
        .iter()
        .map(|operation| match operation {
            Some((_, Some(value))) => format!("{value:x>300}"),
            _ => String::new(),
        })
        .collect();
    let operations: Vec<_> = operations
        .iter()
        .zip(&values)
        .map(|(operation, value)| match operation {
            Some((key, Some(_))) => {
                Operation::Set { key: key.as_bytes(), value: value.as_bytes(), expires_at: None }
            }
            Some((key, None)) => Operation::Delete { key: key.as_bytes() },
            None => Operation::DeleteRange { range: KeyRange { start: b"k", end: Some(b"l") } },
        })
        .collect();
    let (answer, answered) = std::sync::mpsc::channel();
    let submitted =
        store.submit(operations.iter().copied(), None, move |result| answer.send(result).unwrap()).unwrap();
    assert_eq!(submitted, hit::Submitted::Pending);
    answered.recv().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refresh_beside_a_busy_writer_shows_a_state_it_had_with_all_that_was_answered() {
    let root = root();
    let path = root.path().to_owned();
    drop(writer(&path));
    let (answered, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..2)
        .map(|number| {
            let (path, answered, done) = (path.clone(), Arc::clone(&answered), Arc::clone(&done));
            thread::spawn(move || {
                let reader = reader(&path);
                let (mut rounds, mut seen) = (0, 0);
                let mut is_last = false;
                while !is_last {
                    // One more once the writer has ended.
                    is_last = done.load(Ordering::SeqCst);
                    let at_least = answered.load(Ordering::SeqCst);
                    let refreshed = reader.refresh_blocking();
                    assert!(refreshed.is_ok(), "{refreshed:?}");
                    let round = check_state(&contents(&reader), at_least.max(seen));
                    (rounds, seen) = (rounds + u64::from(round > seen), round);
                    if number == 1 {
                        // The other kind of reader: opened anew each time.
                        let at_least = answered.load(Ordering::SeqCst);
                        check_state(&contents(&self::reader(&path)), at_least);
                    }
                }
                (rounds, seen)
            })
        })
        .collect();
    let (mut model, mut random, mut round) = (BTreeMap::new(), 88_172_645_463_325_252, 0);
    let mut runs = 0;
    for life in 0..6 {
        let files = FaultyFiles::new(Arc::new(SystemFiles));
        let options = OpenOptions {
            file: file(),
            durability: Durability::Os,
            files: files.clone(),
            ..OpenOptions::default()
        };
        let store = Store::open_blocking(path.to_str().unwrap(), options).unwrap();
        for _ in 0..250 {
            round += 1;
            write_round(&store, &mut model, round, &mut random);
            answered.store(round, Ordering::SeqCst);
            if round.is_multiple_of(100) {
                store.compact_blocking().unwrap();
            }
        }
        runs += store.stats().runs;
        if life % 2 == 0 {
            // It dies: nothing of what closing does reaches the disk.
            files.inject(Fault::fail(ErrorKind::Other).times(u64::MAX));
        }
        let _ = store.close().await;
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        let (rounds, seen) = reader.join().unwrap();
        assert!(seen == round && rounds > 5, "{rounds} states, the last of round {seen}");
    }
    assert!(runs > 0, "nothing was compacted");
}

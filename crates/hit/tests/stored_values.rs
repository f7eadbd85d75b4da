//! Values beyond `max_memory_bytes` are on disk only, and nobody can tell but by the memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hit::{
    BatchOperation, Check, Durability, ErrorCode, FileOptions, KeyRange, OpenOptions, Operation, Store,
    WriteOptions,
};
use hit_log::{Files, SystemFiles};
use hit_testkit::{Call, Fault, FaultyFiles};
use tempfile::TempDir;

const SEGMENT: u64 = 64 << 10;
const BUDGET: u64 = 100_000;

fn root() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn options(budget: u64) -> OpenOptions {
    let file = FileOptions { segment_bytes: SEGMENT, compaction: false };
    OpenOptions { file, durability: Durability::Os, max_memory_bytes: Some(budget), ..OpenOptions::default() }
}

fn open_with(path: &Path, options: OpenOptions) -> Store {
    Store::open_blocking(path.to_str().unwrap(), options).unwrap()
}

fn open(path: &Path, budget: u64) -> Store {
    open_with(path, options(budget))
}

fn key(number: usize) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// Of some hundred to some thousand bytes, another in each round.
fn value(number: usize, round: usize) -> Vec<u8> {
    let unit = format!("{number}/{round};");
    unit.bytes().cycle().take(300 + number % 7 * 600).collect()
}

async fn fill(store: &Store, numbers: impl Iterator<Item = usize>, round: usize) {
    for number in numbers {
        let (key, value) = (key(number), value(number, round));
        let set = Operation::Set { key: &key, value: &value, expires_at: None };
        store.submit(std::iter::once(set), None, |result| result.unwrap()).unwrap();
    }
    settle(store).await;
}

/// Waits until everything is written and what is too much was given up. The second flush is answered behind that.
async fn settle(store: &Store) {
    store.flush().await.unwrap();
    store.flush().await.unwrap();
}

/// Reads everything in every way.
async fn check(store: &Store, count: usize, round: impl Fn(usize) -> usize) {
    let keys: Vec<_> = (0..count).map(key).collect();
    let expected: Vec<_> = (0..count).map(|number| Some(value(number, round(number)))).collect();
    assert!(store.get_many(&keys).unwrap() == expected, "many at once");
    for reverse in [false, true] {
        let mut scan = store.scan(KeyRange::ALL, reverse).unwrap();
        let mut found = scan.page(7).unwrap();
        while let page @ [_, ..] = &mut scan.page(100).unwrap()[..] {
            found.extend(page.iter().cloned());
        }
        if reverse {
            found.reverse();
        }
        let pairs = keys.iter().cloned().zip(expected.iter().flatten().cloned());
        assert!(found.into_iter().eq(pairs));
    }
    for (key, expected) in keys.iter().zip(expected) {
        assert!(store.get(key).unwrap() == expected, "{key:?}");
        assert!(store.get_settled(key).await.unwrap() == expected, "{key:?}");
        assert!(store.has(key).unwrap());
    }
}

fn log_files(path: &Path) -> usize {
    let is_log = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name() != "manifest";
    fs::read_dir(path.join("log")).unwrap().filter_map(|entry| is_log(entry).then_some(())).count()
}

/// Files of a store that this process has open though they have no name any more, where the system tells.
fn removed_and_open(path: &Path) -> usize {
    let Ok(open) = fs::read_dir("/proc/self/fd") else { return 0 };
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets
        .filter(|target| target.starts_with(path) && target.to_string_lossy().ends_with("(deleted)"))
        .count()
}

#[tokio::test]
async fn what_exceeds_the_budget_is_on_disk_and_read_from_there() {
    for budget in [0, BUDGET, u64::MAX] {
        let root = root();
        let store = open(root.path(), budget);
        fill(&store, 0..500, 1).await;
        let stats = store.stats();
        assert!(stats.large_value_bytes <= budget);
        let all: u64 = (0..500).map(|number| value(number, 1).len() as u64).sum();
        assert_eq!(stats.large_value_bytes + stats.stored_bytes, all);
        assert_eq!(stats.stored_values > 0, budget < all);
        if budget == BUDGET {
            assert!(stats.large_value_bytes > BUDGET / 2, "{stats:?}");
        }
        check(&store, 500, |_| 1).await;
        store.close().await.unwrap();

        let store = open(root.path(), budget);
        let stats = store.stats();
        assert!(stats.large_value_bytes <= budget);
        assert_eq!(stats.large_value_bytes + stats.stored_bytes, all);
        check(&store, 500, |_| 1).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn memory_stays_small_whatever_is_stored_and_while_opening() {
    let root = root();
    let store = open(root.path(), BUDGET);
    let large = vec![7; 10_000];
    for round in 0..20 {
        for number in 0..200 {
            let key = key(number + round % 3 * 200);
            let set = Operation::Set { key: &key, value: &large, expires_at: None };
            store.submit(std::iter::once(set), None, |result| result.unwrap()).unwrap();
        }
        settle(&store).await;
    }
    // Six megabytes are live, forty were written; some chunks of a megabyte may be half empty.
    assert_eq!(store.stats().stored_values + store.stats().large_value_bytes / 10_000, 600);
    assert!(store.stats().memory_bytes < 20 << 20, "{:?}", store.stats());
    store.close().await.unwrap();
    let store = open(root.path(), BUDGET);
    assert!(store.stats().memory_bytes < 4 << 20, "{:?}", store.stats());
    assert_eq!(store.get(&key(599)).unwrap().unwrap(), large);
}

#[tokio::test]
async fn values_move_with_compaction_and_are_found_again() {
    for budget in [0, BUDGET] {
        let root = root();
        let store = open(root.path(), budget);
        fill(&store, 0..300, 1).await;
        fill(&store, (0..300).filter(|number| number % 3 == 0), 2).await;
        let round = |number| if number % 3 == 0 && number < 300 { 2 } else { 1 };
        check(&store, 300, round).await;
        store.compact_blocking().unwrap();
        assert!(store.stats().runs > 0 && store.stats().stored_values > 0);
        check(&store, 300, round).await;
        // What was in memory moved too, and is given up at its new place.
        fill(&store, 300..400, 1).await;
        check(&store, 400, round).await;
        store.compact_blocking().unwrap();
        check(&store, 400, round).await;
        store.close().await.unwrap();
        let store = open(root.path(), budget);
        check(&store, 400, round).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_open_scan_reads_values_of_files_that_compaction_has_replaced() {
    let root = root();
    let store = open(root.path(), 0);
    fill(&store, 0..200, 1).await;
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    let mut found = scan.page(10).unwrap();
    fill(&store, 0..100, 2).await;
    store.clear(KeyRange { start: &key(150), end: None }).await.unwrap();
    store.compact_blocking().unwrap();
    store.compact_blocking().unwrap();
    let files = log_files(root.path());
    assert!(!cfg!(target_os = "linux") || removed_and_open(root.path()) > 0);
    while let page @ [_, ..] = &mut scan.page(9).unwrap()[..] {
        found.extend(page.iter().cloned());
    }
    assert!(found.into_iter().eq((0..200).map(|number| (key(number), value(number, 1)))));
    check(&store, 150, |number| if number < 100 { 2 } else { 1 }).await;
    drop(scan);
    settle(&store).await;
    assert_eq!((log_files(root.path()), removed_and_open(root.path())), (files, 0));
}

#[tokio::test]
async fn a_scan_can_be_broken_off_at_any_entry_and_go_on() {
    let root = root();
    let store = open(root.path(), 0);
    for number in 0..100 {
        let (key, value) = (key(number), if number % 3 == 0 { value(number, 1) } else { vec![b'v'; number] });
        store.set(&key, &value, WriteOptions::default()).await.unwrap();
    }
    settle(&store).await;
    let all = store.scan(KeyRange::ALL, false).unwrap().page(1_000).unwrap();
    assert_eq!(all.len(), 100);
    for step in 1..8 {
        let mut scan = store.scan(KeyRange::ALL, false).unwrap();
        let mut found = Vec::new();
        loop {
            let page = scan.page(step).unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= step);
            found.extend(page);
        }
        assert_eq!(found, all, "{step} at a time");
    }
    let mut keys = Vec::new();
    let mut scan = store.scan(KeyRange::ALL, false).unwrap().without_values();
    scan.visit(|key, entry| {
        assert!(entry.value.len() < 256);
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(keys.into_iter().eq(all.into_iter().map(|(key, _)| key)));
}

#[tokio::test]
async fn checks_counters_and_expiries_look_at_values_on_disk() {
    let root = root();
    let store = open(root.path(), 0);
    fill(&store, 0..2, 1).await;
    assert_eq!(store.stats().stored_values, 2);
    let (one, right) = (key(1), value(1, 1));
    let set = BatchOperation::Plain(Operation::Set { key: b"done", value: b"1", expires_at: None });
    let mut wrong = right.clone();
    wrong[299] ^= 1;
    for value in [&wrong[..], &right[1..], b""] {
        let checks = [Check::Equals { key: &one, value }];
        let error = store.batch(&[set], &checks, None).await.unwrap_err();
        assert_eq!((error.code(), error.keys()), (ErrorCode::Conflict, &[one.clone()][..]));
    }
    let checks = [
        Check::Equals { key: &one, value: &right },
        Check::Equals { key: &key(0), value: &value(0, 1) },
        Check::Exists { key: &one },
    ];
    store.batch(&[set], &checks, None).await.unwrap();
    assert_eq!(store.get(b"done").unwrap().unwrap(), b"1");

    let later = u64::from(u32::MAX) * 1_000;
    assert!(store.expire(&one, Some(later)).await.unwrap());
    settle(&store).await;
    let entry = store.get_with(&one, |entry| entry.map(|entry| (entry.value.to_vec(), entry.expires_at)));
    assert_eq!(entry.unwrap(), Some((right, Some(later))));
    assert_eq!(store.stats().stored_values, 2);
    let other = value(1, 2);
    let keeping = BatchOperation::SetKeepingExpiry { key: &one, value: &other };
    store.batch(&[keeping], &[], None).await.unwrap();
    let entry = store.get_with(&one, |entry| entry.map(|entry| (entry.value.to_vec(), entry.expires_at)));
    assert_eq!(entry.unwrap(), Some((other, Some(later))));

    let counter = format!("{:0>300}", 41).into_bytes();
    store.set(b"counter", &counter, WriteOptions::default()).await.unwrap();
    settle(&store).await;
    assert_eq!(store.increment(b"counter", 1, WriteOptions::default()).await.unwrap(), 42);
    let error = store.increment(&key(0), 1, WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ValueInvalid);
}

#[tokio::test]
async fn damage_on_disk_is_found_when_the_value_is_read() {
    let root = root();
    let store = open(root.path(), 0);
    fill(&store, 0..3, 1).await;
    let path = root.path().join("log/00000001.log");
    let mut bytes = fs::read(&path).unwrap();
    let needle = value(1, 1);
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at + 100] ^= 0x40;
    fs::write(&path, &bytes).unwrap();
    let error = store.get(&key(1)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corruption);
    assert!(error.message().contains("00000001.log") && error.message().contains(&at.to_string()), "{error}");
    assert_eq!(error.keys(), [key(1)]);
    assert_eq!(store.get_many(&[key(0), key(1)]).unwrap_err().code(), ErrorCode::Corruption);
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    assert_eq!(scan.page(5).unwrap_err().code(), ErrorCode::Corruption);
    assert_eq!(scan.page(5).unwrap_err().code(), ErrorCode::Corruption);
    let error = store.expire(&key(1), None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corruption);
    // Everything else can be read, and the value be replaced.
    assert_eq!(store.get(&key(2)).unwrap(), Some(value(2, 1)));
    assert!(store.has(&key(1)).unwrap());
    store.set(&key(1), b"new", WriteOptions::default()).await.unwrap();
    assert_eq!(store.get(&key(1)).unwrap().unwrap(), b"new");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_the_read_and_nothing_else() {
    let root = root();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let given = OpenOptions { files: Arc::clone(&files) as Arc<dyn Files>, ..options(0) };
    let store = open_with(root.path(), given);
    fill(&store, 0..3, 1).await;
    files.inject(Fault::fail(std::io::ErrorKind::Other).on(Call::ReadAt).path(".log").times(1));
    assert_eq!(store.get(&key(1)).unwrap_err().code(), ErrorCode::Io);
    assert_eq!(store.get(&key(1)).unwrap(), Some(value(1, 1)));
    files.inject(Fault::cut(10).on(Call::ReadAt).path(".log").times(1));
    assert_eq!(store.get(&key(1)).unwrap(), Some(value(1, 1)), "a short read is gone on with");
    fs::remove_file(root.path().join("log/00000001.log")).unwrap();
    assert_eq!(store.get(&key(1)).unwrap(), Some(value(1, 1)), "it was open already");
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let root = root();
    let store = open(root.path(), 0);
    fill(&store, 0..3, 1).await;
    fs::remove_file(root.path().join("log/00000001.log")).unwrap();
    let error = store.get(&key(1)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corruption);
    assert!(error.message().contains("00000001.log"), "{error}");
}

#[tokio::test]
async fn values_of_a_killed_store_are_found_where_recovery_has_put_them() {
    let root = root();
    let (before, after) = (root.path().join("before"), root.path().join("after"));
    let store = open(&before, 0);
    fill(&store, 0..20, 1).await;
    for number in 20..60 {
        let (key, value) = (key(number), value(number, 1));
        store.set(&key, &value, WriteOptions::default()).await.unwrap();
    }
    // What was not synced since is copied to a new segment when the copy is opened.
    for budget in [0, 20_000, u64::MAX] {
        let after = after.join(budget.to_string());
        fs::create_dir_all(after.join("log")).unwrap();
        for folder in ["", "log"] {
            for entry in fs::read_dir(before.join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), after.join(folder).join(entry.file_name())).unwrap();
                }
            }
        }
        let store = open(&after, budget);
        assert!(store.stats().large_value_bytes <= budget);
        check(&store, 60, |_| 1).await;
        // The file that they were in before goes, and only that one: the other has nothing to give.
        fill(&store, 0..20, 2).await;
        store.compact_blocking().unwrap();
        check(&store, 60, |number| if number < 20 { 2 } else { 1 }).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_value_in_memory_is_given_up_at_the_place_that_compaction_gave_it() {
    let root = root();
    let store = open(root.path(), BUDGET);
    for number in 0..100 {
        for round in 0..2 {
            fill(&store, std::iter::once(number), round).await;
        }
    }
    let in_memory = store.stats().large_value_bytes;
    assert!(in_memory > BUDGET / 3, "{in_memory}");
    store.compact_blocking().unwrap();
    assert_eq!(store.stats().large_value_bytes, in_memory);
    fill(&store, 100..300, 1).await;
    check(&store, 300, |_| 1).await;
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_value_on_disk_as_it_was() {
    let root = root();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let given = OpenOptions { files: Arc::clone(&files) as Arc<dyn Files>, ..options(0) };
    let store = open_with(root.path(), given);
    fill(&store, 0..50, 1).await;
    files.inject(Fault::fail(std::io::ErrorKind::Other).on(Call::WriteAt).path(".log").times(1));
    let error = store.set(&key(7), &value(7, 2), WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    check(&store, 50, |_| 1).await;
    store.compact_blocking().unwrap();
    check(&store, 50, |_| 1).await;
}

#[tokio::test]
async fn reads_beside_compaction_and_writes_find_a_value_that_was_there() {
    let root = root();
    let file = FileOptions { segment_bytes: SEGMENT, compaction: true };
    let store = open_with(root.path(), OpenOptions { file, ..options(0) });
    fill(&store, 0..100, 0).await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut reads = 0;
                while !stop.load(Ordering::Relaxed) {
                    let number = (reads * 7 + reader * 31) % 100;
                    let found = match reads % 3 {
                        0 => store.get(&key(number)).unwrap().unwrap(),
                        1 => store.get_many(&[key(number)]).unwrap().remove(0).unwrap(),
                        _ => {
                            let key = key(number);
                            let range = KeyRange { start: &key, end: None };
                            store.scan(range, false).unwrap().page(1).unwrap().remove(0).1
                        }
                    };
                    assert!((0..40).any(|round| value(number, round) == found), "{number}");
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    for round in 1..40 {
        fill(&store, 0..100, round).await;
        if round % 10 == 0 {
            store.compact_blocking().unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.join().unwrap() > 0);
    }
    check(&store, 100, |_| 39).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn the_budget_belongs_to_the_store() {
    let root = root();
    let store = open(root.path(), BUDGET);
    for other in [None, Some(BUDGET + 1)] {
        let given = OpenOptions { max_memory_bytes: other, ..options(0) };
        let error = Store::open_blocking(root.path().to_str().unwrap(), given).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Config);
    }
    let again = open(root.path(), BUDGET);
    again.close().await.unwrap();
    store.close().await.unwrap();
    let error =
        Store::open_blocking("memory:", OpenOptions { max_memory_bytes: Some(0), ..OpenOptions::default() });
    assert_eq!(error.err().unwrap().code(), ErrorCode::Config);
}

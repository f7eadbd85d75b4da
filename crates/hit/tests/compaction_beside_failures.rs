//! What fails beside a compaction, and what a compaction that fails leaves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use hit::{Durability, ErrorCode, KeyRange, OpenOptions, Operation, Result, Store};
use hit_log::Files;
use hit_testkit::promises::small_segments;
use hit_testkit::{Call, Disk, Fault, FaultyFiles};

const URL: &str = "file:/data/store";
const KEY: &[u8] = b"key";

fn open(files: Arc<dyn hit_log::Files>) -> Store {
    let mut options = OpenOptions { files, ..small_segments() };
    options.file.compaction = false;
    Store::open_blocking(URL, options).unwrap()
}

fn submit(store: &Store, operation: Operation<'_>, durability: Durability) -> mpsc::Receiver<Result<()>> {
    let (answer, answered) = mpsc::channel();
    let completion = move |result| drop(answer.send(result));
    store.submit(std::iter::once(operation), Some(durability), completion).unwrap();
    answered
}

/// Holds a call until the second value is dropped, and says when it has come.
fn gate() -> (Fault, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (come, has_come) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let sides = Mutex::new((come, released));
    let wait = move || {
        let sides = sides.lock().unwrap();
        sides.0.send(()).unwrap();
        // Ends when the test drops its side.
        let _ = sides.1.recv();
    };
    (Fault::delay(wait), has_come, release)
}

/// A store that holds `old` in a closed file, and a compaction that is about to read it.
struct Scene {
    disk: Disk,
    files: Arc<FaultyFiles>,
    store: Store,
    compacting: thread::JoinHandle<Result<()>>,
    read_on: mpsc::Sender<()>,
}

impl Scene {
    fn new() -> Self {
        let disk = Disk::new();
        let files = FaultyFiles::new(Arc::new(disk.clone()));
        let store = open(files.clone());
        // Something is dead already, so that there is something to compact.
        for value in [b"older".as_slice(), b"old"] {
            let operation = Operation::Set { key: KEY, value, expires_at: None };
            submit(&store, operation, Durability::Disk).recv().unwrap().unwrap();
        }
        let (reading, compaction_reads, read_on) = gate();
        files.inject(reading.on(Call::ReadAt).path("00000001.log"));
        let compactor = store.clone();
        let compacting = thread::spawn(move || compactor.compact_blocking());
        compaction_reads.recv().unwrap();
        Self { disk, files, store, compacting, read_on }
    }
}

fn replacements() -> [Operation<'static>; 3] {
    let set = Operation::Set { key: KEY, value: b"new", expires_at: None };
    [set, Operation::Delete { key: KEY }, Operation::DeleteRange { range: KeyRange::ALL }]
}

#[test]
fn what_a_failed_write_would_have_replaced_is_kept_by_a_compaction_that_saw_it() {
    for replacing in replacements() {
        let Scene { disk, files, store, compacting, read_on } = Scene::new();
        let (writing, log_writes, write_on) = gate();
        files.inject(writing.on(Call::WriteAt).path("00000002.log"));
        files.inject(Fault::fail_with(5).on(Call::WriteAt).path("00000002.log"));
        let answer = submit(&store, replacing, Durability::Os);
        log_writes.recv().unwrap();
        let (syncing, run_is_written, install) = gate();
        files.inject(syncing.on(Call::SyncData).path(".run"));
        drop(read_on);
        run_is_written.recv().unwrap();
        drop(write_on);
        assert_eq!(answer.recv().unwrap().unwrap_err().code(), ErrorCode::Io);
        drop(install);
        compacting.join().unwrap().unwrap();
        assert!(store.stats().runs > 0, "it was compacted");
        assert_eq!(store.get(KEY).unwrap().as_deref(), Some(b"old".as_slice()));
        let found = open(Arc::new(disk.image().after_power_loss(1)));
        assert_eq!(found.get(KEY).unwrap().as_deref(), Some(b"old".as_slice()), "{replacing:?}");
    }
}

#[test]
fn what_an_unsynced_write_replaces_is_given_up_only_when_that_is_synced() {
    let Scene { disk, files, store, compacting, read_on } = Scene::new();
    let set = Operation::Set { key: KEY, value: b"new", expires_at: None };
    submit(&store, set, Durability::Os).recv().unwrap().unwrap();
    let images = Arc::new(Mutex::new(Vec::new()));
    let (gathered, looked_at) = (Arc::clone(&images), disk.clone());
    files.inject(Fault::delay(move || gathered.lock().unwrap().push(looked_at.image())).times(u64::MAX));
    drop(read_on);
    compacting.join().unwrap().unwrap();
    files.heal();
    assert!(store.stats().runs > 0, "it was compacted");
    images.lock().unwrap().push(disk.image());
    for (number, image) in images.lock().unwrap().iter().enumerate() {
        for loss in 0..20 {
            let found = open(Arc::new(image.after_power_loss(loss)));
            let value = found.get(KEY).unwrap();
            assert!(
                value.as_deref().is_some_and(|value| value == b"old" || value == b"new"),
                "loss {loss} before call {number}: {value:?}"
            );
        }
    }
}

/// Overwrites one key until there is something to compact.
fn overwrite(store: &Store, rounds: u8) {
    for round in 0..rounds {
        let value = vec![round; 40_000];
        let operation = Operation::Set { key: KEY, value: &value, expires_at: None };
        submit(store, operation, Durability::Disk).recv().unwrap().unwrap();
    }
}

fn runs(disk: &Disk) -> usize {
    let names = disk.list(Path::new("/data/store/log")).unwrap();
    names.iter().filter(|name| name.to_string_lossy().ends_with(".run")).count()
}

#[test]
fn a_compaction_that_a_failed_sync_ends_leaves_no_run() {
    let disk = Disk::new();
    let files = FaultyFiles::new(Arc::new(disk.clone()));
    let store = open(files.clone());
    overwrite(&store, 4);
    let (syncing, run_is_written, go_on) = gate();
    files.inject(syncing.on(Call::SyncData).path(".run"));
    let compacting = {
        let store = store.clone();
        thread::spawn(move || store.compact_blocking())
    };
    run_is_written.recv().unwrap();
    // The first one makes the segment.
    files.inject(Fault::fail_with(5).on(Call::SyncData).path(".log").skip(1));
    let set = Operation::Set { key: KEY, value: b"new", expires_at: None };
    let error = submit(&store, set, Durability::Disk).recv().unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Poisoned);
    drop(go_on);
    assert_eq!(compacting.join().unwrap().unwrap_err().code(), ErrorCode::Poisoned);
    assert_eq!(runs(&disk), 0, "nobody would remove it before the store is opened again");
}

#[test]
fn writes_that_a_full_disk_refuses_do_not_take_the_reserve_from_a_compaction() {
    let disk = Disk::new();
    let files = FaultyFiles::new(Arc::new(disk.clone()));
    let store = open(files.clone());
    overwrite(&store, 4);
    disk.set_capacity(Some(disk.taken_bytes()));
    let value = vec![9; 100_000];
    let refused = {
        let store = store.clone();
        move || {
            let set = Operation::Set { key: b"other", value: &value, expires_at: None };
            let (answer, answered) = mpsc::channel();
            let completion = move |result| drop(answer.send(result));
            let submitted = store.submit(std::iter::once(set), None, completion);
            submitted.and_then(|_| answered.recv().unwrap()).unwrap_err().code()
        }
    };
    assert_eq!(refused(), ErrorCode::DiskFull);
    // An application that tries again and again, here whenever the run is written to.
    let again = Mutex::new(refused.clone());
    let tries = Arc::new(Mutex::new(0));
    let counted = tries.clone();
    let healed = disk.clone();
    let interfere = Fault::delay(move || {
        let mut tries = counted.lock().unwrap();
        *tries += 1;
        if *tries > 9 {
            healed.set_capacity(None);
        } else {
            assert_eq!(again.lock().unwrap()(), ErrorCode::DiskFull);
        }
    });
    files.inject(interfere.on(Call::WriteAt).path(".run").times(u64::MAX));
    let before = disk.taken_bytes();
    store.compact_blocking().unwrap();
    assert!(*tries.lock().unwrap() < 9, "it was kept from its reserve until there was room elsewhere");
    assert!(disk.taken_bytes() < before);
    assert_eq!(store.get(KEY).unwrap(), Some(vec![3; 40_000]));
}

#[test]
fn a_compaction_that_panics_is_told_of_and_the_store_works_on() {
    let disk = Disk::new();
    let files = FaultyFiles::new(Arc::new(disk.clone()));
    let store = open(files.clone());
    overwrite(&store, 4);
    files.inject(Fault::delay(|| panic!("a bug, as this test wants it")).on(Call::WriteAt).path(".run"));
    let error = store.compact_blocking().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io, "{error}");
    assert_eq!(store.stats().compaction_error.unwrap().message(), error.message());
    overwrite(&store, 1);
    drop(store);
    let store = open(files);
    assert_eq!(store.get(KEY).unwrap(), Some(vec![0; 40_000]));
    store.compact_blocking().unwrap();
}

#[test]
fn compacting_everything_ends_while_others_overwrite() {
    const ENOUGH: usize = 40;
    let disk = Disk::new();
    let files = FaultyFiles::new(Arc::new(disk));
    let store = open(files.clone());
    overwrite(&store, 4);
    let written = Arc::new(Mutex::new(0));
    let (count, writer) = (written.clone(), Mutex::new(store.clone()));
    // Whenever a run is ready there is another file to compact.
    let overwriting = Fault::delay(move || {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count < ENOUGH {
            overwrite(&writer.lock().unwrap(), 4);
        }
    });
    files.inject(overwriting.on(Call::SyncData).path(".run").times(u64::MAX));
    store.compact_blocking().unwrap();
    assert!(*written.lock().unwrap() < ENOUGH / 2, "it followed the writes as long as they came");
    files.heal();
}

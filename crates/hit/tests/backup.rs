//! Backups: stores of one moment, made while writes go on, and never into a folder that holds something.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hit::{
    Durability, ErrorCode, FileOptions, KeyRange, OpenOptions, Operation, Progress, Store, WriteOptions,
    verify,
};
use hit_log::{Folder, SystemFiles};
use hit_testkit::{Call, Fault, FaultyFiles, contents};
use tempfile::TempDir;

struct Place {
    root: TempDir,
    files: Arc<FaultyFiles>,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        Self { root, files: FaultyFiles::new(Arc::new(SystemFiles)) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn open(&self, name: &str) -> Store {
        let file = FileOptions { segment_bytes: 64 << 10, ..FileOptions::default() };
        let options = OpenOptions { file, files: self.files.clone(), ..OpenOptions::default() };
        Store::open_blocking(self.path(name).to_str().unwrap(), options).unwrap()
    }

    fn back_up(&self, store: &Store) -> hit::Result<()> {
        store.backup_blocking(&self.path("backup"), &mut |_| ControlFlow::Continue(()))
    }

    fn check(&self, name: &str) {
        let url = self.path(name).to_str().unwrap().to_owned();
        let report = verify(&url, &OpenOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(report.problems, []);
    }
}

fn fill(store: &Store, round: u32) {
    let entries: Vec<_> = (0..2_000_u32).map(|key| (key.to_be_bytes(), format!("{round:0>50}"))).collect();
    let sets =
        entries.iter().map(|(key, value)| Operation::Set { key, value: value.as_bytes(), expires_at: None });
    store.submit(sets, Some(Durability::Memory), |_| {}).unwrap();
}

#[tokio::test]
async fn a_backup_is_a_store_with_everything_accepted_so_far() {
    let place = Place::new();
    let store = place.open("store");
    for round in 0..3 {
        fill(&store, round);
    }
    store.compact_blocking().unwrap();
    fill(&store, 3);
    store
        .set(b"last", b"1", WriteOptions { durability: Some(Durability::Memory), expires_at: None })
        .await
        .unwrap();
    let expected = contents(&store);
    place.back_up(&store).unwrap();
    place.check("backup");
    // What happens to the store afterwards does not concern it.
    store.clear(KeyRange::ALL).await.unwrap();
    store.compact_blocking().unwrap();
    let backup = place.open("backup");
    assert_eq!(contents(&backup), expected);
    // And the other way round.
    fill(&backup, 9);
    backup.compact_blocking().unwrap();
    backup.close().await.unwrap();
    store.close().await.unwrap();
    place.check("store");
    assert_eq!(contents(&place.open("store")), BTreeMap::new());
}

#[tokio::test]
async fn a_backup_taken_while_writes_and_compactions_go_on_is_of_one_moment() {
    let place = Place::new();
    let store = place.open("store");
    fill(&store, 0);
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let (store, done) = (store.clone(), done.clone());
        std::thread::spawn(move || {
            let mut round = 1;
            while !done.load(Ordering::Relaxed) {
                // Both keys in one group: a backup has both of one round.
                let round_text = round.to_string();
                let pair = [b"first", b"other"].map(|key| Operation::Set {
                    key,
                    value: round_text.as_bytes(),
                    expires_at: None,
                });
                store.submit(pair.into_iter(), None, |_| {}).unwrap();
                fill(&store, round);
                round += 1;
            }
        })
    };
    for number in 0..5 {
        let target = place.path(&format!("backup{number}"));
        store.set(b"before", number.to_string().as_bytes(), WriteOptions::default()).await.unwrap();
        store.backup_blocking(&target, &mut |_| ControlFlow::Continue(())).unwrap();
        place.check(&format!("backup{number}"));
        let backup = place.open(&format!("backup{number}"));
        let contents = contents(&backup);
        assert_eq!(contents[&b"before".to_vec()], number.to_string().into_bytes());
        assert_eq!(contents.get(b"first".as_slice()), contents.get(b"other".as_slice()));
        assert!(contents.len() >= 2_001);
        backup.close().await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

#[tokio::test]
async fn a_target_that_holds_something_or_lies_inside_is_refused_and_left_alone() {
    let place = Place::new();
    let store = place.open("store");
    store.set(b"a", b"1", WriteOptions::default()).await.unwrap();
    fs::create_dir(place.path("backup")).unwrap();
    fs::write(place.path("backup").join("mine"), "text").unwrap();
    let error = place.back_up(&store).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config, "{error}");
    assert!(error.message().contains("mine"), "{error}");
    assert_eq!(fs::read_dir(place.path("backup")).unwrap().count(), 1);
    fs::remove_file(place.path("backup").join("mine")).unwrap();
    fs::write(place.path("file"), "text").unwrap();
    for target in ["store", "store/log", "store/inside", "file"] {
        let error =
            store.backup_blocking(&place.path(target), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config, "{target}: {error}");
    }
    place.back_up(&store).unwrap();
    // A backup is not empty either.
    assert_eq!(place.back_up(&store).unwrap_err().code(), ErrorCode::Config);
    assert_eq!(contents(&place.open("backup")).len(), 1);
    let memory = Store::open_blocking("memory:", OpenOptions::default()).unwrap();
    assert_eq!(place.back_up(&memory).unwrap_err().code(), ErrorCode::Unsupported);
}

#[tokio::test]
async fn where_the_file_system_cannot_link_files_are_copied() {
    let place = Place::new();
    let store = place.open("store");
    for round in 0..3 {
        fill(&store, round);
    }
    // No links at all, as on a stick.
    place.files.inject(Fault::fail(io::ErrorKind::Unsupported).on(Call::Link));
    let mut last = Progress::default();
    store
        .backup_blocking(&place.path("backup"), &mut |progress| {
            last = progress;
            ControlFlow::Continue(())
        })
        .unwrap();
    place.files.heal();
    assert!(last.bytes > 200_000 && Some(last.done) == last.total, "{last:?}");
    place.check("backup");
    assert_eq!(contents(&place.open("backup")), contents(&store));
}

#[tokio::test]
async fn a_backup_that_fails_or_is_ended_leaves_nothing_that_opens_and_can_be_made_again() {
    let place = Place::new();
    let store = place.open("store");
    for round in 0..3 {
        fill(&store, round);
    }
    store.flush().await.unwrap();
    let failed = |result: hit::Result<()>, code: ErrorCode| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!place.path("backup/hitkv.json").exists());
        assert_eq!(fs::read_dir(place.path("backup/log")).map_or(0, Iterator::count), 0);
    };
    failed(store.backup_blocking(&place.path("backup"), &mut |_| ControlFlow::Break(())), ErrorCode::Aborted);
    place.files.inject(Fault::fail(io::ErrorKind::CrossesDevices).on(Call::Link).path("/log/"));
    for call in [Call::WriteAt, Call::SyncData, Call::Rename, Call::SyncFolder] {
        place.files.inject(Fault::fail(io::ErrorKind::StorageFull).on(call).path("backup/"));
        failed(place.back_up(&store), ErrorCode::DiskFull);
        place.files.heal();
        place.files.inject(Fault::fail(io::ErrorKind::CrossesDevices).on(Call::Link).path("/log/"));
    }
    place.files.heal();
    place.back_up(&store).unwrap();
    assert_eq!(contents(&place.open("backup")), contents(&store));
}

#[tokio::test]
async fn a_store_that_does_not_open_can_be_checked() {
    let place = Place::new();
    let store = place.open("store");
    fill(&store, 1);
    store.close().await.unwrap();
    let check = |name: &Path| {
        let url = name.to_str().unwrap();
        verify(url, &OpenOptions::default(), &mut |_| ControlFlow::Continue(()))
    };
    let report = check(&place.path("store")).unwrap();
    assert!(report.problems.is_empty() && report.bytes > 100_000);
    fs::write(place.path("store/hitkv.json"), "{").unwrap();
    let report = check(&place.path("store")).unwrap();
    assert_eq!(report.problems[0].file, place.path("store/hitkv.json"));
    assert_eq!(check(&place.path("nowhere")).unwrap_err().code(), ErrorCode::Config);
}

/// What a store would leave if its process were killed now.
fn killed(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("log")).unwrap();
    for folder in ["", "log"] {
        for entry in fs::read_dir(from.join(folder)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn damage_in_the_last_segment_is_not_taken_for_its_end() {
    let place = Place::new();
    let store = place.open("store");
    for key in [b"a", b"b", b"c"] {
        store.set(key, b"1", WriteOptions::default()).await.unwrap();
    }
    killed(&place.path("store"), &place.path("damaged"));
    let segment = place.path("damaged").join("log/00000001.log");
    let mut bytes = fs::read(&segment).unwrap();
    // The first operation; the frames behind it say that it was synced.
    bytes[96 + 40] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let folder = Folder::open(place.files.clone(), &place.path("damaged"), "file", false).unwrap();
    let backup = |target| hit_log::backup(&folder, target, "file", &mut |_| ControlFlow::Continue(()));
    let error = backup(&place.path("backup")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corruption, "{error}");
    assert!(error.message().contains("00000001.log"), "{error}");
    assert!(!place.path("backup/hitkv.json").exists());
}

#[tokio::test]
async fn a_segment_that_changes_while_it_is_copied_is_copied_again() {
    let place = Place::new();
    let store = place.open("store");
    store.set(b"a", b"1", WriteOptions::default()).await.unwrap();
    killed(&place.path("store"), &place.path("changing"));
    let segment = place.path("changing").join("log/00000001.log");
    let whole = fs::read(&segment).unwrap();
    let mut other = whole.clone();
    other[96 + 40] ^= 1;
    // As when a write fails, is taken back, and others come in its place.
    let changes = std::sync::Mutex::new(vec![whole, other]);
    let change = move || {
        if let Some(content) = changes.lock().unwrap().pop() {
            fs::write(&segment, content).unwrap();
        }
    };
    place.files.inject(Fault::delay(change).on(Call::Open).path("backup/log/00000001.log").times(u64::MAX));
    let folder = Folder::open(place.files.clone(), &place.path("changing"), "file", false).unwrap();
    hit_log::backup(&folder, &place.path("backup"), "file", &mut |_| ControlFlow::Continue(())).unwrap();
    place.check("backup");
    assert_eq!(contents(&place.open("backup")), contents(&store));
}

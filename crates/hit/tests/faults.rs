//! What fails below the store: each answer has the right code, a refused write leaves no trace, and what was
//! acknowledged is there when the store is opened again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use hit::{Durability, ErrorCode, KeyRange, OpenOptions, Operation, Result, Store, Submitted, WriteOptions};
use hit_log::SystemFiles;
use hit_testkit::{Call, Fault, FaultyFiles};
use tempfile::TempDir;

/// A store on files that can be made to fail.
struct Bench {
    folder: TempDir,
    files: Arc<FaultyFiles>,
    store: Store,
    /// What `on_error` was told.
    told: Arc<Mutex<Vec<ErrorCode>>>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = FaultyFiles::new(Arc::new(SystemFiles));
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let options = OpenOptions {
            files: files.clone(),
            on_error: Some(Arc::new(move |error| listener.lock().unwrap().push(error.code()))),
            ..OpenOptions::default()
        };
        let store = Store::open(&url(&folder), options).await.unwrap();
        Self { folder, files, store, told }
    }

    async fn set(&self, key: &str, value: &str) -> Result<()> {
        self.store.set(key.as_bytes(), value.as_bytes(), WriteOptions::default()).await
    }

    async fn set_at(&self, key: &str, durability: Durability) -> Result<()> {
        let options = WriteOptions { durability: Some(durability), ..WriteOptions::default() };
        self.store.set(key.as_bytes(), b"value", options).await
    }

    fn get(&self, key: &str) -> Option<String> {
        self.store.get(key.as_bytes()).unwrap().map(|value| String::from_utf8(value).unwrap())
    }

    /// Everything there is, as `key=value`.
    fn all(&self) -> Vec<String> {
        entries(&self.store)
    }

    /// Closes the store, heals the files and opens it again.
    async fn reopen(self) -> (TempDir, Store) {
        let _ = self.store.close().await;
        let store = Store::open(&url(&self.folder), OpenOptions::default()).await.unwrap();
        (self.folder, store)
    }
}

fn url(folder: &TempDir) -> String {
    folder.path().join("store").display().to_string()
}

fn entries(store: &Store) -> Vec<String> {
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    let mut entries = Vec::new();
    loop {
        let page = scan.page(7).unwrap();
        if page.is_empty() {
            return entries;
        }
        entries.extend(page.iter().map(|(key, value)| {
            format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(value))
        }));
    }
}

fn full() -> Fault {
    Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path(".log").times(u64::MAX)
}

/// Nothing can be allocated either, so the reserve cannot come back.
fn full_for_good() -> [Fault; 3] {
    [
        full(),
        Fault::fail(ErrorKind::StorageFull).on(Call::Allocate).times(u64::MAX),
        Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path("reserve").times(u64::MAX),
    ]
}

/// Waits until the test drops its side.
fn wait_for(release: mpsc::Receiver<()>) -> impl Fn() + Send + Sync {
    let release = Mutex::new(release);
    move || assert!(release.lock().unwrap().recv().is_err())
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_write_refused_by_a_full_disk_leaves_no_trace() {
    let bench = Bench::new().await;
    bench.set("kept", "old").await.unwrap();
    bench.set("gone", "old").await.unwrap();
    full_for_good().into_iter().for_each(|fault| bench.files.inject(fault));
    let error = bench.set("kept", "new").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DiskFull);
    assert_eq!(error.keys(), [b"kept".to_vec()]);
    let error = bench.set("other", "new").await.unwrap_err();
    assert_eq!((error.code(), error.keys()), (ErrorCode::DiskFull, &[b"other".to_vec()][..]));
    assert_eq!(bench.all(), ["gone=old", "kept=old"]);
    bench.files.heal();
    bench.set("after", "new").await.unwrap();
    let (_folder, store) = bench.reopen().await;
    assert_eq!(entries(&store), ["after=new", "gone=old", "kept=old"]);
}

#[tokio::test]
async fn a_disk_that_is_full_for_a_moment_is_tried_again() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    // The write of all groups, and that of the one group alone.
    bench.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path(".log").times(2));
    bench.set("b", "2").await.unwrap();
    assert_eq!(bench.files.met(), 2);
    assert_eq!(bench.all(), ["a=1", "b=2"]);
}

#[tokio::test]
async fn deletes_on_a_full_disk_use_the_reserve() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    bench.set("b", "2").await.unwrap();
    // Room appears with the removal of the reserve: the third write to the log finds it.
    bench.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path(".log").times(2));
    let before = bench.files.count(Call::Remove);
    bench.store.delete(b"a", WriteOptions::default()).await.unwrap();
    assert_eq!(bench.files.count(Call::Remove), before + 1, "the reserve was given to the log");
    assert_eq!(bench.all(), ["b=2"]);
    let (_folder, store) = bench.reopen().await;
    assert_eq!(entries(&store), ["b=2"]);
}

#[tokio::test]
async fn a_failed_write_is_taken_back_with_all_that_came_behind_it() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    let (held, release) = mpsc::channel::<()>();
    let (waiting, written) = mpsc::channel();
    let gate = Mutex::new((waiting, release));
    bench.files.inject(
        Fault::delay(move || {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            // Ends when the test drops its side.
            let _ = gate.1.recv();
        })
        .on(Call::WriteAt)
        .path(".log"),
    );
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::WriteAt).path(".log"));
    let (answers, answered) = mpsc::channel();
    let submit = |key: &'static [u8], operation: Operation<'_>| {
        let answers = answers.clone();
        let completion = move |result: Result<()>| answers.send((key, code(result))).unwrap();
        let submitted = bench.store.submit(std::iter::once(operation), None, completion).unwrap();
        assert_eq!(submitted, Submitted::Pending);
    };
    submit(b"a", Operation::Set { key: b"a", value: b"2", expires_at: None });
    written.recv().unwrap();
    submit(b"b", Operation::Set { key: b"b", value: b"2", expires_at: None });
    submit(b"*", Operation::DeleteRange { range: KeyRange::ALL });
    submit(b"c", Operation::Set { key: b"c", value: b"2", expires_at: None });
    assert_eq!(bench.all(), ["c=2"]);
    let mut before = bench.store.scan(KeyRange::ALL, false).unwrap();
    drop(held);
    let failed: Vec<_> = answered.iter().take(4).collect();
    let expected: [&[u8]; 4] = [b"a", b"b", b"*", b"c"];
    assert_eq!(failed, expected.map(|key| (key, ErrorCode::Io)));
    assert_eq!(bench.all(), ["a=1"]);
    assert_eq!(before.page(10).unwrap(), [(b"c".to_vec(), b"2".to_vec())], "a scan keeps its moment");
    bench.set("d", "4").await.unwrap();
    let (_folder, store) = bench.reopen().await;
    assert_eq!(entries(&store), ["a=1", "d=4"]);
}

#[tokio::test]
async fn a_failed_sync_poisons_until_the_store_is_opened_again() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::SyncData));
    assert_eq!(code(bench.set("b", "2").await), ErrorCode::Poisoned);
    assert_eq!(code(bench.set("c", "3").await), ErrorCode::Poisoned);
    assert_eq!(code(bench.store.get(b"a")), ErrorCode::Poisoned);
    assert_eq!(code(bench.store.count(KeyRange::ALL)), ErrorCode::Poisoned);
    assert_eq!(code(bench.store.scan(KeyRange::ALL, false).map(|_| ())), ErrorCode::Poisoned);
    assert_eq!(code(bench.store.flush().await), ErrorCode::Poisoned);
    assert_eq!(bench.store.stats().entries, 2);
    let joining = Store::open(&url(&bench.folder), OpenOptions::default()).await.map(|_| ());
    assert_eq!(code(joining), ErrorCode::Poisoned);
    bench.store.close().await.unwrap();
    let store = Store::open(&url(&bench.folder), OpenOptions::default()).await.unwrap();
    let found = entries(&store);
    assert!(found == ["a=1"] || found == ["a=1", "b=2"], "whole or not there: {found:?}");
}

#[tokio::test]
async fn a_disk_full_at_the_sync_poisons() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    bench.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::SyncData));
    assert_eq!(code(bench.set("b", "2").await), ErrorCode::Poisoned);
    assert_eq!(code(bench.store.has(b"a")), ErrorCode::Poisoned);
}

#[tokio::test]
async fn a_failure_after_the_answer_reaches_flush_stats_and_on_error() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::WriteAt).path(".log").times(1));
    bench.set_at("b", Durability::Memory).await.unwrap();
    assert_eq!(code(bench.store.flush().await), ErrorCode::Io);
    bench.store.flush().await.unwrap();
    assert_eq!(bench.store.stats().last_error.map(|error| error.code()), Some(ErrorCode::Io));
    assert_eq!(*bench.told.lock().unwrap(), [ErrorCode::Io]);
    assert_eq!(bench.get("b"), None);
}

#[tokio::test]
async fn a_sync_that_fails_behind_an_answer_reaches_close() {
    let bench = Bench::new().await;
    bench.set_at("a", Durability::Os).await.unwrap();
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::SyncData));
    assert_eq!(code(bench.store.flush().await), ErrorCode::Poisoned);
    assert_eq!(*bench.told.lock().unwrap(), [ErrorCode::Poisoned]);
    let (_folder, store) = bench.reopen().await;
    assert_eq!(entries(&store), ["a=value"]);
}

#[tokio::test]
async fn an_answer_for_others_waits_until_what_it_shows_is_on_disk() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    let (held, release) = mpsc::channel::<()>();
    bench.files.inject(Fault::delay(wait_for(release)).on(Call::SyncData));
    let writer = bench.store.clone();
    let writing = tokio::spawn(async move { writer.set(b"a", b"2", WriteOptions::default()).await });
    while bench.get("a").as_deref() != Some("2") {
        tokio::task::yield_now().await;
    }
    let reader = bench.store.clone();
    let mut reading = tokio::spawn(async move { reader.get_settled(b"absent").await });
    tokio::task::yield_now().await;
    assert!(!reading.is_finished(), "the sync is held back, and with it the answer");
    drop(held);
    assert_eq!((&mut reading).await.unwrap().unwrap(), None);
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_for_others_fails_with_the_write_it_would_show() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    let (held, release) = mpsc::channel::<()>();
    bench.files.inject(Fault::delay(wait_for(release)).on(Call::WriteAt).path(".log"));
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::WriteAt).path(".log"));
    let writer = bench.store.clone();
    let writing = tokio::spawn(async move { writer.set(b"a", b"2", WriteOptions::default()).await });
    while bench.get("a").as_deref() != Some("2") {
        tokio::task::yield_now().await;
    }
    let reader = bench.store.clone();
    let reading = tokio::spawn(async move { reader.get_settled(b"a").await });
    tokio::task::yield_now().await;
    drop(held);
    assert_eq!(code(reading.await.unwrap()), ErrorCode::Io);
    assert_eq!(code(writing.await.unwrap()), ErrorCode::Io);
    assert_eq!(bench.get("a").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_refused_write_does_not_fail_the_flush_or_close_of_another_handle() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    let other = Store::open(&url(&bench.folder), OpenOptions::default()).await.unwrap();
    let third = Store::open(&url(&bench.folder), OpenOptions::default()).await.unwrap();
    let (held, release) = mpsc::channel::<()>();
    bench.files.inject(Fault::delay(wait_for(release)).on(Call::WriteAt).path(".log"));
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::WriteAt).path(".log"));
    let writer = bench.store.clone();
    let writing = tokio::spawn(async move { writer.set(b"b", b"2", WriteOptions::default()).await });
    while bench.get("b").is_none() {
        tokio::task::yield_now().await;
    }
    let (answer, flushed) = mpsc::channel();
    other.flush_with(move |result| answer.send(result).unwrap());
    let (answer, closed) = mpsc::channel();
    third.close_with(move |result| answer.send(result).unwrap());
    drop(held);
    assert_eq!(code(writing.await.unwrap()), ErrorCode::Io);
    flushed.recv().unwrap().unwrap();
    closed.recv().unwrap().unwrap();
}

#[tokio::test]
async fn a_failure_that_was_told_once_is_not_told_again() {
    let bench = Bench::new().await;
    bench.set("a", "1").await.unwrap();
    let (held, release) = mpsc::channel::<()>();
    bench.files.inject(Fault::delay(wait_for(release)).on(Call::SyncData));
    bench.files.inject(Fault::fail(ErrorKind::Other).on(Call::SyncData));
    let syncs = bench.files.count(Call::SyncData);
    let writer = bench.store.clone();
    let writing = tokio::spawn(async move { writer.set(b"b", b"2", WriteOptions::default()).await });
    while bench.files.count(Call::SyncData) == syncs {
        tokio::task::yield_now().await;
    }
    let writer = bench.store.clone();
    let behind = tokio::spawn(async move {
        let options = WriteOptions { durability: Some(Durability::Os), ..WriteOptions::default() };
        writer.set(b"c", b"3", options).await
    });
    while bench.get("c").is_none() {
        tokio::task::yield_now().await;
    }
    drop(held);
    assert_eq!(code(writing.await.unwrap()), ErrorCode::Poisoned);
    assert_eq!(code(behind.await.unwrap()), ErrorCode::Poisoned);
    assert!(bench.told.lock().unwrap().is_empty());
    bench.store.close().await.unwrap();
}

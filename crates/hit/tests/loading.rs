//! What a load does beside reading its text: where it reads from, how it ends, and what is there then.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, Cursor, ErrorKind, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, mpsc};

use hit::{
    Durability, ErrorCode, Format, KeyRange, LoadOptions, Loaded, OpenOptions, Progress, Result, Store,
};
use hit_log::SystemFiles;
use hit_testkit::{Call, Fault, FaultyFiles};

fn quiet(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn memory() -> Store {
    Store::open_blocking("memory:", OpenOptions::default()).unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open_blocking(&folder.join("store").display().to_string(), OpenOptions::default()).unwrap()
}

fn ndjson() -> LoadOptions {
    LoadOptions { format: Some(Format::Ndjson), ..LoadOptions::default() }
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("{{\"key\":\"{number:06}\",\"value\":\"{number}\"}}\n")).collect()
}

fn load_text(store: &Store, text: impl Into<Vec<u8>>, options: &LoadOptions) -> Result<Loaded> {
    store.load_stream_blocking(Box::new(Cursor::new(text.into())), "text", options, &mut quiet)
}

fn count(store: &Store) -> u64 {
    store.count(KeyRange::ALL).unwrap()
}

async fn reopened(folder: &Path, store: Store) -> Store {
    store.close().await.unwrap();
    drop(store);
    open(folder)
}

#[tokio::test]
async fn what_was_loaded_before_a_bad_line_is_there_after_reopening_and_nothing_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let text = format!("{}nonsense\n{}", lines(0..3_000), lines(3_000..4_000));
    let error = load_text(&store, text, &ndjson()).unwrap_err();
    assert!(error.message().starts_with("text line 3001: "), "{error}");
    assert_eq!(count(&store), 3_000);
    let store = reopened(folder.path(), store).await;
    assert_eq!(count(&store), 3_000);
    assert_eq!(store.get(b"002999").unwrap(), Some(b"2999".to_vec()));
}

#[tokio::test]
async fn loading_again_is_harmless_and_a_later_line_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let text = format!("{}{{\"key\":\"000000\",\"value\":\"last\"}}\n", lines(0..2_500));
    for _ in 0..2 {
        let loaded = load_text(&store, text.clone(), &ndjson()).unwrap();
        assert_eq!(loaded, Loaded { loaded: 2_501, skipped: 0 });
        assert_eq!(count(&store), 2_500);
    }
    let store = reopened(folder.path(), store).await;
    assert_eq!(store.get(b"000000").unwrap(), Some(b"last".to_vec()));
}

#[test]
fn everything_is_on_disk_when_a_load_returns() {
    let folder = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let options = OpenOptions { files: files.clone(), ..OpenOptions::default() };
    let store = Store::open_blocking(&folder.path().join("store").display().to_string(), options).unwrap();
    files.forget_calls();
    load_text(&store, lines(0..10), &ndjson()).unwrap();
    let calls = files.calls();
    let written = calls.iter().rposition(|call| *call == Call::WriteAt).unwrap();
    assert!(calls.iter().skip(written).any(|call| *call == Call::SyncData), "{calls:?}");
    files.forget_calls();
    let options = LoadOptions { durability: Some(Durability::Os), ..ndjson() };
    load_text(&store, lines(0..10), &options).unwrap();
    assert!(files.count(Call::WriteAt) > 0, "os: it has been written");
}

#[tokio::test]
async fn a_disk_that_fills_ends_the_load_and_what_was_acknowledged_stays() {
    let folder = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let options = OpenOptions { files: files.clone(), ..OpenOptions::default() };
    let store = Store::open_blocking(&folder.path().join("store").display().to_string(), options).unwrap();
    load_text(&store, lines(0..1_500), &ndjson()).unwrap();
    files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).times(u64::MAX));
    files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::Allocate).times(u64::MAX));
    let error = load_text(&store, lines(1_500..9_000), &ndjson()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DiskFull, "{error}");
    files.heal();
    assert_eq!(count(&store), 1_500);
    let store = reopened(folder.path(), store).await;
    assert_eq!(count(&store), 1_500);
}

#[test]
fn progress_counts_entries_and_bytes_and_a_break_ends_the_load() {
    let store = memory();
    let text = lines(0..30_000);
    let length = text.len() as u64;
    let mut told = Vec::new();
    let mut tell = |progress: Progress| {
        told.push(progress);
        ControlFlow::Continue(())
    };
    let source = Box::new(Cursor::new(text.clone()));
    store.load_stream_blocking(source, "text", &ndjson(), &mut tell).unwrap();
    assert!(told.len() > 1 && told.is_sorted_by_key(|progress| progress.done));
    assert_eq!(told.last(), Some(&Progress { done: 30_000, total: None, bytes: length }));

    let store = memory();
    let mut tell = |progress: Progress| match progress.done {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let ended = store.load_stream_blocking(Box::new(Cursor::new(text)), "text", &ndjson(), &mut tell);
    assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
    assert!((1..30_000).contains(&count(&store)), "what was written stays: {}", count(&store));
}

/// Gives what it is sent, and waits for it.
struct Pipe {
    chunks: mpsc::Receiver<Vec<u8>>,
    /// What of a chunk has not been read.
    rest: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.chunks.recv().unwrap_or_default();
        }
        let length = self.rest.len().min(buffer.len());
        let read: Vec<u8> = self.rest.drain(..length).collect();
        buffer.split_at_mut(length).0.copy_from_slice(&read);
        Ok(length)
    }
}

#[test]
fn what_a_slow_source_has_given_is_written_while_it_is_waited_for() {
    for (format, text) in [
        (Format::Ndjson, &b"{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\""[..]),
        (Format::Csv, b"key,value\na,1\nb"),
    ] {
        let store = memory();
        let (give, chunks) = mpsc::channel();
        give.send(text.to_vec()).unwrap();
        let reader = store.clone();
        // Ends the load as soon as the first entry is seen; until then the source gives nothing more.
        let mut asked = 0;
        let mut tell = move |_: Progress| {
            asked += 1;
            assert!(asked < 1_000, "the entry is not written");
            if reader.has(b"a").unwrap() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = LoadOptions { format: Some(format), ..LoadOptions::default() };
        let ended = store.load_stream_blocking(
            Box::new(Pipe { chunks, rest: Vec::new() }),
            "pipe",
            &options,
            &mut tell,
        );
        assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
        drop(give);
    }
}

#[test]
fn a_source_that_gives_nothing_does_not_hold_a_load_that_is_to_end() {
    let (give, chunks) = mpsc::channel();
    let mut tell = |_: Progress| ControlFlow::Break(());
    let ended = memory().load_stream_blocking(
        Box::new(Pipe { chunks, rest: Vec::new() }),
        "pipe",
        &ndjson(),
        &mut tell,
    );
    assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
    drop(give);
}

#[test]
fn a_source_that_cannot_be_read_on_is_named() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the line is dead"))
        }
    }
    for format in [Format::Ndjson, Format::Csv, Format::GoHit] {
        let first = match format {
            Format::Csv => &b"key,value\na,1\n"[..],
            Format::Ndjson => b"{\"key\":\"a\",\"value\":\"1\"}\n",
            Format::GoHit => b"{\"a\":\"1\"}\n",
        };
        let store = memory();
        let options = LoadOptions { format: Some(format), skip_bad: true, ..LoadOptions::default() };
        let source = Box::new(Cursor::new(first).chain(Broken));
        let error = store.load_stream_blocking(source, "the pipe", &options, &mut quiet).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(error.message().starts_with("cannot read the pipe: the line is dead"), "{error}");
        assert_eq!(count(&store), 1);
    }
}

#[test]
fn a_source_that_is_not_there_or_not_what_is_said_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let store = memory();
    let load = |path: &Path, format| {
        let options = LoadOptions { format, ..LoadOptions::default() };
        store.load_blocking(path, &options, &mut quiet).unwrap_err()
    };
    let missing = load(&folder.path().join("missing.ndjson"), None);
    assert_eq!(missing.code(), ErrorCode::Config);
    assert!(missing.message().contains("missing.ndjson"), "{missing}");
    assert_eq!(load(&file("entries.txt", &lines(0..1)), None).code(), ErrorCode::Argument);
    assert_eq!(load(folder.path(), Some(Format::Csv)).code(), ErrorCode::Argument);
    let csv = load(&file("entries.ndjson", "key,value\na,1\n"), None);
    assert!(csv.message().contains("entries.ndjson line 1: "), "{csv}");
    let ndjson = load(&file("entries.csv", &lines(0..1)), None);
    assert!(ndjson.message().contains("entries.csv line 1: "), "{ndjson}");
    let inner = open(folder.path());
    let store_folder = load(&folder.path().join("store"), None);
    assert_eq!(store_folder.code(), ErrorCode::Argument);
    assert!(store_folder.message().contains("is a store"), "{store_folder}");
    drop(inner);
    let stream = store.load_stream_blocking(
        Box::new(io::empty()),
        "standard input",
        &LoadOptions::default(),
        &mut quiet,
    );
    assert_eq!(stream.unwrap_err().code(), ErrorCode::Argument);
    assert_eq!(count(&store), 0);
}

#[tokio::test]
async fn a_store_is_not_loaded_from_itself_nor_when_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, again) = (open(folder.path()), open(folder.path()));
    load_text(&store, lines(0..3), &ndjson()).unwrap();
    for result in [
        store.load_from_blocking(&store.clone(), &mut quiet).map(drop),
        store.load_from_blocking(&again, &mut quiet).map(drop),
        store.dump_into_blocking(&again, KeyRange::ALL, &mut quiet).map(drop),
    ] {
        assert_eq!(result.unwrap_err().code(), ErrorCode::Argument);
    }
    store.close().await.unwrap();
    assert_eq!(load_text(&store, lines(0..3), &ndjson()).unwrap_err().code(), ErrorCode::NotOpen);
    assert_eq!(load_text(&store, "", &ndjson()).unwrap_err().code(), ErrorCode::NotOpen);
    let closed = memory().load_from_blocking(&store, &mut quiet).map(drop);
    assert_eq!(closed.unwrap_err().code(), ErrorCode::NotOpen);
}

#[test]
fn a_store_is_loaded_from_another_one_as_it_was_when_the_call_was_made() {
    let (source, target) = (memory(), memory());
    load_text(&source, lines(0..20_000), &ndjson()).unwrap();
    let writer = source.clone();
    let mut told = Vec::new();
    let mut tell = |progress: Progress| {
        told.push(progress);
        load_text(&writer, lines(19_000..21_000).replace("\"value\":\"", "\"value\":\"new"), &ndjson())
            .unwrap();
        ControlFlow::Continue(())
    };
    let loaded = target.load_from_blocking(&source, &mut tell).unwrap();
    assert_eq!(loaded, Loaded { loaded: 20_000, skipped: 0 });
    assert!(told.len() > 1);
    assert_eq!(told.last().map(|progress| (progress.done, progress.total)), Some((20_000, Some(20_000))));
    assert_eq!(count(&target), 20_000);
    assert_eq!(target.get(b"019999").unwrap(), Some(b"19999".to_vec()));
    assert_eq!(source.get(b"019999").unwrap(), Some(b"new19999".to_vec()));
}

#[test]
fn an_entry_that_has_expired_hides_an_older_one_as_setting_it_would() {
    let store = memory();
    let text = "{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"a\",\"value\":\"2\",\"expiresAt\":1}\n";
    assert_eq!(load_text(&store, text, &ndjson()).unwrap().loaded, 2);
    assert_eq!(store.get(b"a").unwrap(), None);
}

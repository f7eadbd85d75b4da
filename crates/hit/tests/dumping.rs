//! What a dump does beside writing its text: a file under its name is whole, and nothing else is touched.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use hit::{ErrorCode, Format, KeyRange, OpenOptions, Operation, Progress, Store};
use hit_log::SystemFiles;
use hit_testkit::{Call, Fault, FaultyFiles, TestClock};

fn quiet(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn fill(store: &Store, numbers: std::ops::Range<u32>, value: &str) {
    for number in numbers {
        let key = format!("{number:06}");
        let operation = Operation::Set { key: key.as_bytes(), value: value.as_bytes(), expires_at: None };
        store.submit(std::iter::once(operation), None, drop).unwrap();
    }
}

/// A file store with two entries, on files that can fail, and a place beside it.
struct Bench {
    folder: tempfile::TempDir,
    files: Arc<FaultyFiles>,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = FaultyFiles::new(Arc::new(SystemFiles));
        let options = OpenOptions { files: files.clone(), ..OpenOptions::default() };
        let url = folder.path().join("store").display().to_string();
        let store = Store::open_blocking(&url, options).unwrap();
        fill(&store, 0..2, "v");
        // So that the store's own calls are over.
        let (answer, answered) = mpsc::channel();
        store.flush_with(move |result| answer.send(result).unwrap());
        answered.recv().unwrap().unwrap();
        Self { folder, files, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn dump(&self, path: &Path) -> hit::Result<u64> {
        self.store.dump_blocking(path, KeyRange::ALL, Format::Ndjson, &mut quiet)
    }

    /// What lies beside the store.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

const WHOLE: &str = "{\"key\":\"000000\",\"value\":\"v\"}\n{\"key\":\"000001\",\"value\":\"v\"}\n";

#[test]
fn a_dump_takes_the_place_of_an_older_one_once_it_is_on_disk() {
    let bench = Bench::new();
    let path = bench.path("dump.ndjson");
    fs::write(&path, "old").unwrap();
    bench.files.forget_calls();
    assert_eq!(bench.dump(&path).unwrap(), 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), WHOLE);
    let ours = [Call::SyncData, Call::Rename, Call::SyncFolder];
    let calls: Vec<_> = bench.files.calls().into_iter().filter(|call| ours.contains(call)).collect();
    assert_eq!(calls, ours);
    assert_eq!(bench.names(), ["dump.ndjson", "store"]);
}

#[test]
fn a_dump_that_fails_leaves_the_older_one_and_nothing_else() {
    for (call, kind, code) in [
        (Call::Open, ErrorKind::PermissionDenied, ErrorCode::Config),
        (Call::WriteAt, ErrorKind::StorageFull, ErrorCode::DiskFull),
        (Call::WriteAt, ErrorKind::Other, ErrorCode::Io),
        (Call::SyncData, ErrorKind::StorageFull, ErrorCode::DiskFull),
        (Call::Rename, ErrorKind::Other, ErrorCode::Io),
    ] {
        let bench = Bench::new();
        let path = bench.path("dump.ndjson");
        fs::write(&path, "old").unwrap();
        bench.files.inject(Fault::fail(kind).on(call).path("dump.ndjson"));
        let error = bench.dump(&path).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains("dump.ndjson"), "{error}");
        assert_eq!(bench.files.met(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(bench.names(), ["dump.ndjson", "store"]);
        bench.dump(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), WHOLE);
    }
}

#[test]
fn a_write_that_is_cut_short_or_interrupted_is_taken_up_again() {
    let bench = Bench::new();
    bench.files.inject(Fault::cut(3).path("dump.ndjson").times(5));
    bench.files.inject(Fault::fail(ErrorKind::Interrupted).on(Call::WriteAt).path("dump.ndjson").skip(7));
    let path = bench.path("dump.ndjson");
    bench.dump(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), WHOLE);
    assert_eq!(bench.files.met(), 5);
}

#[test]
fn a_dump_that_is_ended_leaves_nothing() {
    let bench = Bench::new();
    let mut tell = |_: Progress| ControlFlow::Break(());
    for format in [Format::Ndjson, Format::Csv] {
        let path = bench.path("dump");
        let ended = bench.store.dump_blocking(&path, KeyRange::ALL, format, &mut tell);
        assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
        assert_eq!(bench.names(), ["store"]);
    }
}

#[test]
fn a_target_that_no_dump_can_have_is_refused() {
    let bench = Bench::new();
    let refused = |path: &Path| bench.dump(path).unwrap_err().code();
    assert_eq!(refused(bench.folder.path()), ErrorCode::Argument);
    assert_eq!(refused(&bench.path("store/dump.ndjson")), ErrorCode::Argument);
    assert_eq!(refused(&bench.path("store/../store/log/dump.ndjson")), ErrorCode::Argument);
    assert_eq!(refused(&bench.path("store/hitkv.json")), ErrorCode::Argument);
    assert_eq!(refused(&bench.path("missing/dump.ndjson")), ErrorCode::Config);
    assert_eq!(refused(Path::new("")), ErrorCode::Argument);
    let go_hit =
        bench.store.dump_blocking(&bench.path("dump.json"), KeyRange::ALL, Format::GoHit, &mut quiet);
    assert_eq!(go_hit.unwrap_err().code(), ErrorCode::Argument);
    assert_eq!(bench.names(), ["store"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_a_device_stays_one() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let bench = Bench::new();
    fs::write(bench.path("real.ndjson"), "old").unwrap();
    symlink(bench.path("real.ndjson"), bench.path("link.ndjson")).unwrap();
    bench.dump(&bench.path("link.ndjson")).unwrap();
    assert_eq!(fs::read_to_string(bench.path("real.ndjson")).unwrap(), WHOLE);
    assert!(fs::symlink_metadata(bench.path("link.ndjson")).unwrap().is_symlink());
    assert_eq!(bench.dump(Path::new("/dev/null")).unwrap(), 2);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn a_dump_is_of_one_moment_and_its_progress_counts_entries_and_bytes() {
    for format in [Format::Ndjson, Format::Csv] {
        let store = Store::open_blocking("memory:", OpenOptions::default()).unwrap();
        fill(&store, 0..10_000, "old");
        let mut told = Vec::new();
        let mut tell = |progress: Progress| {
            told.push(progress);
            fill(&store, 9_000..11_000, "new");
            ControlFlow::Continue(())
        };
        let mut text = Vec::new();
        let dumped = store.dump_stream_blocking(&mut text, "text", KeyRange::ALL, format, &mut tell).unwrap();
        assert_eq!(dumped, 10_000);
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("new"));
        assert!(told.len() > 1 && told.is_sorted_by_key(|progress| progress.bytes));
        let whole = Progress { done: 10_000, total: Some(10_000), bytes: text.len() as u64 };
        assert_eq!(told.last(), Some(&whole));
    }
}

#[test]
fn a_dump_holds_a_range_and_no_entry_that_has_expired() {
    let clock = Arc::new(TestClock::at(1_000));
    let options = OpenOptions { clock: clock.clone(), ..OpenOptions::default() };
    let store = Store::open_blocking("memory:", options).unwrap();
    for (key, expires_at) in [("a", None), ("b", Some(1_500)), ("c", Some(2_500)), ("d", None)] {
        let operation = Operation::Set { key: key.as_bytes(), value: b"v", expires_at };
        store.submit(std::iter::once(operation), None, drop).unwrap();
    }
    clock.advance(1_000);
    let dump = |range| {
        let mut text = Vec::new();
        store.dump_stream_blocking(&mut text, "text", range, Format::Csv, &mut quiet).unwrap();
        String::from_utf8(text).unwrap()
    };
    assert_eq!(dump(KeyRange { start: b"b", end: Some(b"d") }), "key,value,expiresAt\nc,v,2500\n");
    assert_eq!(dump(KeyRange { start: b"d", end: None }), "key,value\nd,v\n");
    assert_eq!(dump(KeyRange { start: b"x", end: None }), "key,value\n");
}

#[test]
fn a_stream_that_takes_nothing_more_is_named() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::new();
    let result = bench.store.dump_stream_blocking(
        &mut Closed,
        "standard output",
        KeyRange::ALL,
        Format::Ndjson,
        &mut quiet,
    );
    let error = result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert!(error.message().starts_with("cannot write standard output: "), "{error}");
}

//! What becomes a store, what is refused, and who may hold it.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::sync::{Arc, Barrier};

use hit_core::{ErrorCode, Result};
use hit_log::{Folder, LockFile, Log, LogOptions, RESERVE_BYTES, Reserve, SystemFiles};
use hit_testkit::{Call, Fault};
use support::{Recorded, Store};

fn open(store: &Store, kind: &str, create: bool) -> Result<Folder> {
    Folder::open(store.files.clone(), &store.path(), kind, create)
}

fn code<T>(result: Result<T>) -> ErrorCode {
    result.err().expect("it was not refused").code()
}

#[test]
fn a_missing_folder_is_made_with_its_parents_or_refused() {
    let store = Store::new();
    let path = store.path().join("deep").join("er");
    let open = |create| Folder::open(store.files.clone(), &path, "file", create);
    let error = open(false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(error.message().contains("there is no store at"), "{error}");
    assert!(!store.path().exists());
    let made = open(true).unwrap();
    assert_eq!(open(false).unwrap().id(), made.id());
    let text = fs::read_to_string(path.join("hitkv.json")).unwrap();
    assert_eq!(text, format!("{{\"kind\":\"file\",\"format\":1,\"id\":\"{}\"}}\n", made.id()));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

/// As `/proc` does.
#[test]
fn a_folder_that_nobody_can_make_is_refused_and_not_tried_for_ever() {
    let store = Store::new();
    let refused = Fault::fail(ErrorKind::NotFound).on(Call::CreateDir).path("never").times(u64::MAX);
    store.files.inject(refused);
    let path = store.path().join("never");
    assert_eq!(code(Folder::open(store.files.clone(), &path, "file", true)), ErrorCode::Io);
}

#[test]
fn an_empty_folder_becomes_a_store_only_if_allowed() {
    let store = Store::new();
    fs::create_dir(store.path()).unwrap();
    assert_eq!(code(open(&store, "file", false)), ErrorCode::Config);
    // What file systems and interrupted creators leave does not count.
    fs::create_dir(store.path().join("lost+found")).unwrap();
    fs::write(store.path().join("hitkv.json.0123456789abcdef.tmp"), "{").unwrap();
    open(&store, "file", true).unwrap();
    let open = store.open();
    assert!(!store.content().keys().any(|name| name.ends_with(".tmp")), "the owner removes it");
    drop(open);
}

#[test]
fn what_is_not_a_store_is_refused_and_left_as_it_is() {
    let store = Store::new();
    fs::create_dir(store.path()).unwrap();
    fs::write(store.path().join("foo.json"), "{\"key\":\"foo\",\"value\":\"bar\"}\n").unwrap();
    let before = store.content();
    let error = open(&store, "file", true).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(error.message().contains("holds 'foo.json' and no hitkv.json"), "{error}");
    assert_eq!(store.content(), before);

    let file = store.path().join("foo.json");
    for path in [file.clone(), file.join("below")] {
        assert_eq!(code(Folder::open(store.files.clone(), &path, "file", true)), ErrorCode::Config);
    }
    assert_eq!(code(Folder::open(store.files.clone(), "a\0b".as_ref(), "file", true)), ErrorCode::Config);
    assert_eq!(store.content(), before);
}

#[test]
fn a_store_of_another_kind_or_of_a_newer_version_is_refused() {
    let store = Store::new();
    let folder = open(&store, "rocksdb", true).unwrap();
    let error = open(&store, "file", true).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Config);
    assert!(error.message().contains("'rocksdb'"), "{error}");
    let description = store.path().join("hitkv.json");
    for (text, expected) in [
        (format!("{{\"format\":2,\"id\":\"{}\"}}", folder.id()), ErrorCode::Config),
        (format!("{{\"kind\":\"file\",\"format\":0,\"id\":\"{}\"}}", folder.id()), ErrorCode::Corruption),
        ("{\"kind\":\"file\",\"format\":1,\"id\":\"1\"}".into(), ErrorCode::Config),
        ("{\"name\":\"something else\"}".into(), ErrorCode::Config),
        ("[]".into(), ErrorCode::Config),
        ("{\"kind\":\"file\",\"for".into(), ErrorCode::Corruption),
        (String::new(), ErrorCode::Corruption),
        (" ".repeat(100_000), ErrorCode::Io),
    ] {
        fs::write(&description, &text).unwrap();
        assert_eq!(code(open(&store, "file", true)), expected, "{text}");
        assert_eq!(fs::read_to_string(&description).unwrap(), text);
    }
}

#[test]
fn creators_at_the_same_moment_agree_on_one_id() {
    for _ in 0..20 {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let barrier = Barrier::new(4);
        let ids: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let folder = Folder::open(Arc::new(SystemFiles), &path, "file", true).unwrap();
                        drop(LockFile::open(&folder).unwrap().acquire());
                        folder.id()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_refused_by_name() {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        for call in [Call::CreateDir, Call::Open] {
            let store = Store::new();
            store.files.inject(Fault::fail(kind).on(call).times(u64::MAX));
            let error = open(&store, "file", true).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Config);
            assert!(error.message().contains("give this user the right to write"), "{error}");
        }
        // An existing store on a file system that became read-only.
        let store = Store::new();
        let folder = open(&store, "file", true).unwrap();
        store.files.inject(Fault::fail(kind).on(Call::Open).path("hitkv.lock").times(u64::MAX));
        assert_eq!(code(LockFile::open(&folder)), ErrorCode::Config);
    }
}

#[test]
fn a_file_system_without_links_or_locks_is_named() {
    let store = Store::new();
    store.files.inject(Fault::fail(ErrorKind::Unsupported).on(Call::Link));
    assert_eq!(code(open(&store, "file", true)), ErrorCode::Unsupported);
    store.files.inject(Fault::fail(ErrorKind::Unsupported).on(Call::TryLock));
    assert_eq!(code(store.try_open()), ErrorCode::Unsupported);
}

#[test]
fn every_failed_call_of_a_creation_can_be_followed_by_another_try() {
    for call in 0.. {
        let store = Store::new();
        store.files.inject(Fault::fail(ErrorKind::Other).skip(call).times(u64::MAX));
        if store.try_open().is_ok() && store.files.met() == 0 {
            assert!(call > 20, "only {call} calls were tried");
            break;
        }
        store.files.heal();
        assert_eq!(store.open().recorded.operations, [], "call {call}");
        assert!(!store.content().keys().any(|name| name.ends_with(".tmp")), "call {call}");
    }
}

#[test]
fn a_held_store_is_refused_naming_its_owner_and_what_to_do() {
    let store = Store::new();
    let first = store.open();
    let refusal = || {
        let lock = LockFile::open(&store.folder().unwrap()).unwrap();
        assert_eq!(lock.identity(), LockFile::open(first.lock.folder()).unwrap().identity());
        let error = lock.acquire().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Locked);
        error.message().to_owned()
    };
    let pid = std::process::id();
    let message = refusal();
    assert!(
        message.contains(&format!("process {pid} on ")) && message.contains("engine native"),
        "{message}"
    );
    assert!(message.ends_with("close it there, then try again"), "{message}");
    first.lock.set_address(Some("http://127.0.0.1:8080"));
    assert!(refusal().contains("use its server at http://127.0.0.1:8080"));
    first.lock.set_address(None);
    assert!(!refusal().contains("8080"));
    // Nobody judges by OWNER: without it, or with nonsense in it, the lock holds.
    for text in ["", "nonsense"] {
        fs::write(store.path().join("OWNER"), text).unwrap();
        assert!(refusal().contains("by another program"));
    }
    first.close().unwrap();
    assert!(!store.path().join("OWNER").exists(), "a clean release removes it");
    drop(store.open());
}

/// Runs as a child of the next test and holds the lock until it is killed.
#[test]
fn child_that_holds_the_lock() {
    let Some(path) = std::env::var_os("HIT_LOG_TEST_HOLD") else { return };
    let folder = Folder::open(Arc::new(SystemFiles), path.as_ref(), "file", true).unwrap();
    let _lock = LockFile::open(&folder).unwrap().acquire().unwrap();
    fs::write(folder.path().with_extension("held"), "").unwrap();
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    std::thread::park();
}

#[test]
fn the_kernel_releases_the_lock_of_a_killed_process() {
    let store = Store::new();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_holds_the_lock"])
        .env("HIT_LOG_TEST_HOLD", store.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let held = store.path().with_extension("held");
    while !held.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "the child ended");
        std::thread::yield_now();
    }
    let error = store.try_open().err().unwrap();
    assert_eq!(error.code(), ErrorCode::Locked);
    assert!(error.message().contains(&format!("process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store.path().join("OWNER").exists());
    store.open().close().unwrap();
}

#[test]
fn a_folder_that_is_replaced_while_it_is_opened_is_noticed() {
    let store = Store::new();
    let folder = store.folder().unwrap();
    let lock = LockFile::open(&folder).unwrap();
    fs::rename(store.path(), store.root.path().join("away")).unwrap();
    assert_eq!(code(lock.acquire()), ErrorCode::Busy);
    let other = LockFile::open(&store.folder().unwrap()).unwrap();
    assert_eq!(code(LockFile::open(&folder).unwrap().acquire()), ErrorCode::Busy);
    let lock = other.acquire().unwrap();
    let mut recorded = Recorded::default();
    assert_eq!(code(Log::open(&folder, &lock, LogOptions::default(), &mut recorded)), ErrorCode::Argument);
}

#[test]
fn the_reserve_takes_its_space_once_and_gives_it_back() {
    let store = Store::new();
    let folder = store.folder().unwrap();
    let path = store.path().join("hitkv.reserve");
    for _ in 0..2 {
        Reserve::ensure(&folder, RESERVE_BYTES).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), RESERVE_BYTES);
    }
    Reserve::ensure(&folder, RESERVE_BYTES).unwrap().release().unwrap();
    assert!(!path.exists());
    // Where space cannot be taken ahead, zeros take it.
    store.files.inject(Fault::fail(ErrorKind::Unsupported).on(Call::Allocate));
    Reserve::ensure(&folder, 100_000).unwrap();
    assert_eq!(fs::read(&path).unwrap(), vec![0; 100_000]);
    store.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::Allocate));
    assert_eq!(code(Reserve::ensure(&folder, RESERVE_BYTES)), ErrorCode::DiskFull);
    assert!(!path.exists(), "a part of a reserve helps nobody");
}

//! Calls that fail: appends that are rejected never come back, a failed sync poisons, recovery can be repeated.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hit_core::{ErrorCode, Result};
use hit_log::{Frame, Log, Replay, ReplayedFrame};
use hit_testkit::{Call, Fault};
use support::{Store, Written, frame, one};

/// Frames long and short, so that one append takes several writes.
fn group() -> Vec<Frame> {
    let long = "x".repeat(100_000);
    ["a", long.as_str(), "b", long.as_str(), "c"]
        .into_iter()
        .enumerate()
        .map(|(number, value)| one(&format!("group{number}"), value))
        .collect()
}

const GROUP: [&str; 5] = ["group0", "group1", "group2", "group3", "group4"];

#[test]
fn a_full_disk_at_any_write_rejects_the_group_and_the_same_call_succeeds_later() {
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::Other] {
        for nth in 0.. {
            let store = Store::new();
            let mut open = store.open();
            open.write("before", "1");
            let end = open.log.next_sequence();
            // The write that fails has written a part before.
            store.files.inject(Fault::cut(nth as usize * 7 + 1).on(Call::WriteAt).path(".log").skip(nth));
            store
                .files
                .inject(Fault::fail(kind).on(Call::WriteAt).path(".log").skip(nth + 1).times(u64::MAX));
            let mut frames = group();
            let result = open.log.append(&mut frames);
            if result.is_ok() {
                assert!(nth >= 4, "only {nth} writes were tried");
                break;
            }
            let expected = if kind == ErrorKind::Other { ErrorCode::Io } else { ErrorCode::DiskFull };
            assert_eq!(result.unwrap_err().code(), expected);
            assert_eq!(open.log.next_sequence(), end);
            let rejected = store.content();
            store.files.heal();

            // Killed now: nothing of it is there.
            let killed = Store::copy_of(&rejected, store.options);
            assert_eq!(killed.open().keys(), ["before"], "write {nth}");

            // Or it is written after all, behind something else.
            open.write("between", "");
            open.log.append(&mut frames).unwrap();
            open.log.sync().unwrap();
            drop(open);
            let expected: Vec<_> = ["before", "between"].into_iter().chain(GROUP).collect();
            assert_eq!(store.open().keys(), expected, "write {nth}");
        }
    }
}

#[test]
fn a_rejected_append_is_taken_back_durably() {
    let store = Store::new();
    let mut open = store.open();
    open.append(one("a", "1")).unwrap();
    store.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt));
    store.files.forget_calls();
    open.append(one("b", "2")).unwrap_err();
    let calls = store.files.calls();
    assert_eq!(calls[calls.len() - 2..], [Call::SetSize, Call::SyncData]);
}

#[test]
fn space_that_cannot_be_taken_ahead_is_no_failure() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Unsupported, ErrorKind::Interrupted] {
        let store = Store::new();
        store.files.inject(Fault::fail(kind).on(Call::Allocate).times(u64::MAX));
        let mut open = store.open();
        open.write("a", "1");
        open.write("b", "2");
        drop(open);
        assert_eq!(store.read("00000001.log").len(), 96 + 48 + 48);
        assert_eq!(store.open().keys(), ["a", "b"]);
    }
}

#[test]
fn interrupted_and_short_calls_are_continued() {
    let store = Store::new();
    store.files.inject(Fault::cut(13).times(u64::MAX));
    for call in [Call::ReadAt, Call::WriteAt, Call::SyncData] {
        for skip in 0..20 {
            store.files.inject(Fault::fail(ErrorKind::Interrupted).on(call).skip(skip * 3));
        }
    }
    let mut open = store.open();
    for number in 0..30 {
        open.write(&format!("key{number}"), "some value");
    }
    drop(open);
    assert_eq!(store.open().keys().len(), 30);
    assert!(store.files.met() > 100);
}

#[test]
fn a_failed_sync_poisons_every_call_and_reopening_recovers() {
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        let store = Store::new();
        let mut open = store.open();
        open.write("a", "1");
        open.append(one("b", "2")).unwrap();
        store.files.inject(Fault::fail(kind).on(Call::SyncData));
        let error = open.log.sync().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Poisoned);
        assert!(error.message().contains("00000001.log"), "{error}");
        for result in [open.append(one("c", "3")), open.log.sync(), open.log.mark()] {
            assert_eq!(result.unwrap_err().code(), ErrorCode::Poisoned);
        }
        assert_eq!(open.log.stats().synced, 2);
        assert_eq!(open.close().unwrap_err().code(), ErrorCode::Poisoned);
        let mut open = store.open();
        assert_eq!(open.keys(), ["a", "b"]);
        open.write("c", "3");
    }
}

#[test]
fn a_failed_write_that_cannot_be_taken_back_poisons() {
    for call in [Call::SetSize, Call::SyncData] {
        let store = Store::new();
        let mut open = store.open();
        open.write("a", "1");
        store.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt));
        store.files.inject(Fault::fail(ErrorKind::Other).on(call));
        assert_eq!(open.append(one("b", "2")).unwrap_err().code(), ErrorCode::Poisoned);
        assert_eq!(open.append(one("b", "2")).unwrap_err().code(), ErrorCode::Poisoned);
        drop(open);
        assert_eq!(store.open().keys(), ["a"]);
    }
}

#[test]
fn a_failed_mark_leaves_nothing_behind() {
    let store = Store::new();
    let mut open = store.open();
    open.write("a", "1");
    store.files.inject(Fault::cut(20).on(Call::WriteAt));
    store.files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).skip(1));
    assert_eq!(open.log.mark().unwrap_err().code(), ErrorCode::DiskFull);
    let taken_back = store.read("00000001.log");
    assert_eq!(taken_back.len(), support::SEGMENT_HEADER_BYTES + 48);
    open.log.mark().unwrap();
    assert_eq!(store.read("00000001.log").len(), taken_back.len() + 40, "it is written after all");
    open.write("b", "2");
    drop(open);
    assert_eq!(store.open().keys(), ["a", "b"]);
}

#[test]
fn every_failed_call_of_a_rotation_can_be_followed_by_another_try_or_a_reopening() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for nth in 0.. {
            let store = Store::with_segments_of(150);
            let mut open = store.open();
            open.append(one("a", "1")).unwrap();
            open.append(one("b", "2")).unwrap();
            store.files.inject(Fault::fail(kind).skip(nth));
            let result = open.append(one("c", "3"));
            if store.files.met() == 0 {
                assert!(nth >= 7, "only {nth} calls were tried");
                break;
            }
            let left = store.content();
            store.files.heal();
            let expected: &[&str] = if result.is_ok() { &["a", "b", "c"] } else { &["a", "b"] };
            assert_eq!(Store::copy_of(&left, store.options).open().keys(), expected, "call {nth}");
            match result {
                Ok(()) => {}
                Err(error) if error.code() == ErrorCode::Poisoned => continue,
                Err(_) => open.append(one("c", "3")).unwrap(),
            }
            open.close().unwrap();
            assert_eq!(store.open().keys(), ["a", "b", "c"], "call {nth}");
        }
    }
}

#[test]
fn every_failed_call_of_a_close_loses_nothing() {
    for nth in 0.. {
        let store = Store::with_segments_of(150);
        let mut open = store.open();
        for key in ["a", "b", "c"] {
            open.append(one(key, "")).unwrap();
        }
        store.files.inject(Fault::fail(ErrorKind::StorageFull).skip(nth).times(u64::MAX));
        let Open { closed, .. } = close(open);
        let met = store.files.met();
        store.files.heal();
        assert_eq!(store.open().keys(), ["a", "b", "c"], "call {nth}");
        if met == 0 {
            assert!(nth >= 6 && closed.is_ok(), "only {nth} calls were tried");
            break;
        }
    }
}

struct Open {
    closed: Result<()>,
}

/// Closes the log while the lock is still held, as a store does.
fn close(open: support::Open) -> Open {
    Open { closed: open.log.close() }
}

#[test]
fn recovery_that_dies_at_any_call_can_be_repeated() {
    // Two segments, the last one with proven frames, frames that may not be synced, and a torn tail.
    let store = Store::with_segments_of(250);
    let mut open = store.open();
    for key in ["a", "b", "c", "d"] {
        open.write(key, "");
    }
    open.append(frame(&[Written::set("e", ""), Written::Delete(b"f".to_vec())])).unwrap();
    open.append(one("g", "")).unwrap();
    open.append(one("torn", "")).unwrap();
    drop(open);
    let mut bytes = store.read("00000002.log");
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    bytes[end - 1] ^= 1;
    store.replace("00000002.log", &bytes);
    store.replace("00000003.log.tmp", b"of an earlier recovery");
    let content = store.content();
    let expected = ["a", "b", "c", "d", "e", "f", "g"];

    for cut in [None, Some(11)] {
        for nth in 0.. {
            let store = Store::copy_of(&content, store.options);
            if let Some(bytes) = cut {
                store.files.inject(Fault::cut(bytes).on(Call::WriteAt).path(".log").skip(nth));
            }
            store.files.inject(Fault::fail(ErrorKind::Other).skip(nth).times(u64::MAX));
            let died = store.try_open().is_err();
            let met = store.files.met();
            store.files.heal();
            let mut again = store.open();
            assert_eq!(again.keys(), expected, "call {nth}");
            again.write("next", "");
            drop(again);
            assert_eq!(store.open().keys().len(), expected.len() + 1, "call {nth}");
            if met == 0 {
                assert!(nth > 30 && !died, "only {nth} calls were tried");
                break;
            }
        }
    }
}

#[test]
fn nothing_is_changed_when_the_replay_fails() {
    struct Refusing;
    impl Replay for Refusing {
        fn begin(&mut self, _first_sequences: &[u64], _operations: u64) {}
        fn frame(&mut self, _frame: &ReplayedFrame<'_>) -> Result<()> {
            Err(hit_core::Error::new(ErrorCode::Aborted, "enough"))
        }
    }
    let store = Store::new();
    let mut open = store.open();
    open.append(one("a", "1")).unwrap();
    drop(open.log);
    let before = store.content();
    let error = Log::open(open.lock.folder(), &open.lock, store.options, &mut Refusing).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Aborted);
    assert_eq!(store.content().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(store.content() == before);
}

#[test]
fn the_order_of_a_new_segments_calls_makes_it_whole_before_it_has_its_name() {
    let store = Store::new();
    let mut open = store.open();
    let named = Arc::new(Mutex::new(None));
    let (seen, path) = (named.clone(), store.log_path("00000001.log.tmp"));
    store.files.inject(
        Fault::delay(move || *seen.lock().unwrap() = std::fs::read(&path).ok()).on(Call::Rename).path(".log"),
    );
    store.files.forget_calls();
    open.append(one("a", "1")).unwrap();
    let header = named.lock().unwrap().take().unwrap();
    assert_eq!(header.len(), support::SEGMENT_HEADER_BYTES);
    assert_eq!(header[..8], *b"hitkvlog");
    let calls = store.files.calls();
    let at = |call| calls.iter().position(|&made| made == call).unwrap();
    assert!(at(Call::SyncData) < at(Call::Rename) && at(Call::Rename) < at(Call::SyncFolder));
    assert!(at(Call::SyncFolder) < at(Call::Allocate), "{calls:?}");
}

#[test]
fn a_delayed_call_waits_for_the_test() {
    let store = Store::new();
    let mut open = store.open();
    open.append(one("a", "1")).unwrap();
    let reached = Arc::new(AtomicBool::new(false));
    let seen = reached.clone();
    store.files.inject(Fault::delay(move || seen.store(true, Ordering::Relaxed)).on(Call::SyncData));
    assert!(!reached.load(Ordering::Relaxed));
    open.log.sync().unwrap();
    assert!(reached.load(Ordering::Relaxed));
}

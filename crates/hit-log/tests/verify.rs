//! Checking a folder: whatever is not as it was written is named, and nothing is changed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::ops::ControlFlow;

use hit_core::Problem;
use hit_core::{ErrorCode, Result};
use hit_log::{Decision, FrameOperations, Judge, ValuePlace, verify};
use hit_testkit::{Call, Fault};
use support::{Store, one};

struct KeepAll;

impl Judge for KeepAll {
    fn judge(&mut self, operations: FrameOperations<'_>, decisions: &mut Vec<Decision>) -> Result<()> {
        decisions.extend(operations.map(|_| Decision::Keep));
        Ok(())
    }

    fn moved(&mut self, _sequence: u64, _key: &[u8], _length: u32, _place: ValuePlace) {}

    fn pace(&mut self, _read: u64, _written: u64) -> Result<()> {
        Ok(())
    }
}

/// A run, two sealed segments and, if it was not closed, one that is written to.
fn store(closed: bool) -> Store {
    let store = Store::with_segments_of(150);
    let mut open = store.open();
    for number in 0..8 {
        open.append(one(&format!("key{number}"), "v")).unwrap();
    }
    open.log.seal().unwrap();
    let run = open.log.stretch(0, 2).unwrap().compact(9, &mut KeepAll).unwrap();
    open.log.install(&run).unwrap();
    run.replaces().for_each(|id| open.log.remover().remove(id).unwrap());
    open.append(one("last", "v")).unwrap();
    open.log.sync().unwrap();
    open.append(one("end", "v")).unwrap();
    if closed {
        open.close().unwrap();
    }
    store
}

/// Checks the folder and that it was not changed.
fn problems(store: &Store) -> Vec<Problem> {
    let before = store.content();
    let (problems, _) = verify(&store.folder().unwrap(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(store.content() == before, "the folder was changed");
    problems
}

#[test]
fn a_whole_store_has_no_problem_and_is_read_whole() {
    for closed in [true, false] {
        let store = store(closed);
        let mut told = Vec::new();
        let (problems, bytes) = verify(&store.folder().unwrap(), &mut |progress| {
            told.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(problems, []);
        let names = store.log_names();
        let files: u64 = names
            .iter()
            .filter(|name| *name != "manifest")
            .map(|name| store.read(name).iter().rposition(|&byte| byte != 0).unwrap() as u64 / 8 * 8 + 8)
            .sum();
        assert_eq!(bytes, files, "closed: {closed}");
        let last = told.last().unwrap();
        assert_eq!((last.done, last.total, last.bytes), (4, Some(4), bytes));
    }
}

#[test]
fn every_altered_byte_is_found_and_its_file_named() {
    let store = store(true);
    for name in store.log_names() {
        let whole = store.read(&name);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x20;
            store.replace(&name, &bytes);
            let problems = problems(&store);
            assert!(!problems.is_empty(), "{name} byte {at}");
            // A manifest of another length or store says no file's name.
            assert_eq!(problems[0].file, store.log_path(&name), "byte {at}");
            assert!(matches!(problems[0].code, ErrorCode::Corruption | ErrorCode::Config));
            assert!(problems[0].offset <= at as u64, "{problems:?}");
        }
        store.replace(&name, &whole);
    }
    assert_eq!(problems(&store), []);
}

#[test]
fn every_cut_and_every_missing_file_is_found() {
    let store = store(true);
    for name in store.log_names() {
        let whole = store.read(&name);
        for length in 0..whole.len() {
            store.replace(&name, &whole[..length]);
            let problems = problems(&store);
            assert!(problems.iter().any(|it| it.file == store.log_path(&name)), "{name} cut to {length}");
        }
        std::fs::remove_file(store.log_path(&name)).unwrap();
        let problems = problems(&store);
        assert!(
            problems.iter().any(|it| it.file == store.log_path(&name)),
            "{name} is missing: {problems:?}"
        );
        store.replace(&name, &whole);
    }
}

#[test]
fn it_goes_on_behind_damage_and_says_what_is_affected() {
    let store = Store::new();
    let mut open = store.open();
    for number in 0..6 {
        open.append(one(&format!("key{number}"), "v")).unwrap();
    }
    open.close().unwrap();
    let mut bytes = store.read("00000001.log");
    let frame = 48;
    bytes[support::SEGMENT_HEADER_BYTES + frame + 45] ^= 1;
    bytes[support::SEGMENT_HEADER_BYTES + 3 * frame + 4] ^= 1;
    bytes[support::SEGMENT_HEADER_BYTES + 4 * frame + 4] ^= 1;
    store.replace("00000001.log", &bytes);
    let problems = problems(&store);
    let found: Vec<_> = problems.iter().map(|problem| problem.offset as usize).collect();
    assert_eq!(found, [96 + frame, 96 + 3 * frame], "{problems:?}");
    assert!(problems[0].message.ends_with("operation 2 is lost"), "{}", problems[0].message);
    assert!(problems[1].message.ends_with("operations 4 to 5 are lost"), "{}", problems[1].message);
}

#[test]
fn a_torn_tail_is_no_problem_and_a_damaged_one_is() {
    let store = store(false);
    let name = "00000005.log";
    let whole = store.read(name);
    let end = whole.iter().rposition(|&byte| byte != 0).unwrap();
    let mut torn = whole.clone();
    torn[end - 3] ^= 1;
    store.replace(name, &torn);
    assert_eq!(problems(&store), []);
    // The second frame says that the first was synced.
    let mut damaged = whole;
    damaged[support::SEGMENT_HEADER_BYTES + 44] ^= 1;
    store.replace(name, &damaged);
    let problems = problems(&store);
    assert_eq!((problems.len(), problems[0].offset), (1, 96), "{problems:?}");
}

#[test]
fn what_cannot_be_read_is_named_too_and_breaking_ends_it() {
    let store = store(true);
    let denied = Fault::fail(std::io::ErrorKind::PermissionDenied).on(Call::Open).path("00000003.log");
    store.files.inject(denied);
    let folder = store.folder().unwrap();
    let (problems, _) = verify(&folder, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let error = verify(&folder, &mut |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Aborted);
}

//! Each file operation of a scripted run fails in turn: the answer has the right code, what was refused leaves no trace,
//! and what was promised is there when the store is opened again with files that work.
//!
//! | what fails | what is answered |
//! |---|---|
//! | a call that only serves speed, messages or tidiness | nothing |
//! | the sync of a segment that holds operations, or of the folder behind a new manifest | `HIT_POISONED`, until the store is opened again |
//! | any other call with `ENOSPC` | `HIT_DISK_FULL`, if it fails again; the manifest of a close may be missing |
//! | any other call | `HIT_IO` |
//! | reads and writes that move less than they were asked to | nothing |

#![allow(clippy::unwrap_used, missing_docs, reason = "a test fails by panicking")]
#![cfg(unix)]

mod effect;
mod outcome;
mod recovery;
mod script;

use hit::{Error, ErrorCode};
use hit_testkit::{Call, Disk, Fault};

use effect::{EIO, EMFILE, ENOSPC, Effect, expected, refusal};
use outcome::{each, run, run_on};
use script::{busy_script, script};

#[test]
fn each_call_that_fails_once_is_answered_with_its_code_and_loses_nothing() {
    for number in [EIO, ENOSPC, EMFILE] {
        let tried = each(|nth| {
            let outcome = run(|_| vec![Fault::fail_with(number).skip(nth)]);
            let Some((call, name)) = outcome.failed.first() else { return false };
            let context = format!("error {number} at call {nth}, {call:?} {name}");
            let codes: Vec<_> = outcome.failures.iter().map(Error::code).collect();
            let effect = match codes.as_slice() {
                [] => Effect::Nothing,
                codes if codes.iter().all(|&code| code == ErrorCode::Poisoned) => Effect::Poisoned,
                // One write, one opening or one close, and no other.
                [code] if *code == refusal(number) => Effect::Refused,
                _ => panic!("{context}: {codes:?}"),
            };
            assert!(expected(number, *call, name).contains(&effect), "{context}: {effect:?}");
            outcome.check_what_is_kept(&context);
            true
        });
        assert!(tried > 100, "only {tried} calls were tried");
    }
}

#[test]
fn calls_that_fail_from_some_moment_on_end_nothing_badly() {
    for number in [EIO, ENOSPC] {
        let tried = each(|nth| {
            let outcome = run(|_| vec![Fault::fail_with(number).skip(nth).times(u64::MAX)]);
            let context = format!("error {number} from call {nth} on");
            for error in &outcome.failures {
                let allowed = [refusal(number), ErrorCode::Poisoned];
                assert!(allowed.contains(&error.code()), "{context}: {error}");
            }
            outcome.check_what_is_kept(&context);
            outcome.met
        });
        assert!(tried > 100, "only {tried} calls were tried");
    }
}

#[test]
fn a_store_that_compacts_by_itself_neither_hangs_nor_loses_anything_when_calls_fail() {
    for number in [EIO, ENOSPC] {
        let tried = each(|nth| {
            let times = if nth % 2 == 0 { 1 } else { u64::MAX };
            let fault = Fault::fail_with(number).skip(nth * 9).times(times);
            let outcome = run_on(Disk::new(), &busy_script(nth), vec![fault], true);
            let context = format!("error {number}, {times} times, from call {} on, script {nth}", nth * 9);
            for error in &outcome.failures {
                let allowed = [refusal(number), ErrorCode::Poisoned];
                assert!(allowed.contains(&error.code()), "{context}: {error}");
            }
            outcome.check_what_is_kept(&context);
            nth < 60
        });
        assert!(tried > 50, "only {tried} calls were tried");
    }
}

#[test]
fn no_file_can_be_opened_from_some_moment_on() {
    let tried = each(|nth| {
        let outcome = run(|_| vec![Fault::fail_with(EMFILE).on(Call::Open).skip(nth).times(u64::MAX)]);
        let context = format!("no file after {nth}");
        assert!(outcome.failures.iter().all(|error| error.code() == ErrorCode::Io), "{context}");
        outcome.check_what_is_kept(&context);
        outcome.met
    });
    assert!(tried > 20, "only {tried} calls were tried");
}

#[test]
fn reads_and_writes_that_move_less_than_asked_are_carried_on() {
    for bytes in [7, 511] {
        let outcome = run(|_| vec![Fault::cut(bytes).times(u64::MAX)]);
        assert!(outcome.met && outcome.failures.is_empty(), "{:?}", outcome.failures);
        outcome.check_what_is_kept("all cut");
    }
    let tried = each(|nth| {
        let cut = Fault::cut(9).on(Call::WriteAt).skip(nth);
        let outcome = run(|_| vec![cut, Fault::fail_with(EIO).on(Call::WriteAt).skip(nth + 1)]);
        let context = format!("write {nth} was cut, the rest of it failed");
        assert!(outcome.failures.iter().all(|error| error.code() == ErrorCode::Io), "{context}");
        outcome.check_what_is_kept(&context);
        !outcome.failed.is_empty()
    });
    assert!(tried > 15, "only {tried} calls were tried");
}

#[test]
fn a_sync_that_fails_and_drops_what_it_should_have_written_loses_nothing_that_was_promised() {
    for seed in 0..4 {
        let tried = each(|nth| {
            let outcome = run(|disk| {
                let disk = disk.clone();
                let drop_unsynced = Fault::delay(move || disk.drop_unsynced(seed));
                vec![
                    drop_unsynced.on(Call::SyncData).skip(nth),
                    Fault::fail_with(EIO).on(Call::SyncData).skip(nth),
                ]
            });
            outcome.check_what_is_kept(&format!("sync {nth} failed, seed {seed}"));
            outcome.met
        });
        assert!(tried > 12, "only {tried} syncs were tried");
    }
}

#[test]
fn a_disk_of_any_size_fills_without_harm() {
    let roomy = run(|_| Vec::new());
    let needed = roomy.disk.taken_bytes() + hit_log::RESERVE_BYTES + (64 << 10);
    let step = needed / 60;
    each(|nth| {
        let disk = Disk::new();
        disk.set_capacity(Some(nth * step));
        let outcome = run_on(disk, &script(), Vec::new(), nth % 2 == 0);
        let context = format!("a disk of {} bytes", nth * step);
        for error in &outcome.failures {
            assert_eq!(error.code(), ErrorCode::DiskFull, "{context}: {error}");
        }
        assert!(nth > 1 || !outcome.failures.is_empty(), "{context} was not full");
        outcome.disk.set_capacity(None);
        outcome.check_what_is_kept(&context);
        nth * step < needed
    });
}

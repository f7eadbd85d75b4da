//! Damage is found wherever it is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use hit_core::{Error, ErrorCode, Problem, Storage, at_once};
use hit_rocksdb::{RocksDbOptions, verify};
use support::{Database, files};

fn check(folder: &Path) -> (Vec<Problem>, u64) {
    verify(folder, &RocksDbOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_whole_database_has_no_problems_and_is_left_as_it_is() {
    let database = Database::filled();
    let before = files(&database.path(), "");
    let (problems, bytes) = check(&database.path());
    assert_eq!(problems, []);
    assert_eq!(files(&database.path(), ""), before, "nothing is written");
    assert!(bytes > 10_000, "{bytes}");
}

#[test]
fn an_altered_byte_is_found_in_every_table_but_in_its_filter() {
    let database = Database::filled();
    let tables = files(&database.path(), ".sst");
    assert!(tables.len() > 3, "{tables:?}");
    for table in tables {
        let whole = fs::read(&table).unwrap();
        // All through it, and each byte of its footer.
        let offsets = (0..whole.len()).step_by(whole.len() / 40 + 1).chain(whole.len() - 53..whole.len());
        let mut missed = Vec::new();
        for at in offsets {
            let mut altered = whole.clone();
            altered[at] ^= 0x10;
            fs::write(&table, &altered).unwrap();
            let (problems, _) = check(&database.path());
            if problems.is_empty() {
                missed.push(at);
            }
            let is_placed = |problem: &Problem| {
                problem.code == ErrorCode::Corruption
                    && (problem.file == table || problem.file == database.path())
            };
            assert!(problems.iter().all(is_placed), "{problems:?}");
        }
        fs::write(&table, &whole).unwrap();
        // Its filter has ten bits a key, and at least a cache line.
        let filter_bytes = if whole.len() > 10_000 { 3_000 * 10 / 8 + 64 } else { 128 };
        let span = missed.iter().max().unwrap_or(&0) - missed.iter().min().unwrap_or(&0);
        assert!(span <= filter_bytes, "{} of {}: {missed:?}", table.display(), whole.len());
    }
    assert_eq!(check(&database.path()).0, []);
}

#[test]
fn damage_in_one_table_does_not_hide_that_in_another() {
    let database = Database::filled();
    let tables: Vec<_> = files(&database.path(), ".sst")
        .into_iter()
        .filter(|table| fs::metadata(table).unwrap().len() > 10_000)
        .collect();
    assert_eq!(tables.len(), 3);
    for (table, part) in tables.iter().zip([3, 2, 4]) {
        let mut bytes = fs::read(table).unwrap();
        let at = bytes.len() / part;
        bytes[at] ^= 1;
        fs::write(table, &bytes).unwrap();
    }
    let (problems, _) = check(&database.path());
    assert!(problems.len() >= 2, "{problems:?}");
    assert!(
        problems.iter().all(|problem| tables.contains(&problem.file) && problem.message.contains("checksum"))
    );
}

#[test]
fn a_table_that_is_missing_or_too_short_is_named() {
    let database = Database::filled();
    let tables = files(&database.path(), ".sst");
    let table = &tables[tables.len() - 1];
    let whole = fs::read(table).unwrap();
    fs::write(table, &whole[..whole.len() / 2]).unwrap();
    let (problems, _) = check(&database.path());
    assert!(problems.iter().any(|problem| problem.file == *table), "{problems:?}");
    fs::remove_file(table).unwrap();
    let (problems, _) = check(&database.path());
    assert!(
        problems.iter().any(|problem| problem.file == *table && problem.message.contains("missing")),
        "{problems:?}"
    );
}

#[test]
fn a_check_of_an_open_database_reads_the_disk() {
    let database = Database::filled();
    let again = database.reopened();
    assert_eq!(again.keys().len(), 3_000);
    let (problems, _) = at_once(again.storage.verify(&mut |_| ControlFlow::Continue(()))).unwrap();
    assert_eq!(problems, []);
    for table in files(&again.path(), ".sst") {
        let mut bytes = fs::read(&table).unwrap();
        bytes[10] ^= 1;
        fs::write(&table, &bytes).unwrap();
    }
    let (problems, _) = at_once(again.storage.verify(&mut |_| ControlFlow::Continue(()))).unwrap();
    assert!(!problems.is_empty());
}

#[test]
fn a_check_is_ended_by_its_caller() {
    let database = Database::filled();
    let mut told = 0;
    let ended: Result<_, Error> = verify(&database.path(), &RocksDbOptions::default(), &mut |_| {
        told += 1;
        if told == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(ended.unwrap_err().code(), ErrorCode::Aborted);
    let nothing = database.folder.path().join("nothing");
    let missing =
        verify(&nothing, &RocksDbOptions::default(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::Config);
}

#[test]
fn a_damaged_manifest_is_a_problem() {
    let database = Database::filled();
    let manifest = files(&database.path(), "")
        .into_iter()
        .find(|path| path.to_string_lossy().contains("MANIFEST-"))
        .unwrap();
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[20] ^= 1;
    fs::write(&manifest, &bytes).unwrap();
    let (problems, _) = check(&database.path());
    assert!(!problems.is_empty());
}

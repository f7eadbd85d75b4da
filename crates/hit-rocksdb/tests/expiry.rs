//! What expires is not seen, and its space comes back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use hit_core::{KeyRange, Operation, Storage, at_once};
use rocksdb::{DB, IteratorMode, Options};
use support::{Database, START_MS, expiring, set};

const MINUTE_MS: u64 = 60_000;

/// Values that do not compress.
fn noise(seed: u32, bytes: usize) -> Vec<u8> {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    (0..bytes).map(|_| next()).collect()
}

fn fill(database: &Database, count: u32, expires_at: impl Fn(u32) -> Option<u64>) {
    let entries: Vec<_> = (0..count).map(|number| (number.to_be_bytes(), noise(number, 500))).collect();
    for (chunk, part) in entries.chunks(1_000).enumerate() {
        let operations: Vec<Operation<'_>> = part
            .iter()
            .enumerate()
            .map(|(at, (key, value))| Operation::Set {
                key,
                value,
                expires_at: expires_at(chunk as u32 * 1_000 + at as u32),
            })
            .collect();
        database.write(&operations);
    }
}

fn disk_bytes(database: &Database) -> u64 {
    database.storage.figures().disk_bytes
}

#[test]
fn what_has_expired_is_not_seen_by_reads_and_scans() {
    let database = Database::new();
    database.write(&[expiring(b"a", b"1", START_MS + 10), set(b"b", b"2"), expiring(b"c", b"3", START_MS)]);
    assert_eq!(database.get(&[b"a", b"b", b"c"]), [Some(b"1".to_vec()), Some(b"2".to_vec()), None]);
    assert_eq!(
        database.scan(KeyRange::ALL, false),
        [(b"a".to_vec(), b"1".to_vec(), Some(START_MS + 10)), (b"b".to_vec(), b"2".to_vec(), None)]
    );
    database.clock.advance(10);
    assert_eq!(database.get(&[b"a"]), [None]);
    assert_eq!(database.scan(KeyRange::ALL, true), [(b"b".to_vec(), b"2".to_vec(), None)]);
}

#[test]
fn a_sweep_gives_back_the_space_of_what_has_expired_and_nothing_else() {
    let database = Database::new();
    // Every tenth stays; every tenth gets a new expiry later.
    fill(&database, 20_000, |number| (number % 10 != 0).then_some(START_MS + MINUTE_MS));
    let refreshed: Vec<[u8; 4]> = (0..2_000_u32).map(|number| (number * 10 + 1).to_be_bytes()).collect();
    let later: Vec<_> =
        refreshed.iter().map(|key| expiring(key, b"later", START_MS + 120 * MINUTE_MS)).collect();
    database.write(&later);
    at_once(database.storage.compact()).unwrap();
    let full = disk_bytes(&database);
    assert!(full > 8_000_000, "{full}");
    at_once(database.storage.sweep()).unwrap();
    assert_eq!(disk_bytes(&database), full, "nothing has expired yet");

    database.clock.advance(3 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    let left = disk_bytes(&database);
    assert!(left < full / 5, "{left} of {full}");
    assert_eq!(database.keys().len(), 4_000);
    assert_eq!(database.get(&[&refreshed[7]]), [Some(b"later".to_vec())]);

    database.clock.advance(120 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    assert_eq!(database.reopened().keys().len(), 2_000);
}

#[test]
fn a_sweep_gives_back_what_never_left_memory() {
    let database = Database::new();
    fill(&database, 10_000, |_| Some(START_MS + 1));
    assert!(disk_bytes(&database) > 5_000_000);
    database.clock.advance(2 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    assert!(disk_bytes(&database) < 1_000_000, "{}", disk_bytes(&database));
}

#[test]
fn a_compaction_drops_what_has_expired_without_a_sweep() {
    let database = Database::new();
    fill(&database, 10_000, |_| Some(START_MS + 1));
    at_once(database.storage.compact()).unwrap();
    assert!(disk_bytes(&database) > 4_000_000);
    database.clock.advance(1);
    at_once(database.storage.compact()).unwrap();
    assert!(disk_bytes(&database) < 1_000_000, "{}", disk_bytes(&database));
}

fn index_entries(database: &Database) -> usize {
    database.close().unwrap();
    let families = ["default", "hitkv", "hitkv-expiry"];
    let db = DB::open_cf_for_read_only(&Options::default(), database.path(), families, false).unwrap();
    db.iterator_cf(db.cf_handle("hitkv-expiry").unwrap(), IteratorMode::Start).count()
}

#[test]
fn what_was_too_little_before_the_store_was_opened_again_counts_with_what_expires_later() {
    let database = Database::new();
    fill(&database, 20_000, |number| match number % 20 {
        0..=2 => Some(START_MS + MINUTE_MS),
        3..=5 => Some(START_MS + 5 * MINUTE_MS),
        _ => None,
    });
    at_once(database.storage.compact()).unwrap();
    let full = disk_bytes(&database);
    database.clock.advance(3 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    at_once(database.storage.sweep()).unwrap();
    assert!(disk_bytes(&database) > full * 9 / 10, "that is less than a quarter");

    let database = database.reopened();
    database.clock.advance(4 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    assert!(disk_bytes(&database) < full * 3 / 4, "{} of {full}", disk_bytes(&database));
    assert_eq!(database.keys().len(), 14_000);
    // The index is rid of what was rewritten.
    at_once(database.storage.sweep()).unwrap();
    assert_eq!(index_entries(&database), 0);
}

#[test]
fn what_had_expired_when_it_was_written_is_found_behind_a_sweep_of_its_minute() {
    let database = Database::new();
    fill(&database, 10, |_| Some(START_MS + 1));
    database.clock.advance(10 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    fill(&database, 10_000, |_| Some(START_MS - 5 * MINUTE_MS));
    at_once(database.storage.sweep()).unwrap();
    assert!(disk_bytes(&database) < 1_000_000, "{}", disk_bytes(&database));
}

#[test]
fn of_a_key_that_got_other_expiries_the_index_keeps_the_last() {
    let database = Database::new();
    for minute in 1..=5 {
        database.write(&[expiring(b"a", b"1", START_MS + minute * MINUTE_MS)]);
    }
    database.write(&[expiring(b"b", b"1", START_MS + MINUTE_MS)]);
    database.write(&[set(b"b", b"1")]);
    database.clock.advance(3 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    database.clock.advance(10 * MINUTE_MS);
    at_once(database.storage.sweep()).unwrap();
    assert_eq!(database.keys(), [b"b".to_vec()]);
    assert_eq!(index_entries(&database), 1);
}

//! Compaction of any stretch of a log, killed anywhere: the same entries come back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;

use hit_core::ErrorCode;
use hit_log::FileKind;
use proptest::prelude::*;
use support::compacting::{Keeper, Newest, compact};
use support::{Open, Store, Written, frame, one};

fn three_segments() -> (Store, Open) {
    let store = Store::new();
    let mut open = store.open();
    for group in [
        vec![Written::set("a", "1"), Written::set("b", "1")],
        vec![Written::set("b", "2"), Written::Delete(b"a".to_vec())],
        vec![Written::set("c", "3")],
    ] {
        open.append(frame(&group)).unwrap();
        open.log.seal().unwrap();
    }
    (store, open)
}

#[test]
fn a_run_holds_what_is_needed_with_the_sequence_numbers_it_had() {
    let (store, mut open) = three_segments();
    let newest =
        Newest(BTreeMap::from([(b"b".to_vec(), (3, b"2".to_vec())), (b"c".to_vec(), (5, b"3".to_vec()))]));
    compact(&mut open, &newest, 0, 2);
    assert_eq!(store.log_names(), ["00000001.run", "00000003.log", "manifest"]);
    assert_eq!((open.log.stats().segments, open.log.stats().runs), (1, 1));
    open.append(one("d", "4")).unwrap();
    drop(open);
    let open = store.open();
    assert_eq!(open.keys(), ["b", "c", "d"]);
    assert_eq!(open.recorded.sequences, [3, 5, 6]);
    assert_eq!(open.recorded.first_sequences, [1, 5, 6]);
    assert_eq!(open.recorded.reserved, Some(3));
}

#[test]
fn what_hides_older_operations_stays_until_they_are_gone() {
    let (store, mut open) = three_segments();
    let newest = Newest(BTreeMap::from([(b"c".to_vec(), (5, b"3".to_vec()))]));
    // The second segment alone: the delete of "a" must stay, for the first one still sets it.
    compact(&mut open, &newest, 1, 1);
    drop(open);
    let mut open = store.open();
    assert_eq!(Newest::of(&open).0.keys().collect::<Vec<_>>(), [b"b", b"c"]);
    assert!(open.recorded.operations.contains(&Written::Delete(b"a".to_vec())));
    // Then the first one, and the second again: nothing older is left.
    compact(&mut open, &newest, 0, 1);
    compact(&mut open, &newest, 1, 1);
    drop(open);
    let open = store.open();
    assert_eq!(open.keys(), ["c"]);
}

#[test]
fn a_compaction_that_fails_leaves_the_log_and_the_folder_as_they_were() {
    let (store, mut open) = three_segments();
    let before = store.content();
    let newest = Newest::default();
    let mut keeper = Keeper { fails: true, ..Keeper::new(&newest, u64::MAX) };
    let error = open.log.stretch(0, 3).unwrap().compact(6, &mut keeper).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Aborted);
    assert!(store.content() == before);
    assert!(open.log.stretch(1, 3).is_none() && open.log.stretch(3, 1).is_none());
}

#[test]
fn a_run_of_files_that_are_not_in_the_log_any_more_is_refused() {
    let (_store, mut open) = three_segments();
    let newest = Newest::default();
    let [one, other] = [0, 0].map(|position| {
        open.log.stretch(position, 2).unwrap().compact(6, &mut Keeper::new(&newest, u64::MAX)).unwrap()
    });
    open.log.install(&one).unwrap();
    assert_eq!(open.log.install(&other).unwrap_err().code(), ErrorCode::Io);
    assert_eq!(open.log.files().len(), 2);
}

#[test]
fn a_kill_before_or_after_the_list_is_replaced_leaves_a_whole_log_and_nothing_else() {
    for installed in [false, true] {
        let (store, mut open) = three_segments();
        open.append(one("d", "4")).unwrap();
        open.log.sync().unwrap();
        let newest = Newest(BTreeMap::from([(b"b".to_vec(), (3, b"2".to_vec()))]));
        let run = open.log.stretch(0, 2).unwrap().compact(7, &mut Keeper::new(&newest, u64::MAX)).unwrap();
        if installed {
            open.log.install(&run).unwrap();
        }
        drop(open);
        assert_eq!(store.log_names().len(), 6, "{:?}", store.log_names());
        let open = store.open();
        assert_eq!(
            open.keys(),
            if installed { vec!["b", "c", "d"] } else { vec!["a", "b", "b", "a", "c", "d"] }
        );
        let names = store.log_names();
        assert_eq!(names.iter().any(|name| name.ends_with(".run")), installed, "{names:?}");
        assert_eq!(names.contains(&"00000001.log".to_owned()), !installed, "{names:?}");
    }
}

#[test]
fn every_cut_and_altered_byte_of_a_run_is_corruption_and_a_missing_one_is_named() {
    let (store, mut open) = three_segments();
    let newest =
        Newest(BTreeMap::from([(b"b".to_vec(), (3, b"2".to_vec())), (b"c".to_vec(), (5, b"3".to_vec()))]));
    compact(&mut open, &newest, 0, 3);
    drop(open);
    let whole = store.read("00000001.run");
    for at in 0..whole.len() {
        store.replace("00000001.run", &whole[..at]);
        store.refuses(ErrorCode::Corruption);
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        store.replace("00000001.run", &bytes);
        store.refuses(ErrorCode::Corruption);
    }
    std::fs::remove_file(store.log_path("00000001.run")).unwrap();
    assert!(store.refuses(ErrorCode::Corruption).contains("00000001.run"));
}

#[test]
fn a_moved_value_lies_where_it_is_said_to() {
    let store = Store::new();
    let mut open = store.open();
    let large = |byte: u8, length: usize| vec![byte; length];
    let values = [large(1, 300), large(2, 70_000), large(3, 255), large(4, 256)];
    for (number, value) in (0_u8..).zip(&values) {
        open.append(frame(&[Written::Set(vec![b'k', number], value.clone(), None)])).unwrap();
    }
    open.log.seal().unwrap();
    let sets = (1..)
        .zip(&values)
        .map(|(sequence, value)| (vec![b'k', sequence as u8 - 1], (sequence, value.clone())));
    let newest = Newest(sets.collect());
    let mut keeper = Keeper::new(&newest, u64::MAX);
    let run = open.log.stretch(0, 1).unwrap().compact(5, &mut keeper).unwrap();
    open.log.install(&run).unwrap();
    let bytes = store.read("00000001.run");
    assert_eq!(keeper.moved.len(), 3, "one is too small");
    for (sequence, key, place) in &keeper.moved {
        let (expected, value) = &newest.0[key];
        assert_eq!((sequence, place.file.kind), (expected, FileKind::Run));
        let offset = place.offset as usize;
        assert!(bytes[offset..].starts_with(value), "{key:?}");
        assert!(bytes[offset + value.len()..].starts_with(&crc32c::crc32c(value).to_le_bytes()));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Written>),
    Seal,
    Compact(prop::sample::Index, prop::sample::Index),
    Close,
    Kill,
}

fn operation() -> impl Strategy<Value = Written> {
    let key = || prop::collection::vec(b'a'..b'e', 1..3);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        (250_usize..80_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    prop_oneof![
        6 => (key(), value).prop_map(|(key, value)| Written::Set(key, value, None)),
        3 => key().prop_map(Written::Delete),
        1 => (key(), prop::option::of(key())).prop_map(|(start, end)| Written::DeleteRange(start, end)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(operation(), 1..6).prop_map(Step::Append),
        2 => Just(Step::Seal),
        3 => (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(from, to)| Step::Compact(from, to)),
        1 => Just(Step::Close),
        2 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_writes_and_compactions_keeps_the_entries(steps in prop::collection::vec(step(), 1..60)) {
        let store = Store::with_segments_of(500);
        let mut open = store.open();
        let mut model = Newest::default();
        for step in steps {
            match step {
                Step::Append(operations) => {
                    let first = open.log.next_sequence();
                    open.append(frame(&operations)).unwrap();
                    (first..).zip(&operations).for_each(|(sequence, operation)| model.apply(sequence, operation));
                }
                Step::Seal => open.log.seal().unwrap(),
                Step::Compact(from, count) => {
                    let files = open.log.files().len();
                    if files > 0 {
                        let position = from.index(files);
                        compact(&mut open, &model, position, count.index(files - position) + 1);
                    }
                }
                Step::Close | Step::Kill => {
                    let next = open.log.next_sequence();
                    if matches!(step, Step::Close) {
                        open.close().unwrap();
                    } else {
                        drop(open);
                    }
                    open = store.open();
                    prop_assert_eq!(open.log.next_sequence(), next);
                    prop_assert_eq!(&Newest::of(&open), &model);
                }
            }
        }
    }
}

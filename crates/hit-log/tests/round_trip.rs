//! What is appended comes back, in order, whatever happened between.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::{Recorded, Store, Written, frame, one};

#[test]
fn a_new_log_is_empty_and_closing_it_without_a_write_changes_nothing_more() {
    let store = Store::new();
    let open = store.open();
    assert_eq!(open.recorded.operations, []);
    assert_eq!((open.log.next_sequence(), open.log.synced()), (1, 1));
    drop(open.lock);
    open.log.close().unwrap();
    assert_eq!(store.log_names(), ["manifest"]);
    let made = store.content();
    for _ in 0..2 {
        let open = store.open();
        assert_eq!(open.log.stats().segments, 0);
        open.close().unwrap();
        assert_eq!(store.content(), made);
    }
}

#[test]
fn operations_come_back_after_a_clean_close_and_after_none() {
    let operations = [
        Written::set("user:1", "ada"),
        Written::Set(b"session".to_vec(), vec![0, 255], Some(1_700_000_000_000)),
        Written::Delete(b"user:2".to_vec()),
        Written::DeleteRange(b"a".to_vec(), Some(b"b\0".to_vec())),
        Written::DeleteRange(Vec::new(), None),
        Written::Set(b"large".to_vec(), vec![7; 100_000], None),
    ];
    for closes in [true, false] {
        let store = Store::new();
        let mut open = store.open();
        open.log.append(&mut [frame(&operations[..4]), frame(&operations[4..])]).unwrap();
        assert_eq!(open.log.next_sequence(), 7);
        assert_eq!(open.log.synced(), 1);
        if closes {
            open.close().unwrap();
        } else {
            drop(open);
        }
        let again = store.open();
        assert_eq!(again.recorded.operations, operations);
        assert_eq!(again.recorded.frames, [4, 2]);
        assert_eq!(again.recorded.reserved, Some(6));
        assert_eq!((again.log.next_sequence(), again.log.synced()), (7, 7));
        assert_eq!(again.log.stats().replayed_operations, 6);
    }
}

#[test]
fn a_clean_close_leaves_segments_without_space_ahead_and_opening_again_changes_nothing() {
    let store = Store::new();
    let mut open = store.open();
    open.write("a", "1");
    assert!(open.log.stats().disk_bytes > 100_000, "space is taken ahead");
    open.close().unwrap();
    assert_eq!(store.read("00000001.log").len(), support::SEGMENT_HEADER_BYTES + 48);
    let closed = store.content();
    let open = store.open();
    assert_eq!(open.log.stats().disk_bytes, 144);
    open.close().unwrap();
    assert_eq!(store.content(), closed);
}

#[test]
fn frames_can_be_cleared_and_appended_again_and_empty_ones_are_passed_over() {
    let store = Store::new();
    let mut open = store.open();
    let mut frames = [frame(&[]), one("a", "1"), frame(&[])];
    open.log.append(&mut frames).unwrap();
    frames[1].push(&Written::set("b", "2").operation()).unwrap();
    open.log.append(&mut frames[1..]).unwrap();
    open.log.append(&mut frames[..1]).unwrap();
    open.log.append(&mut []).unwrap();
    drop(open);
    assert_eq!(store.open().keys(), ["a", "a", "b"]);
}

#[test]
fn long_and_short_frames_keep_their_order() {
    let store = Store::new();
    let mut open = store.open();
    let value = "x".repeat(70_000);
    let mut frames: Vec<_> = (0..40)
        .map(|number| one(&format!("{number:02}"), if number % 3 == 0 { &value } else { "short" }))
        .collect();
    open.log.append(&mut frames).unwrap();
    drop(open);
    let open = store.open();
    assert_eq!(open.keys(), (0..40).map(|number| format!("{number:02}")).collect::<Vec<_>>());
}

#[test]
fn a_frame_longer_than_the_readers_window_comes_back() {
    let store = Store::new();
    let mut open = store.open();
    let written = [
        Written::set("before", ""),
        Written::Set(b"long".to_vec(), vec![5; 3 << 20], None),
        Written::set("after", ""),
    ];
    for operation in &written {
        open.append(frame(std::slice::from_ref(operation))).unwrap();
    }
    drop(open);
    assert_eq!(store.open().recorded.operations, written);
}

fn operation() -> impl Strategy<Value = Written> {
    let key = || prop::collection::vec(any::<u8>(), 1..40);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (250_usize..3_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    prop_oneof![
        6 => (key(), value, prop::option::of(0_u64..1 << 53)).prop_map(|(k, v, e)| Written::Set(k, v, e)),
        2 => key().prop_map(Written::Delete),
        1 => (prop::collection::vec(any::<u8>(), 0..40), prop::option::of(key()))
            .prop_map(|(start, end)| Written::DeleteRange(start, end)),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Vec<Written>>),
    Sync,
    Mark,
    Close,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let frames = prop::collection::vec(prop::collection::vec(operation(), 0..6), 0..4);
    prop_oneof![
        6 => frames.prop_map(Step::Append),
        2 => Just(Step::Sync),
        1 => Just(Step::Mark),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_keeps_every_operation_in_order(
        steps in prop::collection::vec(step(), 1..30),
        segment_bytes in 1_u64..4_000,
    ) {
        let store = Store::with_segments_of(segment_bytes);
        let mut open = store.open();
        let mut written = Recorded::default();
        for step in steps {
            match step {
                Step::Append(frames) => {
                    if open.log.is_full() {
                        open.log.seal().unwrap();
                    }
                    open.log.append(&mut frames.iter().map(|it| frame(it)).collect::<Vec<_>>()).unwrap();
                    written.frames.extend(frames.iter().map(Vec::len).filter(|&length| length > 0));
                    written.operations.extend(frames.into_iter().flatten());
                }
                Step::Sync => open.log.sync().unwrap(),
                Step::Mark => open.log.mark().unwrap(),
                Step::Close | Step::Kill => {
                    if matches!(step, Step::Close) {
                        open.close().unwrap();
                    } else {
                        drop(open);
                    }
                    open = store.open();
                    written.reserved = Some(written.operations.len() as u64);
                    written.sequences = (1..=written.operations.len() as u64).collect();
                    written.first_sequences.clone_from(&open.recorded.first_sequences);
                    prop_assert_eq!(&open.recorded, &written);
                    prop_assert!(written.first_sequences.is_sorted());
                }
            }
            prop_assert_eq!(open.log.next_sequence(), written.operations.len() as u64 + 1);
        }
    }
}

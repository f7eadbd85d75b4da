//! Segments that are missing, swapped, foreign, cut or of another version; rotation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use hit_core::ErrorCode;
use support::{Content, Store, one};

/// A store of four segments of two operations each, killed or closed.
fn four_segments(closed: bool) -> Store {
    let store = Store::with_segments_of(150);
    let mut open = store.open();
    for number in 0..8 {
        open.append(one(&format!("key{number}"), "v")).unwrap();
    }
    open.log.sync().unwrap();
    open.log.mark().unwrap();
    if closed {
        open.close().unwrap();
    }
    assert_eq!(store.log_names().len(), 5, "{:?}", store.log_names());
    store
}

const LOGS: [&str; 4] = ["log/00000001.log", "log/00000002.log", "log/00000003.log", "log/00000004.log"];

fn altered(content: &Content, alter: impl FnOnce(&mut Content)) -> Content {
    let mut content = content.clone();
    alter(&mut content);
    content
}

#[test]
fn rotation_begins_a_new_segment_and_syncs_the_old_one_at_every_durability() {
    let store = Store::with_segments_of(150);
    let mut open = store.open();
    open.append(one("a", "1")).unwrap();
    open.append(one("b", "2")).unwrap();
    assert_eq!(open.log.synced(), 1);
    store.files.forget_calls();
    open.append(one("c", "3")).unwrap();
    assert_eq!(open.log.synced(), 3, "the first two are synced, the third is not");
    assert!(store.files.count(hit_testkit::Call::SyncData) >= 1);
    assert_eq!(open.log.stats().segments, 2);
    assert_eq!(store.read("00000001.log").len(), 192, "a sealed segment has no space ahead");
    drop(open);
    assert_eq!(store.open().keys(), ["a", "b", "c"]);
}

#[test]
fn a_log_of_many_segments_comes_back_closed_or_killed() {
    for closed in [true, false] {
        let store = four_segments(closed);
        let open = store.open();
        assert_eq!(open.keys(), (0..8).map(|number| format!("key{number}")).collect::<Vec<_>>());
        assert_eq!(open.recorded.reserved, Some(8));
        assert_eq!(open.log.stats().segments, 4);
    }
}

#[test]
fn a_missing_segment_is_corruption_and_is_named() {
    for closed in [true, false] {
        let store = four_segments(closed);
        let content = store.content();
        // Of a log that was not closed, the loss of the last segment cannot be seen.
        for &missing in LOGS.iter().take(if closed { 4 } else { 3 }) {
            store.put(&altered(&content, |content| drop(content.remove(missing))));
            let message = store.refuses(ErrorCode::Corruption);
            assert!(message.contains(missing) && message.contains("missing"), "{message}");
        }
    }
}

#[test]
fn swapped_renamed_and_repeated_segments_are_corruption() {
    for closed in [true, false] {
        let store = four_segments(closed);
        let content = store.content();
        for (to, from) in [(0, 1), (1, 2), (2, 3), (3, 0)] {
            let swapped = altered(&content, |content| {
                let bytes = [LOGS[to], LOGS[from]].map(|name| content[name].clone());
                let [first, second] = bytes;
                content.insert(LOGS[to].into(), second);
                content.insert(LOGS[from].into(), first);
            });
            store.put(&swapped);
            store.refuses(ErrorCode::Corruption);
            store.put(&altered(&content, |content| {
                drop(content.insert(LOGS[to].into(), content[LOGS[from]].clone()))
            }));
            store.refuses(ErrorCode::Corruption);
        }
    }
}

#[test]
fn a_segment_or_manifest_of_another_store_is_corruption_and_names_both() {
    for closed in [true, false] {
        let store = four_segments(closed);
        let other = four_segments(closed).content();
        let content = store.content();
        for name in LOGS.into_iter().chain(["log/manifest"]) {
            store.put(&altered(&content, |content| drop(content.insert(name.into(), other[name].clone()))));
            let message = store.refuses(ErrorCode::Corruption);
            assert!(message.contains("belongs to the store"), "{message}");
        }
    }
}

#[test]
fn every_cut_and_altered_byte_of_a_segment_before_the_last_is_corruption() {
    let store = four_segments(false);
    let whole = store.read("00000002.log");
    for at in 0..whole.len() {
        store.replace("00000002.log", &whole[..at]);
        store.refuses(ErrorCode::Corruption);
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        store.replace("00000002.log", &bytes);
        store.refuses(ErrorCode::Corruption);
    }
}

#[test]
fn a_torn_empty_or_zero_header_of_the_last_segment_is_a_segment_that_was_never_begun() {
    let store = four_segments(false);
    let content = store.content();
    let header = content[LOGS[3]][..support::SEGMENT_HEADER_BYTES].to_vec();
    let torn = |length: usize, then: usize| [&header[..length], &vec![0; then]].concat();
    // Cut before the checksum: of the whole header but its last byte, one in 256 is whole when a zero follows.
    for bytes in [vec![], torn(0, 96), torn(0, 5_000), torn(50, 0), torn(50, 46), torn(92, 300_000)] {
        store.put(&altered(&content, |content| {
            drop(content.insert("log/00000005.log".into(), bytes.clone()))
        }));
        let mut open = store.open();
        assert_eq!(open.keys().len(), 8);
        assert_eq!(store.read("00000005.log"), bytes, "nothing changes before the first append");
        open.write("next", "");
        drop(open);
        let open = store.open();
        assert_eq!(open.keys().len(), 9);
        drop(open);
        assert!(store.log_names().iter().all(|name| name.as_str() < "00000007.log" || name == "manifest"));
    }
}

#[test]
fn a_torn_header_with_anything_behind_it_is_corruption() {
    let store = four_segments(false);
    let whole = store.read("00000004.log");
    for at in 0..support::SEGMENT_HEADER_BYTES {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        store.replace("00000004.log", &bytes);
        store.refuses(ErrorCode::Corruption);
    }
}

#[test]
fn a_lone_torn_header_is_replaced_by_the_first_append() {
    let store = Store::new();
    store.open().close().unwrap();
    store.replace("00000001.log", b"hitkvlo");
    let mut open = store.open();
    assert_eq!(open.keys(), [""; 0]);
    open.write("a", "1");
    open.close().unwrap();
    assert_eq!(store.open().keys(), ["a"]);
    assert_eq!(store.log_names(), ["00000001.log", "manifest"]);
}

#[test]
fn a_newer_segment_or_manifest_is_refused_before_anything_is_touched() {
    let store = four_segments(false);
    let content = store.content();
    for (name, field, header) in [
        (LOGS[3], 8, support::SEGMENT_HEADER_BYTES),
        (LOGS[3], 12, support::SEGMENT_HEADER_BYTES),
        (LOGS[0], 15, support::SEGMENT_HEADER_BYTES),
        ("log/manifest", 8, content["log/manifest"].len()),
        ("log/manifest", 14, content["log/manifest"].len()),
    ] {
        let newer = altered(&content, |content| {
            let bytes = content.get_mut(name).unwrap();
            bytes[field] += 1;
            let checksum = crc32c::crc32c(&bytes[..header - 4]);
            bytes[header - 4..header].copy_from_slice(&checksum.to_le_bytes());
        });
        store.put(&newer);
        let message = store.refuses(ErrorCode::Config);
        assert!(message.contains("a newer hitkv has written it"), "{message}");
    }
}

#[test]
fn a_missing_or_damaged_manifest_is_corruption() {
    for closed in [true, false] {
        let store = four_segments(closed);
        let content = store.content();
        store.put(&altered(&content, |content| drop(content.remove("log/manifest"))));
        store.refuses(ErrorCode::Corruption);
        for at in 0..content["log/manifest"].len() {
            let mut bytes = content["log/manifest"].clone();
            bytes[at] ^= 2;
            store.put(&altered(&content, |content| drop(content.insert("log/manifest".into(), bytes))));
            store.refuses(ErrorCode::Corruption);
            store.replace("manifest", &content["log/manifest"][..at]);
            store.refuses(ErrorCode::Corruption);
        }
    }
}

#[test]
fn temporary_files_of_an_interrupted_writer_are_removed_and_others_left() {
    let store = four_segments(false);
    for name in ["manifest.tmp", "00000005.log.tmp", "00000009.log.tmp"] {
        store.replace(name, b"half of someth");
    }
    store.replace("notes.tmp", b"not ours");
    let mut open = store.open();
    assert_eq!(open.keys().len(), 8);
    open.write("next", "");
    open.close().unwrap();
    let names = store.log_names();
    assert!(names.contains(&"notes.tmp".into()));
    assert!(!names.iter().any(|name| name.ends_with("log.tmp") || name == "manifest.tmp"), "{names:?}");
}

//! Every cut and every altered byte of the last frames: the log opens with a prefix that holds everything proven to be
//! synced, or refuses and leaves the folder as it was.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use hit_core::ErrorCode;
use hit_log::LogOptions;
use support::{Content, Store, Written, frame, one};

/// What the last segment was like at one moment.
struct Moment {
    content: Content,
    /// How many operations had been synced, and how many of them some frame tells.
    synced: usize,
    proven: usize,
}

const SEGMENT: &str = "log/00000001.log";

/// Groups of frames, synced and not, with marks between; after each step the folder.
fn history() -> (Vec<Moment>, Vec<Written>) {
    let store = Store::new();
    let mut open = store.open();
    let mut moments = Vec::new();
    let mut written = Vec::new();
    let (mut synced, mut proven) = (0, 0);
    // Less space ahead than there is, so that thousands of cases are quick.
    let content = |store: &Store| {
        let mut content = store.content();
        let segment = content.get_mut(SEGMENT).unwrap();
        segment.truncate(end_of_frames(segment) + 200);
        content
    };
    let group = |number: usize| -> Vec<Written> {
        vec![
            Written::set(&format!("key{number}"), &format!("value{number}")),
            Written::Set(format!("session{number}").into(), vec![1, 2, 3], Some(1_700_000_000_000)),
            Written::Delete(format!("key{}", number / 2).into()),
        ]
    };
    for number in 0..4 {
        let operations = group(number);
        let mut frames = [frame(&operations[..2]), frame(&operations[2..])];
        open.log.append(&mut frames).unwrap();
        proven = proven.max(synced);
        written.extend(operations);
        moments.push(Moment { content: content(&store), synced, proven });
        if number != 2 {
            open.log.sync().unwrap();
            synced = written.len();
            moments.push(Moment { content: content(&store), synced, proven });
        }
        if number == 1 {
            open.log.mark().unwrap();
            proven = synced;
            moments.push(Moment { content: content(&store), synced, proven });
        }
    }
    (moments, written)
}

/// The end of the frames in a segment, by the lengths that stand in them.
fn end_of_frames(segment: &[u8]) -> usize {
    let mut at = support::SEGMENT_HEADER_BYTES;
    while let Some(length) = segment.get(at..at + 4) {
        match u32::from_le_bytes(length.try_into().unwrap()) as usize {
            0 => break,
            length => at += length,
        }
    }
    at
}

/// The last frames of a segment: what came before them was last at an earlier moment.
fn last_frames(end: usize) -> std::ops::Range<usize> {
    end.saturating_sub(180).max(support::SEGMENT_HEADER_BYTES)..end
}

/// Opens what is in the folder and checks the one promise.
fn check(store: &Store, written: &[Written], proven: usize, what: &str) -> bool {
    let before = store.content();
    match store.try_open() {
        Ok(open) => {
            let found = open.recorded.operations.clone();
            assert!(found.len() >= proven, "{what}: {} of {proven} proven operations", found.len());
            assert_eq!(found, written[..found.len()], "{what}: not a prefix");
            assert_eq!(open.log.synced() as usize, found.len() + 1, "{what}");
            drop(open);
            // What was read once is there for good, and can be written behind.
            let mut again = store.open();
            assert_eq!(again.recorded.operations, found, "{what}: the second open differs");
            again.append(one("next", "")).unwrap();
            again.close().unwrap();
            assert_eq!(store.open().recorded.operations.len(), found.len() + 1, "{what}");
            true
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Corruption, "{what}: {error}");
            assert!(store.content() == before, "{what}: the folder was changed");
            false
        }
    }
}

/// Bytes that were valid frames in this place of another segment.
fn old_bytes() -> Vec<u8> {
    let store = Store::new();
    let mut open = store.open();
    for number in 0..30 {
        open.write(&format!("old{number}"), "value");
    }
    drop(open);
    store.read("00000001.log")
}

#[test]
fn every_cut_opens_with_a_prefix_or_is_refused() {
    let (moments, written) = history();
    let old = old_bytes();
    let store = Store::new();
    for moment in &moments {
        let whole = &moment.content[SEGMENT];
        let end = end_of_frames(whole);
        for cut in last_frames(end + 1) {
            for behind in ["nothing", "zeros", "old bytes"] {
                let mut bytes = whole[..cut].to_vec();
                match behind {
                    "zeros" => bytes.resize(end + 200, 0),
                    "old bytes" => bytes.extend_from_slice(&old[cut..end + 200]),
                    _ => {}
                }
                store.put(&moment.content);
                store.replace("00000001.log", &bytes);
                // With what proved it, the proof of a sync is cut away: only what lies before the cut can tell.
                let opened = check(&store, &written, 0, &format!("cut at {cut} of {end}, {behind} behind"));
                assert!(opened, "a cut with no frame behind it is a torn tail: {cut}, {behind}");
                if cut == end {
                    let open = store.open();
                    assert!(open.recorded.operations.len() > moment.synced);
                }
            }
        }
    }
}

#[test]
fn every_altered_byte_opens_with_all_that_is_proven_or_is_refused() {
    let (moments, written) = history();
    let store = Store::new();
    let (mut opened, mut refused) = (0, 0);
    for moment in &moments {
        let whole = &moment.content[SEGMENT];
        let end = end_of_frames(whole);
        for at in last_frames(end) {
            for change in [0x01, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                store.put(&moment.content);
                store.replace("00000001.log", &bytes);
                match check(&store, &written, moment.proven, &format!("byte {at} of {end} ^ {change:#x}")) {
                    true => opened += 1,
                    false => refused += 1,
                }
            }
        }
    }
    assert!(opened > 100 && refused > 100, "{opened} opened, {refused} refused: the test tests nothing");
}

#[test]
fn every_frame_that_is_zeroed_opens_with_all_that_is_proven_or_is_refused() {
    let (moments, written) = history();
    let store = Store::new();
    let last = moments.last().unwrap();
    let end = end_of_frames(&last.content[SEGMENT]);
    for start in (support::SEGMENT_HEADER_BYTES..end).step_by(8) {
        for length in [8, 40] {
            let mut bytes = last.content[SEGMENT].clone();
            bytes[start..(start + length).min(end)].fill(0);
            store.put(&last.content);
            store.replace("00000001.log", &bytes);
            check(&store, &written, last.proven, &format!("{length} zeros at {start}"));
        }
    }
}

#[test]
fn after_a_clean_close_every_cut_and_every_altered_byte_is_refused() {
    let store = Store::new();
    let mut open = store.open();
    for number in 0..5 {
        open.write(&format!("key{number}"), "value");
    }
    open.close().unwrap();
    let content = store.content();
    let whole = store.read("00000001.log");
    for at in 0..whole.len() {
        store.replace("00000001.log", &whole[..at]);
        store.refuses(ErrorCode::Corruption);
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        store.replace("00000001.log", &bytes);
        store.refuses(ErrorCode::Corruption);
    }
    store.put(&content);
    // What lies behind the recorded end does not count.
    let mut longer = whole;
    longer.extend_from_slice(&[0xff; 100]);
    store.replace("00000001.log", &longer);
    assert_eq!(store.open().recorded.operations.len(), 5);
}

#[test]
fn a_torn_tail_is_ignored_reported_and_left_where_it_is() {
    let store = Store::new();
    let mut open = store.open();
    open.write("a", "1");
    open.append(one("b", "2")).unwrap();
    open.append(one("c", "3")).unwrap();
    drop(open);
    let mut bytes = store.read("00000001.log");
    let last = support::SEGMENT_HEADER_BYTES + 96;
    bytes.truncate(last + 47);
    bytes[last + 46] = 9;
    store.replace("00000001.log", &bytes);

    let open = store.open();
    assert_eq!(open.keys(), ["a", "b"]);
    let torn = open.log.stats().torn_tail.unwrap();
    assert_eq!((torn.file, torn.offset, torn.bytes), (store.log_path("00000001.log"), last as u64, 47));
    assert_eq!(store.read("00000001.log"), bytes, "a segment that was found is never changed");
    drop(open);
    assert_eq!(store.open().log.stats().torn_tail, None);
}

#[test]
fn what_follows_the_last_proven_sync_is_in_a_new_synced_segment_before_the_log_opens() {
    let store = Store::new();
    let mut open = store.open();
    open.write("a", "1");
    open.append(one("b", "2")).unwrap();
    open.append(one("c", "3")).unwrap();
    drop(open);
    let first = store.read("00000001.log");
    let open = store.open();
    assert_eq!(store.log_names(), ["00000001.log", "00000002.log", "manifest"]);
    assert_eq!(open.log.synced(), 4);
    drop(open);
    // The first segment may now lose what the second one holds.
    let mut damaged = first;
    for byte in &mut damaged[support::SEGMENT_HEADER_BYTES + 48..] {
        *byte = 0x55;
    }
    store.replace("00000001.log", &damaged);
    assert_eq!(store.open().keys(), ["a", "b", "c"]);
    // The second one says itself that its content is synced.
    let mut bytes = store.read("00000002.log");
    bytes[support::SEGMENT_HEADER_BYTES + 45] ^= 1;
    store.replace("00000002.log", &bytes);
    store.refuses(ErrorCode::Corruption);
}

#[test]
fn a_log_that_was_marked_at_idle_is_not_rewritten() {
    let store = Store::new();
    let mut open = store.open();
    open.write("a", "1");
    open.log.mark().unwrap();
    let marked = store.content();
    open.log.mark().unwrap();
    assert_eq!(store.content(), marked, "a second mark says nothing new");
    drop(open);
    let mut open = store.open();
    open.log.mark().unwrap();
    drop(open);
    let names = store.log_names();
    assert_eq!(names, ["00000001.log", "manifest"]);
    // A mark makes damage to the last group known.
    let mut bytes = store.read("00000001.log");
    bytes[support::SEGMENT_HEADER_BYTES + 44] ^= 1;
    store.replace("00000001.log", &bytes);
    let message = store.refuses(ErrorCode::Corruption);
    assert!(message.contains("00000001.log is damaged at byte 96"), "{message}");
}

#[test]
fn a_value_full_of_forged_headers_neither_fools_nor_slows_recovery() {
    // Frame headers without the segment's salt, each with another length, behind a torn frame.
    let mut forged = Vec::new();
    for length in 0..60_000_u32 {
        forged.extend((40 + length * 8).to_le_bytes());
        forged.extend(0xdead_beef_u32.to_le_bytes());
        forged.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    }
    let store = Store::with_segments_of(LogOptions::default().segment_bytes);
    let mut open = store.open();
    open.write("a", "1");
    open.append(frame(&[Written::Set(b"forged".to_vec(), forged, None)])).unwrap();
    drop(open);
    let mut bytes = store.read("00000001.log");
    bytes[support::SEGMENT_HEADER_BYTES + 48] ^= 1;
    store.replace("00000001.log", &bytes);
    assert_eq!(store.open().keys(), ["a"]);
}

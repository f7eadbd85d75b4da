//! Reading a log beside the program that writes it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use hit_core::{ErrorCode, Result};
use hit_log::{Folder, Frame, LogReader, Refreshed, Replay, ReplayedFrame, SystemFiles};
use hit_testkit::{Call, Fault, FaultyFiles};
use proptest::prelude::*;
use support::compacting::{Newest, compact};
use support::{Store, Written, frame, one};

/// What a reader has seen.
#[derive(Default)]
struct Seen {
    entries: Newest,
    last: u64,
    begun: usize,
    frames: usize,
}

impl Replay for Seen {
    fn begin(&mut self, _first_sequences: &[u64], _operations: u64) {
        *self = Self { begun: self.begun + 1, ..Self::default() };
    }

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        self.frames += 1;
        for (sequence, operation) in frame.operations() {
            assert!(sequence > self.last, "{sequence} comes again");
            self.last = sequence;
            self.entries.apply(sequence, &operation.into());
        }
        Ok(())
    }
}

struct Follower {
    files: Arc<FaultyFiles>,
    log: LogReader,
    seen: Seen,
}

fn folder(store: &Store, files: &Arc<FaultyFiles>) -> Folder {
    Folder::open(files.clone(), &store.path(), "file", false).unwrap()
}

impl Follower {
    fn open(store: &Store) -> Self {
        Self::try_open(store, FaultyFiles::new(Arc::new(SystemFiles))).unwrap()
    }

    fn try_open(store: &Store, files: Arc<FaultyFiles>) -> Result<Self> {
        let mut seen = Seen::default();
        let log = LogReader::open(&folder(store, &files), &mut seen)?;
        Ok(Self { files, log, seen })
    }

    fn try_refresh(&mut self) -> Result<Refreshed> {
        self.log.refresh(&mut self.seen)
    }

    fn refresh(&mut self) -> Refreshed {
        self.try_refresh().unwrap()
    }

    fn keys(&self) -> Vec<String> {
        self.seen.entries.0.keys().map(|key| String::from_utf8(key.clone()).unwrap()).collect()
    }
}

/// What opening beside a damaged store answers; nothing may change.
fn refuses(store: &Store, code: ErrorCode) -> String {
    let before = store.content();
    let opened = Follower::try_open(store, FaultyFiles::new(Arc::new(SystemFiles)));
    let error = opened.err().expect("the log was read");
    assert_eq!(error.code(), code, "{error}");
    assert!(store.content() == before, "the folder was changed");
    error.message().to_owned()
}

#[test]
fn a_reader_sees_what_was_there_and_moves_on_frame_by_frame() {
    let store = Store::with_segments_of(300);
    let mut writer = store.open();
    writer.write("a", "1");
    let mut reader = Follower::open(&store);
    assert_eq!(reader.keys(), ["a"]);
    assert_eq!(reader.refresh(), Refreshed::Unchanged);
    for number in 0..20 {
        writer.append(one(&format!("k{number:02}"), "v")).unwrap();
    }
    assert_eq!(reader.keys(), ["a"], "nothing moves without a refresh");
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    assert_eq!((reader.keys().len(), reader.seen.begun, reader.seen.frames), (21, 1, 21));
    assert_eq!(reader.log.next_sequence(), 22);
    let stats = reader.log.stats();
    assert_eq!((stats.next_sequence, stats.replayed_operations, stats.torn_tail), (22, 21, None));
    assert_eq!((stats.segments, stats.runs), (writer.log.stats().segments, 0));
    assert_eq!(reader.refresh(), Refreshed::Unchanged);
}

#[test]
fn a_refresh_reads_no_more_than_is_new_of_a_long_segment() {
    let store = Store::with_segments_of(64 << 20);
    let mut writer = store.open();
    let large = "x".repeat(1 << 20);
    for number in 0..8 {
        writer.write(&number.to_string(), &large);
    }
    writer.log.mark().unwrap();
    let mut reader = Follower::open(&store);
    for key in [None, Some("a"), Some("b")] {
        key.into_iter().for_each(|key| writer.write(key, "1"));
        reader.files.forget_calls();
        assert_eq!(reader.refresh(), if key.is_none() { Refreshed::Unchanged } else { Refreshed::Advanced });
        // The manifest and the description, a header, the last frame and what follows it, up to the end of what is allocated.
        let reads = reader.files.count(Call::ReadAt);
        assert!(reads < 16, "{reads} reads");
    }
}

#[test]
fn a_log_that_was_not_made_yet_is_empty() {
    let store = Store::new();
    let folder = store.folder().unwrap();
    let mut reader = Follower::open(&store);
    assert_eq!((reader.log.next_sequence(), reader.log.stats().disk_bytes), (1, 0));
    assert_eq!(reader.refresh(), Refreshed::Anew);
    drop(folder);
    store.open().write("a", "1");
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    assert_eq!(reader.keys(), ["a"]);
}

#[test]
fn what_compaction_has_rewritten_before_it_was_read_comes_anew_and_nothing_else_does() {
    let store = Store::with_segments_of(1 << 20);
    let mut writer = store.open();
    let mut model = Newest::default();
    let mut write = |writer: &mut support::Open, operation: Written| {
        model.apply(writer.log.next_sequence(), &operation);
        writer.append(frame(&[operation])).unwrap();
        model.clone()
    };
    write(&mut writer, Written::set("a", "1"));
    writer.log.seal().unwrap();
    let model = write(&mut writer, Written::set("b", "1"));
    let mut reader = Follower::open(&store);
    // Everything that the run covers was read.
    compact(&mut writer, &model, 0, 1);
    writer.write("c", "1");
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    // A delete is dropped that the reader has not seen.
    writer.append(frame(&[Written::Delete(b"a".to_vec())])).unwrap();
    writer.log.seal().unwrap();
    let mut model = model.clone();
    model.apply(3, &Written::set("c", "1"));
    model.apply(4, &Written::Delete(b"a".to_vec()));
    compact(&mut writer, &model, 0, 2);
    assert_eq!(reader.refresh(), Refreshed::Anew);
    assert_eq!(reader.keys(), ["b", "c"]);
    assert_eq!(reader.log.stats().runs, 1);
    writer.write("d", "1");
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    writer.close().unwrap();
    assert_eq!(reader.refresh(), Refreshed::Unchanged);
    assert_eq!(reader.seen.begun, 2);
}

#[test]
fn a_recovery_repeats_what_was_read_and_the_reader_takes_it_once() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    for key in ["b", "c"] {
        writer.append(one(key, "1")).unwrap();
    }
    let mut reader = Follower::open(&store);
    assert_eq!(reader.keys(), ["a", "b", "c"]);
    writer.append(one("d", "1")).unwrap();
    drop(writer);
    let mut writer = store.open();
    assert_eq!(store.log_names(), ["00000001.log", "00000002.log", "manifest"], "a tail was rewritten");
    writer.append(one("e", "1")).unwrap();
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    assert_eq!((reader.keys(), reader.seen.begun), (["a", "b", "c", "d", "e"].map(String::from).to_vec(), 1));
}

#[test]
fn what_a_recovery_did_not_find_any_more_is_taken_back() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    for key in ["b", "c", "d"] {
        writer.append(one(key, "1")).unwrap();
    }
    let mut reader = Follower::open(&store);
    drop(writer);
    // The last frames did not survive, and were never synced.
    let bytes = store.read("00000001.log");
    store.replace("00000001.log", &bytes[..96 + 2 * 48]);
    let mut writer = store.open();
    assert_eq!(writer.keys(), ["a", "b"]);
    // As many operations under the same numbers, and of the same length.
    for key in ["x", "y"] {
        writer.append(one(key, "1")).unwrap();
    }
    assert_eq!(reader.refresh(), Refreshed::Anew);
    assert_eq!(reader.keys(), ["a", "b", "x", "y"]);
}

#[test]
fn an_append_that_failed_after_a_reader_saw_a_part_of_it_is_taken_back() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    let reader = Arc::new(Mutex::new(Follower::open(&store)));
    let (in_between, large) = (Arc::clone(&reader), "x".repeat(100_000));
    // The first frame is in the file when the second one, which is long, is about to be written.
    let look = move || assert_eq!(in_between.lock().unwrap().refresh(), Refreshed::Advanced);
    store.files.inject(Fault::delay(look).on(Call::WriteAt).skip(1));
    store.files.inject(Fault::fail(ErrorKind::Other).on(Call::WriteAt).skip(1));
    let mut frames: [Frame; 2] = [one("b", "1"), one("c", &large)];
    assert_eq!(writer.log.append(&mut frames).unwrap_err().code(), ErrorCode::Io);
    let mut reader = reader.lock().unwrap();
    assert_eq!(reader.keys(), ["a", "b"]);
    for then in [None, Some("d")] {
        if let Some(key) = then {
            writer.write(key, "1");
        }
        assert_eq!(reader.refresh(), if then.is_none() { Refreshed::Anew } else { Refreshed::Advanced });
    }
    assert_eq!(reader.keys(), ["a", "d"]);
}

#[test]
fn a_segment_that_is_shorter_than_what_was_read_was_cut() {
    let store = Store::new();
    let mut writer = store.open();
    for key in ["a", "b"] {
        writer.append(one(key, "1")).unwrap();
    }
    let mut reader = Follower::open(&store);
    assert_eq!(reader.keys(), ["a", "b"]);
    drop(writer);
    for (length, keys) in [(96 + 48 + 20, vec!["a"]), (96 + 48, vec!["a"]), (96, vec![])] {
        store.replace("00000001.log", &store.read("00000001.log")[..length]);
        reader.refresh();
        assert_eq!(reader.keys(), keys, "{length}");
    }
}

#[test]
fn other_frames_in_the_place_of_those_that_were_read_are_seen() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    let before = store.read("00000001.log");
    writer.append(one("b", "1")).unwrap();
    let mut reader = Follower::open(&store);
    drop(writer);
    // The same as above with something written in the place already.
    let other = Store::copy_of(&store.content(), store.options);
    other.replace("00000001.log", &before);
    drop(other.open().append(one("c", "1")));
    drop(other.open());
    store.put(&other.content());
    assert_eq!(reader.refresh(), Refreshed::Anew);
    assert_eq!(reader.keys(), ["a", "c"]);
}

#[test]
fn a_frame_that_is_being_written_is_not_there_yet() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    let mut reader = Follower::open(&store);
    writer.append(one("b", "1")).unwrap();
    drop(writer);
    let whole = store.read("00000001.log");
    for length in [0, 20, 40, 44] {
        let mut bytes = whole.clone();
        bytes[96 + 48 + length..96 + 2 * 48].fill(0);
        store.replace("00000001.log", &bytes);
        assert_eq!(reader.refresh(), Refreshed::Unchanged);
        assert_eq!(reader.log.stats().torn_tail.is_some(), length > 0);
        assert_eq!(Follower::open(&store).keys(), ["a"]);
    }
    store.replace("00000001.log", &whole);
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    assert_eq!(reader.keys(), ["a", "b"]);
}

/// Three frames; the first bytes of the second are missing, and the third proves that it was synced.
fn damaged_before_a_sync() -> (Store, Vec<u8>) {
    let store = Store::new();
    let mut writer = store.open();
    for key in ["a", "b", "c"] {
        writer.write(key, "1");
    }
    drop(writer);
    let whole = store.read("00000001.log");
    let mut bytes = whole.clone();
    bytes[96 + 48..96 + 48 + 30].fill(0);
    store.replace("00000001.log", &bytes);
    (store, whole)
}

#[test]
fn a_bad_frame_that_a_later_sync_contradicts_is_read_again_before_it_is_damage() {
    let (store, whole) = damaged_before_a_sync();
    let message = refuses(&store, ErrorCode::Corruption);
    assert!(message.contains("00000001.log") && message.contains("byte 144"), "{message}");
    // It was only being written: after some reads of the file it is whole.
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let path = store.log_path("00000001.log");
    let write = move || fs::write(&path, &whole).unwrap();
    files.inject(Fault::delay(write).on(Call::ReadAt).path("00000001.log").skip(5));
    let reader = Follower::try_open(&store, files).unwrap();
    assert_eq!((reader.keys(), reader.seen.begun), (["a", "b", "c"].map(String::from).to_vec(), 1));
    assert_eq!(reader.files.met(), 1);
}

/// A closed store of three segments.
fn three_closed() -> Store {
    let store = Store::with_segments_of(100);
    let mut writer = store.open();
    for key in ["a", "b", "c"] {
        writer.write(key, "1");
    }
    writer.close().unwrap();
    store
}

#[test]
fn damage_in_a_sealed_file_is_named_and_nothing_is_changed() {
    let store = three_closed();
    let whole = store.read("00000002.log");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        store.replace("00000002.log", &bytes);
        let message = refuses(&store, ErrorCode::Corruption);
        assert!(message.contains("00000002.log"), "{message}");
    }
}

#[test]
fn a_listed_file_that_is_gone_is_looked_for_in_the_list_that_is_there_then() {
    let store = three_closed();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    files.inject(Fault::fail(ErrorKind::NotFound).on(Call::Open).path("00000002.log").times(3));
    assert_eq!(Follower::try_open(&store, files).unwrap().keys(), ["a", "b", "c"]);
    fs::remove_file(store.log_path("00000002.log")).unwrap();
    let message = refuses(&store, ErrorCode::Corruption);
    assert!(message.contains("00000002.log") && message.contains("missing"), "{message}");
}

#[test]
fn a_compaction_between_the_list_and_the_files_is_waited_out() {
    let store = Store::new();
    let mut writer = store.open();
    let mut model = Newest::default();
    for number in 0..5_u64 {
        model.apply(number + 1, &Written::set("a", &number.to_string()));
        writer.append(one("a", &number.to_string())).unwrap();
        writer.log.seal().unwrap();
    }
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let writer = Arc::new(Mutex::new(writer));
    let compacting = {
        let (writer, model) = (Arc::clone(&writer), model.clone());
        move || compact(&mut writer.lock().unwrap(), &model, 0, 2)
    };
    // The manifest was read when the first file is opened.
    files.inject(Fault::delay(compacting.clone()).on(Call::Open).path("00000001.log"));
    let mut reader = Follower::try_open(&store, files).unwrap();
    assert_eq!((reader.files.met(), reader.keys(), reader.log.stats().runs), (1, vec!["a".to_owned()], 1));
    assert!(reader.seen.entries == model);
    // Without end: each look finds another list.
    let writing = move || {
        writer.lock().unwrap().write("b", "1");
        writer.lock().unwrap().log.seal().unwrap();
        compacting();
    };
    reader.files.inject(Fault::delay(writing).on(Call::List).times(u64::MAX));
    let missing = Fault::fail(ErrorKind::NotFound).on(Call::Open).path(".run").times(u64::MAX);
    reader.files.inject(missing.clone());
    let fresh = FaultyFiles::new(reader.files.clone());
    let error = Follower::try_open(&store, fresh).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    reader.files.heal();
    reader.refresh();
    assert_eq!(reader.keys(), ["a", "b"]);
}

#[test]
fn files_that_are_removed_while_they_are_read_are_read_to_their_end() {
    let store = three_closed();
    let files = FaultyFiles::new(Arc::new(SystemFiles));
    let path = store.path();
    // Each file is read once for its header; then the reading begins.
    let remove = move || {
        for number in 1..=3 {
            fs::remove_file(path.join(format!("log/0000000{number}.log"))).unwrap();
        }
    };
    files.inject(Fault::delay(remove).on(Call::ReadAt).path(".log").skip(3));
    let reader = Follower::try_open(&store, files).unwrap();
    assert_eq!((reader.files.met(), reader.keys()), (1, ["a", "b", "c"].map(String::from).to_vec()));
}

#[test]
fn a_refresh_that_fails_leaves_the_place_and_the_next_one_goes_on() {
    let store = Store::with_segments_of(200);
    let mut writer = store.open();
    writer.write("k00", "1");
    let mut reader = Follower::open(&store);
    for number in 1..10 {
        writer.write(&format!("k{number:02}"), "1");
    }
    for (call, skip) in
        [(Call::Open, 0), (Call::Open, 2), (Call::List, 0), (Call::Size, 1), (Call::ReadAt, 6)]
    {
        reader.files.inject(Fault::fail_with(5).on(call).path("log").skip(skip));
        assert_eq!(reader.try_refresh().unwrap_err().code(), ErrorCode::Io);
        let seen = reader.keys();
        assert!(seen.iter().enumerate().all(|(number, key)| *key == format!("k{number:02}")), "{seen:?}");
    }
    let many = Fault::fail_with(24).on(Call::Open).path(".log").skip(1);
    reader.files.inject(many);
    assert!(reader.try_refresh().unwrap_err().message().contains("ulimit -n"));
    assert_eq!(reader.refresh(), Refreshed::Advanced);
    assert_eq!((reader.keys().len(), reader.seen.begun), (10, 1));
}

#[test]
fn another_store_or_an_older_one_in_the_folder_is_no_refresh() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    let early = store.content();
    writer.write("b", "1");
    writer.close().unwrap();
    let mut reader = Follower::open(&store);
    let late = store.content();
    for content in [early, three_closed().content()] {
        store.put(&content);
        assert_eq!(reader.try_refresh().unwrap_err().code(), ErrorCode::Config);
    }
    fs::remove_dir_all(store.path()).unwrap();
    assert_eq!(reader.try_refresh().unwrap_err().code(), ErrorCode::Config);
    assert_eq!(reader.log.next_sequence(), 3);
    store.put(&late);
    assert_eq!(reader.refresh(), Refreshed::Unchanged);
}

#[test]
fn a_last_segment_without_a_header_is_not_there_yet() {
    let store = Store::new();
    let mut writer = store.open();
    writer.write("a", "1");
    let mut reader = Follower::open(&store);
    fs::write(store.log_path("00000002.log"), [0; 50]).unwrap();
    assert_eq!(reader.refresh(), Refreshed::Unchanged);
    assert_eq!(Follower::open(&store).keys(), ["a"]);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Written>),
    Sync,
    Mark,
    Seal,
    /// A write of two frames fails behind the first one, which both readers may see meanwhile.
    Fail(bool),
    Compact(prop::sample::Index, prop::sample::Index),
    Close,
    Kill,
    /// Some of what was not synced does not survive the death of the writer.
    Lose(prop::sample::Index),
    Refresh,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::collection::vec(b'a'..b'e', 1..3);
    let operation = prop_oneof![
        6 => (key(), prop::collection::vec(any::<u8>(), 0..2)).prop_map(|(key, value)| Written::Set(key, value, None)),
        3 => key().prop_map(Written::Delete),
        1 => (key(), prop::option::of(key())).prop_map(|(start, end)| Written::DeleteRange(start, end)),
    ];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        8 => prop::collection::vec(operation, 1..4).prop_map(Step::Append),
        3 => Just(Step::Sync),
        1 => Just(Step::Mark),
        2 => Just(Step::Seal),
        2 => any::<bool>().prop_map(Step::Fail),
        3 => (index(), index()).prop_map(|(from, to)| Step::Compact(from, to)),
        1 => Just(Step::Close),
        2 => Just(Step::Kill),
        2 => index().prop_map(Step::Lose),
        4 => Just(Step::Refresh),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// One reader refreshes after every step, the other now and then.
    #[test]
    fn readers_see_what_the_writer_has_whatever_happens(steps in prop::collection::vec(step(), 1..60)) {
        let store = Store::with_segments_of(500);
        let mut writer = store.open();
        let mut readers = [(); 2].map(|()| Arc::new(Mutex::new(Follower::open(&store))));
        let mut model = Newest::default();
        for step in steps {
            match &step {
                Step::Append(operations) => {
                    let first = writer.log.next_sequence();
                    writer.append(frame(operations)).unwrap();
                    (first..).zip(operations).for_each(|(sequence, operation)| model.apply(sequence, operation));
                }
                Step::Sync => writer.log.sync().unwrap(),
                Step::Mark => writer.log.mark().unwrap(),
                Step::Seal => writer.log.seal().unwrap(),
                Step::Fail(seen) => {
                    // A segment is begun before, so that the writes are those of the frames.
                    writer.append(one("a", "b")).unwrap();
                    model.apply(writer.log.next_sequence() - 1, &Written::set("a", "b"));
                    let looking = readers.clone();
                    if *seen {
                        let look = move || looking.iter().for_each(|reader| _ = reader.lock().unwrap().refresh());
                        store.files.inject(Fault::delay(look).on(Call::WriteAt).skip(1));
                    }
                    store.files.inject(Fault::fail(ErrorKind::Other).on(Call::WriteAt).skip(1));
                    let mut frames = [one("taken", "back"), one("c", &"x".repeat(70_000))];
                    prop_assert!(writer.log.append(&mut frames).is_err());
                    store.files.heal();
                }
                Step::Compact(from, count) => {
                    let files = writer.log.files().len();
                    if files > 0 {
                        let position = from.index(files);
                        compact(&mut writer, &model, position, count.index(files - position) + 1);
                    }
                }
                Step::Close => {
                    writer.close().unwrap();
                    writer = store.open();
                }
                Step::Kill | Step::Lose(_) => {
                    let (synced, active) = (writer.log.synced(), writer.log.active_bytes());
                    drop(writer);
                    if let (Step::Lose(at), true) = (&step, active > 0) {
                        lose(&store, *at, synced);
                    }
                    writer = store.open();
                    model = Newest::of(&writer);
                }
                Step::Refresh => {}
            }
            let looking = if matches!(step, Step::Refresh) { 2 } else { 1 };
            for reader in readers.iter_mut().take(looking) {
                let mut reader = reader.lock().unwrap();
                reader.refresh();
                prop_assert_eq!(reader.log.next_sequence(), writer.log.next_sequence());
                prop_assert_eq!(&reader.seen.entries, &model, "after {:?}", step);
            }
        }
    }
}

/// Cuts the last segment behind any of its frames that may be lost.
fn lose(store: &Store, at: prop::sample::Index, synced: u64) {
    let names = store.log_names();
    let name = names.iter().rfind(|name| name.ends_with(".log")).unwrap();
    let bytes = store.read(name);
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (mut end, mut ends) = (96, Vec::new());
    while end + 40 <= bytes.len() {
        let (length, operations) = (word(end) as u32 as usize, word(end + 16) >> 32);
        if length == 0 {
            break;
        }
        let next = word(end + 24) + operations;
        end += length;
        if next >= synced {
            ends.push(end);
        }
    }
    if !ends.is_empty() {
        store.replace(name, &bytes[..ends[at.index(ends.len())]]);
    }
}

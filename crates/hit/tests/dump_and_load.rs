//! Whatever a store holds, a dump of it loaded into another one gives the same entries; and no bytes make loading panic.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::ops::ControlFlow;

use hit::{Format, KeyRange, LoadOptions, Loaded, OpenOptions, Operation, Progress, Store};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

type Entries = Vec<(Vec<u8>, Vec<u8>, Option<u64>)>;

/// An hour that has not come yet.
const LATER_MS: u64 = 4_000_000_000_000;

fn memory() -> Store {
    Store::open_blocking("memory:", OpenOptions::default()).unwrap()
}

fn quiet(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn filled(entries: &Entries) -> Store {
    let store = memory();
    for (key, value, expires_at) in entries {
        let operation = Operation::Set { key, value, expires_at: *expires_at };
        store.submit(std::iter::once(operation), None, drop).unwrap();
    }
    store
}

fn all(store: &Store) -> Entries {
    let mut entries = Vec::new();
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    scan.visit(|key, entry| {
        entries.push((key.to_vec(), entry.value.to_vec(), entry.expires_at));
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

fn load(store: &Store, text: Vec<u8>, options: &LoadOptions) -> hit::Result<Loaded> {
    store.load_stream_blocking(Box::new(Cursor::new(text)), "text", options, &mut quiet)
}

/// Text that formats have to quote, and any bytes.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c ,;\"'\\\\\r\n\t\u{0}\u{1f}\u{7f}äß€😀\u{feff}\u{2028}]{0,12}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..12),
        (any::<u8>(), 0..5_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn entries() -> impl Strategy<Value = Entries> {
    let key = bytes().prop_map(|mut key| {
        key.truncate(2_048);
        if key.is_empty() { vec![b'k'] } else { key }
    });
    let expiry = prop_oneof![Just(None), (LATER_MS..=hit::limits::MAX_INTEGER).prop_map(Some)];
    btree_map(key, (bytes(), expiry), 0..40).prop_map(|entries| {
        entries.into_iter().map(|(key, (value, expires_at))| (key, value, expires_at)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dump_loaded_again_reproduces_the_store(entries in entries()) {
        let store = filled(&entries);
        for format in [Format::Ndjson, Format::Csv] {
            let mut text = Vec::new();
            let dumped =
                store.dump_stream_blocking(&mut text, "text", KeyRange::ALL, format, &mut quiet).unwrap();
            prop_assert_eq!(dumped, entries.len() as u64);
            prop_assert!(std::str::from_utf8(&text).is_ok());
            let copy = memory();
            let options = LoadOptions { format: Some(format), ..LoadOptions::default() };
            let loaded = load(&copy, text, &options).unwrap();
            prop_assert_eq!(loaded, Loaded { loaded: entries.len() as u64, skipped: 0 });
            prop_assert_eq!(&all(&copy), &entries);
        }
    }

    #[test]
    fn a_store_loaded_from_another_one_holds_the_same(entries in entries()) {
        let copy = memory();
        let loaded = copy.load_from_blocking(&filled(&entries), &mut quiet).unwrap();
        prop_assert_eq!(loaded.loaded, entries.len() as u64);
        prop_assert_eq!(&all(&copy), &entries);
    }

    #[test]
    fn no_bytes_make_loading_panic_and_skipping_reads_to_the_end(
        text in prop_oneof![
            vec(any::<u8>(), 0..400),
            "([{}\\[\\]:,\"\\\\\r\nae1 ]|\"key\"|\"value\"|\"key64\"|\"expiresAt\"|key,value){0,60}".prop_map(String::into_bytes),
        ],
        header in any::<bool>(),
    ) {
        for format in [Format::Ndjson, Format::Csv, Format::GoHit] {
            for (skip_bad, json_values) in [(false, false), (true, false), (true, true)] {
                let options = LoadOptions { format: Some(format), skip_bad, json_values, durability: None };
                let mut text = text.clone();
                if header && format == Format::Csv {
                    text.splice(..0, *b"key,value\n");
                }
                match load(&memory(), text, &options) {
                    Ok(loaded) => prop_assert!(skip_bad || loaded.skipped == 0),
                    Err(error) => prop_assert!(error.message().starts_with("text line "), "{}", error),
                }
            }
        }
    }
}

/// The same dump however many pages and groups it takes.
#[test]
fn many_entries_survive_dumping_and_loading() {
    let entries: Entries = (0..20_000_u32)
        .map(|number| {
            let value = vec![b'v'; number as usize % 97];
            (number.to_be_bytes().to_vec(), value, number.is_multiple_of(3).then_some(LATER_MS))
        })
        .collect();
    let store = filled(&entries);
    for format in [Format::Ndjson, Format::Csv] {
        let mut text = Vec::new();
        store.dump_stream_blocking(&mut text, "text", KeyRange::ALL, format, &mut quiet).unwrap();
        let copy = memory();
        let options = LoadOptions { format: Some(format), ..LoadOptions::default() };
        assert_eq!(load(&copy, text, &options).unwrap().loaded, 20_000);
        assert_eq!(all(&copy), entries);
    }
    let copy = memory();
    assert_eq!(
        store.dump_into_blocking(&copy, KeyRange { start: &[0, 0, 1], end: None }, &mut quiet).unwrap(),
        19_744
    );
    assert_eq!(all(&copy), entries[256..]);
}

/// As `/dev/stdout` is one for `hitkv dump … | head`: nothing there may be replaced by a file.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_behind_a_symbolic_link_is_written_into() {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    let folder = tempfile::tempdir().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let link = folder.path().join("out");
    std::os::unix::fs::symlink(format!("/proc/self/fd/{}", writer.as_raw_fd()), &link).unwrap();
    let store = filled(&vec![(b"key".to_vec(), b"value".to_vec(), None)]);
    let dumped = store.dump_blocking(&link, KeyRange::ALL, Format::Ndjson, &mut quiet).unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!((dumped, text.lines().count()), (1, 1));
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

//! The stores in `fixtures/log`: they hold the format still. `HIT_UPDATE_FIXTURES=1` makes them anew, which is right
//! only together with a change of `docs/log-format.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hit_core::{KeyRange, Operation, Result};
use serde_json::{Value, json};

use crate::files::SystemFiles;
use crate::header::{FrameKind, Place};
use crate::manifest::Manifest;
use crate::reader::{FrameReader, Step, Window};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::{Files, Folder, Frame, FrameOperations, LockFile, Log, LogOptions, OpenMode, Replay};

const NAMES: [&str; 3] = ["closed", "killed", "recovered"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log").join(name)
}

#[derive(Default)]
struct Listed(Vec<Value>);

impl Replay for Listed {
    fn reserve(&mut self, _operations: u64) {}

    fn frame(&mut self, first_sequence: u64, operations: FrameOperations<'_>) -> Result<()> {
        for (sequence, operation) in (first_sequence..).zip(operations) {
            self.0.push(listed(sequence, &operation));
        }
        Ok(())
    }
}

/// An operation as the list beside a fixture has it: bytes in hexadecimal.
fn listed(sequence: u64, operation: &Operation<'_>) -> Value {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match *operation {
        Operation::Set { key, value, expires_at } => {
            json!({ "sequence": sequence, "type": "set", "key": hex(key), "value": hex(value), "expiresAt": expires_at })
        }
        Operation::Delete { key } => json!({ "sequence": sequence, "type": "delete", "key": hex(key) }),
        Operation::DeleteRange { range } => {
            json!({ "sequence": sequence, "type": "delete-range", "start": hex(range.start), "end": range.end.map(hex) })
        }
    }
}

fn open(path: &Path, segment_bytes: u64, replay: &mut dyn Replay) -> (Log, crate::Lock) {
    let folder = Folder::open(Arc::new(SystemFiles), path, "file", true).unwrap();
    let lock = LockFile::open(&folder).unwrap().acquire().unwrap();
    (Log::open(&folder, &lock, LogOptions { segment_bytes }, replay).unwrap(), lock)
}

fn frame(operations: &[Operation<'_>]) -> Frame {
    let mut frame = Frame::new();
    operations.iter().for_each(|operation| frame.push(operation).unwrap());
    frame
}

fn set<'a>(key: &'a [u8], value: &'a [u8]) -> Operation<'a> {
    Operation::Set { key, value, expires_at: None }
}

/// Every kind of operation, in two segments, closed cleanly.
fn make_closed(path: &Path) {
    let (mut log, _lock) = open(path, 700, &mut Listed::default());
    let large: Vec<_> = (0..300_u16).map(|number| number as u8).collect();
    let range = |start, end| Operation::DeleteRange { range: KeyRange { start, end } };
    for group in [
        vec![
            set(b"user:1", b"ada"),
            Operation::Set { key: b"session", value: &[0, 255], expires_at: Some(1_800_000_000_000) },
        ],
        vec![set(b"\x00\xff", b""), Operation::Delete { key: b"user:2" }, set(b"large", &large)],
        vec![set(&[b'k'; 200], &[b'v'; 130])],
        vec![range(b"user:", Some(b"user;")), range(b"", Some(b"a")), range(b"z", None), range(b"", None)],
        vec![Operation::Set {
            key: b"last",
            value: "ü".as_bytes(),
            expires_at: Some(hit_core::limits::MAX_INTEGER),
        }],
    ] {
        log.append(&mut [frame(&group)]).unwrap();
        log.sync().unwrap();
    }
    log.mark().unwrap();
    log.close().unwrap();
}

/// A mark, frames that no frame calls synced, and a torn frame at the end.
fn make_killed(path: &Path) {
    let (mut log, lock) = open(path, 1 << 20, &mut Listed::default());
    log.append(&mut [frame(&[set(b"a", b"1")]), frame(&[set(b"b", b"2"), set(b"c", b"3")])]).unwrap();
    log.sync().unwrap();
    log.mark().unwrap();
    log.append(&mut [frame(&[set(b"d", b"4")]), frame(&[Operation::Delete { key: b"a" }])]).unwrap();
    log.append(&mut [frame(&[set(b"torn", b"never whole")])]).unwrap();
    drop((log, lock));
    let segment = path.join("log/00000001.log");
    let bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    fs::write(&segment, &bytes[..end - 3]).unwrap();
}

/// The same after recovery and one more write, killed again.
fn make_recovered(path: &Path) {
    copy(&fixture("killed"), path);
    let (mut log, lock) = open(path, 1 << 20, &mut Listed::default());
    log.append(&mut [frame(&[set(b"e", b"5")])]).unwrap();
    drop((log, lock));
    let segment = path.join("log/00000002.log");
    let bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    fs::write(&segment, &bytes[..end.next_multiple_of(8)]).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("log")).unwrap();
    for folder in ["", "log"] {
        for entry in fs::read_dir(from.join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), to.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
}

/// What opening a copy of the store in `path` gives, as the list beside a fixture has it.
fn found(path: &Path) -> Value {
    let root = tempfile::tempdir().unwrap();
    let store = root.path().join("store");
    copy(path, &store);
    let mut operations = Listed::default();
    let (log, _lock) = open(&store, 1 << 20, &mut operations);
    let torn = log.stats().torn_tail.map(|torn| {
        let file = torn.file.file_name().unwrap().to_str().unwrap().to_owned();
        json!({ "file": file, "offset": torn.offset, "bytes": torn.bytes })
    });
    json!({ "nextSequence": log.next_sequence(), "tornTail": torn, "operations": operations.0 })
}

fn update() {
    for (name, make) in NAMES.into_iter().zip([make_closed, make_killed, make_recovered]) {
        let path = fixture(name);
        let _ = fs::remove_dir_all(&path);
        make(&path);
        for left in ["hitkv.lock", "OWNER"] {
            let _ = fs::remove_file(path.join(left));
        }
        let text = serde_json::to_string_pretty(&found(&path)).unwrap();
        fs::write(path.with_extension("json"), text + "\n").unwrap();
    }
}

/// Decodes a segment and encodes it again: what the format leaves open would differ.
fn encoded_again(folder: &Folder, path: &Path, number: u64) -> Vec<u8> {
    let original = fs::read(path).unwrap();
    let header = SegmentHeader::decode(&original, path, folder.id(), number).unwrap().unwrap();
    let mut bytes = header.encode().to_vec();
    let file = SystemFiles.open(path, OpenMode::Read).unwrap();
    let mut reader = FrameReader {
        file: &*file,
        path,
        salt: header.salt,
        position: SEGMENT_HEADER_BYTES as u64,
        limit: original.len() as u64,
        next_sequence: header.first_sequence,
        window: &mut Window::default(),
    };
    while let Step::Frame(found) = reader.next().unwrap() {
        let place = Place { salt: header.salt, offset: bytes.len() as u64 };
        if found.header.kind == FrameKind::Mark {
            bytes.extend(found.header.encode(place));
        } else {
            let mut frame = frame(&found.operations().collect::<Vec<_>>());
            frame.seal(place, found.header.first_sequence, found.header.synced_to);
            bytes.extend(frame.bytes());
        }
    }
    // A torn frame has no meaning to encode.
    bytes.extend(&original[bytes.len()..]);
    bytes
}

#[test]
fn the_fixtures_decode_to_what_their_lists_say_and_encode_to_themselves() {
    if std::env::var_os("HIT_UPDATE_FIXTURES").is_some() {
        update();
    }
    let mut segments = 0;
    for name in NAMES {
        let path = fixture(name);
        let listed: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
        assert_eq!(found(&path), listed, "{name}");

        let folder = Folder::open(Arc::new(SystemFiles), &path, "file", false).unwrap();
        let description = format!("{{\"kind\":\"file\",\"format\":1,\"id\":\"{}\"}}\n", folder.id());
        assert_eq!(fs::read_to_string(path.join("hitkv.json")).unwrap(), description);
        let log = path.join("log");
        let manifest = Manifest::read(&SystemFiles, &log, folder.id()).unwrap().unwrap();
        assert!(manifest.encode() == fs::read(log.join("manifest")).unwrap(), "{name}: manifest");
        for number in 1.. {
            let path = log.join(crate::names::segment(number));
            if !path.exists() {
                break;
            }
            assert!(encoded_again(&folder, &path, number) == fs::read(&path).unwrap(), "{}", path.display());
            segments += 1;
        }
    }
    assert_eq!(segments, 5);
}

#[test]
fn the_example_in_the_format_document_is_what_the_fixture_holds() {
    let document = include_str!("../../../docs/log-format.md");
    let bytes = fs::read(fixture("killed").join("log/00000001.log")).unwrap();
    let mut checked = 96;
    for line in document.lines().filter_map(|line| line.strip_prefix("    0000")) {
        let (offset, rest) = line.split_once("  ").unwrap();
        assert_eq!(usize::from_str_radix(offset, 16).unwrap(), checked);
        let hex = rest.split("   ").next().unwrap().split_whitespace();
        for byte in hex.map(|hex| u8::from_str_radix(hex, 16).unwrap()) {
            assert_eq!(bytes[checked], byte, "byte {checked} in: {line}");
            checked += 1;
        }
    }
    assert_eq!(checked, 256);
}

//! The stores in `fixtures/log`: they hold the format still. `HIT_UPDATE_FIXTURES=1` makes them anew, which is right
//! only together with a change of `docs/log-format.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hit_core::{KeyRange, Operation, Result};
use serde_json::{Value, json};

use crate::file_header::{FILE_HEADER_BYTES, FileHeader};
use crate::files::SystemFiles;
use crate::header::{FrameHeader, FrameKind, Place};
use crate::manifest::Manifest;
use crate::reader::{FrameReader, Step, Window};
use crate::{
    Decision, FileId, Files, Folder, Frame, FrameOperations, Judge, LockFile, Log, LogOptions, OpenMode,
    Replay, ReplayedFrame, ValuePlace,
};

const LONG_KEY: &[u8] = &[b'k'; 200];
const LONG_VALUE: &[u8] = &[b'v'; 130];
const NAMES: [&str; 4] = ["closed", "killed", "recovered", "compacted"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log").join(name)
}

#[derive(Default)]
struct Listed(Vec<Value>);

impl Replay for Listed {
    fn begin(&mut self, _first_sequences: &[u64], _operations: u64) {}

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        for (sequence, operation) in frame.operations() {
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
    for group in groups(&large) {
        log.append(&mut [frame(&group)]).unwrap();
        log.sync().unwrap();
        if log.is_full() {
            log.seal().unwrap();
        }
    }
    log.mark().unwrap();
    log.close().unwrap();
}

fn groups(large: &[u8]) -> [Vec<Operation<'_>>; 5] {
    let range = |start, end| Operation::DeleteRange { range: KeyRange { start, end } };
    [
        vec![
            set(b"user:1", b"ada"),
            Operation::Set { key: b"session", value: &[0, 255], expires_at: Some(1_800_000_000_000) },
        ],
        vec![set(b"\x00\xff", b""), Operation::Delete { key: b"user:2" }, set(b"large", large)],
        vec![set(LONG_KEY, LONG_VALUE)],
        vec![range(b"user:", Some(b"user;")), range(b"", Some(b"a")), range(b"z", None), range(b"", None)],
        vec![Operation::Set {
            key: b"last",
            value: "ü".as_bytes(),
            expires_at: Some(hit_core::limits::MAX_INTEGER),
        }],
    ]
}

/// Keeps every operation but those with the sequence numbers 1 and 6, and turns 2 into a delete.
struct Chosen;

impl Judge for Chosen {
    fn judge(&mut self, operations: FrameOperations<'_>, decisions: &mut Vec<Decision>) -> Result<()> {
        decisions.extend(operations.map(|(sequence, _)| match sequence {
            1 | 6 => Decision::Drop,
            2 => Decision::KeepAsDelete,
            _ => Decision::Keep,
        }));
        Ok(())
    }

    fn moved(&mut self, _sequence: u64, _key: &[u8], _length: u32, _place: ValuePlace) {}

    fn pace(&mut self, _read: u64, _written: u64) -> Result<()> {
        Ok(())
    }
}

/// The closed one with its first segment compacted and one write more, killed; with a segment that compaction has replaced
/// and not removed.
fn make_compacted(path: &Path) {
    copy(&fixture("closed"), path);
    let (mut log, lock) = open(path, 1 << 20, &mut Listed::default());
    let next_sequence = log.next_sequence();
    log.append(&mut [frame(&[set(b"e", b"5")])]).unwrap();
    let run = log.stretch(0, 1).unwrap().compact(next_sequence, &mut Chosen).unwrap();
    log.install(&run).unwrap();
    drop((log, lock));
    trim(&path.join("log/00000003.log"));
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
    trim(&path.join("log/00000002.log"));
}

/// Takes the space ahead away, which a fixture does not need.
fn trim(segment: &Path) {
    let bytes = fs::read(segment).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    fs::write(segment, &bytes[..end.next_multiple_of(8)]).unwrap();
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
    for (name, make) in NAMES.into_iter().zip([make_closed, make_killed, make_recovered, make_compacted]) {
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

/// Decodes a file and encodes it again: what the format leaves open would differ.
fn encoded_again(folder: &Folder, path: &Path, id: FileId) -> Vec<u8> {
    let original = fs::read(path).unwrap();
    let header = FileHeader::decode(&original, path, folder.id(), id).unwrap().unwrap();
    let mut bytes = header.encode().to_vec();
    let file = SystemFiles.open(path, OpenMode::Read).unwrap();
    let mut reader = FrameReader {
        kind: id.kind,
        file: &*file,
        path,
        salt: header.salt,
        position: FILE_HEADER_BYTES as u64,
        limit: original.len() as u64,
        next_sequence: header.first_sequence,
        window: &mut Window::default(),
    };
    while let Step::Frame(found) = reader.next().unwrap() {
        let place = Place { salt: header.salt, offset: bytes.len() as u64 };
        let operations: Vec<_> = found.operations().collect();
        match found.header.kind {
            FrameKind::Mark => bytes.extend(found.header.encode(place)),
            FrameKind::Operations => {
                let operations: Vec<_> = operations.into_iter().map(|(_, operation)| operation).collect();
                let mut frame = frame(&operations);
                frame.seal(place, found.header.first_sequence, found.header.synced_to);
                bytes.extend(frame.bytes());
            }
            FrameKind::Kept => {
                let mut payload = Vec::new();
                let mut before = found.header.first_sequence;
                for (sequence, operation) in operations {
                    crate::varint::write_long(&mut payload, sequence - before);
                    crate::operation::encode(&mut payload, &operation);
                    before = sequence;
                }
                let checksum = crc32c::crc32c(&payload);
                let header = FrameHeader { payload_checksum: checksum, ..found.header };
                assert_eq!(header.payload_bytes as usize, payload.len());
                bytes.extend(header.encode(place));
                bytes.extend(payload);
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
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
    let mut files = 0;
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
        for entry in fs::read_dir(&log).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(id) = crate::names::parse_log_file(&name) else { continue };
            let path = log.join(name);
            assert!(encoded_again(&folder, &path, id) == fs::read(&path).unwrap(), "{}", path.display());
            files += 1;
        }
    }
    assert_eq!(files, 9);
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

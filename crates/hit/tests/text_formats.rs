//! Every file of `fixtures/text`, good and bad, is read as the description beside it says. The files hold every engine
//! to the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hit::{Error, Format, KeyRange, LoadOptions, Loaded, OpenOptions, Progress, Result, Store};
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/text")
}

fn quiet(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn memory() -> Store {
    Store::open_blocking("memory:", OpenOptions::default()).unwrap()
}

/// What a store holds, as the descriptions write it.
fn entries(store: &Store) -> Value {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    };
    let mut entries = Vec::new();
    let mut scan = store.scan(KeyRange::ALL, false).unwrap();
    scan.visit(|key, entry| {
        let mut found = vec![text(key), text(entry.value)];
        found.extend(entry.expires_at.map(Value::from));
        entries.push(Value::Array(found));
        ControlFlow::Continue(())
    })
    .unwrap();
    // The descriptions order them by what they write, not by the bytes of base64.
    entries.sort_by_key(ToString::to_string);
    Value::Array(entries)
}

fn sorted(entries: &Value) -> Value {
    let mut entries = entries.as_array().unwrap().clone();
    entries.sort_by_key(ToString::to_string);
    Value::Array(entries)
}

fn check_failure(error: &Error, expected: &Value, name: &str) {
    let line = expected["line"].as_u64().map(|line| format!("{name} line {line}: "));
    if let Some(line) = line {
        assert!(error.message().contains(&line), "{error}");
        assert_eq!(expected["code"], error.code().name(), "{error}");
    }
}

fn load(path: &Path, expected: &Value, skip_bad: bool) -> (Store, Result<Loaded>) {
    let store = memory();
    let json_values = expected["jsonValues"].as_bool().unwrap_or_default();
    let options = LoadOptions { skip_bad, json_values, ..LoadOptions::default() };
    let loaded = store.load_blocking(path, &options, &mut quiet);
    (store, loaded)
}

fn check(path: &Path, expected: &Value) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (store, loaded) = load(path, expected, false);
    match (&loaded, &expected["failure"]) {
        (Ok(loaded), Value::Null) => {
            let count = expected["loaded"].as_u64().unwrap();
            assert_eq!(*loaded, Loaded { loaded: count, skipped: 0 }, "{name}");
        }
        (Err(error), failure) if failure.is_object() => check_failure(error, failure, name),
        _ => panic!("{name}: {loaded:?}"),
    }
    if expected["entries"].is_array() {
        assert_eq!(entries(&store), sorted(&expected["entries"]), "{name}");
    }
    for (format, file) in expected["dumps"].as_object().into_iter().flatten() {
        let mut dump = Vec::new();
        let format = format.parse().unwrap();
        store.dump_stream_blocking(&mut dump, "dump", KeyRange::ALL, format, &mut quiet).unwrap();
        let file = fixtures().join(file.as_str().unwrap());
        assert_eq!(String::from_utf8(dump).unwrap(), fs::read_to_string(file).unwrap());
    }
    let (store, loaded) = load(path, expected, true);
    let skipping = &expected["skipping"];
    match (&loaded, skipping) {
        (Ok(loaded), Value::Null) => assert_eq!(loaded.skipped, 0, "{name}"),
        (Err(error), _) if skipping["failure"].is_object() => {
            check_failure(error, &skipping["failure"], name);
        }
        (Ok(loaded), _) => {
            let expected = (skipping["loaded"].as_u64(), skipping["skipped"].as_u64());
            assert_eq!((Some(loaded.loaded), Some(loaded.skipped)), expected, "{name}");
        }
        (Err(error), _) => panic!("{name}: {error}"),
    }
    if skipping["entries"].is_array() {
        assert_eq!(entries(&store), sorted(&skipping["entries"]), "{name}, skipping");
    }
}

#[test]
fn every_file_is_read_as_its_description_says() {
    let mut checked = 0;
    for file in fs::read_dir(fixtures()).unwrap() {
        let path = file.unwrap().path();
        let Some(subject) = path.to_str().unwrap().strip_suffix(".expected.json") else { continue };
        let expected = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        check(Path::new(subject), &expected);
        checked += 1;
    }
    assert!(checked > 20, "there are fixtures");
}

#[test]
fn every_bad_line_is_named_with_its_code_and_can_be_skipped() {
    let lines: Value = serde_json::from_slice(&fs::read(fixtures().join("bad-lines.json")).unwrap()).unwrap();
    for bad in lines.as_array().unwrap() {
        let format: Format = bad["format"].as_str().unwrap().parse().unwrap();
        let line = bad["line"].as_str().unwrap();
        let (good, other) = match format {
            Format::Csv => ("key,value,expiresAt,key64,value64\ngood,1,,,", "other,1,,,"),
            _ => (r#"{"key":"good","value":"1"}"#, r#"{"key":"other","value":"1"}"#),
        };
        let text = format!("{good}\n{line}\n{other}\n");
        let number = if format == Format::Csv { 3 } else { 2 };
        for skip_bad in [false, true] {
            let json_values = bad["jsonValues"].as_bool().unwrap_or_default();
            let options = LoadOptions { format: Some(format), skip_bad, json_values, durability: None };
            let store = memory();
            let loaded =
                store.load_stream_blocking(Box::new(Cursor::new(text.clone())), "text", &options, &mut quiet);
            let all = if skip_bad { 2 } else { 1 };
            assert_eq!(store.count(KeyRange::ALL).unwrap(), all, "{line}");
            match loaded {
                Ok(loaded) => {
                    assert!(skip_bad, "{line}");
                    assert_eq!(loaded, Loaded { loaded: all, skipped: 1 }, "{line}");
                }
                Err(error) => {
                    assert!(!skip_bad, "{error}");
                    assert_eq!(bad["code"], error.code().name(), "{line}: {error}");
                    assert!(error.message().starts_with(&format!("text line {number}: ")), "{error}");
                }
            }
        }
    }
}

//! What an answer says about the disk.

mod wire;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};

use hit::{OpenOptions, Store};
use hit_log::SystemFiles;
use hit_testkit::{Call, Fault, FaultyFiles};
use tempfile::TempDir;
use wire::{Client, serve, wait};

/// A store whose disk does what the test says.
fn store_on(folder: &TempDir, files: &Arc<FaultyFiles>) -> Store {
    let options = OpenOptions { files: Arc::clone(files) as Arc<_>, ..OpenOptions::default() };
    wait(Store::open(&url(folder.path()), options)).expect("the store opens")
}

fn url(folder: &Path) -> String {
    format!("file:{}", folder.join("store").display())
}

fn disk() -> (TempDir, Arc<FaultyFiles>) {
    (tempfile::tempdir().expect("a temporary folder"), FaultyFiles::new(Arc::new(SystemFiles)))
}

#[test]
fn what_was_answered_is_there_after_the_server_and_its_store_have_ended() {
    let (folder, files) = disk();
    let store = store_on(&folder, &files);
    let server = serve(store.clone());
    let mut client = Client::connect(&server);
    for number in 0..100 {
        assert_eq!(client.set(&format!("key{number}"), "v").status, 201);
    }
    assert_eq!(client.request("DELETE", "/delete?key=key7", "").status, 204);
    wait(server.stop());
    wait(store.close()).unwrap();
    let again = store_on(&folder, &files);
    for number in 0..100 {
        let value = again.get(format!("key{number}").as_bytes()).unwrap();
        assert_eq!(value.is_some(), number != 7, "key{number}");
    }
}

#[test]
fn neither_a_write_nor_a_read_that_saw_it_is_answered_before_the_sync() {
    let (folder, files) = disk();
    let server = serve(store_on(&folder, &files));
    assert_eq!(Client::connect(&server).set("before", "v").status, 201);
    let (syncing, is_syncing) = mpsc::channel();
    let (proceed, may_proceed) = mpsc::channel::<()>();
    let may_proceed = Mutex::new(may_proceed);
    files.inject(
        Fault::delay(move || {
            syncing.send(()).unwrap();
            may_proceed.lock().unwrap().recv().unwrap();
        })
        .on(Call::SyncData)
        .path(".log"),
    );
    let mut writer = Client::connect(&server);
    writer
        .send("POST /set HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\n{\"key\":\"foo\",\"value\":\"1\"}");
    is_syncing.recv().unwrap();
    // The write is in the table and not on disk: this reads it, and another one reads that a key is absent.
    let mut readers = [Client::connect(&server), Client::connect(&server)];
    for (reader, key) in readers.iter_mut().zip(["foo", "absent"]) {
        reader.send(format!("GET /get?key={key} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    // A refused request needs no disk, so the server has had the time to answer all of them.
    assert_eq!(Client::connect(&server).get("/get?key=").status, 400);
    assert!(!writer.has_answer());
    assert!(readers.iter().all(|reader| !reader.has_answer()));
    proceed.send(()).unwrap();
    assert_eq!(writer.answer().status, 201);
    assert_eq!(readers[0].answer().body, r#"{"key":"foo","value":"1"}"#);
    assert_eq!(readers[1].answer().body, r#"{"key":"absent","value":""}"#);
}

#[test]
fn a_full_disk_refuses_writes_and_answers_reads() {
    let (folder, files) = disk();
    let server = serve(store_on(&folder, &files));
    let mut client = Client::connect(&server);
    assert_eq!(client.set("foo", "before").status, 201);
    files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path(".log").times(u64::MAX));
    let refused = client.set("foo", "after");
    assert_eq!((refused.status, refused.header("hitkv-code")), (507, Some("HIT_DISK_FULL")), "{refused:?}");
    assert_eq!(client.get("/get?key=foo").body, r#"{"key":"foo","value":"before"}"#);
    files.heal();
    assert_eq!(client.set("foo", "after").status, 201);
    assert_eq!(client.get("/get?key=foo").body, r#"{"key":"foo","value":"after"}"#);
}

#[test]
fn a_read_that_saw_a_write_fail_answers_what_was_before() {
    let (folder, files) = disk();
    let server = serve(store_on(&folder, &files));
    assert_eq!(Client::connect(&server).set("foo", "before").status, 201);
    let (writing, is_writing) = mpsc::channel();
    let (proceed, may_proceed) = mpsc::channel::<()>();
    let may_proceed = Mutex::new(may_proceed);
    files.inject(
        Fault::delay(move || {
            writing.send(()).unwrap();
            may_proceed.lock().unwrap().recv().unwrap();
        })
        .on(Call::WriteAt)
        .path(".log"),
    );
    files.inject(Fault::fail(ErrorKind::StorageFull).on(Call::WriteAt).path(".log").times(u64::MAX));
    let mut writer = Client::connect(&server);
    writer
        .send("POST /set HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\n{\"key\":\"foo\",\"value\":\"1\"}");
    is_writing.recv().unwrap();
    let mut reader = Client::connect(&server);
    reader.send("GET /get?key=foo HTTP/1.1\r\nHost: x\r\n\r\n");
    proceed.send(()).unwrap();
    assert_eq!(writer.answer().status, 507);
    assert_eq!(reader.answer().body, r#"{"key":"foo","value":"before"}"#);
}

#[test]
fn a_failed_sync_is_no_success_and_ends_the_store() {
    let (folder, files) = disk();
    let server = serve(store_on(&folder, &files));
    let mut client = Client::connect(&server);
    assert_eq!(client.set("foo", "before").status, 201);
    files.inject(Fault::fail(ErrorKind::Other).on(Call::SyncData).path(".log"));
    for answer in [
        client.set("foo", "after"),
        client.get("/get?key=foo"),
        client.set("foo", "again"),
        client.request("DELETE", "/delete?key=foo", ""),
    ] {
        assert_eq!((answer.status, answer.header("hitkv-code")), (503, Some("HIT_POISONED")), "{answer:?}");
    }
}

#[test]
fn who_finds_the_store_locked_can_see_where_it_is_served() {
    let (folder, files) = disk();
    let store = store_on(&folder, &files);
    let server = serve(store.clone());
    let address = format!("http://{}", server.http_address().unwrap());
    let owner = || std::fs::read_to_string(folder.path().join("store/OWNER")).unwrap();
    assert!(owner().contains(&address), "{}", owner());
    wait(server.stop());
    assert!(!owner().contains(&address), "{}", owner());
    drop(store);
}

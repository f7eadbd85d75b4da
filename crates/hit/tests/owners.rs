//! One folder, several handles: who joins, who is refused, who closes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hit::{ErrorCode, FileOptions, KeyRange, OpenOptions, Store, WriteOptions};
use tempfile::TempDir;

fn url(folder: &TempDir) -> String {
    folder.path().join("store").display().to_string()
}

async fn open(folder: &TempDir) -> Store {
    Store::open(&url(folder), OpenOptions::default()).await.unwrap()
}

#[tokio::test]
async fn a_second_open_joins_the_first_and_the_last_close_closes() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder).await;
    let second = Store::open(&format!("file:{}", url(&folder)), OpenOptions::default()).await.unwrap();
    first.set(b"a", b"1", WriteOptions::default()).await.unwrap();
    assert_eq!(second.get(b"a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(second.stats().handles, 2);
    first.close().await.unwrap();
    assert_eq!(first.get(b"a").unwrap_err().code(), ErrorCode::NotOpen);
    second.set(b"b", b"2", WriteOptions::default()).await.unwrap();
    second.close().await.unwrap();
    assert_eq!(open(&folder).await.count(KeyRange::ALL).unwrap(), 2);
}

#[tokio::test]
async fn a_handle_that_is_dropped_gives_the_folder_back() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=20_u64 {
        let store = open(&folder).await;
        store.set(&round.to_be_bytes(), b"", WriteOptions::default()).await.unwrap();
        drop(store);
        // Joins the closing store, waits for it, or finds it closed: never a refusal.
        let store = open(&folder).await;
        assert_eq!(store.count(KeyRange::ALL).unwrap(), round);
    }
}

#[tokio::test]
async fn options_of_the_store_have_to_agree() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(&folder).await;
    let file = FileOptions { segment_bytes: 1 << 20 };
    let refused = Store::open(&url(&folder), OpenOptions { file, ..OpenOptions::default() }).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code(), ErrorCode::Config);
    let file = FileOptions { segment_bytes: 1 };
    let refused = Store::open(&url(&folder), OpenOptions { file, ..OpenOptions::default() }).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code(), ErrorCode::Config);
}

#[tokio::test]
async fn many_opens_and_closes_at_once_end_with_everything_there() {
    let folder = tempfile::tempdir().unwrap();
    let tasks: Vec<_> = (0..8_u8)
        .map(|task| {
            let url = url(&folder);
            tokio::spawn(async move {
                for round in 0..10_u8 {
                    let store = Store::open(&url, OpenOptions::default()).await.unwrap();
                    store.set(&[task, round], b"x", WriteOptions::default()).await.unwrap();
                    store.close().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(open(&folder).await.count(KeyRange::ALL).unwrap(), 80);
}

#[tokio::test]
async fn memory_is_always_a_new_store() {
    let first = Store::open("memory:", OpenOptions::default()).await.unwrap();
    let second = Store::open("memory:", OpenOptions::default()).await.unwrap();
    first.set(b"a", b"1", WriteOptions::default()).await.unwrap();
    assert_eq!(second.get(b"a").unwrap(), None);
    first.close().await.unwrap();
    second.close().await.unwrap();
}

//! One folder, several handles: who joins, who is refused, who closes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hit::{Durability, ErrorCode, FileOptions, KeyRange, OpenOptions, Store, WriteOptions};
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
    let file = FileOptions { segment_bytes: 1 << 20, ..FileOptions::default() };
    let refused = Store::open(&url(&folder), OpenOptions { file, ..OpenOptions::default() }).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code(), ErrorCode::Config);
    let file = FileOptions { segment_bytes: 1, ..FileOptions::default() };
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_that_close_at_the_same_moment_all_end() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..200 {
        let mut closing = Vec::new();
        for _ in 0..4 {
            closing.push(open(&folder).await);
        }
        let closing: Vec<_> =
            closing.into_iter().map(|store| tokio::spawn(async move { store.close().await })).collect();
        for closed in closing {
            closed.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn draining_waits_for_stores_that_are_open_dropped_or_closing() {
    let folder = tempfile::tempdir().unwrap();
    let value = vec![7; 100_000];
    for round in 0..10_u8 {
        let store = open(&folder).await;
        for number in 0..50_u8 {
            let options = WriteOptions { durability: Some(Durability::Memory), ..WriteOptions::default() };
            store.set(&[round, number], &value, options).await.unwrap();
        }
        match round % 3 {
            0 => drop(store),
            1 => store.close_with(drop),
            _ => std::mem::forget(store.clone()),
        }
        Store::drain_all();
        let written: u64 = std::fs::read_dir(folder.path().join("store/log"))
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(written >= (u64::from(round) + 1) * 50 * 100_000, "{written} bytes in round {round}");
    }
}

#[tokio::test]
async fn a_store_whose_folder_was_replaced_leaves_the_new_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let removed = open(&folder).await;
    removed.set(b"a", b"1", WriteOptions::default()).await.unwrap();
    std::fs::remove_dir_all(folder.path().join("store")).unwrap();
    let new = open(&folder).await;
    new.set(b"b", b"2", WriteOptions::default()).await.unwrap();
    new.close().await.unwrap();
    assert_eq!(removed.close().await.unwrap_err().code(), ErrorCode::Io);
    let new = open(&folder).await;
    assert_eq!((new.get(b"a").unwrap(), new.get(b"b").unwrap()), (None, Some(b"2".to_vec())));
}

//! How fast frames are filled, appended and replayed: `cargo run --release -p hit-log --example speed`.
//! The figures are for people; what was read is checked, and nothing fails for being slow.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::hint::black_box;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hit_core::{Operation, Result};
use hit_log::{Folder, Frame, Lock, LockFile, Log, LogOptions, Replay, ReplayedFrame, SystemFiles};

const OPERATIONS: usize = 1_000_000;
const GROUP: usize = 1_000;

#[derive(Debug, Default, PartialEq)]
struct Sum {
    operations: u64,
    value_bytes: usize,
}

impl Replay for Sum {
    fn begin(&mut self, _first_sequences: &[u64], operations: u64) {
        assert!(operations == 0 || operations == OPERATIONS as u64);
    }

    fn frame(&mut self, frame: &ReplayedFrame<'_>) -> Result<()> {
        for (_, operation) in frame.operations() {
            self.operations += 1;
            if let Operation::Set { key, value, .. } = black_box(operation) {
                self.value_bytes += value.len() + usize::from(key.is_empty());
            }
        }
        Ok(())
    }
}

/// Prints how long the fastest of some runs took: other programs only ever make one slower.
fn report(what: &str, runs: &[Duration], operations: usize) {
    let fastest = runs.iter().min().unwrap();
    let each = fastest.as_nanos() as f64 / operations as f64;
    println!("{what:<44} {:>8.1} ms  {each:>9.1} ns each", fastest.as_secs_f64() * 1e3);
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn set((key, value): &(String, String)) -> Operation<'_> {
    Operation::Set { key: key.as_bytes(), value: value.as_bytes(), expires_at: None }
}

struct Store {
    folder: Folder,
    lock: Lock,
}

impl Store {
    fn new(path: &Path) -> Self {
        let folder = Folder::open(Arc::new(SystemFiles), path, "file", true).unwrap();
        let lock = LockFile::open(&folder).unwrap().acquire().unwrap();
        Self { folder, lock }
    }

    fn open(&self, replay: &mut dyn Replay) -> Log {
        Log::open(&self.folder, &self.lock, LogOptions::default(), replay).unwrap()
    }

    /// Opens and replays, checks what was read, and says how long it took.
    fn replay(&self, expected: &Sum) -> Duration {
        let mut sum = Sum::default();
        let run = timed(|| drop(self.open(&mut sum)));
        assert_eq!(&sum, expected);
        run
    }
}

fn main() {
    let root = tempfile::tempdir().unwrap();
    let pairs: Vec<_> = (0..OPERATIONS).map(|n| (format!("key{n}"), format!("value{n}"))).collect();
    let value_bytes = pairs.iter().map(|(_, value)| value.len()).sum();
    let expected = Sum { operations: OPERATIONS as u64, value_bytes };
    let mut frame = Frame::new();
    let mut fill = |pairs: &[(String, String)], then: &mut dyn FnMut(&mut Frame)| {
        for group in pairs.chunks(GROUP) {
            frame.clear();
            group.iter().for_each(|pair| frame.push(&set(pair)).unwrap());
            then(&mut frame);
        }
    };
    let runs: Vec<_> = (0..7)
        .map(|_| {
            timed(|| {
                fill(&pairs, &mut |frame| {
                    black_box(frame);
                })
            })
        })
        .collect();
    report("push, from cold memory", &runs, OPERATIONS);
    let hot = &pairs[..GROUP];
    let runs: Vec<_> = (0..200)
        .map(|_| {
            timed(|| {
                fill(hot, &mut |frame| {
                    black_box(frame);
                })
            })
        })
        .collect();
    report("push, from the cache", &runs, GROUP);

    for closes in [true, false] {
        println!("{}", if closes { "closed" } else { "killed, nothing synced" });
        let store = Store::new(&root.path().join(if closes { "closed" } else { "killed" }));
        let mut log = store.open(&mut Sum::default());
        let run = timed(|| fill(&pairs, &mut |frame| log.append(slice::from_mut(frame)).unwrap()));
        report("push and append, groups of 1,000", &[run], OPERATIONS);
        if closes {
            report("sync of all and close", &[timed(|| log.close().unwrap())], OPERATIONS);
        } else {
            drop(log);
            report("open and replay, rewriting all", &[store.replay(&expected)], OPERATIONS);
        }
        report("open and replay", &[(); 7].map(|()| store.replay(&expected)), OPERATIONS);
    }

    println!("one frame an operation, nothing synced");
    let store = Store::new(&root.path().join("single"));
    let mut log = store.open(&mut Sum::default());
    let mut frames: Vec<_> = pairs
        .iter()
        .map(|pair| {
            let mut frame = Frame::with_capacity(32);
            frame.push(&set(pair)).unwrap();
            frame
        })
        .collect();
    let run = timed(|| frames.chunks_mut(GROUP).for_each(|group| log.append(group).unwrap()));
    report("append, groups of 1,000 frames", &[run], OPERATIONS);
    drop(log);
    report("open and replay, rewriting all", &[store.replay(&expected)], OPERATIONS);
    report("open and replay", &[(); 3].map(|()| store.replay(&expected)), OPERATIONS);
    let mut log = store.open(&mut Sum::default());
    let runs = frames.iter_mut().take(300).map(|frame| {
        timed(|| {
            log.append(slice::from_mut(frame)).unwrap();
            log.sync().unwrap();
        })
    });
    report("append and sync of one, the fastest of 300", &runs.collect::<Vec<_>>(), 1);
}

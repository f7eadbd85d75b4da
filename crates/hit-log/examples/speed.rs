//! How fast frames are filled, appended and replayed: `cargo run --release -p hit-log --example speed`.
//! The figures are for people; what was read is checked, and nothing fails for being slow.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hit_core::{Operation, Result};
use hit_log::{Folder, Frame, FrameOperations, LockFile, Log, LogOptions, Replay, SystemFiles};

const OPERATIONS: u64 = 1_000_000;
const GROUP: u64 = 1_000;

#[derive(Default)]
struct Sum {
    operations: u64,
    value_bytes: u64,
}

impl Replay for Sum {
    fn reserve(&mut self, operations: u64) {
        assert_eq!(operations, OPERATIONS);
    }

    fn frame(&mut self, _first_sequence: u64, operations: FrameOperations<'_>) -> Result<()> {
        for operation in operations {
            self.operations += 1;
            if let Operation::Set { key, value, .. } = black_box(operation) {
                self.value_bytes += value.len() as u64 + u64::from(key.is_empty());
            }
        }
        Ok(())
    }
}

fn report(what: &str, started: Instant, operations: u64) {
    let elapsed = started.elapsed();
    let each = elapsed.as_nanos() as f64 / operations as f64;
    println!("{what:<44} {:>8.1} ms  {each:>9.1} ns each", elapsed.as_secs_f64() * 1e3);
}

fn main() {
    let root = tempfile::tempdir().unwrap();
    let pairs: Vec<_> = (0..OPERATIONS).map(|n| (format!("key{n}"), format!("value{n}"))).collect();
    let value_bytes: u64 = pairs.iter().map(|(_, value)| value.len() as u64).sum();
    let set = |n: u64| {
        let (key, value) = &pairs[n as usize];
        Operation::Set { key: key.as_bytes(), value: value.as_bytes(), expires_at: None }
    };
    for closes in [true, false] {
        println!("{}", if closes { "closed" } else { "killed, nothing synced" });
        let path = root.path().join(if closes { "closed" } else { "killed" });
        let folder = Folder::open(Arc::new(SystemFiles), &path, "file", true).unwrap();
        let lock = LockFile::open(&folder).unwrap().acquire().unwrap();
        let open =
            |replay: &mut dyn Replay| Log::open(&folder, &lock, LogOptions::default(), replay).unwrap();
        let mut log = Log::open(&folder, &lock, LogOptions::default(), &mut Ignore).unwrap();
        let mut frame = Frame::new();
        let started = Instant::now();
        for first in (0..OPERATIONS).step_by(GROUP as usize) {
            frame.clear();
            for n in first..first + GROUP {
                frame.push(&set(n)).unwrap();
            }
            black_box(frame.byte_len());
        }
        report("push", started, OPERATIONS);
        let started = Instant::now();
        for first in (0..OPERATIONS).step_by(GROUP as usize) {
            frame.clear();
            for n in first..first + GROUP {
                frame.push(&set(n)).unwrap();
            }
            log.append(std::slice::from_mut(&mut frame)).unwrap();
        }
        report("push and append, groups of 1,000", started, OPERATIONS);
        if closes {
            let started = Instant::now();
            log.sync().unwrap();
            report("one sync of all", started, OPERATIONS);
            log.close().unwrap();
        } else {
            drop(log);
        }
        for _ in 0..2 {
            let mut sum = Sum::default();
            let started = Instant::now();
            let log = open(&mut sum);
            report("open and replay", started, OPERATIONS);
            assert_eq!((sum.operations, sum.value_bytes), (OPERATIONS, value_bytes));
            assert_eq!(log.next_sequence(), OPERATIONS + 1);
        }
    }
    let path = root.path().join("single");
    let folder = Folder::open(Arc::new(SystemFiles), &path, "file", true).unwrap();
    let lock = LockFile::open(&folder).unwrap().acquire().unwrap();
    let mut log = Log::open(&folder, &lock, LogOptions::default(), &mut Ignore).unwrap();
    let mut frames: Vec<_> = (0..OPERATIONS)
        .map(|n| {
            let mut frame = Frame::with_capacity(32);
            frame.push(&set(n)).unwrap();
            frame
        })
        .collect();
    println!("one frame an operation");
    let started = Instant::now();
    for group in frames.chunks_mut(GROUP as usize) {
        log.append(group).unwrap();
    }
    report("append, groups of 1,000 frames", started, OPERATIONS);
    drop(log);
    let mut sum = Sum::default();
    let started = Instant::now();
    let mut log = Log::open(&folder, &lock, LogOptions::default(), &mut sum).unwrap();
    report("open and replay, rewriting all", started, OPERATIONS);
    assert_eq!((sum.operations, sum.value_bytes), (OPERATIONS, value_bytes));
    let started = Instant::now();
    for frame in frames.iter_mut().take(1_000) {
        log.append(std::slice::from_mut(frame)).unwrap();
        log.sync().unwrap();
    }
    report("append and sync, one after another", started, 1_000);
}

struct Ignore;

impl Replay for Ignore {
    fn reserve(&mut self, _operations: u64) {}

    fn frame(&mut self, _first_sequence: u64, _operations: FrameOperations<'_>) -> Result<()> {
        Ok(())
    }
}

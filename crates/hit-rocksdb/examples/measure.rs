//! How fast the storage is by itself: `cargo run --release -p hit-rocksdb --example measure -- small|random [folder]`.
//!
//! `small` writes 1,000,000 entries `keyN` → `valueN`; `random` 10,000,000 random 16-byte keys with 100-byte values, or as many
//! as `ENTRIES` says. `MEMORY` is the memory in MiB, `BLOCK` the block size in bytes.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use hit_core::{Durability, KeyRange, Operation, Page, Storage, SystemClock, Values, at_once};
use hit_rocksdb::{Access, RocksDb, RocksDbOptions};

const BATCH: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let kind = arguments.next().unwrap_or_else(|| "small".to_owned());
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map_or_else(|| temporary.path().join("rocksdb"), PathBuf::from);
    let random = kind == "random";
    let entries = figure("ENTRIES").unwrap_or(if random { 10_000_000 } else { 1_000_000 });
    let options = RocksDbOptions {
        memory_bytes: figure("MEMORY").map(|mib| mib << 20),
        block_bytes: figure("BLOCK").map_or(Ok(RocksDbOptions::default().block_bytes), u32::try_from)?,
        ..RocksDbOptions::default()
    };
    let open = || RocksDb::open(&folder, &options, Access::Create, Arc::new(SystemClock::default()));
    let mut storage = open()?;
    let entry = |number| if random { random_entry(number) } else { small_entry(number) };

    timed("write", entries, || {
        for batch in 0..entries / BATCH {
            let mut pairs: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(&entry).collect();
            pairs.sort();
            let operations: Vec<_> =
                pairs.iter().map(|(key, value)| Operation::Set { key, value, expires_at: None }).collect();
            at_once(storage.write(&operations, Durability::Os))?;
        }
        Ok(())
    })?;
    for round in ["", ", reopened", ", warm"] {
        if round == ", reopened" {
            timed("close", 1, || at_once(storage.close()))?;
            timed("open", 1, || {
                storage = open()?;
                Ok(())
            })?;
        }
        let reads = figure("READS").unwrap_or(200_000);
        timed(&format!("get{round}"), reads, || {
            let mut values = Values::default();
            for number in 0..reads {
                let (key, value) = entry(scattered(number) % entries);
                values.clear();
                at_once(storage.get_many(&[&key], &mut values))?;
                assert!(values.iter().next().flatten().is_some_and(|(found, _)| found == value));
            }
            Ok(())
        })?;
        timed(&format!("get 100{round}"), reads, || {
            let mut values = Values::default();
            for batch in 0..reads / 100 {
                let keys: Vec<_> = (batch * 100..(batch + 1) * 100)
                    .map(|number| entry(scattered(number ^ 0xabcd) % entries).0)
                    .collect();
                let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
                values.clear();
                at_once(storage.get_many(&keys, &mut values))?;
                assert!(values.iter().all(|value| value.is_some()));
            }
            Ok(())
        })?;
        timed(&format!("get missing{round}"), reads, || {
            let mut values = Values::default();
            for number in 0..reads {
                values.clear();
                at_once(storage.get_many(&[&random_entry(number + (1 << 40)).0], &mut values))?;
            }
            Ok(())
        })?;
        timed(&format!("scan{round}"), entries, || {
            let snapshot = at_once(storage.snapshot())?;
            let mut scan = at_once(snapshot.scan(KeyRange::ALL, false))?;
            let mut page = Page::new(true);
            let mut seen = 0;
            loop {
                page.clear();
                at_once(scan.fill(&mut page))?;
                if page.is_empty() {
                    break;
                }
                seen += page.len() as u64;
            }
            assert_eq!(seen, entries);
            Ok(())
        })?;
    }
    println!("{:?}\nresident {} MiB", storage.figures(), resident_mib());
    Ok(())
}

fn timed(name: &str, count: u64, run: impl FnOnce() -> hit_core::Result<()>) -> hit_core::Result<()> {
    let (start, start_ns) = (Instant::now(), thread_ns());
    run()?;
    let (seconds, busy) = (start.elapsed().as_secs_f64(), (thread_ns() - start_ns) as f64 / 1e9);
    let rate = |seconds: f64| count as f64 / seconds;
    println!("{name:>18}: {:>9.0} /s on the clock, {:>9.0} /s of processor time", rate(seconds), rate(busy));
    Ok(())
}

/// Processor time of this thread, which says more where others use the machine.
fn thread_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn figure(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn small_entry(number: u64) -> (Vec<u8>, Vec<u8>) {
    (format!("key{number}").into_bytes(), format!("value{number}").into_bytes())
}

fn random_entry(number: u64) -> (Vec<u8>, Vec<u8>) {
    let (high, low) = (scattered(number), scattered(!number));
    let key = [high.to_be_bytes(), low.to_be_bytes()].concat();
    let value =
        (0..13_u64).flat_map(|part| scattered(number ^ (part << 56)).to_be_bytes()).take(100).collect();
    (key, value)
}

/// SplitMix64's finaliser: a bijection that looks random.
fn scattered(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default().to_owned();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) >> 10
}

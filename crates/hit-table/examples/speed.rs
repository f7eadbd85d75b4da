//! How fast the table is: `cargo run --release -p hit-table --example speed [entries]`.
//!
//! `keyN` → `valueN` in random order, everything read is checked. Prints nanoseconds an entry, best of three: on the
//! clock, and of processor time (of one thread), which says more where others use the machine.

use std::env::args;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use hit_core::{KeyRange, Operation};
use hit_table::{Cursor, Table};

/// Operations in one `apply`.
const BATCH: usize = 1_000;

/// Seconds on the clock and of processor time.
type Figure = (&'static str, [f64; 2]);

fn main() {
    let entries: usize = args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let rounds: Vec<Vec<Figure>> = (0..3).map(|_| round(entries)).collect();
    println!("{entries} entries, best of {}", rounds.len());
    for (position, (name, _)) in rounds.first().into_iter().flatten().enumerate() {
        let of = rounds.iter().filter_map(|round| round.get(position));
        let [clock, processor] = of.fold([f64::MAX; 2], |best, (_, [clock, processor])| {
            [clock.min(best[0]), processor.min(best[1])]
        });
        println!("{name:36} {clock:8.1} ns {processor:8.1} ns");
    }
}

fn round(entries: usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    let data: Vec<(String, String)> =
        shuffled(entries, 1).map(|n| (format!("key{n}"), format!("value{n}"))).collect();
    // In another order, and copied, so that only the table's own cache misses are measured.
    let queries: Vec<(String, String)> = shuffled(entries, 7).filter_map(|n| data.get(n).cloned()).collect();

    let mut table = Table::new();
    table.begin_span(1);
    figures.push(("insert", timed(entries, || fill(&mut table, &data))));
    drop(table);
    let mut table = Table::new();
    table.begin_span(1);
    figures.push((
        "insert, reserved",
        timed(entries, || {
            table.reserve(entries);
            fill(&mut table, &data);
        }),
    ));
    assert_eq!(table.stats().entries, entries);

    figures.push((
        "get",
        timed(entries, || {
            for (key, value) in &queries {
                let found = table.get(key.as_bytes(), 0).and_then(|entry| entry.value.in_memory());
                assert_eq!(found, Some(value.as_bytes()));
            }
        }),
    ));
    figures.push((
        "get, missing",
        timed(entries, || {
            for (_, value) in &queries {
                assert!(table.get(value.as_bytes(), 0).is_none());
            }
        }),
    ));
    figures.push((
        "get_many(100)",
        timed(entries, || {
            for hundred in queries.chunks(100) {
                let mut values = hundred.iter().map(|(_, value)| value.as_bytes());
                table.get_many(hundred.iter().map(|(key, _)| key.as_bytes()), 0, |entry| {
                    assert_eq!(entry.and_then(|entry| entry.value.in_memory()), values.next());
                });
                assert!(values.next().is_none());
            }
        }),
    ));

    figures.push(("view from nothing", timed(entries, || drop(black_box(table.snapshot())))));
    let mut expected: Vec<&(String, String)> = data.iter().collect();
    expected.sort();
    check_scan(&mut table, &expected);
    figures.push(("visit", timed(entries, || assert_eq!(scan(&mut table, false), entries))));
    figures.push(("visit, in reverse", timed(entries, || assert_eq!(scan(&mut table, true), entries))));
    let some = entries / 100;
    figures.push((
        "overwrite, with a view",
        timed(some, || fill(&mut table, data.get(..some).unwrap_or_default())),
    ));
    figures.push(("snapshot after 1% (an entry written)", timed(some, || drop(black_box(table.snapshot())))));
    figures.push(("visit after 1%", timed(entries, || assert_eq!(scan(&mut table, false), entries))));
    check_scan(&mut table, &expected);

    figures.push(("overwrite all", timed(entries, || fill(&mut table, &data))));
    figures.push((
        "delete all",
        timed(entries, || {
            for keys in data.chunks(BATCH) {
                let operations = keys.iter().map(|(key, _)| Operation::Delete { key: key.as_bytes() });
                let undo = table.apply(table.last_sequence() + 1, operations);
                table.settle(undo);
            }
        }),
    ));
    figures.push(("sweep after it", timed(entries, || while table.sweep(0, 10_000) {})));
    assert!(table.stats().memory_bytes < 4 << 20, "{:?}", table.stats());

    fill(&mut table, &data);
    figures.push((
        "clear",
        timed(entries, || {
            let operations = [Operation::DeleteRange { range: KeyRange::ALL }].into_iter();
            let undo = table.apply(table.last_sequence() + 1, operations);
            table.settle(undo);
            assert_eq!(table.stats().entries, 0);
        }),
    ));
    figures.push(("sweep after it", timed(entries, || while table.sweep(0, 10_000) {})));
    assert!(table.stats().memory_bytes < 4 << 20, "{:?}", table.stats());
    figures
}

fn fill(table: &mut Table, data: &[(String, String)]) {
    for batch in data.chunks(BATCH) {
        let operations = batch.iter().map(|(key, value)| Operation::Set {
            key: key.as_bytes(),
            value: value.as_bytes(),
            expires_at: None,
        });
        let undo = table.apply(table.last_sequence() + 1, operations);
        table.settle(undo);
    }
}

fn scan(table: &mut Table, reverse: bool) -> usize {
    let mut cursor = Cursor::new(table.snapshot(), KeyRange::ALL, reverse);
    let (mut count, mut bytes) = (0, 0);
    let flow: ControlFlow<()> = cursor.visit(0, |key, entry| {
        count += 1;
        bytes += key.len() + entry.value.len();
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue() && bytes > count * 10);
    count
}

fn check_scan(table: &mut Table, expected: &[&(String, String)]) {
    let mut cursor = Cursor::new(table.snapshot(), KeyRange::ALL, false);
    let mut expected = expected.iter();
    let flow: ControlFlow<()> = cursor.visit(0, |key, entry| {
        let wanted = expected.next().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        assert_eq!(entry.value.in_memory().map(|value| (key, value)), wanted);
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue() && expected.next().is_none());
}

fn timed(entries: usize, work: impl FnOnce()) -> [f64; 2] {
    let (start, processor) = (Instant::now(), processor_ns());
    work();
    let clock = start.elapsed().as_secs_f64() * 1e9;
    [clock, processor_ns() - processor].map(|ns| ns / entries as f64)
}

/// Processor time of this thread, where the system tells.
fn processor_ns() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(f64::NAN)
}

/// The numbers below `count`, each once, in an order without pattern.
fn shuffled(count: usize, seed: u64) -> impl Iterator<Item = usize> {
    let mix = |n: usize| {
        let mut word = (n as u64 ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word ^= word >> 32;
        word.wrapping_mul(0xd6e8_feb8_6659_fd93)
    };
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_cached_key(|&n| mix(n));
    numbers.into_iter()
}

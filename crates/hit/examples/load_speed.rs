//! How fast a file store loads and dumps small entries, and whether what it dumped is what it loaded.
//!
//! `cargo run --release -p hit --example load_speed [entries]`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use hit::{Format, KeyRange, LoadOptions, OpenOptions, Progress, Store};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |number| number.parse())?;
    let folder = tempfile::tempdir()?;
    for format in [Format::Ndjson, Format::Csv] {
        let text = folder.path().join(format!("entries.{}", format.name()));
        write_entries(&text, format, entries)?;
        for round in 0..3 {
            run(folder.path(), &text, format, entries, round)?;
        }
    }
    Ok(())
}

fn run(folder: &Path, text: &Path, format: Format, entries: u64, round: u32) -> Result<(), Failure> {
    let mut quiet = |_: Progress| ControlFlow::Continue(());
    let data = folder.join(format!("{}-{round}", format.name()));
    let store = Store::open_blocking(&data.display().to_string(), OpenOptions::default())?;
    let began = Instant::now();
    let loaded = store.load_blocking(text, &LoadOptions::default(), &mut quiet)?;
    let load = rate(entries, began);
    check(loaded.loaded == entries && store.count(KeyRange::ALL)? == entries, "everything is loaded")?;
    check(
        store.get(key(entries / 2).as_bytes())? == Some(value(entries / 2).into_bytes()),
        "it can be read",
    )?;
    let dumped = folder.join("dumped.txt");
    let began = Instant::now();
    let count = store.dump_blocking(&dumped, KeyRange::ALL, format, &mut quiet)?;
    let first = rate(entries, began);
    let began = Instant::now();
    store.dump_blocking(&dumped, KeyRange::ALL, format, &mut quiet)?;
    let again = rate(entries, began);
    check(count == entries, "everything is dumped")?;
    check(std::fs::read(&dumped)? == std::fs::read(text)?, "the dump is what was loaded")?;
    println!("{}: load {load}, first dump {first}, dump again {again} entries/s", format.name());
    drop(store);
    std::fs::remove_dir_all(data).or(Ok(()))
}

fn key(number: u64) -> String {
    format!("user:{number:09}")
}

fn value(number: u64) -> String {
    format!("value-{number}-{}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// In key order, as a dump has them.
fn write_entries(path: &Path, format: Format, entries: u64) -> Result<(), Failure> {
    let mut file = BufWriter::new(File::create(path)?);
    if format == Format::Csv {
        writeln!(file, "key,value")?;
    }
    for number in 0..entries {
        match format {
            Format::Csv => writeln!(file, "{},{}", key(number), value(number))?,
            _ => writeln!(file, "{{\"key\":\"{}\",\"value\":\"{}\"}}", key(number), value(number))?,
        }
    }
    Ok(file.flush()?)
}

fn rate(entries: u64, began: Instant) -> u64 {
    (entries as f64 / began.elapsed().as_secs_f64()) as u64
}

fn check(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(format!("not so: {what}").into()) }
}

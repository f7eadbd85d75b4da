//! Random writes on a store whose storage waits, and on a plain map: every read says the same, before and after they land.

use std::collections::BTreeMap;

use fastrand::Rng;
use hit::{KeyRange, Operation};

use crate::bench::Bench;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[test]
fn reads_see_what_is_in_flight_with_one_lane_and_with_several() {
    for seed in 0..40 {
        compare(seed, if seed % 2 == 0 { 1 } else { 4 });
    }
}

fn compare(seed: u64, lanes: usize) {
    let mut rng = Rng::with_seed(seed);
    let bench = Bench::with_lanes(lanes);
    let mut map = Map::new();
    // More than a page of them.
    for _ in 0..3 {
        let entries: Vec<_> = (0..200).map(|_| (key(&mut rng), value(&mut rng))).collect();
        write(&bench, &mut map, &entries.iter().map(|(key, value)| set(key, value)).collect::<Vec<_>>());
    }
    bench.flush().unwrap();
    for turn in 0..6 {
        let context = format!("seed {seed}, turn {turn}");
        // Sometimes only a part of the keys waits.
        let prefixes: [&[u8]; 3] = [b"", b"1", b"3"];
        bench.database.hold(prefixes[rng.usize(..3)]);
        for _ in 0..rng.usize(..12) {
            some_writes(&mut rng, &bench, &mut map);
        }
        check(&bench, &map, &mut rng, &context);
        bench.database.release();
        check(&bench, &map, &mut rng, &context);
        bench.flush().unwrap();
        check(&bench, &map, &mut rng, &context);
        assert_eq!(bench.database.len(), map.len(), "{context}");
    }
}

fn some_writes(rng: &mut Rng, bench: &Bench, map: &mut Map) {
    let entries: Vec<_> = (0..rng.usize(1..8)).map(|_| (key(rng), value(rng))).collect();
    let mut operations: Vec<_> = entries
        .iter()
        .map(|(key, value)| if rng.u8(..3) == 0 { Operation::Delete { key } } else { set(key, value) })
        .collect();
    let (start, end) = (key(rng), key(rng));
    if rng.u8(..5) == 0 {
        let range = KeyRange { start: &start, end: (rng.u8(..4) > 0).then_some(&end) };
        let position = rng.usize(..=operations.len());
        operations.insert(position, Operation::DeleteRange { range });
    }
    if rng.bool() {
        write(bench, map, &operations);
    } else {
        drop(bench.store.begin_batch(&operations));
        operations.iter().for_each(|operation| apply(map, operation));
    }
}

fn write(bench: &Bench, map: &mut Map, operations: &[Operation<'_>]) {
    drop(bench.store.begin(operations));
    operations.iter().for_each(|operation| apply(map, operation));
}

fn apply(map: &mut Map, operation: &Operation<'_>) {
    match *operation {
        Operation::Set { key, value, .. } => drop(map.insert(key.to_vec(), value.to_vec())),
        Operation::Delete { key } => drop(map.remove(key)),
        Operation::DeleteRange { range } => map.retain(|key, _| !range.contains(key)),
    }
}

fn check(bench: &Bench, map: &Map, rng: &mut Rng, context: &str) {
    let keys: Vec<_> = (0..rng.usize(1..30)).map(|_| key(rng)).collect();
    let values = bench.store.get_many(&keys).unwrap();
    let expected: Vec<_> = keys.iter().map(|key| map.get(key).cloned()).collect();
    assert_eq!(values, expected, "{context}");
    assert_eq!(bench.store.bytes(&keys[0]), expected[0], "{context}");
    let (start, end) = (key(rng), key(rng));
    for range in [KeyRange::ALL, KeyRange { start: &start, end: Some(&end) }] {
        let mut expected: Vec<_> = map
            .iter()
            .filter(|(key, _)| range.contains(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(bench.store.number_of(range), expected.len() as u64, "{context}");
        assert_eq!(bench.store.scanned(range, false), expected, "{context}");
        expected.reverse();
        assert_eq!(bench.store.scanned(range, true), expected, "{context}");
    }
}

fn set<'a>(key: &'a [u8], value: &'a [u8]) -> Operation<'a> {
    Operation::Set { key, value, expires_at: None }
}

fn key(rng: &mut Rng) -> Vec<u8> {
    rng.u32(..700).to_string().into_bytes()
}

fn value(rng: &mut Rng) -> Vec<u8> {
    vec![rng.u8(..); rng.usize(..20)]
}

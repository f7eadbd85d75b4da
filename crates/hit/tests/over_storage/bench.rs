use std::sync::{Arc, Mutex};

use hit::{Error, ErrorCode, KeyRange, OpenOptions, Store};
use hit_testkit::conformance::{Opened, wait};
use hit_testkit::{MapDatabase, TestClock};

/// When a test begins, in Unix milliseconds.
pub const START_MS: u64 = 1_000_000_000_000;

/// A store over a storage that does what it is told.
pub struct Bench {
    pub database: MapDatabase,
    pub clock: Arc<TestClock>,
    pub store: Opened,
    /// What `on_error` was told.
    told: Arc<Mutex<Vec<ErrorCode>>>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with_lanes(1)
    }

    pub fn with_lanes(lanes: usize) -> Self {
        Self::with(OpenOptions { io_concurrency: Some(lanes), ..OpenOptions::default() })
    }

    pub fn with(options: OpenOptions) -> Self {
        let (database, clock) = (MapDatabase::default(), Arc::new(TestClock::at(START_MS)));
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let options = OpenOptions {
            clock: Arc::clone(&clock) as Arc<_>,
            on_error: Some(Arc::new(move |error| listener.lock().unwrap().push(error.code()))),
            ..options
        };
        let store = Store::over(database.open(Arc::clone(&clock) as Arc<_>), "map:", options).unwrap();
        Self { database, clock, store: Opened::new(store), told }
    }

    /// What `on_error` was told.
    pub fn told(&self) -> Vec<ErrorCode> {
        self.told.lock().unwrap().clone()
    }

    pub fn flush(&self) -> Result<(), Error> {
        wait(self.store.flush())
    }

    /// Everything, as `key=value`.
    pub fn all(&self) -> Vec<String> {
        shown(self.store.scanned(KeyRange::ALL, false))
    }

    /// Everything from its end, as `key=value`.
    pub fn all_reversed(&self) -> Vec<String> {
        shown(self.store.scanned(KeyRange::ALL, true))
    }

    /// The first keys of the storage's writes since this was last asked, in their order.
    pub fn written(&self) -> Vec<String> {
        let written = self.database.take_written().into_iter();
        written.map(|written| String::from_utf8(written.keys[0].clone()).unwrap()).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.database.release();
        if !std::thread::panicking() {
            self.database.check_contract();
        }
    }
}

pub fn shown(entries: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<String> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    entries.into_iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect()
}

/// A failure for a storage to answer.
pub fn failure(code: ErrorCode) -> Error {
    Error::new(code, "this test has the storage fail")
}

/// For each lane of a store with so many: a key of it.
pub fn key_of_each_lane(lanes: usize) -> Vec<String> {
    key_of_each_lane_named("key", lanes)
}

/// The same with keys that begin with `name`.
pub fn key_of_each_lane_named(name: &str, lanes: usize) -> Vec<String> {
    let bench = Bench::with_lanes(lanes);
    let mut keys = vec![None; lanes];
    for number in 0.. {
        let key = format!("{name}{number}");
        bench.store.put(&key, "value");
        let thread = bench.database.take_written().remove(0).thread;
        let lane: usize = thread.strip_prefix("hit-lane-").unwrap().parse().unwrap();
        keys[lane].get_or_insert(key);
        if keys.iter().all(Option::is_some) {
            break;
        }
    }
    keys.into_iter().flatten().collect()
}

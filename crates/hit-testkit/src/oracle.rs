//! A store beside a plain `BTreeMap`: random steps are taken on both, and whatever the store answers must be what the
//! map says.

mod held;
mod model;
mod step;

use std::sync::Arc;

use hit::{FileOptions, KeyRange, OpenOptions};

use self::held::Held;
use self::model::Model;
pub use self::step::{Guard, Member, Step, Write, steps};
use crate::TestClock;
use crate::conformance::{Opened, Place, wait};

/// When a run begins, in Unix milliseconds.
const START_MS: u64 = 1_000_000_000_000;

/// Takes `steps` on a store at an empty place and on the map, and panics at the first difference.
pub fn run<P: Place>(steps: &[Step]) {
    let place = P::empty();
    let clock = Arc::new(TestClock::at(START_MS));
    let mut run =
        Run { store: open(&place, &clock), place, clock, model: Model::default(), held: Vec::new() };
    for step in steps {
        run.take(step);
    }
    run.release_all();
    run.compare_whole();
    run.reopen();
    run.compare_whole();
    run.store.shut();
}

fn open<P: Place>(place: &P, clock: &Arc<TestClock>) -> Opened {
    let options = OpenOptions {
        clock: Arc::clone(clock) as Arc<_>,
        // The smallest there is, so that segments are rotated.
        file: FileOptions { segment_bytes: 64 << 10, ..FileOptions::default() },
        ..P::options()
    };
    Opened::new(place.open(options).expect("the store opens"))
}

struct Run<P> {
    place: P,
    clock: Arc<TestClock>,
    store: Opened,
    model: Model,
    held: Vec<Held>,
}

impl<P: Place> Run<P> {
    fn take(&mut self, step: &Step) {
        let now_ms = self.now_ms();
        match step {
            Step::Write { writes, awaited, durability } => {
                let operations: Vec<_> = writes.iter().map(|write| write.operation(now_ms)).collect();
                let pending = self.store.begin_with(&operations, *durability);
                if *awaited {
                    pending.wait();
                }
                writes.iter().for_each(|write| self.model.apply(write, now_ms));
            }
            Step::Batch { members, guards } => self.batch(members, guards),
            Step::Increment { key, by } => {
                let added = wait(self.store.increment(key, *by, hit::WriteOptions::default()));
                let expected = self.model.increment(key, *by, now_ms);
                assert_eq!(added.map_err(|error| error.code()), expected);
            }
            Step::Expire { key, ttl_ms } => {
                let expires_at = ttl_ms.map(|ttl_ms| now_ms + ttl_ms);
                let found = wait(self.store.expire(key, expires_at)).expect("the write succeeds");
                assert_eq!(found, self.model.expire(key, expires_at, now_ms));
            }
            Step::Advance { by_ms } => self.clock.advance(*by_ms),
            Step::Read { keys } => self.read(keys),
            Step::Scan { start, end, reverse } => {
                self.scan(KeyRange { start, end: end.as_deref() }, *reverse)
            }
            Step::Hold { reverse } => {
                self.held.push(Held::new(&self.store, self.model.visible(now_ms), *reverse));
            }
            Step::Release => self.release_all(),
            Step::Flush => wait(self.store.flush()).expect("the store can be flushed"),
            Step::Compact => self.store.compact_blocking().expect("the store can be compacted"),
            Step::Reopen => self.reopen(),
        }
    }

    fn batch(&mut self, members: &[Member], guards: &[Guard]) {
        let now_ms = self.now_ms();
        let operations: Vec<_> = members.iter().map(|member| member.operation(now_ms)).collect();
        let checks: Vec<_> = guards.iter().map(Guard::check).collect();
        let done = wait(self.store.batch(&operations, &checks, None));
        let holds = guards.iter().all(|guard| self.model.meets(guard, now_ms));
        assert_eq!(
            done.map_err(|error| error.code()),
            if holds { Ok(()) } else { Err(hit::ErrorCode::Conflict) }
        );
        if holds {
            self.model.apply_batch(members, now_ms);
        }
    }

    fn read(&self, keys: &[Vec<u8>]) {
        let now_ms = self.now_ms();
        let mut found = Vec::new();
        let reading = self.store.get_many_with(keys.iter().map(Vec::as_slice), |entry| {
            found.push(entry.map(|entry| (entry.value.to_vec(), entry.expires_at)));
        });
        reading.expect("the store can be read");
        let expected: Vec<_> = keys.iter().map(|key| self.model.get(key, now_ms).cloned()).collect();
        assert_eq!(found, expected);
        for (key, expected) in keys.iter().zip(expected) {
            assert_eq!(self.store.bytes(key), expected.map(|(value, _)| value));
        }
    }

    fn scan(&self, range: KeyRange<'_>, reverse: bool) {
        let visible = self.model.visible(self.now_ms());
        let mut expected: Vec<_> = visible
            .into_iter()
            .filter(|(key, _)| range.contains(key))
            .map(|(key, (value, _))| (key, value))
            .collect();
        assert_eq!(self.store.number_of(range), expected.len() as u64);
        if reverse {
            expected.reverse();
        }
        assert_eq!(self.store.scanned(range, reverse), expected);
    }

    fn compare_whole(&self) {
        let keys: Vec<_> = self.model.keys().cloned().collect();
        self.read(&keys);
        self.scan(KeyRange::ALL, false);
        self.scan(KeyRange::ALL, true);
    }

    fn reopen(&mut self) {
        if P::REOPENS {
            self.release_all();
            self.store.shut();
            self.store = open(&self.place, &self.clock);
        }
    }

    fn release_all(&mut self) {
        let now_ms = self.now_ms();
        self.held.drain(..).for_each(|held| held.compare(now_ms));
    }

    fn now_ms(&self) -> u64 {
        hit::Clock::now_ms(&*self.clock)
    }
}

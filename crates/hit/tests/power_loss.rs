//! The power fails, or the program is killed, at every moment of a run at which the disk differs, and again while the
//! store recovers from that: what was promised is there, in order, groups whole, and nothing that was taken away.
//!
//! `HITKV_CRASH_SEEDS` says how many scripts are tried, each with as many losses at each moment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::{ControlFlow, RangeInclusive};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use hit::{Clock, Durability, ErrorCode, OpenOptions, Store};
use hit_log::Files;
use hit_testkit::promises::{
    Backup, History, Ledger, Promised, Script, Session, Step, Write, small_segments,
};
use hit_testkit::{Disk, Fault, FaultyFiles, Image, TestClock};

const URL: &str = "file:/data/store";
const START_MS: u64 = 1_000_000_000_000;

/// How much later a store that was found is looked at again.
const LATER_MS: u64 = 3000;

/// Steps of a script.
const STEPS: usize = 100;

fn seeds() -> u64 {
    std::env::var("HITKV_CRASH_SEEDS")
        .map_or(2, |seeds| seeds.parse::<u64>().expect("HITKV_CRASH_SEEDS is a number"))
        .max(1)
}

/// What there was at one moment.
struct Moment {
    image: Image,
    promised: Promised,
    now_ms: u64,
}

/// Gathers the moments of a run at which an accident would have something else to leave behind.
struct Witness {
    disk: Disk,
    files: Arc<FaultyFiles>,
    moments: Arc<Mutex<Vec<Moment>>>,
}

impl Witness {
    /// Looks at the disk before every call that a store makes. `promised` is asked before the disk is looked at, so what
    /// it says was so.
    fn new(
        disk: Disk,
        clock: Arc<TestClock>,
        promised: impl Fn() -> Promised + Send + Sync + 'static,
    ) -> Self {
        let files = FaultyFiles::new(Arc::new(disk.clone()));
        let moments = Arc::new(Mutex::new(Vec::new()));
        let (gathered, looked_at) = (Arc::clone(&moments), disk.clone());
        let last = Mutex::new(None);
        let look = move || {
            let mut last = last.lock().unwrap();
            let promised = promised();
            let seen = (looked_at.changes(), promised);
            if last.replace(seen) != Some(seen) {
                let moment = Moment { image: looked_at.image(), promised, now_ms: clock.now_ms() };
                gathered.lock().unwrap().push(moment);
            }
        };
        files.inject(Fault::delay(look).times(u64::MAX));
        Self { disk, files, moments }
    }

    /// What was gathered, and the last moment of all.
    fn moments(&self, promised: Promised, now_ms: u64) -> Vec<Moment> {
        let mut moments = std::mem::take(&mut *self.moments.lock().unwrap());
        moments.push(Moment { image: self.disk.image(), promised, now_ms });
        moments
    }
}

/// A script's run: every moment of it, and what it made.
struct Run {
    seed: u64,
    moments: Vec<Moment>,
    history: History,
    backups: Vec<Backup>,
}

impl Run {
    fn of(seed: u64) -> Self {
        let clock = Arc::new(TestClock::at(START_MS));
        let ledger = Arc::new(Ledger::default());
        let asked = Arc::clone(&ledger);
        let witness = Witness::new(Disk::new(), Arc::clone(&clock), move || asked.promised());
        let mut options = OpenOptions { files: witness.files.clone(), ..small_segments() };
        // By turns only when the script says so, and beside the script.
        options.file.compaction = seed % 2 == 1;
        let mut session = Session::open(URL, options, Arc::clone(&clock), Arc::clone(&ledger)).unwrap();
        let Script(mut steps) = Script::random(seed, STEPS, START_MS);
        steps.insert(STEPS / 2, Step::BackUp);
        steps.extend([Step::Compact, Step::BackUp]);
        session.run(&Script(steps));
        assert!(session.store().unwrap().stats().runs > 0, "nothing was compacted");
        session.close().unwrap();
        assert!(session.failures.is_empty(), "{:?}", session.failures);
        let moments = witness.moments(ledger.promised(), clock.now_ms());
        Self { seed, moments, history: ledger.history(), backups: ledger.backups() }
    }

    /// Tries something at every moment, on two threads.
    fn at_every_moment(&self, attempt: impl Fn(&Accident<'_>) + Sync) {
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(moment) = self.moments.get(number) else { return };
                attempt(&Accident { run: self, number, moment });
            }
        };
        thread::scope(|scope| {
            scope.spawn(work);
            work();
        });
    }
}

/// An accident at one moment of a run.
struct Accident<'a> {
    run: &'a Run,
    number: usize,
    moment: &'a Moment,
}

impl Accident<'_> {
    /// A seed of its own for each loss at each moment of each run.
    fn loss(&self, loss: u64) -> u64 {
        (self.run.seed << 40) + ((self.number as u64) << 20) + loss
    }

    fn expected(&self, promised: usize) -> RangeInclusive<usize> {
        promised..=self.run.history.len()
    }

    /// Opens what was found and compares it.
    fn find(&self, found: &Disk, allowed: RangeInclusive<usize>, what: &str) -> (Store, usize) {
        self.find_through(Arc::new(found.clone()), &self.run.history, allowed, self.moment.now_ms, what)
    }

    fn context(&self, what: &str) -> String {
        format!("script {}, moment {}, {what}", self.run.seed, self.number)
    }

    fn find_through(
        &self,
        files: Arc<dyn Files>,
        history: &History,
        allowed: RangeInclusive<usize>,
        now_ms: u64,
        what: &str,
    ) -> (Store, usize) {
        let context = self.context(what);
        let clock = Arc::new(TestClock::at(now_ms));
        let options = OpenOptions { files, clock: clock.clone(), ..small_segments() };
        let store = Store::open_blocking(URL, options).unwrap_or_else(|error| panic!("{context}: {error}"));
        let find = |allowed| history.find(&store, &*clock, allowed);
        let groups = find(allowed).unwrap_or_else(|problem| panic!("{context}: {problem}"));
        // Later nothing comes back that had expired.
        clock.advance(LATER_MS);
        find(groups..=groups).unwrap_or_else(|problem| panic!("{context}, later: {problem}"));
        (store, groups)
    }

    /// The store that was found lives on: what it shows is there for good, and so is what it is given.
    fn live_on(&self, found: &Disk, store: Store, groups: usize, now_ms: u64, loss: u64) {
        // What had expired when it was looked at may be gone for good.
        let now_ms = now_ms + LATER_MS;
        let at_once = Arc::new(found.image().after_power_loss(loss));
        let what = "then the power failed again at once";
        self.find_through(at_once, &self.run.history, groups..=groups, now_ms, what);
        let write =
            Write::Set { key: b"after".as_slice().into(), value: vec![b'x'; 300].into(), expires_at: None };
        let history = self.run.history.followed(groups, std::slice::from_ref(&write));
        let ledger = Arc::new(Ledger::default());
        ledger.submit(&store, vec![write], Durability::Disk, false).unwrap().wait().unwrap();
        let later = found.image().after_power_loss(loss);
        self.find_through(Arc::new(later), &history, 1..=1, now_ms, "then it failed after a write");
        close(store);
        let closed = found.image().after_power_loss(loss);
        self.find_through(Arc::new(closed), &history, 1..=1, now_ms, "then it failed after a close");
    }
}

impl Accident<'_> {
    /// A backup that has succeeded is there; one that had begun is there whole or is no store. None other is.
    fn check_backups(&self, found: &Disk, what: &str) {
        let Promised { backups, .. } = self.moment.promised;
        for (number, backup) in self.run.backups.iter().enumerate() {
            let context = self.context(&format!("{what}, backup {number}"));
            let clock = Arc::new(TestClock::at(self.moment.now_ms));
            let files = Arc::new(found.clone());
            let mut options = OpenOptions { files, clock: clock.clone(), ..small_segments() };
            options.create_if_missing = false;
            match Store::open_blocking(&backup.url, options) {
                Ok(store) => {
                    assert!(number < backups.begun, "{context}: it was not begun");
                    let groups = self.run.history.kept_of(backup.groups);
                    let found = self.run.history.find(&store, &*clock, groups..=groups);
                    found.unwrap_or_else(|problem| panic!("{context}: {problem}"));
                    close(store);
                }
                Err(error) => {
                    assert!(number >= backups.ended, "{context}: {error}");
                    assert_eq!(error.code(), ErrorCode::Config, "{context}: {error}");
                }
            }
        }
    }

    /// A reader without the lock sees what the next owner of the lock will see, and changes nothing.
    fn read_only(&self, found: &Disk, allowed: RangeInclusive<usize>, what: &str) -> Option<usize> {
        let changes = found.changes();
        let clock = Arc::new(TestClock::at(self.moment.now_ms));
        let files = Arc::new(found.clone());
        let options = OpenOptions { files, clock: clock.clone(), read_only: true, ..small_segments() };
        let groups = match Store::open_blocking(URL, options) {
            Ok(store) => {
                let groups = self.run.history.find(&store, &*clock, allowed);
                close(store);
                Some(groups.unwrap_or_else(|problem| panic!("{}, read-only: {problem}", self.context(what))))
            }
            Err(error) => {
                let is_absent = error.code() == ErrorCode::Config && *allowed.start() == 0;
                assert!(is_absent, "{}, read-only: {error}", self.context(what));
                None
            }
        };
        assert_eq!(found.changes(), changes, "{}: a reader has changed something", self.context(what));
        groups
    }

    /// Whatever the accident has left, nothing of it is damage.
    fn verify(&self, found: &Disk, what: &str) {
        let options = OpenOptions { files: Arc::new(found.clone()), ..small_segments() };
        match hit::verify(URL, &options, &mut |_| ControlFlow::Continue(())) {
            Ok(report) => assert_eq!(report.problems, [], "{}", self.context(what)),
            // It was not made yet.
            Err(error) => assert_eq!(error.code(), ErrorCode::Config, "{}: {error}", self.context(what)),
        }
    }
}

fn close(store: Store) {
    let (answer, closed) = mpsc::channel();
    store.close_with(move |result| answer.send(result).unwrap());
    closed.recv().unwrap().unwrap();
}

#[test]
fn what_was_promised_at_disk_survives_a_power_loss_at_every_moment() {
    for seed in 0..seeds() {
        let run = Run::of(seed);
        run.at_every_moment(|accident| {
            for number in 0..seeds() {
                let loss = accident.loss(number);
                let found = accident.moment.image.after_power_loss(loss);
                let allowed = accident.expected(accident.moment.promised.disk);
                let what = format!("loss {loss}");
                // Each loss finds other remains; one of them is looked at from all sides.
                let whole = number == 0;
                if whole {
                    accident.verify(&found, &what);
                    accident.check_backups(&found, &what);
                }
                let seen = whole.then(|| accident.read_only(&found, allowed.clone(), &what)).flatten();
                let (store, groups) = accident.find(&found, allowed, &what);
                assert!(seen.is_none_or(|seen| seen == groups), "{}", accident.context(&what));
                if whole {
                    accident.live_on(&found, store, groups, accident.moment.now_ms, loss);
                }
            }
        });
    }
}

#[test]
fn what_was_promised_at_os_survives_the_death_of_the_program_at_every_moment() {
    for seed in 0..seeds() {
        let run = Run::of(seed);
        run.at_every_moment(|accident| {
            let found = accident.moment.image.after_kill();
            let allowed = accident.expected(accident.moment.promised.os);
            accident.verify(&found, "killed");
            accident.check_backups(&found, "killed");
            let (store, groups) = accident.find(&found, allowed, "killed");
            accident.live_on(&found, store, groups, accident.moment.now_ms, accident.loss(0));
        });
    }
}

#[test]
fn a_power_loss_at_every_moment_of_a_recovery_loses_nothing() {
    for seed in 0..seeds() {
        let run = Run::of(seed);
        run.at_every_moment(|accident| {
            let loss = accident.loss(1 << 10);
            // In turn after a power loss and after a kill, whose unsynced writes the recovery finds in memory; neighbours
            // are much alike.
            let (promised, found) = match accident.number as u64 % (2 + 4 / seeds()) {
                0 => (accident.moment.promised.disk, accident.moment.image.after_power_loss(loss)),
                1 => (accident.moment.promised.os, accident.moment.image.after_kill()),
                _ => return,
            };
            let at_disk = accident.moment.promised.disk;
            let promised_again = Promised { disk: at_disk, os: promised, ..Promised::default() };
            let clock = Arc::new(TestClock::at(accident.moment.now_ms));
            let witness = Witness::new(found, Arc::clone(&clock), move || promised_again);
            let allowed = accident.expected(promised);
            let what = format!("loss {loss}");
            let (history, now_ms) = (&accident.run.history, accident.moment.now_ms);
            let (store, groups) =
                accident.find_through(witness.files.clone(), history, allowed, now_ms, &what);
            // By then it may have compacted away what had expired.
            let now_ms = now_ms + LATER_MS;
            for (number, moment) in witness.moments(promised_again, clock.now_ms()).iter().enumerate() {
                let lost = moment.image.after_power_loss(loss + number as u64);
                let what = format!("loss {loss}, then moment {number} of the recovery");
                let (store, _) =
                    accident.find_through(Arc::new(lost), history, at_disk..=groups, now_ms, &what);
                close(store);
                let (killed, what) = (moment.image.after_kill(), format!("{what}, killed"));
                let files = Arc::new(killed.clone());
                let (store, _) = accident.find_through(files, history, groups..=groups, now_ms, &what);
                accident.live_on(&killed, store, groups, now_ms, loss + number as u64);
            }
            close(store);
        });
    }
}

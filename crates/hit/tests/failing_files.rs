//! Each file operation of a scripted run fails in turn: the answer has the right code, what was refused leaves no trace,
//! and what was promised is there when the store is opened again with files that work.

//!
//! | what fails | what is answered |
//! |---|---|
//! | a call that only serves speed, messages or tidiness | nothing |
//! | the sync of a segment that holds operations, or of the folder behind a new manifest | `HIT_POISONED`, until the store is opened again |
//! | any other call with `ENOSPC` | `HIT_DISK_FULL`, if it fails again; the manifest of a close may be missing |
//! | any other call | `HIT_IO` |
//! | reads and writes that move less than they were asked to | nothing |

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hit::{Clock, Durability, Error, ErrorCode, OpenOptions, Store};
use hit_log::Files;
use hit_testkit::promises::{History, Ledger, Script, Session, Step, Write, small_segments};
use hit_testkit::{Call, Disk, Fault, FaultyFiles, Image, TestClock};

const URL: &str = "file:/data/store";
const START_MS: u64 = 1_000_000_000_000;

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

fn set(key: &str, length: usize) -> Write {
    let value = key.bytes().cycle().take(length).collect();
    Write::Set { key: key.as_bytes().into(), value, expires_at: None }
}

fn write(durability: Durability, awaited: bool, writes: Vec<Write>) -> Step {
    Step::Write { as_batch: writes.len() > 2, writes, durability, awaited }
}

/// Writes, two rotations, compactions, a close and an opening: everything that a store does with files.
fn script() -> Script {
    use Durability::{Disk, Os};
    let delete = |key: &str| Write::Delete { key: key.as_bytes().into() };
    let clear = Write::Clear { start: b"b".as_slice().into(), end: Some(b"c".as_slice().into()) };
    Script(vec![
        write(Disk, true, vec![set("a1", 10), set("b1", 300)]),
        write(Os, true, vec![set("a2", 40_000)]),
        write(Os, true, vec![delete("a1"), set("b2", 10), set("c1", 30_000)]),
        write(Disk, true, vec![set("a3", 100)]),
        write(Disk, true, vec![clear]),
        Step::Flush,
        Step::Compact,
        write(Disk, true, vec![set("a1", 70_000)]),
        write(Os, true, vec![set("a4", 5)]),
        Step::Reopen,
        write(Os, true, vec![set("a5", 400), delete("a2")]),
        write(Disk, true, vec![set("a6", 5)]),
        Step::Compact,
        write(Disk, true, vec![set("a7", 5)]),
    ])
}

/// What a run on failing files has shown.
struct Outcome {
    disk: Disk,
    ledger: Arc<Ledger>,
    failures: Vec<Error>,
    /// The calls that failed.
    failed: Vec<(Call, String)>,
    /// Whether any call was met.
    met: bool,
    options: OpenOptions,
}

/// Compaction works when the script says so, and not beside it.
fn options(files: Arc<dyn Files>) -> OpenOptions {
    let clock = Arc::new(TestClock::at(START_MS));
    let mut options = OpenOptions { files, clock, ..small_segments() };
    options.file.compaction = false;
    options
}

/// Runs the script while `faults` meet its calls.
fn run(faults: impl FnOnce(&Disk) -> Vec<Fault>) -> Outcome {
    let disk = Disk::new();
    let faults = faults(&disk);
    run_on(disk, &script(), faults, false)
}

fn run_on(disk: Disk, script: &Script, faults: Vec<Fault>, compaction: bool) -> Outcome {
    let files = FaultyFiles::new(Arc::new(disk.clone()));
    faults.into_iter().for_each(|fault| files.inject(fault));
    let ledger = Arc::new(Ledger::default());
    let clock = Arc::new(TestClock::at(START_MS));
    let mut options = options(files.clone());
    options.file.compaction = compaction;
    let failures = match Session::open(URL, options.clone(), Arc::clone(&clock), Arc::clone(&ledger)) {
        Err(error) => vec![error],
        Ok(mut session) => {
            session.run(script);
            let closed = session.close();
            session.failures.into_iter().chain(closed.err()).collect()
        }
    };
    let name = |path: &Path| path.file_name().map_or("/".into(), |name| name.to_string_lossy().into_owned());
    let failed = files.failed().iter().map(|(call, path)| (*call, name(path))).collect();
    let clock: Arc<dyn Clock> = clock;
    Outcome {
        disk,
        ledger,
        failures,
        failed,
        met: files.met() > 0,
        options: OpenOptions { clock, ..options },
    }
}

impl Outcome {
    fn open(
        &self,
        disk: &Disk,
        history: &History,
        allowed: RangeInclusive<usize>,
        context: &str,
    ) -> (Store, usize) {
        open(disk, &self.options, history, allowed, context)
    }

    fn is_poisoned(&self) -> bool {
        self.failures.iter().any(|error| error.code() == ErrorCode::Poisoned)
    }

    /// Everything that was promised is there with files that work, after a power loss too, and nothing that was refused.
    fn check_what_is_kept(&self, context: &str) {
        let history = self.ledger.history();
        let promised = self.ledger.promised();
        for seed in 0..3 {
            let found = self.disk.image().after_power_loss(seed);
            let allowed = history.kept_of(promised.disk)..=history.len();
            drop(self.open(&found, &history, allowed, &format!("{context}, power loss {seed}")));
        }
        // Of what a poisoned store rejected nobody knows. Everything else that was not refused was written.
        let least = if self.is_poisoned() { history.kept_of(promised.os) } else { history.len() };
        let (store, groups) = self.open(&self.disk, &history, least..=history.len(), context);
        let shown = self.disk.image().after_power_loss(4);
        drop(self.open(&shown, &history, groups..=groups, &format!("{context}, opened again, power loss")));

        let after = set("after", 300);
        let history = history.followed(groups, std::slice::from_ref(&after));
        let ledger = Arc::new(Ledger::default());
        ledger.submit(&store, vec![after], Durability::Disk, false).unwrap().wait().unwrap();
        ledger.close(&store).wait().unwrap();
        drop(self.open(&self.disk, &history, 1..=1, &format!("{context}, after another write")));
    }
}

fn open(
    disk: &Disk,
    options: &OpenOptions,
    history: &History,
    allowed: RangeInclusive<usize>,
    context: &str,
) -> (Store, usize) {
    let options = OpenOptions { files: Arc::new(disk.clone()), ..options.clone() };
    let clock = Arc::clone(&options.clock);
    let store = Store::open_blocking(URL, options).unwrap_or_else(|error| panic!("{context}: {error}"));
    let groups =
        history.find(&store, &*clock, allowed).unwrap_or_else(|problem| panic!("{context}: {problem}"));
    (store, groups)
}

/// Tries 0, 1, 2 and so on, side by side, until a try says that it met nothing any more. Says how many did.
fn each(attempt: impl Fn(u64) -> bool + Sync) -> usize {
    let (next, tried) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while attempt(next.fetch_add(1, Ordering::Relaxed) as u64) {
                    tried.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    tried.into_inner()
}

/// What one failed call may bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Nothing,
    Refused,
    Poisoned,
}

/// The table above, call by call.
fn expected(number: i32, call: Call, name: &str) -> &'static [Effect] {
    use Effect::{Nothing, Poisoned, Refused};
    let is_log = name.ends_with(".log") || name.ends_with(".log.tmp");
    match call {
        // Speed, messages, tidiness.
        Call::Allocate | Call::SetSize | Call::Remove => &[Nothing],
        _ if name.starts_with("OWNER") || name.starts_with("hitkv.reserve") => &[Nothing],
        // Looked at also when it is released, and before it is made.
        Call::Open | Call::Identity if name == "hitkv.lock" => &[Nothing, Refused],
        // By those who tidy up.
        Call::List if name == "store" => &[Nothing, Refused],
        // A run has been listed, or not: nobody knows.
        Call::SyncFolder if name == "log" && number == ENOSPC => &[Refused, Poisoned, Nothing],
        Call::SyncFolder if name == "log" => &[Refused, Poisoned],
        // Once more than is strictly needed.
        Call::SyncFolder if name == "/" || name == "data" => &[Nothing, Refused],
        // A new segment is synced before it holds anything that counts; on a full disk it is made once more.
        Call::SyncData if is_log && number == ENOSPC => &[Poisoned, Refused, Nothing],
        Call::SyncData if is_log => &[Poisoned, Refused],
        // A mark is written for safety only.
        Call::WriteAt if is_log => &[Refused, Nothing],
        _ if number == ENOSPC => &[Refused, Nothing],
        _ => &[Refused],
    }
}

fn refusal(number: i32) -> ErrorCode {
    if number == ENOSPC { ErrorCode::DiskFull } else { ErrorCode::Io }
}

#[test]
fn each_call_that_fails_once_is_answered_with_its_code_and_loses_nothing() {
    for number in [EIO, ENOSPC, EMFILE] {
        let tried = each(|nth| {
            let outcome = run(|_| vec![Fault::fail_with(number).skip(nth)]);
            let Some((call, name)) = outcome.failed.first() else { return false };
            let context = format!("error {number} at call {nth}, {call:?} {name}");
            let codes: Vec<_> = outcome.failures.iter().map(Error::code).collect();
            let effect = match codes.as_slice() {
                [] => Effect::Nothing,
                codes if codes.iter().all(|&code| code == ErrorCode::Poisoned) => Effect::Poisoned,
                // One write, one opening or one close, and no other.
                [code] if *code == refusal(number) => Effect::Refused,
                _ => panic!("{context}: {codes:?}"),
            };
            assert!(expected(number, *call, name).contains(&effect), "{context}: {effect:?}");
            outcome.check_what_is_kept(&context);
            true
        });
        assert!(tried > 100, "only {tried} calls were tried");
    }
}

#[test]
fn calls_that_fail_from_some_moment_on_end_nothing_badly() {
    for number in [EIO, ENOSPC] {
        let tried = each(|nth| {
            let outcome = run(|_| vec![Fault::fail_with(number).skip(nth).times(u64::MAX)]);
            let context = format!("error {number} from call {nth} on");
            for error in &outcome.failures {
                let allowed = [refusal(number), ErrorCode::Poisoned];
                assert!(allowed.contains(&error.code()), "{context}: {error}");
            }
            outcome.check_what_is_kept(&context);
            outcome.met
        });
        assert!(tried > 100, "only {tried} calls were tried");
    }
}

/// A script on a store that compacts beside its writers, too. Nothing is answered before it is written: what an answer says
/// is then all there is to know.
fn busy_script(seed: u64) -> Script {
    let Script(mut steps) = Script::random(seed, 80, START_MS);
    for step in &mut steps {
        if let Step::Write { durability, .. } = step {
            *durability = (*durability).max(Durability::Os);
        }
    }
    Script(steps)
}

#[test]
fn a_store_that_compacts_by_itself_neither_hangs_nor_loses_anything_when_calls_fail() {
    for number in [EIO, ENOSPC] {
        let tried = each(|nth| {
            let times = if nth % 2 == 0 { 1 } else { u64::MAX };
            let fault = Fault::fail_with(number).skip(nth * 9).times(times);
            let outcome = run_on(Disk::new(), &busy_script(nth), vec![fault], true);
            let context = format!("error {number}, {times} times, from call {} on, script {nth}", nth * 9);
            for error in &outcome.failures {
                let allowed = [refusal(number), ErrorCode::Poisoned];
                assert!(allowed.contains(&error.code()), "{context}: {error}");
            }
            outcome.check_what_is_kept(&context);
            nth < 60
        });
        assert!(tried > 50, "only {tried} calls were tried");
    }
}

#[test]
fn no_file_can_be_opened_from_some_moment_on() {
    let tried = each(|nth| {
        let outcome = run(|_| vec![Fault::fail_with(EMFILE).on(Call::Open).skip(nth).times(u64::MAX)]);
        let context = format!("no file after {nth}");
        assert!(outcome.failures.iter().all(|error| error.code() == ErrorCode::Io), "{context}");
        outcome.check_what_is_kept(&context);
        outcome.met
    });
    assert!(tried > 20, "only {tried} calls were tried");
}

#[test]
fn reads_and_writes_that_move_less_than_asked_are_carried_on() {
    for bytes in [7, 511] {
        let outcome = run(|_| vec![Fault::cut(bytes).times(u64::MAX)]);
        assert!(outcome.met && outcome.failures.is_empty(), "{:?}", outcome.failures);
        outcome.check_what_is_kept("all cut");
    }
    let tried = each(|nth| {
        let cut = Fault::cut(9).on(Call::WriteAt).skip(nth);
        let outcome = run(|_| vec![cut, Fault::fail_with(EIO).on(Call::WriteAt).skip(nth + 1)]);
        let context = format!("write {nth} was cut, the rest of it failed");
        assert!(outcome.failures.iter().all(|error| error.code() == ErrorCode::Io), "{context}");
        outcome.check_what_is_kept(&context);
        !outcome.failed.is_empty()
    });
    assert!(tried > 15, "only {tried} calls were tried");
}

#[test]
fn a_sync_that_fails_and_drops_what_it_should_have_written_loses_nothing_that_was_promised() {
    for seed in 0..4 {
        let tried = each(|nth| {
            let outcome = run(|disk| {
                let disk = disk.clone();
                let drop_unsynced = Fault::delay(move || disk.drop_unsynced(seed));
                vec![
                    drop_unsynced.on(Call::SyncData).skip(nth),
                    Fault::fail_with(EIO).on(Call::SyncData).skip(nth),
                ]
            });
            outcome.check_what_is_kept(&format!("sync {nth} failed, seed {seed}"));
            outcome.met
        });
        assert!(tried > 12, "only {tried} syncs were tried");
    }
}

#[test]
fn a_disk_of_any_size_fills_without_harm() {
    let roomy = run(|_| Vec::new());
    let needed = roomy.disk.taken_bytes() + hit_log::RESERVE_BYTES + (64 << 10);
    let step = needed / 60;
    each(|nth| {
        let disk = Disk::new();
        disk.set_capacity(Some(nth * step));
        let outcome = run_on(disk, &script(), Vec::new(), nth % 2 == 0);
        let context = format!("a disk of {} bytes", nth * step);
        for error in &outcome.failures {
            assert_eq!(error.code(), ErrorCode::DiskFull, "{context}: {error}");
        }
        assert!(nth > 1 || !outcome.failures.is_empty(), "{context} was not full");
        outcome.disk.set_capacity(None);
        outcome.check_what_is_kept(&context);
        nth * step < needed
    });
}

/// What accidents in the middle of the script leave to recover: torn tails, unsynced frames, half-made segments.
fn left_behind() -> (History, Vec<(Image, Accident)>) {
    let disk = Disk::new();
    let ledger = Arc::new(Ledger::default());
    let options = options(Arc::new(disk.clone()));
    let clock = Arc::new(TestClock::at(START_MS));
    let mut session = Session::open(URL, options, clock, Arc::clone(&ledger)).unwrap();
    let Script(mut steps) = script();
    steps.truncate(8);
    session.run(&Script(steps));
    session.run(&Script(vec![write(Durability::Os, true, vec![set("b3", 5000), set("b4", 5)])]));
    let image = disk.image();
    let lost = (0..4).map(|seed| (image.clone(), Accident::PowerLoss(seed)));
    let accidents = lost.chain([(image.clone(), Accident::Kill)]).collect();
    session.close().unwrap();
    (ledger.history(), accidents)
}

#[derive(Clone, Copy, Debug)]
enum Accident {
    PowerLoss(u64),
    Kill,
}

impl Accident {
    fn of(self, image: &Image) -> Disk {
        match self {
            Self::PowerLoss(seed) => image.after_power_loss(seed),
            Self::Kill => image.after_kill(),
        }
    }
}

#[test]
fn a_recovery_whose_calls_fail_can_be_repeated_and_finds_the_same() {
    let (history, accidents) = left_behind();
    let healthy = options(Arc::new(Disk::new()));
    for (image, accident) in accidents {
        let (store, groups) =
            open(&accident.of(&image), &healthy, &history, 0..=history.len(), "undisturbed");
        drop(store);
        for (number, times) in [(EIO, 1), (EIO, u64::MAX), (ENOSPC, 1), (EMFILE, u64::MAX)] {
            let tried = each(|nth| {
                let context = format!("{accident:?}, error {number} {times} times at call {nth}");
                let disk = accident.of(&image);
                let files = FaultyFiles::new(Arc::new(disk.clone()));
                files.inject(Fault::fail_with(number).skip(nth).times(times));
                let opened = Store::open_blocking(URL, options(files.clone()));
                let met = files.met() > 0;
                files.heal();
                match opened {
                    Err(error) => assert_eq!(error.code(), refusal(number), "{context}: {error}"),
                    Ok(store) => {
                        let clock = TestClock::at(START_MS);
                        let found = history.find(&store, &clock, groups..=groups);
                        assert_eq!(found, Ok(groups), "{context}");
                        close(&store).unwrap();
                    }
                }
                drop(open(&disk, &healthy, &history, groups..=groups, &context));
                let lost = disk.image().after_power_loss(nth);
                drop(open(
                    &lost,
                    &healthy,
                    &history,
                    groups..=groups,
                    &format!("{context}, then power loss"),
                ));
                met
            });
            assert!(tried > 15, "only {tried} calls were tried");
        }
    }
}

fn close(store: &Store) -> Result<(), Error> {
    Arc::new(Ledger::default()).close(store).wait()
}

use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hit::{Clock, Durability, Error, ErrorCode, OpenOptions, Store};
use hit_log::Files;
use hit_testkit::promises::{History, Ledger, Script, Session};
use hit_testkit::{Call, Disk, Fault, FaultyFiles, TestClock};

use crate::script::{START_MS, URL, options, script, set};

/// What a run on failing files has shown.
pub struct Outcome {
    pub disk: Disk,
    pub ledger: Arc<Ledger>,
    pub failures: Vec<Error>,
    /// The calls that failed.
    pub failed: Vec<(Call, String)>,
    /// Whether any call was met.
    pub met: bool,
    options: OpenOptions,
}

/// Runs the script while `faults` meet its calls.
pub fn run(faults: impl FnOnce(&Disk) -> Vec<Fault>) -> Outcome {
    let disk = Disk::new();
    let faults = faults(&disk);
    run_on(disk, &script(), faults, false)
}

pub fn run_on(disk: Disk, script: &Script, faults: Vec<Fault>, compaction: bool) -> Outcome {
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
    pub fn check_what_is_kept(&self, context: &str) {
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

        self.check_backups(&store, &history, context);

        let after = set("after", 300);
        let history = history.followed(groups, std::slice::from_ref(&after));
        let ledger = Arc::new(Ledger::default());
        ledger.submit(&store, vec![after], Durability::Disk, false).unwrap().wait().unwrap();
        ledger.close(&store).wait().unwrap();
        drop(self.open(&self.disk, &history, 1..=1, &format!("{context}, after another write")));
    }
}

impl Outcome {
    /// A backup that has succeeded is whole, after a power loss too. One that has not is no store, and with files that work
    /// it can be taken again.
    fn check_backups(&self, store: &Store, history: &History, context: &str) {
        for backup in self.ledger.backups() {
            let groups = history.kept_of(backup.groups);
            let lost = self.disk.image().after_power_loss(5);
            let options = OpenOptions { create_if_missing: false, ..self.options.clone() };
            if backup.succeeded {
                for disk in [&self.disk, &lost] {
                    let context = format!("{context}, {}", backup.url);
                    drop(open_at(&backup.url, disk, &options, history, groups..=groups, &context));
                }
                continue;
            }
            let files: Arc<dyn Files> = Arc::new(self.disk.clone());
            match Store::open_blocking(&backup.url, OpenOptions { files, ..options }) {
                Ok(store) => {
                    // All of it was there when the last sync failed, and could not be removed.
                    let found = history.find(&store, &*self.options.clock, groups..=groups);
                    assert_eq!(found, Ok(groups), "{context}");
                }
                Err(error) => assert_eq!(error.code(), ErrorCode::Config, "{context}: {error}"),
            }
            let again = Path::new("/data/again");
            let taken = store.backup_blocking(again, &mut |_| ControlFlow::Continue(()));
            taken.unwrap_or_else(|error| panic!("{context}, again: {error}"));
        }
    }
}

pub fn open(
    disk: &Disk,
    options: &OpenOptions,
    history: &History,
    allowed: RangeInclusive<usize>,
    context: &str,
) -> (Store, usize) {
    open_at(URL, disk, options, history, allowed, context)
}

fn open_at(
    url: &str,
    disk: &Disk,
    options: &OpenOptions,
    history: &History,
    allowed: RangeInclusive<usize>,
    context: &str,
) -> (Store, usize) {
    let options = OpenOptions { files: Arc::new(disk.clone()), ..options.clone() };
    let clock = Arc::clone(&options.clock);
    let store = Store::open_blocking(url, options).unwrap_or_else(|error| panic!("{context}: {error}"));
    let groups =
        history.find(&store, &*clock, allowed).unwrap_or_else(|problem| panic!("{context}: {problem}"));
    (store, groups)
}

/// Tries 0, 1, 2 and so on, side by side, until a try says that it met nothing any more. Says how many did.
pub fn each(attempt: impl Fn(u64) -> bool + Sync) -> usize {
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

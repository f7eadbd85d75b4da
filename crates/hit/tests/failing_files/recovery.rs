use std::sync::Arc;

use hit::{Durability, Error, Store};
use hit_testkit::promises::{History, Ledger, Script, Session};
use hit_testkit::{Disk, Fault, FaultyFiles, Image, TestClock};

use crate::effect::{EIO, EMFILE, ENOSPC, refusal};
use crate::outcome::{each, open};
use crate::script::{START_MS, URL, options, script, set, write};

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

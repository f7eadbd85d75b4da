use std::sync::Arc;

use fastrand::Rng;
use hit::{Clock, Durability, Error, OpenOptions, Result, Store};

use super::{Answer, Ledger, Write};
use crate::TestClock;

/// Keys of a script come from so few that they meet.
const KEYS: u8 = 24;

/// What is done to a store.
#[derive(Clone, Debug)]
pub enum Step {
    /// Gives it a group.
    Write {
        /// The group.
        writes: Vec<Write>,
        /// What its answer promises.
        durability: Durability,
        /// As a batch.
        as_batch: bool,
        /// Whether the answer is waited for.
        awaited: bool,
    },
    /// Waits for all answers.
    Await,
    /// Raises everything to disk.
    Flush,
    /// Closes the store and opens it again.
    Reopen,
    /// Compacts everything.
    Compact,
    /// Takes a backup.
    BackUp,
    /// Waits until the compaction in the background has nothing to do.
    Rest,
    /// Lets time pass.
    Advance {
        /// So much of it.
        by_ms: u64,
    },
}

/// Steps.
#[derive(Clone, Debug)]
pub struct Script(pub Vec<Step>);

impl Script {
    /// Random steps of every kind, on a clock that stands at `now_ms`.
    #[must_use]
    pub fn random(seed: u64, steps: usize, now_ms: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut now_ms = now_ms;
        let mut number = 0;
        let steps = (0..steps).map(|_| {
            number += 1;
            match rng.u8(..42) {
                0 => Step::Reopen,
                40 => Step::Compact,
                41 => Step::Rest,
                1 | 2 => Step::Flush,
                3 | 4 => Step::Await,
                5 | 6 => {
                    let by_ms = rng.u64(1..2000);
                    now_ms += by_ms;
                    Step::Advance { by_ms }
                }
                _ => Step::Write {
                    writes: (0..rng.u8(1..5)).map(|_| write(&mut rng, number, now_ms)).collect(),
                    durability: *rng
                        .choice(&[Durability::Disk, Durability::Os, Durability::Memory])
                        .unwrap_or(&Durability::Disk),
                    as_batch: rng.bool(),
                    awaited: rng.bool(),
                },
            }
        });
        Self(steps.collect())
    }
}

fn write(rng: &mut Rng, number: usize, now_ms: u64) -> Write {
    let key = |rng: &mut Rng| -> Arc<[u8]> { format!("key{:02}", rng.u8(..KEYS)).into_bytes().into() };
    match rng.u8(..20) {
        0 => Write::Clear { start: key(rng), end: Some(key(rng)) },
        1 if rng.u8(..4) == 0 => Write::Clear { start: [].into(), end: None },
        1..5 => Write::Delete { key: key(rng) },
        kind => {
            let length = match kind {
                5..12 => rng.usize(..200),
                12..19 => rng.usize(256..4000),
                _ => rng.usize(..40_000),
            };
            let expires_at = (rng.u8(..4) == 0).then(|| now_ms + rng.u64(1..5000));
            Write::Set { key: key(rng), value: value(number, length), expires_at }
        }
    }
}

/// A value that no other step has.
fn value(number: usize, length: usize) -> Arc<[u8]> {
    let text = format!("{number:06} ");
    text.bytes().cycle().take(length).collect()
}

/// A store on which a script is run, with what was promised meanwhile.
pub struct Session {
    /// What was given and promised.
    pub ledger: Arc<Ledger>,
    clock: Arc<TestClock>,
    url: String,
    options: OpenOptions,
    store: Option<Store>,
    answers: Vec<Answer>,
    /// What did not succeed.
    pub failures: Vec<Error>,
}

impl Session {
    /// A session on the store at `url`, which is opened with these options and this clock. What is promised goes into
    /// `ledger`.
    ///
    /// # Errors
    /// As opening.
    pub fn open(url: &str, options: OpenOptions, clock: Arc<TestClock>, ledger: Arc<Ledger>) -> Result<Self> {
        let options = OpenOptions { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..options };
        let mut session = Self {
            ledger,
            clock,
            url: url.into(),
            options,
            store: None,
            answers: Vec::new(),
            failures: Vec::new(),
        };
        session.store = Some(session.open_again()?);
        Ok(session)
    }

    /// The store, unless it could not be opened again.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Does everything that a script says, as far as the store lets it. Failures are noted.
    pub fn run(&mut self, script: &Script) {
        for step in &script.0 {
            self.take(step);
        }
        self.await_all();
    }

    /// Waits for all answers, closes the store and says how that ended.
    ///
    /// # Errors
    /// As closing.
    pub fn close(&mut self) -> Result<()> {
        self.await_all();
        self.store.take().map_or(Ok(()), |store| self.ledger.close(&store).wait())
    }

    fn take(&mut self, step: &Step) {
        let Some(store) = &self.store else { return };
        match step {
            Step::Write { writes, durability, as_batch, awaited } => {
                match self.ledger.submit(store, writes.clone(), *durability, *as_batch) {
                    Ok(answer) if *awaited => self.note(answer.wait()),
                    Ok(answer) => self.answers.push(answer),
                    Err(error) => self.failures.push(error),
                }
            }
            Step::Await => self.await_all(),
            Step::Flush => {
                let flushed = self.ledger.flush(store).wait();
                self.note(flushed);
            }
            Step::Reopen => {
                let closed = self.close();
                self.note(closed);
                match self.open_again() {
                    Ok(store) => self.store = Some(store),
                    Err(error) => self.failures.push(error),
                }
            }
            Step::Compact => {
                let compacted = store.compact_blocking();
                self.note(compacted);
            }
            Step::BackUp => {
                let backed_up = self.ledger.back_up(store);
                self.note(backed_up);
            }
            Step::Rest => {
                let rested = store.wait_for_compaction_blocking();
                self.note(rested);
            }
            Step::Advance { by_ms } => self.clock.advance(*by_ms),
        }
    }

    fn await_all(&mut self) {
        for answer in std::mem::take(&mut self.answers) {
            self.note(answer.wait());
        }
    }

    fn note(&mut self, result: Result<()>) {
        self.failures.extend(result.err());
    }

    fn open_again(&self) -> Result<Store> {
        let store = Store::open_blocking(&self.url, self.options.clone())?;
        self.ledger.opened(&store);
        Ok(store)
    }
}

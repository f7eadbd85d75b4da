use std::sync::Arc;

use fastrand::Rng;
use hit::{Clock, Durability, Error, OpenOptions, Result, Store};

use super::{Answer, Ledger, Write};
use crate::TestClock;

/// Keys that a script writes again and again.
const HOT_KEYS: u8 = 16;
/// Keys that it writes at its beginning and then deletes one by one: what hides them lies in files that compaction is done
/// with first.
const COLD_KEYS: u8 = 40;
const COLD_VALUE_BYTES: usize = 3000;
/// How many cold keys a group has.
const COLD_GROUP: u8 = 8;

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
        let cold: Vec<u8> = (0..COLD_KEYS).collect();
        let mut script: Vec<_> = cold
            .chunks(usize::from(COLD_GROUP))
            .map(|keys| {
                let set = |&key| Write::Set {
                    key: name("cold", key),
                    value: value(usize::from(key), COLD_VALUE_BYTES),
                    expires_at: None,
                };
                Step::Write {
                    writes: keys.iter().map(set).collect(),
                    durability: durability(&mut rng),
                    as_batch: rng.bool(),
                    awaited: rng.bool(),
                }
            })
            .collect();
        while script.len() < steps {
            let number = usize::from(COLD_KEYS) + script.len();
            script.push(match rng.u8(..42) {
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
                    durability: durability(&mut rng),
                    as_batch: rng.bool(),
                    awaited: rng.bool(),
                },
            });
        }
        Self(script)
    }
}

fn durability(rng: &mut Rng) -> Durability {
    match rng.u8(..3) {
        0 => Durability::Memory,
        1 => Durability::Os,
        _ => Durability::Disk,
    }
}

fn name(kind: &str, number: u8) -> Arc<[u8]> {
    format!("{kind}{number:02}").into_bytes().into()
}

fn write(rng: &mut Rng, number: usize, now_ms: u64) -> Write {
    let hot = |rng: &mut Rng| name("hot", rng.u8(..HOT_KEYS));
    match rng.u8(..20) {
        0 => Write::Clear { start: hot(rng), end: Some(hot(rng)) },
        1 if rng.u8(..6) == 0 => Write::Clear { start: [].into(), end: None },
        1 => {
            Write::Clear { start: name("cold", rng.u8(..COLD_KEYS)), end: Some(name("cold", COLD_KEYS / 2)) }
        }
        2 | 3 => Write::Delete { key: name("cold", rng.u8(..COLD_KEYS)) },
        4 => Write::Delete { key: hot(rng) },
        kind => {
            let length = match kind {
                5..12 => rng.usize(..200),
                12..19 => rng.usize(256..4000),
                _ => rng.usize(..40_000),
            };
            let expires_at = (rng.u8(..4) == 0).then(|| now_ms + rng.u64(1..5000));
            // Now and then a cold key is hidden by an entry that expires.
            let key = if rng.u8(..12) == 0 { name("cold", rng.u8(..COLD_KEYS)) } else { hot(rng) };
            Write::Set { key, value: value(number, length), expires_at }
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

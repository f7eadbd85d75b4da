use std::sync::Arc;

use hit::{Durability, OpenOptions};
use hit_log::Files;
use hit_testkit::TestClock;
use hit_testkit::promises::{Script, Step, Write, small_segments};

pub const URL: &str = "file:/data/store";
pub const START_MS: u64 = 1_000_000_000_000;

pub fn set(key: &str, length: usize) -> Write {
    let value = key.bytes().cycle().take(length).collect();
    Write::Set { key: key.as_bytes().into(), value, expires_at: None }
}

pub fn write(durability: Durability, awaited: bool, writes: Vec<Write>) -> Step {
    Step::Write { as_batch: writes.len() > 2, writes, durability, awaited }
}

/// Writes, two rotations, compactions, a backup, a close and an opening: everything that a store does with files.
pub fn script() -> Script {
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
        Step::BackUp,
        write(Os, true, vec![set("a4", 5)]),
        Step::Reopen,
        write(Os, true, vec![set("a5", 400), delete("a2")]),
        write(Disk, true, vec![set("a6", 5)]),
        Step::Compact,
        write(Disk, true, vec![set("a7", 5)]),
    ])
}

/// A script on a store that compacts beside its writers, too. Nothing is answered before it is written: what an answer says
/// is then all there is to know.
pub fn busy_script(seed: u64) -> Script {
    let Script(mut steps) = Script::random(seed, 80, START_MS);
    for step in &mut steps {
        if let Step::Write { durability, .. } = step {
            *durability = (*durability).max(Durability::Os);
        }
    }
    Script(steps)
}

/// Compaction works when the script says so, and not beside it.
pub fn options(files: Arc<dyn Files>) -> OpenOptions {
    let clock = Arc::new(TestClock::at(START_MS));
    let mut options = OpenOptions { files, clock, ..small_segments() };
    options.file.compaction = false;
    options
}

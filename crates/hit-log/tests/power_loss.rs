//! The power fails at a moment that once was not survived.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use hit_core::Result;
use hit_log::{Files, Folder, Frame, LockFile, Log, LogOptions, backup};
use hit_testkit::Disk;
use support::{Open, Recorded, one};

const SEEDS: std::ops::Range<u64> = 0..50;

fn try_open(disk: &Disk) -> Result<Open> {
    try_open_at(disk, Path::new("/data/store"), true)
}

fn try_open_at(disk: &Disk, path: &Path, create_if_missing: bool) -> Result<Open> {
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    let folder = Folder::open(files, path, "file", create_if_missing)?;
    let lock = LockFile::open(&folder)?.acquire()?;
    let mut recorded = Recorded::default();
    let log = Log::open(&folder, &lock, LogOptions { segment_bytes: 150 }, &mut recorded)?;
    Ok(Open { log, lock, recorded })
}

fn frames() -> [Frame; 1] {
    [one("later", "")]
}

#[test]
fn a_segment_does_not_end_with_a_mark_that_may_not_be_on_disk() {
    // What ends a segment whose last frame is a mark.
    let ends: [fn(&mut Open); 2] =
        [|open| open.log.append(&mut frames()).unwrap(), |open| open.log.seal().unwrap()];
    for end in ends {
        let disk = Disk::new();
        let mut open = try_open(&disk).unwrap();
        open.write("a", "1");
        open.log.mark().unwrap();
        end(&mut open);
        for seed in SEEDS {
            let found = disk.image().after_power_loss(seed);
            assert_eq!(try_open(&found).unwrap().keys()[0], "a", "loss {seed}");
        }
        open.log.close().unwrap();
        for seed in SEEDS {
            let found = disk.image().after_power_loss(seed);
            assert_eq!(try_open(&found).unwrap().keys()[0], "a", "loss {seed} after the close");
        }
    }
}

#[test]
fn a_store_that_a_killed_program_had_begun_to_make_is_as_durable_as_any() {
    // Kills the creator at each change of the disk: the creation is repeated with one call less that reaches it.
    for kept in 0.. {
        let disk = Disk::new();
        let files = hit_testkit::FaultyFiles::new(Arc::new(disk.clone()));
        let died = hit_testkit::Fault::fail(std::io::ErrorKind::Other).skip(kept).times(u64::MAX);
        files.inject(died);
        let folder = Folder::open(files.clone(), Path::new("/data/store"), "file", true);
        let made = folder.and_then(|folder| LockFile::open(&folder)?.acquire()).is_ok();
        let killed = disk.image().after_kill();
        let mut open = try_open(&killed).unwrap();
        open.write("a", "1");
        for seed in SEEDS {
            let found = killed.image().after_power_loss(seed);
            assert_eq!(try_open(&found).unwrap().keys(), ["a"], "call {kept}, loss {seed}");
        }
        if made && files.met() == 0 {
            assert!(kept > 10, "only {kept} calls were tried");
            break;
        }
    }
}

#[test]
fn a_backup_into_a_folder_that_a_killed_one_had_made_is_as_durable_as_any() {
    let disk = Disk::new();
    try_open(&disk).unwrap().write("a", "1");
    let target = Path::new("/elsewhere/backup");
    disk.create_dir(target.parent().unwrap()).unwrap();
    disk.create_dir(target).unwrap();
    let killed = disk.image().after_kill();
    let open = try_open(&killed).unwrap();
    backup(open.lock.folder(), target, "file", &mut |_| ControlFlow::Continue(())).unwrap();
    for seed in SEEDS {
        let found = killed.image().after_power_loss(seed);
        assert_eq!(try_open_at(&found, target, false).unwrap().keys(), ["a"], "loss {seed}");
    }
}

use std::collections::BTreeSet;

use super::*;

const SEEDS: std::ops::Range<u64> = 0..300;

fn root() -> &'static Path {
    Path::new("/")
}

fn create(disk: &Disk, path: &str, text: &[u8]) -> Box<dyn File> {
    let file = disk.open(Path::new(path), OpenMode::CreateNew).unwrap();
    assert_eq!(file.write_at(text, 0).unwrap(), text.len());
    file
}

fn read(disk: &Disk, path: &str) -> Option<Vec<u8>> {
    let file = disk.open(Path::new(path), OpenMode::Read).ok()?;
    let mut bytes = vec![1; file.size().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

/// Everything that power losses make of it.
fn outcomes<T: Ord>(disk: &Disk, look: impl Fn(&Disk) -> T) -> BTreeSet<T> {
    let image = disk.image();
    SEEDS.map(|seed| look(&image.after_power_loss(seed))).collect()
}

#[test]
fn what_was_synced_survives_and_the_same_seed_gives_the_same_disk() {
    let disk = Disk::new();
    let file = create(&disk, "/a", b"synced");
    file.sync_data().unwrap();
    disk.sync_folder(root()).unwrap();
    file.write_at(b"SYNCED and more", 0).unwrap();
    create(&disk, "/b", b"never");
    let image = disk.image();
    for seed in SEEDS {
        let look = |disk: &Disk| (read(disk, "/a").unwrap(), read(disk, "/b"));
        let found = look(&image.after_power_loss(seed));
        assert_eq!(found, look(&image.after_power_loss(seed)));
        assert!(found.0.len() >= 6 && found.0[..6].eq_ignore_ascii_case(b"synced"), "{found:?}");
    }
    assert_eq!(read(&disk, "/a").unwrap(), b"SYNCED and more", "the disk itself goes on");
}

#[test]
fn unsynced_writes_are_kept_dropped_and_torn_in_any_subset() {
    let disk = Disk::new();
    let file = create(&disk, "/a", &[b'.'; 2048]);
    file.sync_data().unwrap();
    disk.sync_folder(root()).unwrap();
    file.write_at(&[b'1'; 1024], 0).unwrap();
    file.write_at(&[b'2'; 512], 1024).unwrap();
    file.write_at(&[b'3'; 100], 0).unwrap();
    let found = outcomes(&disk, |disk| read(disk, "/a").unwrap());
    let any = |what: &str, holds: &dyn Fn(&[u8]) -> bool| {
        assert!(found.iter().any(|bytes| holds(bytes)), "no loss {what}");
    };
    any("keeps nothing", &|bytes| bytes.iter().all(|&byte| byte == b'.'));
    any("keeps all", &|bytes| bytes[0] == b'3' && bytes[100] == b'1' && bytes[1535] == b'2');
    any("keeps only a later one", &|bytes| bytes[100] == b'.' && bytes[1024] == b'2');
    any("keeps an older one of two", &|bytes| bytes[0] == b'1' && bytes[1024] == b'2');
    any("keeps one sector of a write", &|bytes| bytes[511] == b'1' && bytes[512] == b'.');
    any("tears a sector", &|bytes| bytes[1024] == b'2' && bytes[1535] == b'.');
    assert!(found.iter().all(|bytes| bytes.len() == 2048));
}

#[test]
fn lengths_change_or_not_and_what_was_lost_reads_as_zeros() {
    let disk = Disk::new();
    let file = create(&disk, "/a", b"abc");
    file.sync_data().unwrap();
    disk.sync_folder(root()).unwrap();
    file.allocate(10_000).unwrap();
    file.write_at(b"x", 5000).unwrap();
    let found = outcomes(&disk, |disk| read(disk, "/a").unwrap());
    for length in [3, 5001, 10_000] {
        assert!(found.iter().any(|bytes| bytes.len() == length), "{length}");
    }
    for bytes in found {
        assert_eq!(bytes[..3], *b"abc");
        assert!(bytes.iter().enumerate().skip(3).all(|(at, &byte)| byte == 0 || (at, byte) == (5000, b'x')));
    }
    file.set_size(2).unwrap();
    let found = outcomes(&disk, |disk| read(disk, "/a").unwrap().len());
    assert!(found.contains(&2) && found.contains(&3) && found.contains(&10_000), "{found:?}");
}

#[test]
fn a_name_is_durable_after_a_sync_of_its_folder_only() {
    let disk = Disk::new();
    create(&disk, "/a", b"text").sync_data().unwrap();
    let found = outcomes(&disk, |disk| read(disk, "/a"));
    assert_eq!(found, [None, Some(b"text".to_vec())].into());
    disk.sync_folder(root()).unwrap();
    assert_eq!(outcomes(&disk, |disk| read(disk, "/a")), [Some(b"text".to_vec())].into());
    disk.remove(Path::new("/a")).unwrap();
    assert_eq!(outcomes(&disk, |disk| read(disk, "/a").is_some()), [false, true].into());
    disk.sync_folder(root()).unwrap();
    assert_eq!(outcomes(&disk, |disk| read(disk, "/a")), [None].into());
}

#[test]
fn a_rename_is_atomic_and_may_come_before_the_content() {
    let disk = Disk::new();
    create(&disk, "/a", b"old").sync_data().unwrap();
    disk.sync_folder(root()).unwrap();
    create(&disk, "/a.tmp", b"new");
    disk.rename(Path::new("/a.tmp"), Path::new("/a")).unwrap();
    let found = outcomes(&disk, |disk| read(disk, "/a").unwrap());
    for text in ["old", "new", ""] {
        assert!(found.contains(text.as_bytes()), "never {text:?}");
    }
    assert_eq!(read(&disk, "/a").unwrap(), b"new");
    assert_eq!(disk.list(root()).unwrap(), ["a"]);
}

#[test]
fn names_are_kept_in_order_by_some_losses_and_in_any_subset_by_others() {
    let disk = Disk::new();
    disk.create_dir(Path::new("/f")).unwrap();
    disk.sync_folder(root()).unwrap();
    for name in ["/f/a", "/b"] {
        create(&disk, name, b"");
    }
    let names = |disk: &Disk| [read(disk, "/f/a").is_some(), read(disk, "/b").is_some()];
    let all = [[false, false], [false, true], [true, false], [true, true]];
    assert_eq!(outcomes(&disk, names), all.into());
    let lost = outcomes(&Disk::new(), |disk| disk.list(root()).unwrap());
    assert_eq!(lost, [Vec::<OsString>::new()].into());
}

#[test]
fn what_a_failed_sync_drops_is_seen_and_never_written() {
    let disk = Disk::new();
    let file = create(&disk, "/a", &[b'1'; 4096]);
    disk.sync_folder(root()).unwrap();
    let mut shortest = usize::MAX;
    for seed in SEEDS {
        let disk = disk.image().after_kill();
        disk.drop_unsynced(seed);
        let again = disk.open(Path::new("/a"), OpenMode::ReadWrite).unwrap();
        again.sync_data().unwrap();
        assert_eq!(read(&disk, "/a").unwrap(), [b'1'; 4096]);
        let found = outcomes(&disk, |disk| read(disk, "/a").unwrap());
        assert_eq!(found.len(), 1, "it is decided");
        shortest = shortest.min(found.first().unwrap().iter().filter(|&&byte| byte == b'1').count());
    }
    assert_eq!(shortest, 0);
    file.sync_data().unwrap();
    assert_eq!(outcomes(&disk, |disk| read(disk, "/a").unwrap()), [vec![b'1'; 4096]].into());
}

#[test]
fn locks_are_held_by_one_open_file_and_end_with_it_with_a_kill_and_with_the_power() {
    let disk = Disk::new();
    let first = create(&disk, "/lock", b"");
    disk.sync_folder(root()).unwrap();
    let second = disk.open(Path::new("/lock"), OpenMode::ReadWrite).unwrap();
    assert!(first.try_lock().unwrap() && first.try_lock().unwrap() && !second.try_lock().unwrap());
    assert_eq!(first.identity().unwrap(), second.identity().unwrap());
    for found in [disk.image().after_kill(), disk.image().after_power_loss(1)] {
        let other = found.open(Path::new("/lock"), OpenMode::Read).unwrap();
        assert!(other.try_lock().unwrap());
        assert_ne!(other.identity().unwrap(), first.identity().unwrap());
    }
    drop(first);
    assert!(second.try_lock().unwrap());
}

#[test]
fn a_full_disk_takes_what_fits_and_gives_back_what_is_removed() {
    let disk = Disk::new();
    let file = create(&disk, "/a", &[1; 5000]);
    assert_eq!(disk.taken_bytes(), 8192);
    disk.set_capacity(Some(16 << 10));
    assert_eq!(file.write_at(&[2; 100_000], 5000).unwrap(), 8192 + 3192);
    let full = file.write_at(&[3; 1], 16 << 10).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.allocate(20_000).unwrap_err().kind(), io::ErrorKind::StorageFull);
    file.write_at(&[4; 100], 0).unwrap();
    disk.remove(Path::new("/a")).unwrap();
    assert_eq!(disk.taken_bytes(), 16 << 10, "it is open");
    drop(file);
    assert_eq!(disk.taken_bytes(), 0);
    create(&disk, "/b", b"").allocate(16 << 10).unwrap();
    assert_eq!(disk.taken_bytes(), 16 << 10);
}

#[test]
fn links_and_removed_files_that_are_open_behave_as_on_a_file_system() {
    let disk = Disk::new();
    let file = create(&disk, "/a", b"text");
    disk.link(Path::new("/a"), Path::new("/b")).unwrap();
    let [a, b] = ["/a", "/b"].map(Path::new);
    assert_eq!(disk.link(a, b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    disk.remove(a).unwrap();
    file.write_at(b"T", 0).unwrap();
    assert_eq!(read(&disk, "/b").unwrap(), b"Text");
    disk.remove(b).unwrap();
    assert_eq!(file.size().unwrap(), 4);
    let missing = disk.open(b, OpenMode::Read).err().unwrap();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    file.set_size(1).unwrap();
    file.set_size(3).unwrap();
    let mut bytes = [9; 5];
    assert_eq!((file.read_at(&mut bytes, 0).unwrap(), bytes), (3, [b'T', 0, 0, 9, 9]));
}

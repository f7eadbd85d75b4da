//! How much memory this process may use: that of the machine, or the limit of the control group it runs in.

use std::fs;
use std::path::Path;

/// The bytes that this process may use at most, where the system tells.
pub(crate) fn limit_bytes() -> Option<u64> {
    limit_below(Path::new("/"))
}

/// The same for a system whose files lie below `root`.
fn limit_below(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        match controllers {
            "" => smallest(&root.join("sys/fs/cgroup"), path, "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                smallest(&root.join("sys/fs/cgroup/memory"), path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.chain(physical_bytes(root)).min()
}

/// The smallest limit from a group up to the root. In a container the path may be one that only the host has; then the
/// limit is at the root.
fn smallest(mount: &Path, path: &str, file: &str) -> Option<u64> {
    let group = mount.join(path.trim_start_matches('/'));
    let of = |folder: &Path| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    group.ancestors().take_while(|folder| folder.starts_with(mount)).filter_map(of).min()
}

fn physical_bytes(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn the_smallest_limit_counts() {
        let memory = ("proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\n");
        let limit = |files: &[(&str, &str)]| limit_below(system(files).path());
        assert_eq!(limit(&[]), None);
        assert_eq!(limit(&[memory]), Some(1_024_000));
        let unified = ("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(limit(&[memory, unified, ("sys/fs/cgroup/a/b/memory.max", "max\n")]), Some(1_024_000));
        assert_eq!(limit(&[memory, unified, ("sys/fs/cgroup/a/memory.max", "5000\n")]), Some(5_000));
        assert_eq!(limit(&[memory, unified, ("sys/fs/cgroup/memory.max", "7000\n")]), Some(7_000));
        let first = ("proc/self/cgroup", "3:cpu,memory:/c\n2:pids:/c\n");
        let of_first = ("sys/fs/cgroup/memory/c/memory.limit_in_bytes", "6000\n");
        assert_eq!(limit(&[memory, first, of_first]), Some(6_000));
    }
}

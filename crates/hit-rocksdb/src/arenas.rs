//! glibc gives threads arenas of their own, up to eight for each processor. Blocks are read by one thread and given up by another,
//! and what is freed in an arena stays there: as much again as the cache, in a process that reads on several threads.

/// So many still let two threads allocate side by side.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MOST_ARENAS: i32 = 2;

/// Bounds the arenas of the process, where it has little memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn bound() {
    // SAFETY: it sets a figure of the allocator, which takes its own lock for that.
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, MOST_ARENAS) };
}

/// Other allocators give back what is freed.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bound() {}

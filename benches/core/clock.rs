//! What the process has used so far, as the kernel counts it.

use std::fs;

/// Nanoseconds of processor time over the threads that are alive.
pub fn cpu_ns() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .map(|text| first(&text))
        .sum()
}

/// Threads of the process.
pub fn threads() -> u64 {
    fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count() as u64)
}

/// Files, sockets and the like that the process holds.
pub fn descriptors() -> u64 {
    fs::read_dir("/proc/self/fd").map_or(0, |open| open.count() as u64)
}

/// Memory that belongs to this process alone, in KiB.
pub fn private_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let private = text.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(|line| line.split_once(':')).map(|(_, number)| first(number)).sum()
}

fn first(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

//! Control groups: the limits and counts of a program with all it starts, where the system lets us make some.
//!
//! Version 1 has a tree for each controller, version 2 one for all. A group is made below our own in each. A controller whose
//! tree we may not write to is done without, and what it would bound is bounded for each process alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Pid;
use tokio::runtime::Handle;

use super::plan::Limits;
use crate::timer;

/// How often, and how long between two times, a group is removed whose processes are only just ending.
const TRIES: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(10);
/// What the names of our groups begin with, before the number of the host's process.
const NAME: &str = "astrid-";

/// What a program has used, with all it started, as far as the system counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Processor time in milliseconds.
    pub cpu_ms: Option<u64>,
    /// The most memory at one time, in bytes.
    pub memory_peak: Option<u64>,
}

/// What a group bounds or counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Controller {
    /// Memory, bounded and counted.
    Memory,
    /// Processes and threads, bounded.
    Pids,
    /// Processor time, counted.
    Cpu,
}

/// A group in the tree of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    controller: Controller,
    folder: PathBuf,
    /// Whether the tree is the one of version 2.
    unified: bool,
}

/// Our own groups, below which others can be made.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<Place>);

/// The groups of one program; dropped, they are removed if nobody is in them.
#[derive(Debug, Default)]
pub(super) struct Group(Vec<Place>);

impl Controller {
    const ALL: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    /// The name in version 1 and in version 2.
    fn name(self, unified: bool) -> &'static str {
        match (self, unified) {
            (Self::Memory, _) => "memory",
            (Self::Pids, _) => "pids",
            (Self::Cpu, false) => "cpuacct",
            (Self::Cpu, true) => "cpu",
        }
    }

    /// The file that a group has if this controller works there.
    fn file(self, unified: bool) -> &'static str {
        match (self, unified) {
            (Self::Memory, false) => "memory.limit_in_bytes",
            (Self::Memory, true) => "memory.max",
            (Self::Pids, _) => "pids.max",
            (Self::Cpu, false) => "cpuacct.usage",
            (Self::Cpu, true) => "cpu.stat",
        }
    }
}

impl Groups {
    /// Finds out by making one in each tree, and removes what hosts have left that were killed.
    pub fn probe() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (own, mounts) = (read("/proc/self/cgroup"), read("/proc/self/mounts"));
        let places =
            Controller::ALL.into_iter().filter_map(|controller| own_place(controller, &own, &mounts));
        Self(places.filter(Place::works).collect())
    }

    /// Whether a program is bounded or counted as a whole.
    pub fn has(&self, controller: Controller) -> bool {
        self.0.iter().any(|place| place.controller == controller)
    }

    /// Makes the groups of a program and puts its processes there, which start no others meanwhile.
    ///
    /// # Errors
    /// What the system says; then nothing is left of the groups.
    pub fn around(&self, inside: Pid, limits: &Limits) -> io::Result<Group> {
        let name = fresh_name();
        let mut group = Group::default();
        if self.0.is_empty() {
            return Ok(group);
        }
        for place in &self.0 {
            let folder = place.folder.join(&name);
            match fs::create_dir(&folder) {
                // One group for several controllers.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && place.unified => {}
                made => made?,
            }
            group.0.push(Place { folder, ..place.clone() });
        }
        for place in &group.0 {
            place.bound(limits)?;
        }
        let inside = inside.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{inside}/task/{inside}/children"))?;
        for process in children.split_whitespace().chain([&*inside.to_string()]) {
            for place in &group.0 {
                fs::write(place.folder.join("cgroup.procs"), process)?;
            }
        }
        Ok(group)
    }
}

impl Place {
    /// Whether a group can be made here in which the controller works.
    fn works(&self) -> bool {
        self.sweep();
        let trial = self.folder.join(fresh_name());
        if fs::create_dir(&trial).is_err() {
            return false;
        }
        let there = trial.join(self.controller.file(self.unified)).exists();
        fs::remove_dir(&trial).is_ok() && there
    }

    /// Removes the groups of hosts that have ended. One that somebody is in stays.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let host = name.to_str().and_then(|name| name.strip_prefix(NAME)?.split('-').next());
            if host.is_some_and(|host| !Path::new("/proc").join(host).exists()) {
                drop(fs::remove_dir(entry.path()));
            }
        }
    }

    fn bound(&self, limits: &Limits) -> io::Result<()> {
        let write = |file: &str, number: u64| fs::write(self.folder.join(file), number.to_string());
        match self.controller {
            Controller::Memory => {
                let Some(bytes) = limits.memory_bytes else { return Ok(()) };
                write(self.controller.file(self.unified), bytes)?;
                // What is swapped out is memory as well, where the system swaps at all.
                let (swap, most) = if self.unified {
                    ("memory.swap.max", 0)
                } else {
                    ("memory.memsw.limit_in_bytes", bytes)
                };
                if self.folder.join(swap).exists() { write(swap, most) } else { Ok(()) }
            }
            // The wrapper has a process of its own inside.
            Controller::Pids => limits.pids.map_or(Ok(()), |pids| write("pids.max", u64::from(pids) + 1)),
            Controller::Cpu => Ok(()),
        }
    }

    fn number(&self, file: &str) -> Option<u64> {
        fs::read_to_string(self.folder.join(file)).ok()?.trim().parse().ok()
    }
}

impl Group {
    /// What the program has used so far.
    pub fn used(&self) -> Used {
        let mut used = Used::default();
        for place in &self.0 {
            match (place.controller, place.unified) {
                (Controller::Memory, false) => used.memory_peak = place.number("memory.max_usage_in_bytes"),
                (Controller::Memory, true) => used.memory_peak = place.number("memory.peak"),
                (Controller::Cpu, false) => {
                    used.cpu_ms = place.number("cpuacct.usage").map(|nanos| nanos / 1_000_000);
                }
                (Controller::Cpu, true) => {
                    let stat = fs::read_to_string(place.folder.join("cpu.stat")).unwrap_or_default();
                    let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
                    used.cpu_ms =
                        micros.and_then(|text| text.parse::<u64>().ok()).map(|micros| micros / 1_000);
                }
                (Controller::Pids, _) => {}
            }
        }
        used
    }

    /// Removes the groups of a program that has ended, as soon as the last of its processes is gone.
    pub async fn end(mut self, runtime: Handle) {
        for _ in 0..TRIES {
            self.0.retain(|place| fs::remove_dir(&place.folder).is_err() && place.folder.exists());
            if self.0.is_empty() {
                return;
            }
            timer::sleep(&runtime, BETWEEN).await;
        }
        tracing::warn!("the control group of a program could not be removed");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for place in &self.0 {
            drop(fs::remove_dir(&place.folder));
        }
    }
}

/// A name nobody has.
fn fresh_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{NAME}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Our own group in the tree of a controller, of version 1 if that has it.
fn own_place(controller: Controller, own: &str, mounts: &str) -> Option<Place> {
    let of = |unified: bool| {
        let name = controller.name(unified);
        let mount = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ');
            let (_, folder, kind, options) = (fields.next(), fields.next()?, fields.next()?, fields.next()?);
            let fits = if unified {
                kind == "cgroup2"
            } else {
                kind == "cgroup" && options.split(',').any(|option| option == name)
            };
            fits.then_some(folder)
        })?;
        let path = own.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let fits =
                if unified { controllers.is_empty() } else { controllers.split(',').any(|one| one == name) };
            fits.then_some(path)
        })?;
        let folder = Path::new(mount).join(path.trim_start_matches('/'));
        Some(Place { controller, folder, unified })
    };
    of(false).or_else(|| of(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "4:memory:/shop/one\n3:cpu,cpuacct:/shop\n0::/user.slice/a\n";
    const MOUNTS: &str = "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n\
        cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
        cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

    #[test]
    fn our_own_group_is_that_of_the_controller_and_otherwise_the_unified_one() {
        let folder =
            |controller| own_place(controller, OWN, MOUNTS).map(|place| (place.folder, place.unified));
        assert_eq!(folder(Controller::Memory), Some(("/sys/fs/cgroup/memory/shop/one".into(), false)));
        assert_eq!(folder(Controller::Cpu), Some(("/sys/fs/cgroup/cpu,cpuacct/shop".into(), false)));
        assert_eq!(folder(Controller::Pids), Some(("/sys/fs/cgroup/unified/user.slice/a".into(), true)));
        assert_eq!(own_place(Controller::Pids, OWN, ""), None);
        assert_eq!(own_place(Controller::Pids, "", MOUNTS), None);
    }

    #[test]
    fn a_tree_nobody_may_write_to_is_done_without() {
        let folder = PathBuf::from("/proc/self");
        for controller in Controller::ALL {
            assert!(!Place { controller, folder: folder.clone(), unified: true }.works());
        }
    }
}

//! What bubblewrap is told: which of the machine a child sees, and what it may do.
//!
//! Only what stands here is bound, so what nobody thought of is not there: no other user's files, no sockets of services, none
//! of the machine's configuration but what programs need to be loaded. Everything that is not the workspace is read-only.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;

use super::options::Processes;
use super::plan::{Bind, Limits, Plan};

/// Where bubblewrap is looked for; never by `PATH`, which others may have set.
const PLACES: [&str; 3] = ["/usr/bin/bwrap", "/bin/bwrap", "/run/current-system/sw/bin/bwrap"];
/// Where the workspace lies for a child.
pub const WORKSPACE: &str = "/workspace";
/// Where files lie whose place the host chooses.
pub(super) const INJECTED: &str = "/run/injected";
/// The roots of installed programs; on most systems all but the first are links into it.
const PROGRAMS: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What loading a program needs of the configuration.
const CONFIGURATION: [&str; 6] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/nsswitch.conf",
];
/// What the network needs, where a child may have it.
const NETWORK: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
];
/// What people keep their credentials in; hidden where it lies in the workspace.
const CREDENTIALS: [&str; 8] =
    [".ssh", ".aws", ".gnupg", ".netrc", ".docker", ".kube", ".config/gcloud", ".git-credentials"];
/// Variables of the host that a child gets as they are.
const PASSED: [&str; 4] = ["LANG", "LC_ALL", "LC_CTYPE", "TZ"];
/// Where programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Descriptors of the wrapper that stay open in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptors {
    /// Where it reads the filter of system calls.
    pub filter: RawFd,
    /// Where it tells the number of the first process inside.
    pub told: RawFd,
}

/// Where bubblewrap is, if it is installed.
pub(super) fn find(options: &Processes) -> Option<PathBuf> {
    let named = options.bubblewrap.iter().map(PathBuf::as_path);
    let known = PLACES.iter().map(Path::new).filter(|_| options.bubblewrap.is_none());
    named.chain(known).find(|path| path.is_file()).map(Path::to_path_buf)
}

/// Whether a program of this name can be started: it is a path inside, or in one of the folders where programs are looked for.
/// Bubblewrap does not tell a program that is missing from one that failed.
pub(super) fn knows(options: &Processes, plan: &Plan) -> bool {
    if !plan.command.contains('/') {
        return PATH.split(':').any(|folder| Path::new(folder).join(&plan.command).is_file());
    }
    let command = Path::new(&plan.command);
    let inside = if command.is_absolute() { command.to_owned() } else { start_of(plan).join(command) };
    if let Some(workspace) = &plan.workspace
        && let Ok(below) = inside.strip_prefix(WORKSPACE)
    {
        return is_program(&workspace.from, below);
    }
    let injected = plan.injections.iter().any(|file| file.to == inside);
    let roots = PROGRAMS.iter().map(Path::new).chain(options.readable.iter().map(PathBuf::as_path));
    injected || (roots.into_iter().any(|root| inside.starts_with(root)) && inside.is_file())
}

/// Whether a file lies there in the workspace. A link that leads out of it may lead to something of the sandbox: that is for the
/// sandbox to find out, since to look there would tell a guest what lies on the machine.
fn is_program(workspace: &Path, below: &Path) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let opened = openat(CWD, workspace, flags | OFlags::DIRECTORY, Mode::empty())
        .and_then(|root| openat2(root, below, flags, Mode::empty(), ResolveFlags::BENEATH));
    match opened {
        Ok(file) => fstat(file).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file()),
        Err(error) => error == Errno::XDEV && below.components().all(|part| part != Component::ParentDir),
    }
}

/// The folder a child starts in.
fn start_of(plan: &Plan) -> PathBuf {
    match &plan.workspace {
        Some(_) if plan.cwd.as_os_str().is_empty() => PathBuf::from(WORKSPACE),
        Some(_) => Path::new(WORKSPACE).join(&plan.cwd),
        None => PathBuf::from("/tmp"),
    }
}

/// The arguments, in the order that matters: later mounts lie over earlier ones.
pub(super) fn arguments(options: &Processes, plan: &Plan, descriptors: Descriptors) -> Vec<OsString> {
    let mut line = Line::default();
    // Named one by one: `--unshare-all` alone goes on without a user namespace where none can be made.
    line.put(["--unshare-user", "--unshare-all", "--disable-userns", "--uid", "65534", "--gid", "65534"]);
    if plan.host_network {
        line.put(["--share-net"]);
    }
    line.put(["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "sandbox"]);
    // What the guest says about the environment is for the program alone, not for the wrapper and not for the shell.
    line.put(["--clearenv", "--setenv", "PATH", PATH]);
    line.put(["--proc", "/proc", "--dev", "/dev"]);
    let size = options.scratch_bytes.to_string();
    line.put(["--size", &size, "--tmpfs", "/dev/shm", "--size", &size, "--tmpfs", "/tmp"]);
    programs(&mut line, options, plan.host_network);
    if let Some(bind) = &plan.workspace {
        line.bind(bind);
        for name in CREDENTIALS {
            line.hide_below(bind, name);
        }
    }
    for injected in &plan.injections {
        let file = injected.file.as_raw_fd().to_string();
        line.put(["--perms", "0400", "--ro-bind-data", &file]);
        line.put([&injected.to]);
    }
    line.put(["--remount-ro", "/dev", "--remount-ro", "/"]);
    line.put([OsStr::new("--chdir"), start_of(plan).as_os_str()]);
    for (flag, descriptor) in [("--seccomp", descriptors.filter), ("--info-fd", descriptors.told)] {
        line.put([flag, &descriptor.to_string()]);
    }
    // A command that begins with a dash is a command and no option.
    line.put(["--", "/bin/sh", "-c", &gate(plan.limits), "sh", "/usr/bin/env", "-i"]);
    line.put(environment(plan));
    line.put([&plan.command]);
    line.put(&plan.args);
    line.0
}

/// What runs first inside: it waits for a line from the host, sets the limits and becomes the program.
///
/// Until the sandbox stands the kernel would not end what is inside when the wrapper dies. So the host waits for a line from
/// here before it sends its own, and a host that is gone sends none: then nothing is started, and the sandbox ends by itself. The limit of processes counts what the user of the sandbox has, so it is set in there; where one
/// cannot be set nothing is started either.
fn gate(limits: Limits) -> String {
    let mut steps = vec!["echo; read -r line || exit 125".to_owned()];
    if let Some(pids) = limits.pids {
        // The first process inside is the wrapper's own. Shells disagree about the letter.
        let most = pids.saturating_add(1);
        steps.push(format!("ulimit -u {most} 2>/dev/null || ulimit -p {most} 2>/dev/null || exit 125"));
    }
    let kib = limits.memory_bytes.map(|bytes| bytes.div_ceil(1024));
    let others =
        [("d", kib), ("t", limits.cpu_secs), ("n", limits.open_files.map(u64::from)), ("c", Some(0))];
    for (letter, limit) in others {
        steps.extend(limit.map(|limit| format!("ulimit -{letter} {limit} || exit 125")));
    }
    steps.push("exec \"$@\"".to_owned());
    steps.join("; ")
}

/// The whole environment of the program, as `env` takes it.
fn environment(plan: &Plan) -> Vec<OsString> {
    let mut all = vec![OsString::from(format!("PATH={PATH}"))];
    let given = |name: &str| plan.env.iter().any(|(key, _)| key == name);
    if !given("HOME") {
        all.push("HOME=/tmp".into());
    }
    for name in PASSED.into_iter().filter(|name| !given(name)) {
        if let Some(value) = std::env::var_os(name) {
            let mut pair = OsString::from(format!("{name}="));
            pair.push(value);
            all.push(pair);
        }
    }
    all.extend(plan.env.iter().map(|(key, value)| OsString::from(format!("{key}={value}"))));
    all
}

fn programs(line: &mut Line, options: &Processes, network: bool) {
    for root in PROGRAMS.map(Path::new) {
        match std::fs::read_link(root) {
            Ok(target) => line.put([OsStr::new("--symlink"), target.as_os_str(), root.as_os_str()]),
            Err(_) => line.read(root),
        }
    }
    let network = NETWORK.iter().filter(|_| network);
    for file in CONFIGURATION.iter().chain(network).map(Path::new) {
        line.read(file);
    }
    for readable in &options.readable {
        line.read(readable);
        for name in CREDENTIALS {
            line.hide(&readable.join(name), &readable.join(name));
        }
    }
}

/// A command line that is being written.
#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn put<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&mut self, words: I) {
        self.0.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
    }

    /// Shows something of the machine at its own place, if it is there.
    fn read(&mut self, path: &Path) {
        self.put([OsStr::new("--ro-bind-try"), path.as_os_str(), path.as_os_str()]);
    }

    fn bind(&mut self, bind: &Bind) {
        let flag = if bind.writable { "--bind" } else { "--ro-bind" };
        self.put([OsStr::new(flag), bind.from.as_os_str(), bind.to.as_os_str()]);
    }

    /// Hides something of a folder that is bound. What it lies in is bound at its own place, so that no program can rename it,
    /// and the next one find the thing under another name; a link there leads to what is bound or to nothing.
    fn hide_below(&mut self, bind: &Bind, name: &str) {
        let (on_machine, inside) = (bind.from.join(name), bind.to.join(name));
        if let Some(folder) = Path::new(name).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let from = bind.from.join(folder);
            let plain = std::fs::symlink_metadata(&from).is_ok_and(|found| found.is_dir());
            if !plain || std::fs::symlink_metadata(&on_machine).is_err() {
                return;
            }
            self.bind(&Bind { from, to: bind.to.join(folder), writable: bind.writable });
        }
        self.hide(&on_machine, &inside);
    }

    /// Puts nothing in the place of something, if it is there.
    fn hide(&mut self, on_machine: &Path, inside: &Path) {
        match std::fs::symlink_metadata(on_machine) {
            Ok(found) if found.is_dir() => self.put([OsStr::new("--tmpfs"), inside.as_os_str()]),
            Ok(found) if found.is_file() => {
                self.put([OsStr::new("--ro-bind"), OsStr::new("/dev/null"), inside.as_os_str()]);
            }
            // A link leads to what is bound or to nothing.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Whether a file may be shown at this absolute path: nothing of the sandbox's own lies there, above or below.
#[must_use]
pub fn may_hold(options: &Processes, path: &Path) -> bool {
    let own = [
        "/proc",
        "/dev",
        "/sys",
        INJECTED,
        WORKSPACE,
        "/etc/alternatives",
        "/etc/ld.so.conf.d",
        "/etc/ssl/certs",
    ];
    let own = own.iter().chain(&PROGRAMS).map(Path::new).chain(options.readable.iter().map(PathBuf::as_path));
    let plain = path.is_absolute()
        && path.components().skip(1).all(|part| matches!(part, Component::Normal(_)))
        && path.components().count() > 1;
    let files = CONFIGURATION.iter().chain(&NETWORK).map(Path::new);
    plain
        && own.into_iter().all(|root| !path.starts_with(root) && !root.starts_with(path))
        && files.into_iter().all(|file| file != path && !file.starts_with(path))
        && ![Path::new("/tmp"), Path::new("/run")].contains(&path)
}

//! Where children run: a trait, and bubblewrap behind it.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::bubblewrap::{self, Descriptors};
use super::child::{Child, Held, Parts};
use super::confine::Confinement;
use super::group::{Controller, Groups};
use super::input::Input;
use super::options::Processes;
use super::plan::{Limits, Plan};
use super::ring::{Overflow, Ring};
use super::spawner::{Spawner, Started};
use crate::limits;

/// Why no child was started.
#[derive(Debug)]
pub enum Unstarted {
    /// The sandbox cannot be built here; what is missing, in the machine's own words, which are not for guests.
    NoSandbox(String),
    /// There is no such program inside.
    NoProgram,
    /// The system failed.
    Failed(io::Error),
}

impl From<io::Error> for Unstarted {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// What the host found out about the sandbox of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Whether programs can be started at all.
    pub processes: bool,
    /// What stands in the way, in words.
    pub missing: Vec<String>,
    /// The program that builds the sandbox.
    pub sandbox: Option<PathBuf>,
    /// What enforces each limit: `memory`, `cpu`, `pids` and `files`, each by `cgroup`, `rlimit` or `nothing`.
    pub limits: Enforcement,
}

/// What enforces each limit of a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Enforcement {
    /// Memory.
    pub memory: By,
    /// Processor time.
    pub cpu: By,
    /// Processes and threads.
    pub pids: By,
    /// Open files.
    pub files: By,
}

/// Who enforces a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Nobody, since nothing can be started.
    #[default]
    Nothing,
    /// A limit of the system: on each process, and of processes on the whole sandbox.
    Rlimit,
    /// A control group: on the program with all it starts.
    Cgroup,
}

/// Something that runs children where they can do no harm.
pub trait Sandbox: Send + Sync + std::fmt::Debug {
    /// Starts a child; `held` is dropped when it has ended. Dropping the future leaves nothing behind.
    fn start(
        self: Arc<Self>,
        plan: Plan,
        held: Vec<Held>,
    ) -> BoxFuture<'static, Result<Arc<Child>, Unstarted>>;

    /// What works here and what does not; found out once.
    fn diagnose(self: Arc<Self>) -> BoxFuture<'static, Diagnosis>;
}

/// The sandbox of Linux: namespaces of its own for everything, no capability, a filter of system calls.
#[derive(Debug)]
pub struct Bubblewrap {
    options: Processes,
    runtime: Handle,
    spawner: Spawner,
    /// That it works, found out with the first child.
    probed: OnceCell<Diagnosis>,
    /// Which control groups can be made, found out then too.
    groups: OnceLock<Groups>,
}

impl Bubblewrap {
    /// The sandbox as the embedding program wants it.
    #[must_use]
    pub fn new(options: Processes, runtime: Handle) -> Self {
        Self { options, runtime, spawner: Spawner::new(), probed: OnceCell::new(), groups: OnceLock::new() }
    }

    /// What works here. Only what works is remembered: a machine that was out of something may have it the next time.
    async fn probe(&self) -> Diagnosis {
        let trying = self.probed.get_or_try_init(|| async {
            let found = self.find_out().await;
            if found.processes { Ok(found) } else { Err(found) }
        });
        trying.await.cloned().unwrap_or_else(|failed| failed)
    }

    /// Runs a program in the sandbox and reads what the kernel says of it there.
    async fn find_out(&self) -> Diagnosis {
        let missing = |what: String| Diagnosis { missing: vec![what], ..Diagnosis::default() };
        let Some(sandbox) = bubblewrap::find(&self.options) else {
            return missing("bubblewrap (bwrap) is not installed".to_owned());
        };
        let plan = Plan::probe();
        let output = match self.launch(plan, Vec::new()).await {
            Ok(child) => {
                let ended = tokio::select! {
                    _ = child.exited() => true,
                    () = crate::timer::sleep(&self.runtime, limits::PROCESS_PROBE) => false,
                };
                if !ended {
                    child.kill();
                    return missing("bubblewrap does not answer".to_owned());
                }
                let said = String::from_utf8_lossy(&child.stderr.drain()).into_owned();
                (String::from_utf8_lossy(&child.stdout.drain()).into_owned(), said)
            }
            Err(why) => return missing(format!("bubblewrap does not start: {why:?}")),
        };
        let line = |name: &str| {
            output.0.lines().find_map(|line| line.strip_prefix(name)).map_or("", |value| value.trim())
        };
        let mut found =
            Diagnosis { sandbox: Some(sandbox), limits: self.enforcement(), ..Diagnosis::default() };
        if line("CapEff:").is_empty() {
            found.missing.push(format!("the sandbox cannot be built: {}", output.1.trim()));
        } else {
            if line("CapEff:") != "0000000000000000" {
                found.missing.push("a program in the sandbox keeps capabilities".to_owned());
            }
            if line("Seccomp:") != "2" {
                found.missing.push("the kernel filters no system calls".to_owned());
            }
        }
        found.processes = found.missing.is_empty();
        found
    }

    fn groups(&self) -> &Groups {
        self.groups.get_or_init(Groups::probe)
    }

    fn enforcement(&self) -> Enforcement {
        let by = |controller| if self.groups().has(controller) { By::Cgroup } else { By::Rlimit };
        Enforcement {
            memory: by(Controller::Memory),
            cpu: By::Rlimit,
            pids: by(Controller::Pids),
            files: By::Rlimit,
        }
    }

    async fn launch(&self, plan: Plan, held: Vec<Held>) -> Result<Arc<Child>, Unstarted> {
        let Some(path) = bubblewrap::find(&self.options) else {
            return Err(Unstarted::NoSandbox("bubblewrap is not installed".to_owned()));
        };
        if !bubblewrap::knows(&self.options, &plan) {
            return Err(Unstarted::NoProgram);
        }
        let filter = filter()?;
        // No pipe: the wrapper would die of one that nobody reads any more, while it makes its first process.
        let told = memfd_create("astrid-told", MemfdFlags::CLOEXEC).map_err(io::Error::from)?;
        let descriptors = Descriptors { filter: filter.as_raw_fd(), told: told.as_raw_fd() };
        let mut command = Command::new(path);
        command.args(bubblewrap::arguments(&self.options, &plan, descriptors)).env_clear().current_dir("/");
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if geteuid().is_root() {
            let (user, group) = self.user(&plan);
            command.uid(user).gid(group);
        }
        let injected = plan.injections.iter().map(|file| file.file.as_raw_fd());
        let keeps = injected.chain([descriptors.filter, descriptors.told]).collect();
        Confinement { keeps }.apply(&mut command);
        let mut started = self.spawner.start(command).await?;
        drop(filter);
        if !self.stands(&mut started).await? {
            return Err(unbuilt(&mut started));
        }
        let inside = inside(File::from(told))?;
        Ok(self.adopt(started, inside, plan, held)?)
    }

    /// Waits for the first line from inside, which is empty; false if there is none.
    async fn stands(&self, started: &mut Started) -> io::Result<bool> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        // A second descriptor of the same pipe: what comes after that line is the program's.
        let stdout = started.pipes().and_then(|child| child.stdout.as_ref()).ok_or_else(gone)?;
        let pipe = {
            let _entered = self.runtime.enter();
            pipe::Receiver::from_owned_fd(nonblocking(stdout.as_fd().try_clone_to_owned()?)?)?
        };
        loop {
            pipe.readable().await?;
            match pipe.try_read(&mut [0]) {
                Ok(n) => return Ok(n == 1),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn adopt(
        &self,
        mut started: Started,
        inside: Pid,
        plan: Plan,
        held: Vec<Held>,
    ) -> io::Result<Arc<Child>> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let pid = started.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(gone)?;
        let wrapper_fd = pidfd_open(pid, PidfdFlags::empty())?;
        let inside_fd = pidfd_open(inside, PidfdFlags::empty())?;
        let _entered = self.runtime.enter();
        let pipes = started.pipes().ok_or_else(gone)?;
        let go = pipes.stdin.as_ref().ok_or_else(gone)?.as_fd().try_clone_to_owned()?;
        let output =
            |end: Option<OwnedFd>| nonblocking(end.ok_or_else(gone)?).and_then(pipe::Receiver::from_owned_fd);
        let stdout = output(pipes.stdout.take().map(Into::into))?;
        let stderr = output(pipes.stderr.take().map(Into::into))?;
        let stdin = pipes.stdin.take().map(OwnedFd::from).map(nonblocking).transpose()?;
        let input = Input::new(stdin.map(pipe::Sender::from_owned_fd).transpose()?);
        let rings = (Ring::new(plan.ring_bytes, plan.overflow), Ring::new(plan.ring_bytes, plan.overflow));
        let group = self.groups().around(inside, &plan.limits)?;
        let Plan { stdin, keep_stdin_open, .. } = plan;
        let wrapper = started.take().ok_or_else(gone)?;
        let parts = Parts {
            wrapper,
            wrapper_fd,
            inside,
            inside_fd,
            stdout,
            stderr,
            rings,
            input,
            group: Some(group),
            held,
        };
        let child = Child::adopt(&self.runtime, parts)?;
        // Only now that somebody looks after it; an empty pipe takes a line at once.
        if let Err(error) = rustix::io::write(&go, b"\n") {
            child.kill();
            return Err(error.into());
        }
        drop(go);
        if !stdin.is_empty() || !keep_stdin_open {
            let its = Arc::clone(&child);
            self.runtime.spawn(async move {
                // A child that reads no more than it needs is none that failed.
                let _ = its.input.write(&stdin).await;
                if !keep_stdin_open {
                    its.input.close();
                }
            });
        }
        Ok(child)
    }

    /// Who children are when the host is root: never root.
    fn user(&self, plan: &Plan) -> (u32, u32) {
        let owner = || {
            let found = std::fs::metadata(&plan.workspace.as_ref()?.from).ok()?;
            Some((found.uid(), found.gid())).filter(|(user, _)| *user != 0)
        };
        self.options.user.or_else(owner).unwrap_or((limits::NOBODY, limits::NOBODY))
    }
}

impl Sandbox for Bubblewrap {
    fn start(
        self: Arc<Self>,
        plan: Plan,
        held: Vec<Held>,
    ) -> BoxFuture<'static, Result<Arc<Child>, Unstarted>> {
        Box::pin(async move {
            let found = self.probe().await;
            if !found.processes {
                return Err(Unstarted::NoSandbox(found.missing.join("; ")));
            }
            self.launch(plan, held).await
        })
    }

    fn diagnose(self: Arc<Self>) -> BoxFuture<'static, Diagnosis> {
        Box::pin(async move { self.probe().await })
    }
}

impl Plan {
    /// A program that tells how it is confined.
    fn probe() -> Self {
        Self {
            command: "cat".to_owned(),
            args: vec!["/proc/self/status".to_owned()],
            env: Vec::new(),
            workspace: None,
            cwd: PathBuf::new(),
            injections: Vec::new(),
            limits: Limits::default(),
            stdin: Vec::new(),
            keep_stdin_open: false,
            ring_bytes: limits::PROCESS_RING_BYTES,
            overflow: Overflow::DropOldest,
            host_network: false,
        }
    }
}

/// The number of the first process inside, which the wrapper has told by now.
fn inside(mut told: File) -> io::Result<Pid> {
    told.rewind()?;
    let told: serde_json::Value = serde_json::from_reader(told).map_err(io::Error::other)?;
    let number = told["child-pid"].as_i64().and_then(|number| i32::try_from(number).ok());
    number.and_then(Pid::from_raw).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// What the wrapper says about why it gave up; it has said so before it closed its output.
fn unbuilt(started: &mut Started) -> Unstarted {
    let mut said = vec![0; 4096];
    let stderr = started.pipes().and_then(|child| child.stderr.take());
    let stderr = stderr.and_then(|stderr| nonblocking(stderr.into()).ok());
    let length = stderr.map_or(0, |stderr| rustix::io::read(&stderr, &mut said).unwrap_or(0));
    Unstarted::NoSandbox(String::from_utf8_lossy(&said[..length]).trim().to_owned())
}

/// The filter of system calls, to be read by the wrapper.
fn filter() -> io::Result<OwnedFd> {
    let program = super::filter::program().map_err(io::Error::other)?;
    let (read, mut write) = io::pipe()?;
    // It is far smaller than what a pipe holds, so this does not wait.
    write.write_all(&program)?;
    Ok(read.into())
}

fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    rustix::fs::fcntl_setfl(&fd, rustix::fs::OFlags::NONBLOCK)?;
    Ok(fd)
}

//! A child that runs, or has ended and still has output.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child as Wrapper, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal as OsSignal, kill_process_group, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::group::{Group, Used};
use super::input::Input;
use super::ring::Ring;
use crate::limits;
use crate::timer;

/// How a child ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The code it returned.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// A signal that a guest may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say all there is.
pub enum Signal {
    Term,
    Hup,
    Usr1,
    Usr2,
    Int,
    Stop,
    Cont,
}

/// What a child holds until it has ended, such as a place in its principal's quota.
pub type Held = Box<dyn std::any::Any + Send + Sync>;

/// A child. Dropping the last handle does not end it: [`Child::kill`] does.
#[derive(Debug)]
pub struct Child {
    /// Its standard output.
    pub stdout: Ring,
    /// Its standard error.
    pub stderr: Ring,
    /// What is written to it.
    pub input: Input,
    /// When it was started.
    pub started: Instant,
    /// The wrapper, which is our child; what is inside ends with it.
    wrapper: OwnedFd,
    wrapper_id: u32,
    /// The first process inside, and the group of all that did not leave it.
    inside: Pid,
    inside_fd: OwnedFd,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    exit: Option<Exit>,
    killed: bool,
    /// Its control groups while it runs.
    group: Option<Group>,
    /// What it had used when it ended.
    used: Used,
}

/// What a started wrapper is made into a child from.
pub(super) struct Parts {
    pub wrapper: Wrapper,
    pub wrapper_fd: OwnedFd,
    pub inside: Pid,
    pub inside_fd: OwnedFd,
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
    pub rings: (Ring, Ring),
    pub input: Input,
    pub group: Option<Group>,
    pub held: Vec<Held>,
}

impl Child {
    /// Looks after a started wrapper from now on.
    pub(super) fn adopt(runtime: &Handle, parts: Parts) -> io::Result<Arc<Self>> {
        let Parts { wrapper, wrapper_fd, inside, inside_fd, stdout, stderr, rings, input, group, held } =
            parts;
        let child = Arc::new(Self {
            stdout: rings.0,
            stderr: rings.1,
            input,
            started: Instant::now(),
            wrapper: wrapper_fd.try_clone()?,
            wrapper_id: wrapper.id(),
            inside,
            inside_fd,
            state: Mutex::new(State { group, ..State::default() }),
            changed: Notify::new(),
        });
        let its = Arc::clone(&child);
        runtime.spawn(async move {
            let group = its.look_after(wrapper, wrapper_fd, stdout, stderr).await;
            drop(held);
            if let Some(group) = group {
                group.end(Handle::current()).await;
            }
        });
        Ok(child)
    }

    async fn look_after(
        &self,
        mut wrapper: Wrapper,
        fd: OwnedFd,
        stdout: pipe::Receiver,
        stderr: pipe::Receiver,
    ) -> Option<Group> {
        let exited = async {
            let status = if exited(fd).await {
                wrapper.wait()
            } else {
                let waiting = tokio::task::spawn_blocking(move || wrapper.wait()).await;
                waiting.unwrap_or_else(|error| Err(io::Error::other(error)))
            };
            // Whatever was left inside is being killed; what it wrote is in the pipes.
            self.stdout.ending();
            self.stderr.ending();
            status
        };
        let reading = async { tokio::join!(read(stdout, &self.stdout), read(stderr, &self.stderr)) };
        let mut reading = std::pin::pin!(reading);
        let mut exited = std::pin::pin!(exited);
        let mut read_all = false;
        let status = loop {
            tokio::select! {
                status = &mut exited => break status,
                _ = &mut reading, if !read_all => read_all = true,
            }
        };
        if !read_all {
            // Nobody holds the other ends any more, but for a wrapper that is only just dying.
            drop(tokio::time::timeout(limits::PROCESS_DRAIN, reading).await);
        }
        self.stdout.end();
        self.stderr.end();
        self.input.close();
        let mut state = self.state.lock();
        state.exit = Some(status.map(exit_of).unwrap_or_default());
        let group = state.group.take();
        state.used = group.as_ref().map(Group::used).unwrap_or_default();
        drop(state);
        self.changed.notify_waiters();
        group
    }

    /// What it has used so far, or had used when it ended, with all it started.
    pub fn used(&self) -> Used {
        let state = self.state.lock();
        state.group.as_ref().map_or(state.used, Group::used)
    }

    /// How it ended, if it has, and all of its output is there.
    pub fn exit(&self) -> Option<Exit> {
        self.state.lock().exit
    }

    /// Whether the host killed it before it ended.
    pub fn was_killed(&self) -> bool {
        self.state.lock().killed
    }

    /// The number of the wrapper in the operating system, while it runs.
    pub fn os_pid(&self) -> Option<u32> {
        self.exit().is_none().then_some(self.wrapper_id)
    }

    /// Waits until it has ended and all of its output is there.
    pub async fn exited(&self) -> Exit {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(exit) = self.exit() {
                return exit;
            }
            changed.await;
        }
    }

    /// Sends a signal to it and all it started. One that has ended is no error.
    ///
    /// # Errors
    /// What the system says.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let state = self.state.lock();
        // The wrapper is reaped by the task that sets the exit; until then the number inside cannot belong to anybody else
        // for longer than the wrapper needs to end.
        if state.exit.is_some() {
            return Ok(());
        }
        let signal = match signal {
            Signal::Term => OsSignal::TERM,
            Signal::Hup => OsSignal::HUP,
            Signal::Usr1 => OsSignal::USR1,
            Signal::Usr2 => OsSignal::USR2,
            Signal::Int => OsSignal::INT,
            Signal::Stop => OsSignal::STOP,
            Signal::Cont => OsSignal::CONT,
        };
        match kill_process_group(self.inside, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills it and all it started; whether that ended it.
    pub fn kill(&self) -> bool {
        let mut state = self.state.lock();
        if state.exit.is_some() {
            return false;
        }
        state.killed = true;
        // The first process inside takes everything inside along. Either may just have ended, and needs not be told.
        let _ = pidfd_send_signal(self.inside_fd.as_fd(), OsSignal::KILL);
        let _ = pidfd_send_signal(self.wrapper.as_fd(), OsSignal::KILL);
        true
    }

    /// Asks it to end with `signal`, waits, and kills it.
    pub async fn end(&self, runtime: &Handle, signal: Signal, grace: Duration) -> Exit {
        drop(self.signal(signal));
        tokio::select! {
            exit = self.exited() => return exit,
            () = timer::sleep(runtime, grace) => {}
        }
        self.kill();
        self.exited().await
    }
}

/// Waits until the process behind a descriptor has ended; false where that cannot be watched.
async fn exited(fd: OwnedFd) -> bool {
    #[expect(unsafe_code, reason = "tokio asks for the promise that the descriptor stays what it is")]
    // SAFETY: an owned descriptor is open until it is dropped, which the registration does, and always the same.
    let registered = unsafe { AsyncFd::register_with_interest(fd, tokio::io::Interest::READABLE) };
    match registered {
        Ok(fd) => fd.readable().await.is_ok(),
        Err(error) => {
            tracing::warn!(%error, "the end of a process takes a thread to wait for");
            false
        }
    }
}

/// Moves an output into its ring until it ends.
async fn read(pipe: pipe::Receiver, ring: &Ring) {
    let mut buffer = vec![0; limits::PROCESS_READ_BYTES];
    loop {
        ring.until(|ring| ring.room(1) > 0 || ring.is_complete()).await;
        let room = ring.room(buffer.len());
        if room == 0 {
            return;
        }
        if pipe.readable().await.is_err() {
            return;
        }
        match pipe.try_read(&mut buffer[..room]) {
            Ok(0) => return,
            Ok(n) => ring.push(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// The wrapper hands on the code of the program, and 128 and the number for one that a signal ended, as shells do. A program
/// that returns such a code itself looks the same.
fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => Exit { code: None, signal: Some(code - 128) },
        (code, signal) => Exit { code, signal },
    }
}

//! Starting programs: run to their end, kept by a handle, kept under an id.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::super::arms::{Arm as _, Refusal};
use super::super::call::{Touch, Verdict};
use super::super::context::{HostContext, Slot};
use super::super::holding::Holding;
use super::super::memory::InFlight;
use super::super::ops::Op;
use super::super::state::{Caller, State};
use super::handle::ProcessHandle;
use super::persistent::announce;
use super::{Answer, Finished, ProcessError, told};
use crate::audit::{Outcome, Recorded};
use crate::limits;
use crate::process::{
    Bind, Child, Entry, Held, Overflow, Placement, Plan, Registry, Request, Ring, Sandbox, Terms, WORKSPACE,
};
use crate::vfs::WorkspaceMode;

impl State {
    /// Judges a request: what may never be, then whether this may.
    fn judge_program(&self, request: &Request) -> Result<(), ProcessError> {
        request.check(&self.capsule.host.processes)?;
        let profile = self.acting.profile();
        if !self.capsule.capabilities.may_run(&request.command) || !profile.may_run(&request.command) {
            return Err(ProcessError::Denied);
        }
        Ok(())
    }

    /// What is started for a request that was judged.
    fn plan_program(&self, request: Request) -> Result<Plan, ProcessError> {
        let host = &self.capsule.host;
        // What a capsule changed in an overlay is no folder of the machine; its programs see what lies below, and change nothing.
        let workspace = host.vfs.workspace().map(|(folder, mode)| Bind {
            from: folder.to_owned(),
            to: WORKSPACE.into(),
            writable: mode == WorkspaceMode::Direct,
        });
        let network = host.processes.host_network.iter().any(|id| **id == *self.capsule.id);
        Ok(request.plan(&host.processes, workspace, network)?)
    }

    /// Takes one of the principal's places for running programs.
    fn running_place(&self) -> Result<Slot, ProcessError> {
        self.acting.take(&self.capsule.id, Holding::Processes).ok_or(ProcessError::Quota)
    }

    /// Runs a program to its end.
    pub(super) async fn spawn_whole(&mut self, op: &'static Op, mut request: Request) -> Answer<Finished> {
        // All of the output is wanted, and none of it later.
        (request.overflow, request.keep_stdin_open) = (Overflow::Refuse, false);
        request.ring_bytes = u32::try_from(limits::MOST_RING_BYTES).ok();
        let shown = Shown::of(&request);
        let touch = shown.touch(op);
        let tell = |done: &Finished| {
            let bytes = (done.stdout.len() + done.stderr.len()) as u64;
            Verdict { bytes, ..Verdict::ALLOWED }
        };
        self.waiting(touch, tell, |state| {
            state.judge_program(&request)?;
            let held: Vec<Held> = vec![Box::new(state.running_place()?), Box::new(charge(state, &request)?)];
            let sandbox: Arc<dyn Sandbox> = Arc::clone(&state.capsule.host.sandbox);
            let noted = state.note_injections(&request)?;
            let plan = state.plan_program(request)?;
            let tracked = state.tracker();
            Ok(async move {
                noted.settled().await?;
                let child = Running(sandbox.start(plan, held).await?);
                let _tracked = tracked.track(&child.0);
                let exit = tokio::select! {
                    exit = child.0.exited() => exit,
                    () = child.0.stdout.until(Ring::is_refused) => return Err(ProcessError::TooLarge),
                    () = child.0.stderr.until(Ring::is_refused) => return Err(ProcessError::TooLarge),
                };
                if child.0.stdout.is_refused() || child.0.stderr.is_refused() {
                    return Err(ProcessError::TooLarge);
                }
                Ok(Finished::of(&child.0, exit))
            })
        })
        .await
    }

    /// Starts a program that lives as long as its handle.
    pub(super) async fn spawn_held(&mut self, op: &'static Op, request: Request) -> Answer<ProcessHandle> {
        let shown = Shown::of(&request);
        let touch = shown.touch(op);
        let command = request.command.clone();
        self.waiting(touch, told, |state| {
            state.judge_program(&request)?;
            let held: Vec<Held> = vec![Box::new(state.running_place()?), Box::new(charge(state, &request)?)];
            let sandbox = Arc::clone(&state.capsule.host.sandbox);
            let noted = state.note_injections(&request)?;
            let plan = state.plan_program(request)?;
            let principal = state.principal().clone();
            let tracked = state.loose_tracker();
            Ok(async move {
                noted.settled().await?;
                let child = sandbox.start(plan, held).await?;
                let tracking = tracked.track(&child);
                Ok(ProcessHandle::own(child, principal, command, tracking))
            })
        })
        .await
    }

    /// Starts a program that outlives the call, and gives its id.
    pub(super) async fn spawn_kept(&mut self, op: &'static Op, request: Request) -> Answer<String> {
        let shown = Shown::of(&request);
        let touch = shown.touch(op);
        let mut untold = Untold::of(&self.capsule.processes);
        let started = Arc::clone(&untold.started);
        let answer = self.waiting(touch, told, |state| {
            if !state.capsule.capabilities.may_persist() {
                return Err(ProcessError::Denied);
            }
            // A message of the system. A call of the embedding program that names nobody is its owner's.
            let message = |caller: &Caller| caller.sequence.is_some() && caller.principal.is_none();
            if state.call.caller.as_ref().is_some_and(message) {
                return Err(ProcessError::Unsupported);
            }
            state.judge_program(&request)?;
            let registry = Arc::clone(&state.capsule.processes);
            let place = registry.place().ok_or(ProcessError::Full)?;
            let kept = state.acting.take(&state.capsule.id, Holding::RetainedProcesses);
            let kept = kept.ok_or(ProcessError::Full)?;
            let held: Vec<Held> = vec![Box::new(state.running_place()?), Box::new(charge(state, &request)?)];
            let terms = terms(&request);
            let host = Arc::clone(&state.capsule.host);
            let noted = state.note_injections(&request)?;
            let plan = state.plan_program(request)?;
            let (capsule, tenant) = (state.capsule.cancel.clone(), Arc::clone(&state.acting));
            let tell = announce(&state.capsule);
            Ok(async move {
                let sandbox = Arc::clone(&host.sandbox);
                if !Arc::clone(&sandbox).diagnose().await.processes {
                    return Err(ProcessError::Unsupported);
                }
                noted.settled().await?;
                let child = sandbox.start(plan, held).await?;
                let principal = tenant.principal().clone();
                let stopped = async move {
                    tokio::select! {
                        () = capsule.given() => {}
                        () = tenant.gone().given() => {}
                    }
                };
                let kept = Box::new(kept);
                let entered =
                    registry.enter(&host.runtime, principal, child, terms, place, kept, tell, stopped);
                let entry = entered.ok_or(ProcessError::Fault("the system gives no randomness"))?;
                Ok(started.get_or_init(|| entry).id.clone())
            })
        });
        let answer = answer.await;
        untold.told = matches!(answer, Ok(Ok(_)));
        answer
    }
}

/// A program that is kept under an id which nobody was told yet: its call was stopped, or its entry in the audit could not be
/// written. Nobody could ever end it, so it ends with this.
struct Untold {
    registry: Arc<Registry>,
    started: Arc<OnceLock<Arc<Entry>>>,
    told: bool,
}

impl Untold {
    fn of(registry: &Arc<Registry>) -> Self {
        Self { registry: Arc::clone(registry), started: Arc::default(), told: false }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if let (false, Some(entry)) = (self.told, self.started.get()) {
            self.registry.remove(entry);
        }
    }
}

/// A program whose call waits for it; a call that is stopped kills it.
struct Running(Arc<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Counts what a request carries into what the principal's calls under way hold.
fn charge(state: &State, request: &Request) -> Result<InFlight, ProcessError> {
    let injected: usize = request.injections.iter().map(|file| file.content.len()).sum();
    let bytes = request.stdin.as_ref().map_or(0, Vec::len) + injected;
    InFlight::begin(&state.acting, bytes as u64)
        .ok_or(ProcessError::Fault("too many bytes in calls under way"))
}

fn terms(request: &Request) -> Terms {
    let time = |asked: Option<u64>, default: Duration, most: Duration| {
        asked.map_or(default, Duration::from_millis).min(most)
    };
    Terms {
        label: request.label(),
        command: request.command.clone(),
        lifetime: time(request.max_lifetime_ms, limits::PROCESS_LIFETIME, limits::PROCESS_LIFETIME),
        idle: time(request.idle_timeout_ms, limits::PROCESS_IDLE, limits::PROCESS_LIFETIME),
        retention: time(request.exit_retention_ms, limits::EXIT_RETENTION, limits::MOST_EXIT_RETENTION),
    }
}

/// What the audit shows of a request.
struct Shown {
    command: String,
    /// Program and arguments, of which the audit keeps a commitment.
    line: Vec<u8>,
    cwd: Option<String>,
}

impl Shown {
    fn of(request: &Request) -> Self {
        let words = [&request.command].into_iter().chain(&request.args);
        let line = words.map(String::as_bytes).collect::<Vec<_>>().join(&0);
        Self { command: request.command.clone(), line, cwd: request.cwd.clone() }
    }

    fn touch<'a>(&'a self, op: &'static Op) -> Touch<'a> {
        Touch::of(op).on(&self.command).moving(&self.line).to(self.cwd.as_deref())
    }
}

impl State {
    /// Writes an entry for each file that a program is given, with its hash. Until they are as durable as was asked for, the
    /// program is not started.
    fn note_injections(&self, request: &Request) -> Result<Noted, ProcessError> {
        let noted = request.injections.iter().map(|file| {
            let place = match &file.placement {
                Placement::Variable(name) => format!("env:{name}"),
                Placement::Path(path) => format!("path:{path}"),
            };
            let hash = blake3::hash(&file.content).to_hex();
            self.note("process.injected", &place, Outcome::Allowed, &hash).map_err(ProcessError::refuse)
        });
        Ok(Noted { host: Arc::clone(&self.capsule.host), recorded: noted.collect::<Result<_, _>>()? })
    }
}

/// Entries that were written.
struct Noted {
    host: Arc<HostContext>,
    recorded: Vec<Recorded>,
}

impl Noted {
    async fn settled(self) -> Result<(), ProcessError> {
        for recorded in self.recorded {
            self.host.audit.settled(recorded).await.map_err(|_| ProcessError::refuse(Refusal::Audit))?;
        }
        Ok(())
    }
}

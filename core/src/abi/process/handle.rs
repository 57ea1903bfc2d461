//! What a guest does with a program it holds a handle on.

use std::sync::{Arc, Weak};
use std::time::Duration;

use wasmtime::component::Resource;

use super::super::call::{Touch, Verdict};
use super::super::ops::Op;
use super::super::pollable::Pollable;
use super::super::state::State;
use super::cancelling::Tracking;
use super::{Answer, Finished, Killed, Logs, ProcessError, text, told};
use crate::limits;
use crate::principal::Principal;
use crate::process::{Child, Entry, Exit, Signal};
use crate::stream::{Awaited, Ready};
use crate::timer;

/// A guest's handle on a program: one that ends with it, or one that only looks at a program kept under an id.
#[derive(Debug)]
pub struct ProcessHandle {
    child: Arc<Child>,
    principal: Principal,
    shown: String,
    /// The entry of an attached program.
    entry: Option<Arc<Entry>>,
    /// Whether somebody waited for its end and was told.
    reaped: bool,
    _tracking: Option<Tracking>,
}

impl ProcessHandle {
    pub(super) fn own(child: Arc<Child>, principal: Principal, shown: String, tracking: Tracking) -> Self {
        Self { child, principal, shown, entry: None, reaped: false, _tracking: Some(tracking) }
    }

    pub(super) fn attached(entry: Arc<Entry>) -> Self {
        let (child, principal, shown) =
            (Arc::clone(&entry.child), entry.principal.clone(), entry.shown.clone());
        Self { child, principal, shown, entry: Some(entry), reaped: false, _tracking: None }
    }
}

impl Drop for ProcessHandle {
    fn drop(&mut self) {
        if self.entry.is_none() {
            self.child.kill();
        }
    }
}

/// What a call needs of a handle.
struct Held {
    child: Arc<Child>,
    shown: String,
    attached: bool,
    reaped: bool,
    own: bool,
}

impl Held {
    /// Another principal than the one who started it may do nothing with it.
    fn admit(&self) -> Result<(), ProcessError> {
        if self.own { Ok(()) } else { Err(ProcessError::Denied) }
    }

    fn running(&self) -> Result<(), ProcessError> {
        self.admit()?;
        if self.reaped || self.child.exit().is_some() { Err(ProcessError::Closed) } else { Ok(()) }
    }

    /// Whether its end may be waited for.
    fn waitable(&self, timeout: Option<u64>) -> Result<(), ProcessError> {
        self.admit()?;
        match (self.reaped, self.attached, timeout) {
            (true, _, _) => Err(ProcessError::Closed),
            (_, true, None) => Err(ProcessError::Invalid),
            _ => Ok(()),
        }
    }
}

/// Takes what a program wrote.
pub(super) fn take_logs(child: &Child) -> Logs {
    // The end is read first: what is taken after it is complete.
    let exit = child.exit();
    Logs { stdout: text(child.stdout.drain()), stderr: text(child.stderr.drain()), exit }
}

pub(super) fn logs_told(logs: &Logs) -> Verdict {
    Verdict { bytes: (logs.stdout.len() + logs.stderr.len()) as u64, ..Verdict::ALLOWED }
}

/// Waits for the end of a program, at most so long.
pub(super) async fn wait_for(
    runtime: tokio::runtime::Handle,
    child: Arc<Child>,
    timeout: Option<u64>,
) -> Result<Exit, ProcessError> {
    let Some(timeout) = timeout else { return Ok(child.exited().await) };
    tokio::select! {
        biased;
        exit = child.exited() => Ok(exit),
        () = timer::sleep(&runtime, Duration::from_millis(timeout)) => Err(ProcessError::Timeout),
    }
}

impl State {
    fn held(&self, this: &Resource<ProcessHandle>) -> wasmtime::Result<Held> {
        let handle = self.table.get(this)?;
        if let Some(entry) = &handle.entry {
            entry.touch();
        }
        Ok(Held {
            child: Arc::clone(&handle.child),
            shown: handle.shown.clone(),
            attached: handle.entry.is_some(),
            reaped: handle.reaped,
            own: handle.principal == *self.principal(),
        })
    }

    pub(super) async fn handle_logs(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
    ) -> Answer<Logs> {
        let held = self.held(this)?;
        self.effect_told(Touch::of(op).on(&held.shown), logs_told, |_| {
            held.admit()?;
            Ok(take_logs(&held.child))
        })
        .await
    }

    pub(super) async fn handle_write(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
        data: Vec<u8>,
    ) -> Answer<u32> {
        let held = self.held(this)?;
        let touch = Touch::of(op).on(&held.shown).moving(&data);
        self.waiting(touch, told, |_| {
            held.admit()?;
            let child = Arc::clone(&held.child);
            write(child, data.clone())
        })
        .await
    }

    pub(super) async fn handle_close_stdin(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
    ) -> Answer<()> {
        let held = self.held(this)?;
        self.effect(Touch::of(op).on(&held.shown), |_| {
            held.admit()?;
            held.child.input.close();
            Ok(())
        })
        .await
    }

    pub(super) async fn handle_signal(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
        signal: Signal,
    ) -> Answer<()> {
        let held = self.held(this)?;
        self.effect(Touch::of(op).on(&held.shown).to(Some(name_of(signal))), |_| {
            held.running()?;
            held.child.signal(signal).map_err(|_| ProcessError::Fault("the signal could not be sent"))
        })
        .await
    }

    pub(super) async fn handle_kill(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
    ) -> Answer<Killed> {
        let held = self.held(this)?;
        self.waiting(Touch::of(op).on(&held.shown), told, |_| {
            held.admit()?;
            let child = Arc::clone(&held.child);
            Ok(async move { Ok(kill(&child).await) })
        })
        .await
    }

    pub(super) async fn handle_wait(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
        timeout: Option<u64>,
    ) -> Answer<Exit> {
        self.ended(op, this, timeout, |_, exit| exit).await
    }

    pub(super) async fn handle_finish(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
        timeout: Option<u64>,
    ) -> Answer<Finished> {
        self.ended(op, this, timeout, Finished::of).await
    }

    /// Waits for the end of a program, which is told once, and makes of it what the call answers.
    async fn ended<T: Send>(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
        timeout: Option<u64>,
        answer: fn(&Child, Exit) -> T,
    ) -> Answer<T> {
        let held = self.held(this)?;
        let ended = self
            .waiting(Touch::of(op).on(&held.shown), told, |state| {
                held.waitable(timeout)?;
                let child = Arc::clone(&held.child);
                let waiting = wait_for(state.capsule.host.runtime.clone(), Arc::clone(&child), timeout);
                Ok(async move { waiting.await.map(|exit| answer(&child, exit)) })
            })
            .await?;
        if ended.is_ok() {
            self.table.get_mut(this)?.reaped = true;
        }
        Ok(ended)
    }

    pub(super) async fn handle_os_pid(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
    ) -> Answer<u32> {
        let held = self.held(this)?;
        self.effect(Touch::of(op).on(&held.shown), |_| {
            held.running()?;
            held.child.os_pid().ok_or(ProcessError::Closed)
        })
        .await
    }

    /// A pollable for the end of a program, or for its output as well.
    pub(super) fn handle_pollable(
        &mut self,
        op: &'static Op,
        this: &Resource<ProcessHandle>,
        logs: bool,
    ) -> wasmtime::Result<Resource<Pollable>> {
        let child = Arc::downgrade(&self.held(this)?.child);
        self.count(op);
        let pollable = self.pollable(Watched { child, logs })?;
        Ok(self.table.push(pollable)?)
    }

    pub(super) fn drop_process(&mut self, this: Resource<ProcessHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

/// Writes to a program, all or nothing known of it.
pub(super) fn write(
    child: Arc<Child>,
    data: Vec<u8>,
) -> Result<impl Future<Output = Result<u32, ProcessError>> + Send, ProcessError> {
    let Some(len) = u32::try_from(data.len()).ok().filter(|_| data.len() <= limits::PROCESS_WRITE_BYTES)
    else {
        return Err(ProcessError::TooLarge);
    };
    Ok(async move {
        let written = tokio::select! {
            biased;
            written = child.input.write(&data) => written.is_ok(),
            _ = child.exited() => false,
        };
        if written { Ok(len) } else { Err(ProcessError::Closed) }
    })
}

/// Kills a program and takes what it had written.
async fn kill(child: &Child) -> Killed {
    let by_this = child.kill();
    let exit = child.exited().await;
    Killed { by_this, exit, stdout: text(child.stdout.drain()), stderr: text(child.stderr.drain()) }
}

pub(super) const fn name_of(signal: Signal) -> &'static str {
    match signal {
        Signal::Term => "term",
        Signal::Hup => "hup",
        Signal::Usr1 => "usr1",
        Signal::Usr2 => "usr2",
        Signal::Int => "int",
        Signal::Stop => "stop",
        Signal::Cont => "cont",
    }
}

/// The end of a program, or its output.
#[derive(Debug)]
struct Watched {
    child: Weak<Child>,
    logs: bool,
}

impl Awaited for Watched {
    fn is_ready(&self) -> bool {
        self.child.upgrade().is_none_or(|child| {
            child.exit().is_some() || (self.logs && (child.stdout.is_ready() || child.stderr.is_ready()))
        })
    }

    fn is_closed(&self) -> bool {
        self.child.strong_count() == 0
    }

    fn ready(&self) -> Ready {
        let (child, logs) = (self.child.upgrade(), self.logs);
        Box::pin(async move {
            let Some(child) = child else { return };
            tokio::select! {
                _ = child.exited() => {}
                () = child.stdout.until(crate::process::Ring::is_ready), if logs => {}
                () = child.stderr.until(crate::process::Ring::is_ready), if logs => {}
            }
        })
    }
}

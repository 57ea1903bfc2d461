//! A capsule's run loop: one instance of its own, for as long as it runs.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::{Failure, Live, Loaded, RunLoop, State};
use crate::abi::context::CapsuleContext;
use crate::abi::state::{FailureSlot, Phase};
use crate::abi::tenant::{Counters, Tenant};
use crate::audit::{Draft, Outcome};
use crate::cancel::Cancel;
use crate::engine::{Instance, Start};
use crate::error::{Error, Result};
use crate::limits;

impl Loaded {
    /// Starts the run loop, if the component has one, as a task of the host's runtime, and follows it to its end.
    ///
    /// # Errors
    /// When the owner is refused, or the generation was unloaded.
    pub(super) fn start(self: &Arc<Self>) -> Result<()> {
        let live = self.live()?;
        if !live.compiled.exports().run {
            return Ok(());
        }
        let tenant = live.context.host.tenants.admit(&live.context.owner)?;
        let capsule = Arc::clone(self);
        let runtime = live.context.host.runtime.clone();
        let stop = Cancel::default();
        let context = CapsuleContext { cancel: stop.clone(), ..CapsuleContext::clone(&live.context) };
        let live = Live { context: Arc::new(context), ..live };
        let mut stage = self.state.lock();
        if stage.state == State::Loading && stage.run.is_none() {
            let task = runtime.spawn(async move {
                let ended = run(&live, &tenant).await;
                capsule.settle(&live, ended.as_ref().err());
            });
            stage.run = Some(RunLoop { task, stop });
        }
        Ok(())
    }

    /// Tells the run loop to stop, and nothing else: the calls of the generation go on.
    pub(super) fn stop_run(&self) {
        if let Some(run) = &self.state.lock().run {
            run.stop.give();
        }
    }

    /// Remembers that the run loop could not even be started.
    pub(super) fn fail(&self, error: &Error) {
        self.enter(State::Failed, Some(failure(error)));
    }

    /// Records how the run loop ended. Returning is not a failure: the capsule goes on serving its handlers.
    fn settle(self: &Arc<Self>, live: &Live, failed: Option<&Error>) {
        let (state, outcome, reason, failure) = match failed {
            None => (State::Completed, Outcome::Allowed, "", None),
            Some(_) if live.context.cancel.is_given() => {
                (State::Unloaded, Outcome::Cancelled, "cancelled", None)
            }
            Some(error) => (State::Failed, Outcome::Failed, error.kind().code(), Some(failure(error))),
        };
        if let Some(failure) = &failure {
            tracing::warn!(target: "astrid::capsule", capsule = &*self.id, "the run loop failed: {}", failure.text);
        }
        let draft = Draft {
            capsule: Some(&self.id),
            artifact: Some(&self.hash),
            principal: Some(live.context.owner.as_str()),
            reason,
            ..Draft::new("capsule.run", outcome)
        };
        if let Err(error) = live.context.host.audit.append(&draft) {
            tracing::error!(%error, "the end of a run loop could not be recorded");
        }
        self.enter(state, failure);
        if let Some(slot) = self.slot.get().and_then(Weak::upgrade) {
            slot.look_after(self);
        }
    }
}

fn failure(error: &Error) -> Failure {
    Failure { kind: error.kind(), text: error.to_string(), answered: false }
}

async fn run(live: &Live, tenant: &Arc<Tenant>) -> Result<()> {
    let mut instance = Instance::make(
        &live.compiled,
        &live.context,
        tenant,
        limits::INSTANTIATE_TIMEOUT,
        limits::FUEL_PER_TRIGGER,
    )
    .await?;
    let made_with = instance.take_made_with();
    tenant.cpu.charge(Instant::now(), made_with, &tenant.profile().quotas);
    let start =
        Start { budget: None, fuel: u64::MAX, caller: None, callback_failure: FailureSlot::default() };
    let exit = instance.plain(start, Phase::Run).await;
    Counters::add(&tenant.counters.fuel, exit.fuel);
    exit.result
}

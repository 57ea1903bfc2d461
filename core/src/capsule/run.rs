//! A capsule's run loop: one instance of its own, for as long as it runs.

use std::sync::Arc;

use super::{Live, Loaded, State};
use crate::abi::state::{FailureSlot, Phase};
use crate::abi::tenant::{Counters, Tenant};
use crate::audit::{Draft, Outcome};
use crate::engine::{Instance, Start};
use crate::error::{Error, Result};
use crate::limits;

impl Loaded {
    /// Starts the run loop as a task of the host's runtime and follows it to its end.
    pub(super) fn start_run(self: &Arc<Self>, live: &Live, tenant: &Arc<Tenant>) {
        let tenant = Arc::clone(tenant);
        let capsule = Arc::clone(self);
        let live = live.clone();
        let runtime = live.context.host.runtime.clone();
        let task = runtime.spawn(async move {
            let ended = run(&live, &tenant).await;
            capsule.settle(&live, ended.as_ref().err());
        });
        self.state.lock().run = Some(task);
    }

    /// Records how the run loop ended. Returning is not a failure: the capsule goes on serving its handlers.
    fn settle(&self, live: &Live, failed: Option<&Error>) {
        let (state, outcome, reason, failure) = match failed {
            None => (State::Completed, Outcome::Allowed, "", None),
            Some(_) if live.context.cancel.is_given() => {
                (State::Unloaded, Outcome::Cancelled, "cancelled", None)
            }
            Some(error) => (State::Failed, Outcome::Failed, error.kind().code(), Some(error.to_string())),
        };
        if let Some(failure) = &failure {
            tracing::warn!(target: "astrid::capsule", capsule = &*self.id, "the run loop failed: {failure}");
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
    }
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
    let start =
        Start { budget: None, fuel: u64::MAX, caller: None, callback_failure: FailureSlot::default() };
    let exit = instance.plain(start, Phase::Run).await;
    Counters::add(&tenant.counters.fuel, exit.fuel);
    exit.result
}

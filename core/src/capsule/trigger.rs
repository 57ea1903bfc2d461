//! Calling a capsule's hook, once, for one principal, with one entry in the audit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tracing::{Instrument, Span};

use super::share::Share;
use super::shelf::Place;
use super::{Live, Loaded, span};
use crate::abi::state::{Caller, FailureSlot};
use crate::abi::tenant::{Counters, Tenant};
use crate::audit::{Draft, Outcome, Recorded};
use crate::engine::{HookReply, Instance, Start};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::metrics::Ended;
use crate::pending::Begun;
use crate::principal::Principal;

/// What a hook answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookResult {
    /// `continue`, `final`, `deny`, `abort`, or a word of the capsule's own.
    pub action: String,
    /// The data, if any.
    pub data: Option<String>,
}

impl HookResult {
    /// The data read as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when there is no data or it is not JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        let data = self.data.as_deref();
        let data =
            data.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "the hook answered without data"))?;
        serde_json::from_str(data).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("the hook's data is not JSON: {error}"))
                .caused_by(error)
        })
    }
}

impl From<HookReply> for HookResult {
    fn from(reply: HookReply) -> Self {
        Self { action: reply.action, data: reply.data }
    }
}

/// One call of a hook.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The action.
    pub action: &'a str,
    /// The payload.
    pub payload: &'a [u8],
    /// For whom; the capsule's owner when none is named.
    pub principal: Option<Principal>,
    /// Wall clock; the principal's quota when none is given, and never more than it.
    pub timeout: Option<Duration>,
    /// Where the call comes from.
    pub caller: Caller,
}

impl Loaded {
    /// Calls the hook. Dropping the future stops the guest and every host call it waits in.
    ///
    /// # Errors
    /// What stopped the call, with the capsule, the action and the principal named; `guest_trap` carries the guest's
    /// backtrace, `callback_failed` the embedding program's own error.
    pub async fn invoke(self: &Arc<Self>, invocation: Invocation<'_>) -> Result<HookResult> {
        let action = invocation.action.to_owned();
        let principal = invocation.principal.clone();
        let invoked = self.invoke_plainly(invocation).await;
        invoked.map_err(|error| {
            let error = error.with("capsule", &*self.id).with("action", action);
            match principal {
                Some(principal) => error.with("principal", principal.to_string()),
                None => error,
            }
        })
    }

    async fn invoke_plainly(self: &Arc<Self>, mut invocation: Invocation<'_>) -> Result<HookResult> {
        // Held until the entry is written: an unload waits for it before the log may close.
        let (generation, live, _in_flight) = self.admit()?;
        if invocation.payload.len() > limits::TRIGGER_PAYLOAD_BYTES {
            let most = limits::TRIGGER_PAYLOAD_BYTES;
            return Err(Error::new(ErrorKind::InvalidArgument, format!("the payload is over {most} bytes")));
        }
        let host = Arc::clone(&live.context.host);
        let principal = invocation.principal.clone().unwrap_or_else(|| live.context.owner.clone());
        host.audit.admit_rated(&Draft {
            capsule: Some(&live.context.id),
            principal: Some(principal.as_str()),
            subject: invocation.action,
            ..Draft::new("capsule.trigger", Outcome::Allowed)
        })?;
        let span = span::of_trigger(&self.id, invocation.action, &mut invocation.caller);
        let mut record = Record::open(&live, &principal, &invocation, &span);
        // A message is answered for the one who sent it, never for another of the same name; the owner of a capsule is known
        // since it was loaded.
        let admitted = match invocation.caller.sequence.filter(|_| invocation.principal.is_some()) {
            Some(sequence) => host.tenants.admit_sent(&principal, sequence),
            None => host.tenants.admit(&principal),
        };
        let tenant = match admitted {
            Ok(tenant) => tenant,
            Err(error) => {
                let recorded = record.close(Some(&error))?;
                host.audit.settled(recorded).await?;
                return Err(error);
            }
        };
        Counters::add(&tenant.counters.triggers, 1);
        let _for_tenant = tenant.in_flight.begin();
        let serving = generation.serve(&live, &tenant, &invocation, &span).instrument(span.clone());
        let served = tenant.while_here(&host.runtime, serving).await;
        let served = served.unwrap_or_else(|| Err(removed(&principal)));
        let settled = match record.close(served.as_ref().err()) {
            Ok(recorded) => host.audit.settled(recorded).await,
            Err(error) => Err(error),
        };
        let served = served?;
        settled.map(|()| served)
    }

    /// Counts a call in, and says which generation serves it: this one, or the one that has taken its place meanwhile.
    fn admit(self: &Arc<Self>) -> Result<(Arc<Self>, Live, Begun)> {
        let mut generation = Arc::clone(self);
        loop {
            // Counted before it is looked whether the generation lives, so that an ending one sees the call or the call
            // sees the end.
            let in_flight = generation.in_flight.begin();
            if let Ok(live) = generation.live() {
                return Ok((generation, live, in_flight));
            }
            drop(in_flight);
            let next = generation.successor.get().cloned();
            generation = next.ok_or_else(|| generation.unloaded())?;
        }
    }

    async fn serve(
        self: &Arc<Self>,
        live: &Live,
        tenant: &Arc<Tenant>,
        invocation: &Invocation<'_>,
        span: &Span,
    ) -> Result<HookResult> {
        let failure = FailureSlot::default();
        let most = Duration::from_secs(tenant.profile().quotas.max_timeout_secs);
        let budget = invocation.timeout.map_or(most, |asked| asked.min(most));
        let deadline = Instant::now().checked_add(budget);
        let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let (share, place, waiting) = self.turn(live, tenant, deadline).await?;
        let mut instance = if let Some(instance) = waiting {
            instance
        } else {
            let budget = left().unwrap_or(budget);
            Instance::make(&live.compiled, &live.context, tenant, budget, share.fuel()).await?
        };
        // What the start code burned is part of the share: a guest that traps would have it anew with every call.
        let made_with = instance.take_made_with();
        let start = Start {
            budget: left(),
            fuel: share.fuel().saturating_sub(made_with),
            caller: Some(invocation.caller.clone()),
            callback_failure: Arc::clone(&failure),
        };
        let exit = instance.hook(start, invocation.action, invocation.payload).await;
        share.settle(made_with.saturating_add(exit.fuel));
        span.record("fuel", made_with.saturating_add(exit.fuel));
        Counters::add(&tenant.counters.fuel, exit.fuel);
        place.put(instance);
        let failed = failure.lock().take();
        match failed {
            Some(failed) => Err(failed.into()),
            None => exit.result.map(HookResult::from),
        }
    }

    /// Waits for a share of the processor and for a place with an instance; the unloading of the capsule ends the wait
    /// and wins ties, since what becomes free then was given up by calls that it ended.
    async fn turn(
        self: &Arc<Self>,
        live: &Live,
        tenant: &Arc<Tenant>,
        deadline: Option<Instant>,
    ) -> Result<(Share, Place, Option<Instance>)> {
        let cancelled = std::pin::pin!(live.context.cancel.given());
        let waiting = std::pin::pin!(async {
            let share = Share::take(tenant, &live.context.host.runtime, deadline).await?;
            let (place, instance) = self.shelf.take(&live.context.host.runtime, tenant, deadline).await?;
            Ok((share, place, instance))
        });
        match select(cancelled, waiting).await {
            Either::Left(_) => {
                let message = "the capsule was unloaded while the call waited for its turn";
                Err(Error::new(ErrorKind::Cancelled, message))
            }
            Either::Right((turn, _)) => turn,
        }
    }
}

/// The one entry of a trigger: written when it ends, or when its future is dropped before it ended.
struct Record<'a> {
    live: &'a Live,
    principal: &'a Principal,
    action: &'a str,
    payload: &'a [u8],
    span: &'a Span,
    started: Instant,
    open: bool,
}

impl<'a> Record<'a> {
    fn open(live: &'a Live, principal: &'a Principal, invocation: &Invocation<'a>, span: &'a Span) -> Self {
        let (action, payload) = (invocation.action, invocation.payload);
        Self { live, principal, action, payload, span, started: Instant::now(), open: true }
    }

    fn close(&mut self, failure: Option<&Error>) -> Result<Recorded> {
        let (outcome, reason) = match failure {
            None => (Outcome::Allowed, ""),
            Some(error) => (outcome_of(error.kind()), error.kind().code()),
        };
        self.write(outcome, reason)
    }

    fn write(&mut self, outcome: Outcome, reason: &str) -> Result<Recorded> {
        self.open = false;
        let context = &self.live.context;
        let took = self.started.elapsed();
        let ended = Ended::from(outcome);
        context.metrics.triggers.add(ended);
        context.metrics.trigger_took(self.action, took);
        self.span.record("outcome", ended.name());
        let draft = Draft {
            capsule: Some(&context.id),
            artifact: Some(&context.artifact),
            principal: Some(self.principal.as_str()),
            reason,
            subject: self.action,
            bytes: self.payload.len() as u64,
            elapsed_ns: u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
            content: Some(self.payload),
            ..Draft::new("capsule.trigger", outcome)
        };
        context.host.audit.record(&draft)
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if self.open {
            // Nobody is left to be told that the entry could not be written.
            drop(self.write(Outcome::Cancelled, "abandoned"));
        }
    }
}

/// What a call answers whose principal was removed meanwhile.
pub(super) fn removed(principal: &Principal) -> Error {
    Error::new(ErrorKind::Cancelled, format!("the principal `{principal}` was removed"))
}

fn outcome_of(kind: ErrorKind) -> Outcome {
    match kind {
        ErrorKind::Cancelled => Outcome::Cancelled,
        ErrorKind::PrincipalRefused | ErrorKind::CapabilityDenied | ErrorKind::QuotaExceeded => {
            Outcome::Denied
        }
        _ => Outcome::Failed,
    }
}

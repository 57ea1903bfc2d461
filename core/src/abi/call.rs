//! The envelope: the one door through which a guest's call reaches a room of the host.
//!
//! In this order: cancelled? capability? can the audit take an entry? the work, racing cancellation and holding no
//! thread; the audit's entry, and the wait for the disk where the embedder asks for it; the counters. Every body is
//! asynchronous for the sake of that wait, which suspends the guest and holds no thread; where nothing waits it never
//! yields. The bodies of the interfaces judge syntax, scope and quota first thing in
//! their work, so a call that is turned away there leaves the same entry as one that is turned away here.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use tracing::{Instrument, Span};

use super::arms::{Arm, Refusal};
use super::context::CapsuleContext;
use super::memory::InFlight;
use super::ops::{AuditRule, Op};
use super::state::State;
use super::tenant::{Counters, Tenant};
use crate::audit::{Draft, Outcome, Recorded};
use crate::metrics::Ended;
use crate::pending::Begun;
use crate::principal::Principal;

/// What a call touches, as the audit will tell it.
#[derive(Clone, Copy, Debug)]
pub struct Touch<'a> {
    op: &'static Op,
    subject: &'a str,
    content: Option<&'a [u8]>,
    bytes: u64,
    claimed: Option<&'a str>,
    needs: Option<&'static str>,
    to: Option<&'a str>,
    count: Option<(&'static str, u64)>,
    met: Option<&'a Met>,
}

/// What only the work finds out about what it touches, by its name in the entry: the address behind a host's name, for example.
pub type Met = OnceLock<(&'static str, String)>;

impl<'a> Touch<'a> {
    /// A call of `op` that touches nothing with a name.
    #[must_use]
    pub fn of(op: &'static Op) -> Self {
        let (subject, content, bytes) = ("", None, 0);
        Self { op, subject, content, bytes, claimed: None, needs: None, to: None, count: None, met: None }
    }

    /// Names what is touched: a key, a topic, an action.
    #[must_use]
    pub fn on(mut self, subject: &'a str) -> Self {
        self.subject = subject;
        self
    }

    /// The content that is moved; the audit keeps its length and a salted commitment.
    #[must_use]
    pub fn moving(mut self, content: &'a [u8]) -> Self {
        self.content = Some(content);
        self.bytes = content.len() as u64;
        self
    }

    /// The capability that is needed in place of the row's, where the arguments decide which.
    #[must_use]
    pub fn needing(mut self, capability: Option<&'static str>) -> Self {
        self.needs = capability;
        self
    }

    /// Where what is touched goes.
    #[must_use]
    pub fn to(mut self, to: Option<&'a str>) -> Self {
        self.to = to;
        self
    }

    /// How many of something are touched, where it is more than one.
    #[must_use]
    pub fn counting(mut self, what: &'static str, count: usize) -> Self {
        self.count = Some((what, count as u64));
        self
    }

    /// Where the work leaves what it finds out about what is touched, before it ends.
    #[must_use]
    pub fn meeting(mut self, met: &'a Met) -> Self {
        self.met = Some(met);
        self
    }

    /// The principal the guest claims to speak for.
    #[must_use]
    pub fn claiming(mut self, principal: &'a str) -> Self {
        self.claimed = Some(principal);
        self
    }
}

/// How a finished call is told to the audit.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// The error arm or the decision; empty when there is nothing to add.
    pub reason: &'static str,
    /// Bytes moved towards the guest.
    pub bytes: u64,
    /// How many of something were found.
    pub count: Option<(&'static str, u64)>,
    /// It waited in vain, which nobody wants to read of.
    pub in_vain: bool,
}

impl Verdict {
    /// It was done.
    pub const ALLOWED: Verdict = Verdict::new(Outcome::Allowed, "");
    /// It waited for what did not come, and has no entry.
    pub const IN_VAIN: Verdict = Verdict { in_vain: true, ..Verdict::ALLOWED };

    /// An outcome and its reason.
    #[must_use]
    pub const fn new(outcome: Outcome, reason: &'static str) -> Self {
        Self { outcome, reason, bytes: 0, count: None, in_vain: false }
    }

    pub(super) fn of_arm(arm: &'static str, cancelled: bool) -> Self {
        let outcome = match arm {
            _ if cancelled => Outcome::Cancelled,
            "cancelled" => Outcome::Cancelled,
            "capability-denied"
            | "airlock-rejected"
            | "boundary-escape"
            | "not-in-lifecycle"
            | "config-key-reserved" => Outcome::Denied,
            _ => Outcome::Failed,
        };
        Verdict::new(outcome, arm)
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allowed => Self::Allowed,
            Outcome::Denied => Self::Denied,
            Outcome::Failed => Self::Failed,
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}

impl State {
    /// Does work that never waits.
    pub(super) async fn effect<T: Send, E: Arm>(
        &mut self,
        touch: Touch<'_>,
        work: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> wasmtime::Result<Result<T, E>> {
        self.effect_told(touch, |_| Verdict::ALLOWED, work).await
    }

    /// Does work that never waits, and says by its result how the audit should tell it.
    #[allow(clippy::unnecessary_wraps)] // Bodies hand it on as it is; only host faults such as a stale handle trap.
    pub(super) async fn effect_told<T: Send, E: Arm>(
        &mut self,
        touch: Touch<'_>,
        tell: impl FnOnce(&T) -> Verdict,
        work: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> wasmtime::Result<Result<T, E>> {
        let span = span(touch.op);
        let started = (touch.op.audit != AuditRule::Never).then(Instant::now);
        let _lent = self.lend();
        let result = span.in_scope(|| match self.admit(&touch) {
            Ok(_in_flight) => work(self),
            Err(why) => Err(E::refuse(why)),
        });
        Ok(self.close(touch, started, result, tell, &span).await)
    }

    /// Does work that may wait: `prepare` judges and starts it, the future it returns is raced against cancellation.
    ///
    /// The future must own what it needs; the guest's store is not lent out while the guest waits.
    pub(super) async fn waiting<T, E, F>(
        &mut self,
        touch: Touch<'_>,
        tell: impl FnOnce(&T) -> Verdict + Send,
        prepare: impl FnOnce(&mut State) -> Result<F, E> + Send,
    ) -> wasmtime::Result<Result<T, E>>
    where
        T: Send,
        E: Arm,
        F: Future<Output = Result<T, E>> + Send,
    {
        let span = span(touch.op);
        let started = Some(Instant::now());
        let _lent = self.lend();
        let prepared = span.in_scope(|| match self.admit(&touch) {
            Ok(in_flight) => prepare(self).map(|work| (work, in_flight)),
            Err(why) => Err(E::refuse(why)),
        });
        let result = match prepared {
            Ok((work, _in_flight)) => {
                let pause = touch.op.human.then(|| self.call.clock.pause());
                let abandoned = Abandoned::watch(self, touch);
                let racing = race(&self.capsule, self.served_by(touch.op), work);
                let (result, waited) = racing.instrument(span.clone()).await;
                abandoned.disarm();
                drop(pause);
                self.call.waits += u64::from(waited);
                result
            }
            Err(arm) => Err(arm),
        };
        Ok(self.close(touch, started, result, tell, &span).await)
    }

    /// Writes an entry of the host's own beside the call's: a question was asked. Until it is there, and as durable as
    /// was asked for, nothing may be asked.
    pub(super) fn note(
        &self,
        operation: &'static str,
        subject: &str,
        outcome: Outcome,
        about: &str,
    ) -> Result<Recorded, Refusal> {
        let draft = Draft {
            operation,
            capsule: Some(&self.capsule.id),
            artifact: Some(&self.capsule.artifact),
            principal: Some(self.principal().as_str()),
            claimed: None,
            outcome,
            reason: "",
            subject,
            bytes: 0,
            elapsed_ns: 0,
            content: None,
            detail: &[("about", about)],
        };
        self.capsule.host.audit.record(&draft).map_err(|_| Refusal::Audit)
    }

    /// Counts a call that can neither fail nor touch anything outside the guest.
    pub(super) fn count(&self, op: &'static Op) {
        Counters::add(&self.acting.counters.host_calls, 1);
        self.capsule.host.metrics.called(&self.capsule.metrics, op.number(), Ended::Allowed, None);
    }

    pub(super) fn admit(&self, touch: &Touch<'_>) -> Result<InFlight, Refusal> {
        let op = touch.op;
        if self.is_cancelled(op) {
            return Err(Refusal::Cancelled);
        }
        if self.call.revoked && !pumps(op) {
            return Err(Refusal::Denied);
        }
        if let Some(capability) = touch.needs.or_else(|| flag(op))
            && !self.capsule.capabilities.holds(capability)
        {
            return Err(Refusal::Denied);
        }
        if op.audit == AuditRule::Always {
            let draft = Draft {
                capsule: Some(&self.capsule.id),
                principal: Some(self.principal().as_str()),
                subject: touch.subject,
                ..Draft::new(op.name, Outcome::Allowed)
            };
            self.capsule.host.audit.admit_rated(&draft).map_err(|_| Refusal::Audit)?;
        }
        InFlight::begin(&self.acting, touch.bytes).ok_or(Refusal::Bytes)
    }

    /// Whether the capsule is being unloaded, or the principal the call is for was removed.
    pub(super) fn is_cancelled(&self, op: &'static Op) -> bool {
        self.capsule.cancel.is_given() || self.served_by(op).gone().is_given()
    }

    /// Whose call this is. Waiting for messages is the run loop's own business, whoever sent the last one: a caller that was
    /// removed must not keep it from hearing the others.
    pub(super) fn served_by(&self, op: &'static Op) -> &Arc<Tenant> {
        if pumps(op) { &self.owner } else { &self.acting }
    }

    /// Counts a call that a shared run loop makes for somebody else, so that whoever removes that principal can wait for it.
    fn lend(&self) -> Option<Begun> {
        (!Arc::ptr_eq(&self.owner, &self.acting)).then(|| self.acting.lent.begin())
    }

    /// Writes the entry and counts the call. A call whose entry cannot be written has failed, whatever it did.
    pub(super) async fn close<T, E: Arm>(
        &mut self,
        touch: Touch<'_>,
        started: Option<Instant>,
        result: Result<T, E>,
        tell: impl FnOnce(&T) -> Verdict,
        span: &Span,
    ) -> Result<T, E> {
        Counters::add(&self.acting.counters.host_calls, 1);
        let verdict = match &result {
            Ok(value) => tell(value),
            Err(arm) => Verdict::of_arm(arm.name(), self.is_cancelled(touch.op)),
        };
        let took = started.map(|at| at.elapsed());
        tally(&self.capsule, touch.op, verdict.outcome, took);
        span.record("outcome", Ended::from(verdict.outcome).name());
        if verdict.outcome == Outcome::Denied {
            Counters::add(&self.acting.counters.denied, 1);
        }
        let wanted = match touch.op.audit {
            AuditRule::Always => !verdict.in_vain,
            AuditRule::Refusals => verdict.outcome != Outcome::Allowed,
            AuditRule::Never => false,
        };
        if !wanted {
            return result;
        }
        let written = match write(&self.capsule, self.principal(), touch, verdict, took) {
            Ok(recorded) => self.capsule.host.audit.settled(recorded).await,
            Err(error) => Err(error),
        };
        if written.is_ok() { result } else { Err(E::refuse(Refusal::Audit)) }
    }
}

/// The manifest flag a call needs as a whole; topics are judged one by one against the capsule's lists instead.
fn flag(op: &'static Op) -> Option<&'static str> {
    op.capability.filter(|name| !matches!(*name, "publish" | "subscribe"))
}

/// Whether a call only waits for messages or takes them.
fn pumps(op: &'static Op) -> bool {
    ["ipc.subscription.", "io.poll.", "io.pollable."].iter().any(|of| op.name.starts_with(of))
}

/// The span of a host call, inside that of its trigger. While nobody listens it is made of nothing.
pub(super) fn span(op: &'static Op) -> Span {
    tracing::debug_span!(target: "astrid::call", "astrid.call", op = op.name, outcome = tracing::field::Empty)
}

/// Counts a finished call for the operators.
pub(super) fn tally(capsule: &CapsuleContext, op: &'static Op, outcome: Outcome, took: Option<Duration>) {
    capsule.host.metrics.called(&capsule.metrics, op.number(), outcome.into(), took);
}

pub(super) fn write(
    capsule: &CapsuleContext,
    principal: &Principal,
    touch: Touch<'_>,
    verdict: Verdict,
    took: Option<Duration>,
) -> crate::error::Result<Recorded> {
    let elapsed = took.map_or(0, |took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    let to = touch.to.map(|to| ("to", to));
    let met = touch.met.and_then(Met::get).map(|(what, met)| (*what, &**met));
    let counts =
        [touch.count, verdict.count].map(|count| count.map(|(what, count)| (what, count.to_string())));
    let counts = counts.iter().flatten().map(|(what, count)| (*what, &**count));
    // Nobody comes upon a way out of a root by accident.
    let severity = (verdict.reason == "boundary-escape").then_some(("severity", "high"));
    let detail: Vec<_> = to.into_iter().chain(met).chain(severity).chain(counts).collect();
    let draft = Draft {
        operation: touch.op.name,
        capsule: Some(&capsule.id),
        artifact: Some(&capsule.artifact),
        principal: Some(principal.as_str()),
        claimed: touch.claimed,
        outcome: verdict.outcome,
        reason: verdict.reason,
        subject: touch.subject,
        bytes: touch.bytes.saturating_add(verdict.bytes),
        elapsed_ns: elapsed,
        content: touch.content,
        detail: &detail,
    };
    capsule.host.audit.record(&draft)
}

/// Races work against the unloading of the capsule and the removal of the tenant, which win ties; says whether the work
/// had to wait.
async fn race<T, E: Arm>(
    capsule: &Arc<CapsuleContext>,
    tenant: &Arc<Tenant>,
    work: impl Future<Output = Result<T, E>> + Send,
) -> (Result<T, E>, bool) {
    let mut work = pin!(work);
    let cancelled = capsule.cancel.given();
    let mut cancelled = pin!(cancelled);
    let mut gone = pin!(tenant.gone().given());
    let mut waited = false;
    let result = poll_fn(|context| {
        if capsule.cancel.is_given() || tenant.gone().is_given() {
            return Poll::Ready(Err(E::refuse(Refusal::Cancelled)));
        }
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        waited = true;
        let stopped = cancelled.as_mut().poll(context).is_ready() || gone.as_mut().poll(context).is_ready();
        if stopped { Poll::Ready(Err(E::refuse(Refusal::Cancelled))) } else { Poll::Pending }
    })
    .await;
    (result, waited)
}

/// Writes the entry of a call whose guest was dropped while it waited: the embedder cancelled it, or time ran out.
struct Abandoned {
    capsule: Arc<CapsuleContext>,
    principal: Principal,
    op: &'static Op,
    subject: String,
    started: Instant,
    armed: bool,
}

impl Abandoned {
    fn watch(state: &State, touch: Touch<'_>) -> Self {
        Self {
            capsule: Arc::clone(&state.capsule),
            principal: state.principal().clone(),
            op: touch.op,
            subject: touch.subject.to_owned(),
            started: Instant::now(),
            armed: true,
        }
    }

    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let took = Some(self.started.elapsed());
        tally(&self.capsule, self.op, Outcome::Cancelled, took);
        if self.op.audit == AuditRule::Never {
            return;
        }
        let verdict = Verdict::new(Outcome::Cancelled, "abandoned");
        let touch = Touch::of(self.op).on(&self.subject);
        // Nobody is left to be told; if the log is full or closed the trigger's own entry fails as well.
        drop(write(&self.capsule, &self.principal, touch, verdict, took));
    }
}

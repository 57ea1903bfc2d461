//! Calls whose work blocks a thread: it is done on a thread that may be blocked, while the guest waits without one.
//!
//! Such work cannot be called back once it has begun. If the guest is stopped before that, nothing happens; if it is
//! stopped later it is not kept waiting, and the work writes the entry of the call itself when it ends, so that the audit
//! tells what really happened. Either way there is one entry.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use parking_lot::Mutex;
use tracing::Instrument as _;

use super::arms::{Arm, Refusal};
use super::call::{Touch, Verdict, span, tally, write};
use super::context::CapsuleContext;
use super::ops::{AuditRule, Op};
use super::state::State;
use super::tenant::{Counters, Tenant};
use crate::audit::Outcome;
use crate::cancel::Cancel;
use crate::pending::Begun;
use crate::principal::Principal;

/// What a call touches, owned: the work may outlive the guest's call.
#[derive(Debug)]
pub(super) struct Job {
    /// The row.
    pub op: &'static Op,
    /// The capability it needs in place of the row's.
    pub needs: Option<&'static str>,
    /// What is touched.
    pub subject: String,
    /// Where something is moved to.
    pub to: Option<String>,
    /// What is written.
    pub content: Option<Arc<Vec<u8>>>,
}

impl Job {
    /// A job that touches one thing.
    pub fn on(op: &'static Op, subject: impl Into<String>) -> Self {
        Self { op, needs: None, subject: subject.into(), to: None, content: None }
    }

    /// Needs this capability in place of the row's.
    pub fn needing(mut self, capability: &'static str) -> Self {
        self.needs = Some(capability);
        self
    }

    /// Moves what is touched to another place.
    pub fn to(mut self, to: impl Into<String>) -> Self {
        self.to = Some(to.into());
        self
    }

    /// Writes this content.
    pub fn moving(mut self, content: &Arc<Vec<u8>>) -> Self {
        self.content = Some(Arc::clone(content));
        self
    }

    fn touch(&self) -> Touch<'_> {
        let touch = Touch::of(self.op).on(&self.subject).needing(self.needs).to(self.to.as_deref());
        match &self.content {
            Some(content) => touch.moving(content),
            None => touch,
        }
    }
}

/// How far the work of a call is.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has not begun.
    Waiting,
    /// It is being done.
    Begun,
    /// It is done, and this is what became of it; the guest's side has not been told yet.
    Done(Verdict),
    /// Nobody waits for it any more.
    Left,
}

/// A call under way, known to the guest's side and to the thread that works.
#[derive(Debug)]
struct Errand {
    job: Job,
    capsule: Arc<CapsuleContext>,
    principal: Principal,
    started: Instant,
    stage: Mutex<Stage>,
    unwanted: Cancel,
    /// Whoever removes the principal waits for what was begun for it.
    _lent: Begun,
}

impl Errand {
    /// Whether the work may begin: somebody still waits for it.
    fn begin(&self) -> bool {
        let mut stage = self.stage.lock();
        let waiting = matches!(*stage, Stage::Waiting);
        if waiting {
            *stage = Stage::Begun;
        }
        waiting
    }

    /// The result, if somebody waits for it; otherwise what became of the call is written down here.
    fn end<T, E: Arm>(&self, result: Result<T, E>, tell: fn(&T) -> Verdict) -> Option<Result<T, E>> {
        let verdict = match &result {
            Ok(value) => tell(value),
            Err(arm) => Verdict::of_arm(arm.name(), false),
        };
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::Left) {
            *stage = Stage::Done(verdict);
            return Some(result);
        }
        drop(stage);
        self.write(verdict);
        None
    }

    /// The guest's side waits no longer. The entry says what happened, and is written by whoever knows.
    fn leave(&self, reason: &'static str) {
        self.unwanted.give();
        let stage = std::mem::replace(&mut *self.stage.lock(), Stage::Left);
        match stage {
            Stage::Waiting => self.write(Verdict::new(Outcome::Cancelled, reason)),
            Stage::Done(verdict) => self.write(verdict),
            Stage::Begun | Stage::Left => {}
        }
    }

    fn write(&self, verdict: Verdict) {
        let took = Some(self.started.elapsed());
        tally(&self.capsule, self.job.op, verdict.outcome, took);
        let wanted = match self.job.op.audit {
            AuditRule::Always => true,
            AuditRule::Refusals => verdict.outcome != Outcome::Allowed,
            AuditRule::Never => false,
        };
        if wanted && write(&self.capsule, &self.principal, self.job.touch(), verdict, took).is_err() {
            // Nobody is left to be told.
            tracing::error!(op = self.job.op.name, "the end of a call could not be recorded");
        }
    }
}

/// The guest's side of an errand; a guest that is dropped while it waits leaves.
struct Waiting(Option<Arc<Errand>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(errand) = self.0.take() {
            errand.leave("abandoned");
        }
    }
}

impl State {
    /// Does work that blocks a thread. `prepare` says what the work is; it owns what it needs, and ends early once the
    /// signal it is given says that nobody wants it any more.
    pub(super) async fn offloaded<T, E, W>(
        &mut self,
        job: Job,
        tell: fn(&T) -> Verdict,
        prepare: impl FnOnce(&State, Cancel) -> W + Send,
    ) -> wasmtime::Result<Result<T, E>>
    where
        T: Send + 'static,
        E: Arm + 'static,
        W: FnOnce() -> Result<T, E> + Send + 'static,
    {
        let errand = Arc::new(Errand {
            job,
            capsule: Arc::clone(&self.capsule),
            principal: self.principal().clone(),
            started: Instant::now(),
            stage: Mutex::new(Stage::Waiting),
            unwanted: Cancel::default(),
            _lent: self.acting.lent.begin(),
        });
        let (touch, span) = (errand.job.touch(), span(errand.job.op));
        let started = Some(errand.started);
        let in_flight = match self.admit(&touch) {
            Ok(in_flight) => in_flight,
            Err(why) => return Ok(self.close(touch, started, Err(E::refuse(why)), tell, &span).await),
        };
        let work = prepare(self, errand.unwanted.clone());
        let work = move || {
            // What is written is held until it is written, also if nobody waits for it.
            let _in_flight = in_flight;
            work()
        };
        let mut waiting = Waiting(Some(Arc::clone(&errand)));
        let racing =
            raced(&self.capsule, self.served_by(errand.job.op), run(Arc::clone(&errand), work, tell));
        let outcome = racing.instrument(span.clone()).await;
        waiting.0 = None;
        self.call.waits += 1;
        if let Some(result) = outcome {
            return Ok(self.close(touch, started, result, tell, &span).await);
        }
        let cancelled = E::refuse(Refusal::Cancelled);
        errand.leave(cancelled.name());
        Counters::add(&self.acting.counters.host_calls, 1);
        Ok(Err(cancelled))
    }
}

/// Takes one of the capsule's turns, then one of the threads that may be blocked.
async fn run<T, E, W>(errand: Arc<Errand>, work: W, tell: fn(&T) -> Verdict) -> Result<T, E>
where
    T: Send + 'static,
    E: Arm + 'static,
    W: FnOnce() -> Result<T, E> + Send + 'static,
{
    let stopped = || Err(E::refuse(Refusal::Cancelled));
    let host = Arc::clone(&errand.capsule.host);
    let Ok(turn) = Arc::clone(&errand.capsule.file_calls).acquire_owned().await else { return stopped() };
    let under_way = host.file_work.begin();
    let working = host.runtime.spawn_blocking(move || {
        let (_turn, _under_way) = (turn, under_way);
        if errand.begin() { errand.end(work(), tell) } else { None }
    });
    match working.await {
        Ok(Some(result)) => result,
        Ok(None) => stopped(),
        Err(failed) if failed.is_cancelled() => stopped(),
        Err(_) => Err(E::fault("storage failed")),
    }
}

/// The result of the work, or none when the capsule was unloaded or the principal removed, which wins ties.
async fn raced<R>(
    capsule: &CapsuleContext,
    tenant: &Tenant,
    work: impl Future<Output = R> + Send,
) -> Option<R> {
    let mut work = pin!(work);
    let (mut cancelled, mut gone) = (pin!(capsule.cancel.given()), pin!(tenant.gone().given()));
    poll_fn(|context| {
        if cancelled.as_mut().poll(context).is_ready() || gone.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(context).map(Some)
    })
    .await
}

//! The desk: where questions wait for the people who answer them.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use super::answer::{Callback, CallbackError, CallbackFault, Unanswered};
use super::approval::ApprovalDraft;
use super::elicit::ElicitDraft;
use super::question::{
    ApprovalQuestion, Decision, Delivery, ElicitAnswer, ElicitQuestion, UplinkEvent, UplinkInfo,
};
use super::uplink::UplinkDraft;
use crate::cancel::Cancel;
use crate::limits;
use crate::principal::Principal;

/// How long a question waits. Values above the contract's count as the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskTimeouts {
    /// For a value: at most 120 seconds.
    pub elicit: Duration,
    /// For a decision: at most 60 seconds.
    pub approval: Duration,
    /// For an uplink event to be taken: at most 5 seconds.
    pub uplink: Duration,
}

impl Default for DeskTimeouts {
    fn default() -> Self {
        Self {
            elicit: limits::ELICIT_TIMEOUT,
            approval: limits::APPROVAL_TIMEOUT,
            uplink: limits::UPLINK_TIMEOUT,
        }
    }
}

/// Puts questions to the embedder's handlers and keeps their deadlines. Clones share it.
///
/// A handler is called in a task of the runtime. Dropping the future of a question aborts that task; an answer that comes
/// later has no effect.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

struct Shared {
    runtime: Handle,
    on_elicit: Option<Callback<ElicitQuestion, ElicitAnswer>>,
    on_approval: Option<Callback<ApprovalQuestion, Decision>>,
    on_uplink: Option<Callback<UplinkEvent, Delivery>>,
    timeouts: DeskTimeouts,
    /// How many questions each capsule has open for each principal.
    open: Mutex<HashMap<(String, Principal), usize>>,
    /// Uplinks whose registration the handler has not taken yet, with a signal for when it has.
    introducing: Mutex<HashMap<String, Cancel>>,
    closed: Cancel,
}

/// One open question; dropping it makes room for another.
struct Seat {
    desk: Desk,
    who: (String, Principal),
}

impl Desk {
    /// A desk whose handlers and clocks run on `runtime`. Where there is no handler, nothing is answered.
    #[must_use]
    pub fn new(
        runtime: Handle,
        on_elicit: Option<Callback<ElicitQuestion, ElicitAnswer>>,
        on_approval: Option<Callback<ApprovalQuestion, Decision>>,
        on_uplink: Option<Callback<UplinkEvent, Delivery>>,
        timeouts: DeskTimeouts,
    ) -> Self {
        let most = DeskTimeouts::default();
        let timeouts = DeskTimeouts {
            elicit: timeouts.elicit.min(most.elicit),
            approval: timeouts.approval.min(most.approval),
            uplink: timeouts.uplink.min(most.uplink),
        };
        Self(Arc::new(Shared {
            runtime,
            on_elicit,
            on_approval,
            on_uplink,
            timeouts,
            open: Mutex::default(),
            introducing: Mutex::default(),
            closed: Cancel::default(),
        }))
    }

    /// Asks for a value. The answer fits the question's kind and options; an empty one has become the default.
    ///
    /// [`Unanswered::Invalid`] stands for a question or an answer that breaks a rule; call [`ElicitDraft::validate`] first
    /// to tell the two apart.
    pub fn elicit(
        &self,
        draft: ElicitDraft,
    ) -> impl Future<Output = Result<ElicitAnswer, Unanswered>> + Send + use<> {
        let desk = self.clone();
        async move {
            draft.validate().map_err(Unanswered::Invalid)?;
            let handler = desk.0.on_elicit.as_ref().ok_or(Unanswered::NoHandler)?;
            let _seat = desk.seat(&draft.capsule, &draft.principal)?;
            let limit = desk.0.timeouts.elicit;
            let answer = desk.ask(handler, draft.question(deadline(limit)), None, limit).await?;
            draft.accept(answer).map_err(Unanswered::Invalid)
        }
    }

    /// Asks for a decision. The request is normalised if it was not.
    pub fn approve(
        &self,
        draft: ApprovalDraft,
    ) -> impl Future<Output = Result<Decision, Unanswered>> + Send + use<> {
        let desk = self.clone();
        async move {
            let draft = draft.normalise().map_err(Unanswered::Invalid)?;
            let handler = desk.0.on_approval.as_ref().ok_or(Unanswered::NoHandler)?;
            let _seat = desk.seat(&draft.capsule, &draft.principal)?;
            let limit = desk.0.timeouts.approval;
            desk.ask(handler, draft.question(deadline(limit)), None, limit).await
        }
    }

    /// Hands a message over. It comes after the news of its uplink, within the same time limit.
    pub fn uplink(
        &self,
        draft: UplinkDraft,
    ) -> impl Future<Output = Result<Delivery, Unanswered>> + Send + use<> {
        let desk = self.clone();
        async move {
            draft.validate().map_err(Unanswered::Invalid)?;
            let handler = desk.0.on_uplink.as_ref().ok_or(Unanswered::NoHandler)?;
            let limit = desk.0.timeouts.uplink;
            let introduced = desk.0.introducing.lock().get(&draft.uplink.id).cloned();
            let event = UplinkEvent::Message(draft.message(deadline(limit)));
            desk.ask(handler, event, introduced, limit).await
        }
    }

    /// Tells of a new uplink and does not wait for the answer.
    pub fn uplink_registered(&self, info: UplinkInfo) {
        let Some(handler) = self.0.on_uplink.clone() else { return };
        let (id, introduced) = (info.id.clone(), Cancel::default());
        self.0.introducing.lock().insert(id.clone(), introduced.clone());
        let desk = self.clone();
        self.0.runtime.spawn(async move {
            desk.tell(handler, UplinkEvent::Registered(info.shown()), None).await;
            desk.0.introducing.lock().remove(&id);
            introduced.give();
        });
    }

    /// Tells that an uplink is gone and does not wait for the answer.
    pub fn uplink_unregistered(&self, info: UplinkInfo) {
        let Some(handler) = self.0.on_uplink.clone() else { return };
        let introduced = self.0.introducing.lock().get(&info.id).cloned();
        let desk = self.clone();
        self.0.runtime.spawn(async move {
            desk.tell(handler, UplinkEvent::Unregistered(info.shown()), introduced).await;
        });
    }

    /// Ends every open question as closed and takes no more.
    pub fn close(&self) {
        self.0.closed.give();
    }

    async fn tell(
        &self,
        handler: Callback<UplinkEvent, Delivery>,
        event: UplinkEvent,
        after: Option<Cancel>,
    ) {
        if let Err(unanswered) = self.ask(&handler, event, after, self.0.timeouts.uplink).await {
            tracing::warn!(%unanswered, "the uplink handler did not take a notice");
        }
    }

    fn seat(&self, capsule: &str, principal: &Principal) -> Result<Seat, Unanswered> {
        let who = (capsule.to_owned(), principal.clone());
        let mut open = self.0.open.lock();
        let taken = open.entry(who.clone()).or_default();
        if *taken >= limits::OPEN_QUESTIONS {
            return Err(Unanswered::TooMany);
        }
        *taken += 1;
        drop(open);
        Ok(Seat { desk: self.clone(), who })
    }

    /// Calls the handler in a task of its own, once `after` is given, and watches it from the caller's: a handler that blocks
    /// its worker cannot hold up the deadline.
    async fn ask<Q, A>(
        &self,
        handler: &Callback<Q, A>,
        question: Q,
        after: Option<Cancel>,
        limit: Duration,
    ) -> Result<A, Unanswered>
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        if self.0.closed.is_given() {
            return Err(Unanswered::Closed);
        }
        let handler = Arc::clone(handler);
        let asked = AbortOnDropHandle::new(self.0.runtime.spawn(async move {
            if let Some(after) = after {
                after.given().await;
            }
            handler(question).await
        }));
        // The clock is the runtime's, whoever polls this.
        let late = {
            let _entered = self.0.runtime.enter();
            tokio::time::sleep(limit)
        };
        let (late, closed) = (pin!(late), pin!(self.0.closed.given()));
        match select(asked, select(closed, late)).await {
            Either::Left((Ok(answer), _)) => answer.map_err(Unanswered::Failed),
            Either::Left((Err(end), _)) => Err(unfinished(end)),
            Either::Right((Either::Left(_), _)) => Err(Unanswered::Closed),
            Either::Right((Either::Right(_), _)) => Err(Unanswered::Timeout),
        }
    }
}

/// A task that did not finish has panicked, or its runtime has shut down.
fn unfinished(end: JoinError) -> Unanswered {
    let Ok(panic) = end.try_into_panic() else { return Unanswered::Closed };
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    Unanswered::Failed(CallbackError::new(CallbackFault::Raised, format!("the handler panicked: {text}")))
}

fn deadline(limit: Duration) -> SystemTime {
    SystemTime::now() + limit
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.desk.0.open.lock();
        if let Some(taken) = open.get_mut(&self.who) {
            *taken -= 1;
            if *taken == 0 {
                open.remove(&self.who);
            }
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("timeouts", &self.0.timeouts).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;

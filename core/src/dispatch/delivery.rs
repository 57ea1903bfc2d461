//! One message on its way through the handlers that want it, and what they decide together.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Dispatcher;
use super::handlers::Handler;
use super::intake::Admitted;
use super::lanes::Place;
use crate::abi::context::Placed;
use crate::abi::state::Caller;
use crate::bus::Message;
use crate::capsule::{HookResult, Invocation};
use crate::error::{Error, ErrorKind};
use crate::topic::Meaning;

/// What the handlers of a message decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All went on; the payload as the chain left it.
    Continue,
    /// A handler ended the chain with this response.
    Final(Option<String>),
    /// A handler ended the chain and said why.
    Deny(String),
}

/// The outcome of a chain: the verdict, and the payload if a handler changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// How many handlers ran.
    pub handlers: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The payload as the last single handler left it, if one changed it.
    pub payload: Option<String>,
}

/// A message with a place in the queue of every handler that wants it. Dropping it gives up the places of those that were
/// not called, and stops those that are being called.
#[derive(Debug)]
pub struct Delivery {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) message: Arc<Message>,
    /// In the order in which they are called.
    pub(super) stops: Vec<Stop>,
    pub(super) withheld: Vec<Arc<str>>,
    /// Whether there are more handlers than one publish may reach.
    pub(super) overflows: bool,
    /// Counted until the delivery has ended, for messages of guests.
    pub(super) admitted: Option<Admitted>,
}

/// A handler, and the place at which it is called.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) handler: Arc<Handler>,
    pub(super) place: Place,
}

/// How a handler's turn ended.
enum Turn {
    /// It answered.
    Answered(HookResult),
    /// It did not complete; which of the four fixed sentences says how.
    Failed(&'static str),
    /// Its capsule was unloaded while the message waited.
    Gone,
}

impl Delivery {
    /// How many handlers want the message.
    #[must_use]
    pub fn handlers(&self) -> usize {
        self.stops.len()
    }

    /// The capsules whose handlers want the message and may not have it.
    #[must_use]
    pub fn withheld(&self) -> &[Arc<str>] {
        &self.withheld
    }

    /// Lets the handlers run as a task of the host's runtime, for nobody who waits.
    pub(super) fn start(self, others: usize) {
        if self.stops.is_empty() {
            return;
        }
        let runtime = self.dispatcher.runtime.clone();
        runtime.spawn(async move {
            let message = Arc::clone(&self.message);
            let chain = self.run(others).await;
            tracing::debug!(target: "astrid::dispatch", topic = message.topic.as_str(), ?chain);
        });
    }

    /// Runs the handlers, each when its turn has come, and says what they decided.
    ///
    /// Groups of equal priority run in ascending order; inside a group all run independently on the same payload. A deny
    /// ends the chain, else the first `final` by capsule id does; only a group of one changes the payload for the next.
    /// `others` is how many subscriptions of capsules got the message as well.
    pub async fn run(self, others: usize) -> Chain {
        let Self { dispatcher, message, stops, withheld, admitted, overflows } = self;
        let mut chain = Chain { handlers: 0, verdict: Verdict::Continue, payload: None };
        if stops.is_empty() && overflows {
            dispatcher.record_denial(None, &message, "fan-out");
            chain.verdict = Verdict::Deny("more handlers want the message than it may reach".to_owned());
        } else if stops.is_empty() && !withheld.is_empty() && message.topic.meaning() == Meaning::Invocation {
            chain.verdict = Verdict::Deny("the capsule was not granted to the caller".to_owned());
        }
        let last = stops.last().map(|stop| stop.handler.priority);
        let consumers = stops.iter().filter(|stop| Some(stop.handler.priority) == last).count() + others;
        let mut failure = None;
        let mut stops = stops.into_iter().peekable();
        while let Some(first) = stops.next()
            && chain.verdict == Verdict::Continue
        {
            let priority = first.handler.priority;
            let mut group = vec![first];
            group.extend(std::iter::from_fn(|| stops.next_if(|stop| stop.handler.priority == priority)));
            let payload = chain.payload.as_deref().unwrap_or(&message.payload);
            let turns = group.into_iter().map(|stop| serve(&dispatcher, stop, &message, payload));
            let turns = join_all(turns).await;
            for (handler, turn) in turns.iter().filter(|(_, turn)| turn.denial().is_some()) {
                dispatcher.record_denial(Some(handler), &message, turn.failure().unwrap_or("denied"));
            }
            failure = turns.iter().find_map(|(_, turn)| turn.failure());
            chain.decide(turns.into_iter().map(|(_, turn)| turn).collect());
        }
        // The places of stages that were not reached are given up before anybody is told.
        drop((stops, admitted));
        if let Some(reason) = failure
            && consumers == 1
        {
            dispatcher.undelivered(&message, reason);
        }
        chain
    }
}

impl Chain {
    /// Takes in what one group answered, in the order of its handlers.
    fn decide(&mut self, mut turns: Vec<Turn>) {
        self.handlers += turns.iter().filter(|turn| !matches!(turn, Turn::Gone)).count() as u64;
        if let Some(reason) = turns.iter().find_map(Turn::denial) {
            self.verdict = Verdict::Deny(reason.to_owned());
            return;
        }
        let alone = turns.len() == 1;
        let ending = turns.iter_mut().find_map(|turn| turn.reply().filter(|reply| reply.action == "final"));
        if let Some(reply) = ending {
            self.verdict = Verdict::Final(reply.data.take());
        } else if alone {
            let changed = turns.iter_mut().find_map(|turn| turn.reply()?.data.take());
            self.payload = changed.filter(|data| !data.is_empty()).or(self.payload.take());
        }
    }
}

impl Placed for Delivery {
    fn handlers(&self) -> usize {
        self.stops.len()
    }

    fn overflows(&self) -> bool {
        self.overflows
    }

    fn withheld(&self) -> &[Arc<str>] {
        &self.withheld
    }

    fn set_off(self: Box<Self>, others: usize) {
        (*self).start(others);
    }
}

/// Waits for the turn and calls the handler; the place is given up when it has answered.
async fn serve(
    dispatcher: &Dispatcher,
    stop: Stop,
    message: &Message,
    payload: &str,
) -> (Arc<Handler>, Turn) {
    let Stop { handler, place } = stop;
    place.turn().await;
    // Most deliveries in a full lane only wait; what a call needs is not kept ready for each of them.
    let turn = Box::pin(call(dispatcher, &handler, message, payload, place.id())).await;
    drop(place);
    (handler, turn)
}

async fn call(
    dispatcher: &Dispatcher,
    handler: &Handler,
    message: &Message,
    payload: &str,
    turn: u64,
) -> Turn {
    let Some(capsule) = dispatcher.handlers.answering(handler) else { return Turn::Gone };
    let invocation = Invocation {
        action: &handler.action,
        payload: payload.as_bytes(),
        principal: message.acts_for().cloned(),
        timeout: None,
        caller: Caller { turn: Some(turn), ..Caller::of(message) },
    };
    match capsule.invoke(invocation).await {
        Ok(reply) => Turn::Answered(reply),
        Err(error) => {
            tracing::warn!(target: "astrid::dispatch", %error, "a handler did not complete");
            Turn::Failed(failure(&error))
        }
    }
}

/// A call that did not complete is a deny: no completed decision, no permission. The sentences are fixed: a publisher must
/// not learn another capsule's insides from its failures.
fn failure(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::FuelExhausted => "fuel exhausted",
        ErrorKind::Timeout => "deadline exceeded",
        ErrorKind::GuestTrap if error.message().contains("`unreachable` instruction executed") => {
            "unreachable executed"
        }
        _ => "execution failed",
    }
}

impl Turn {
    fn reply(&mut self) -> Option<&mut HookResult> {
        match self {
            Turn::Answered(reply) => Some(reply),
            Turn::Failed(_) | Turn::Gone => None,
        }
    }

    fn failure(&self) -> Option<&'static str> {
        match self {
            Turn::Failed(reason) => Some(reason),
            Turn::Answered(_) | Turn::Gone => None,
        }
    }

    /// Why the handler denies, if it does.
    fn denial(&self) -> Option<&str> {
        match self {
            Turn::Answered(reply) if matches!(reply.action.as_str(), "deny" | "abort") => {
                Some(reply.data.as_deref().unwrap_or("denied by interceptor"))
            }
            Turn::Failed(reason) => Some(reason),
            Turn::Answered(_) | Turn::Gone => None,
        }
    }
}

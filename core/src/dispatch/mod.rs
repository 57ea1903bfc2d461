//! Which handlers hear a message, in which order, and what they decide together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use parking_lot::RwLock;
use tokio::runtime::Handle;

use crate::abi::context::Relay;
use crate::abi::state::Caller;
use crate::audit::{Draft, Outcome};
use crate::bus::Message;
use crate::capsule::{HookResult, Invocation, Loaded};
use crate::error::ErrorKind;
use crate::limits;
use crate::principal::Principal;
use crate::topic::{Pattern, Topic};

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

/// Knows every handler of every loaded capsule.
#[derive(Debug)]
pub struct Dispatcher {
    runtime: Handle,
    handlers: RwLock<Vec<Handler>>,
    relays: AtomicUsize,
    myself: Weak<Dispatcher>,
}

#[derive(Clone, Debug)]
struct Handler {
    capsule: Weak<Loaded>,
    id: Arc<str>,
    action: String,
    pattern: Pattern,
    priority: u32,
}

impl Dispatcher {
    /// A dispatcher that starts deliveries for guests on `runtime`.
    #[must_use]
    pub fn new(runtime: Handle) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            runtime,
            handlers: RwLock::default(),
            relays: AtomicUsize::new(0),
            myself: myself.clone(),
        })
    }

    /// Enters the handlers of a capsule, kept in the order in which they fire.
    pub fn enter(&self, capsule: &Arc<Loaded>) {
        self.replace(capsule);
    }

    /// Removes the handlers of a capsule.
    pub fn leave(&self, id: &str) {
        self.handlers.write().retain(|handler| &*handler.id != id);
    }

    /// Enters the handlers of a capsule in place of those of the generation before it: a message finds either all of the
    /// old ones or all of the new ones.
    pub fn replace(&self, capsule: &Arc<Loaded>) {
        let mut handlers = self.handlers.write();
        handlers.retain(|handler| handler.id != *capsule.id());
        for rule in &capsule.manifest().subscribe {
            if let Some(action) = &rule.handler {
                handlers.push(Handler {
                    capsule: Arc::downgrade(capsule),
                    id: Arc::clone(capsule.id()),
                    action: action.clone(),
                    pattern: rule.pattern.clone(),
                    priority: rule.priority,
                });
            }
        }
        handlers.sort_by(|a, b| (a.priority, &a.id, &a.action).cmp(&(b.priority, &b.id, &b.action)));
    }

    /// Runs every handler that wants the message and says what they decided.
    ///
    /// Groups of equal priority run in ascending order; inside a group all run independently on the same payload. A deny
    /// ends the chain, else the first `final` by capsule id does; only a group of one changes the payload for the next.
    pub async fn deliver(&self, message: &Message) -> Chain {
        let mut chain = Chain { handlers: 0, verdict: Verdict::Continue, payload: None };
        let wanting = self.wanting(&message.topic);
        for group in wanting.chunk_by(|a, b| a.priority == b.priority) {
            let payload = chain.payload.clone().unwrap_or_else(|| message.payload.to_string());
            let replies =
                join_all(group.iter().map(|handler| call(handler, message, payload.as_bytes()))).await;
            chain.handlers += group.len() as u64;
            let denial =
                group.iter().zip(&replies).find_map(|(handler, reply)| Some((handler, denied(reply)?)));
            if let Some((handler, reason)) = denial {
                record_denial(handler, message);
                chain.verdict = Verdict::Deny(reason);
                return chain;
            }
            if let Some(reply) = replies.iter().find(|reply| reply.action == "final") {
                chain.verdict = Verdict::Final(reply.data.clone());
                return chain;
            }
            if let [only] = replies.as_slice()
                && let Some(changed) = only.data.as_ref().filter(|data| !data.is_empty())
            {
                chain.payload = Some(changed.clone());
            }
        }
        chain
    }

    fn wanting(&self, topic: &Topic) -> Vec<Handler> {
        let handlers = self.handlers.read();
        handlers
            .iter()
            .filter(|handler| handler.pattern.fires(topic) && !self_heard(handler, topic))
            .cloned()
            .collect()
    }
}

impl Relay for Dispatcher {
    fn relay(&self, message: &Arc<Message>) -> bool {
        if !self.handlers.read().iter().any(|handler| handler.pattern.fires(&message.topic)) {
            return true;
        }
        let Some(myself) = self.myself.upgrade() else { return true };
        let taken = self.relays.fetch_add(1, Ordering::AcqRel);
        let turn = Turn(Arc::clone(&myself));
        if taken >= limits::RELAYS {
            return false;
        }
        let message = Arc::clone(message);
        self.runtime.spawn(async move {
            let chain = turn.0.deliver(&message).await;
            tracing::debug!(target: "astrid::dispatch", topic = message.topic.as_str(), ?chain);
            drop(turn);
        });
        true
    }
}

/// A delivery under way.
struct Turn(Arc<Dispatcher>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.relays.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A run loop that holds a subscription for the topic hears it there, not in a handler as well.
fn self_heard(handler: &Handler, topic: &Topic) -> bool {
    let context = handler.capsule.upgrade().and_then(|capsule| capsule.context());
    context.is_some_and(|context| context.run_interest.hears(topic))
}

/// Calls one handler. A call that did not complete is a deny: no completed decision, no permission.
async fn call(handler: &Handler, message: &Message, payload: &[u8]) -> HookResult {
    let deny = |reason: &str| HookResult { action: "deny".to_owned(), data: Some(reason.to_owned()) };
    let Some(capsule) = handler.capsule.upgrade() else {
        return HookResult { action: "continue".to_owned(), data: None };
    };
    let invocation = Invocation {
        action: &handler.action,
        payload,
        principal: message.acts_for().cloned(),
        timeout: None,
        caller: Caller::of(message),
    };
    match capsule.invoke(invocation).await {
        Ok(reply) => reply,
        // Fixed sentences: a publisher must not learn another capsule's insides from its failures.
        Err(error) => {
            tracing::warn!(target: "astrid::dispatch", %error, "a handler did not complete");
            deny(match error.kind() {
                ErrorKind::FuelExhausted => "the handler ran out of fuel",
                ErrorKind::Timeout => "the handler ran past its deadline",
                ErrorKind::GuestTrap | ErrorKind::MemoryExceeded => "the handler trapped",
                _ => "the handler did not complete",
            })
        }
    }
}

/// Tells the audit who ended the chain of which message; the reason is the handler's own text and stays out of it.
fn record_denial(handler: &Handler, message: &Message) {
    let Some(context) = handler.capsule.upgrade().and_then(|capsule| capsule.context()) else { return };
    let draft = Draft {
        capsule: Some(&handler.id),
        artifact: Some(&context.artifact),
        principal: message.acts_for().map(Principal::as_str),
        reason: "denied",
        subject: message.topic.as_str(),
        detail: &[("handler", &handler.action)],
        ..Draft::new("dispatch.denied", Outcome::Denied)
    };
    if let Err(error) = context.host.audit.append(&draft) {
        // The deny stands all the same: it only ever takes permission away.
        tracing::error!(%error, "a deny could not be recorded");
    }
}

fn denied(reply: &HookResult) -> Option<String> {
    matches!(reply.action.as_str(), "deny" | "abort")
        .then(|| reply.data.clone().unwrap_or_else(|| "denied by interceptor".to_owned()))
}

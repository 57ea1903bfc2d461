//! The embedding program's own publish, with what the handlers decided.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::SystemTime;

use super::Host;
use crate::abi::context::HostContext;
use crate::abi::payload::unwrapped;
use crate::abi::state::EMBEDDER;
use crate::audit::{Draft, Outcome as AuditOutcome};
use crate::bus::{Attribution, Message, Reach};
use crate::dispatch::Verdict;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::people::BoxFuture;
use crate::principal::Principal;
use crate::topic::Topic;

/// What became of a published message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Subscriptions that have it in their queue.
    pub delivered: u64,
    /// Handlers that ran.
    pub handlers: u64,
    /// `continue`, `final` or `deny`.
    pub decision: &'static str,
    /// The response of a `final`, or the payload if a handler changed it.
    pub data: Option<String>,
    /// Why it was denied.
    pub reason: Option<String>,
}

/// A message about to be published; await it.
#[derive(Debug)]
#[must_use = "nothing is published until the request is awaited"]
pub struct Publish {
    host: Host,
    topic: String,
    payload: Vec<u8>,
    principal: Option<Principal>,
    fan_out: Option<usize>,
}

impl Publish {
    pub(super) fn new(host: Host, topic: String, payload: Vec<u8>) -> Self {
        Self { host, topic, payload, principal: None, fan_out: None }
    }

    /// For whom the message speaks; the system's own when nobody is named.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// The most handlers and subscriptions together that the message may reach; no limit unless it is called. Handlers come
    /// first. More handlers than that deny the message and none of them runs, because a chain without all of its handlers
    /// decides nothing; subscriptions beyond it, in the order they were made, count the message as dropped.
    pub fn fan_out(mut self, most: usize) -> Self {
        self.fan_out = Some(most);
        self
    }

    async fn send(self) -> Result<Outcome> {
        let rooms = self.host.rooms()?;
        let host = &rooms.context;
        let invalid = |why: String| Error::new(ErrorKind::InvalidArgument, why);
        let topic = Topic::parse(&self.topic)
            .map_err(|error| invalid(format!("the topic `{}`: {error}", self.topic)))?;
        if self.payload.len() > limits::PUBLISH_BYTES {
            return Err(invalid(format!("the payload is over {} bytes", limits::PUBLISH_BYTES)));
        }
        let payload = std::str::from_utf8(&self.payload).ok().and_then(unwrapped);
        let payload = payload.ok_or_else(|| invalid("the payload is not JSON".to_owned()))?;
        host.audit.admit()?;
        let attribution = match self.principal {
            Some(principal) => {
                host.tenants.admit(&principal)?;
                Attribution::Verified(principal)
            }
            None => Attribution::System,
        };
        let mut message = Message {
            topic,
            payload,
            source: Arc::from(EMBEDDER),
            sender: attribution.principal().cloned(),
            attribution,
            sequence: host.bus.next_sequence(),
            time: SystemTime::now(),
            depth: 0,
            trace: None,
            reach: Reach::Everyone,
            receipt: None,
        };
        message.reach = host.reach(&message.topic, message.acts_for());
        let message = Arc::new(message);
        let delivery = rooms.dispatcher.place(&message, self.fan_out).await;
        record(host, &message).await?;
        let left = self.fan_out.map(|most| most.saturating_sub(delivery.handlers()));
        let addressed = host.bus.address(&message, left);
        let withheld = [addressed.withheld(), delivery.withheld()].concat();
        let others = addressed.capsules();
        let published = addressed.deliver();
        rooms.dispatcher.withheld(&message, withheld);
        let chain = delivery.run(others).await;
        let outcome = match chain.verdict {
            Verdict::Continue => ("continue", chain.payload, None),
            Verdict::Final(data) => ("final", data, None),
            Verdict::Deny(reason) => ("deny", None, Some(reason)),
        };
        Ok(Outcome {
            delivered: published.delivered as u64,
            handlers: chain.handlers,
            decision: outcome.0,
            data: outcome.1,
            reason: outcome.2,
        })
    }
}

/// Writes the entry of a publish, before anybody can see the message. What the handlers deny has entries of its own.
async fn record(host: &HostContext, message: &Message) -> Result<()> {
    let payload = message.payload.as_bytes();
    let draft = Draft {
        principal: message.attribution.principal().map(Principal::as_str),
        subject: message.topic.as_str(),
        bytes: payload.len() as u64,
        content: Some(payload),
        ..Draft::new("host.publish", AuditOutcome::Allowed)
    };
    host.audit.append_settled(&draft).await
}

impl IntoFuture for Publish {
    type Output = Result<Outcome>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

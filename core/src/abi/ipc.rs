//! `astrid:ipc`: publishing, subscribing and receiving.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;
use wasmtime::component::Resource;

use super::bindings::astrid::ipc::host::{
    ErrorCode, Host, HostSubscription, InterceptorBinding, IpcEnvelope, IpcMessage, PrincipalAttribution,
};
use super::call::{Touch, Verdict};
use super::context::{Interested, Slot};
use super::holding::Holding;
use super::ops;
use super::pollable::Pollable;
use super::state::{Caller, Phase, State};
use super::tenant::{Counters, Tenants};
use crate::audit::Outcome;
use crate::bus::{Addressed, Admission, Attribution, Batch, Message, QueueLimits, Subscription};
use crate::limits;
use crate::principal::Principal;
use crate::topic::{Pattern, Topic};

/// A guest's handle on a subscription; dropping it unsubscribes at once and frees the capsule's slot.
#[derive(Debug)]
pub struct SubscriptionHandle {
    queue: Arc<Subscription>,
    _slot: Slot,
    _interest: Option<Interested>,
}

/// A message that may be sent, with the subscriptions it reaches.
struct Outgoing {
    message: Arc<Message>,
    addressed: Addressed,
}

impl Outgoing {
    fn told(&self) -> Verdict {
        if self.addressed.overflows() {
            return Verdict { outcome: Outcome::Failed, reason: "backpressure", bytes: 0 };
        }
        Verdict::ALLOWED
    }
}

impl State {
    /// Judges a message; `attribution` is whom the subscribers will see.
    fn judge(&mut self, topic: &str, payload: &str, attribution: Attribution) -> Result<Outgoing, ErrorCode> {
        let topic = Topic::parse(topic).map_err(|_| ErrorCode::InvalidInput)?;
        if !self.capsule.publish.allows(&topic) {
            return Err(ErrorCode::CapabilityDenied);
        }
        if payload.len() > limits::PUBLISH_BYTES {
            return Err(ErrorCode::InvalidInput);
        }
        let payload = unwrapped(payload).ok_or(ErrorCode::InvalidInput)?;
        let depth = self.depth();
        if depth > limits::PUBLISH_DEPTH {
            return Err(ErrorCode::Backpressure);
        }
        // Charged last, so that a refused call costs nothing.
        let bytes = payload.len() as u64;
        let payer = attribution.principal().and_then(|principal| self.capsule.host.tenants.known(principal));
        let payer = payer.unwrap_or_else(|| Arc::clone(&self.acting));
        if !payer.charge_throughput(&self.capsule.id, bytes) {
            return Err(ErrorCode::RateLimited);
        }
        Counters::add(&self.acting.counters.published_bytes, bytes);
        Counters::add(&self.acting.counters.published_messages, 1);
        let bus = &self.capsule.host.bus;
        let message = Arc::new(Message {
            topic,
            payload,
            source: Arc::clone(&self.capsule.source),
            attribution,
            sender: Some(self.principal().clone()),
            sequence: bus.next_sequence(),
            time: SystemTime::now(),
            depth,
        });
        let addressed = bus.address(&message, Some(limits::FAN_OUT));
        Ok(Outgoing { message, addressed })
    }

    /// Lets a message go that has its entry in the audit.
    fn send(&mut self, outgoing: Outgoing) -> Result<(), ErrorCode> {
        let published = outgoing.addressed.deliver();
        let relay = self.capsule.host.relay.get().and_then(std::sync::Weak::upgrade);
        let relayed = relay.is_none_or(|relay| relay.relay(&outgoing.message));
        if published.overflowed > 0 || !relayed { Err(ErrorCode::Backpressure) } else { Ok(()) }
    }

    /// How many publishes led to the one this guest makes now. Only handlers inherit the depth of what they answer: a
    /// run loop decides by itself when to publish and is bounded by its throughput instead.
    fn depth(&self) -> u8 {
        match (&self.call.caller, self.call.phase) {
            (Some(caller), Phase::Hook) => caller.depth.saturating_add(1),
            _ => 1,
        }
    }

    /// A run loop that asks for the next message is done with the last one, and acts for itself again.
    fn done_with_message(&mut self) {
        if self.call.phase == Phase::Run {
            self.call.caller = None;
            self.acting = Arc::clone(&self.owner);
            self.call.revoked = !self.owner.takes_calls();
        }
    }

    /// Installs the caller of a received batch; one batch never mixes principals, so the first message speaks for all. There
    /// is no call to refuse: a loop that hears somebody for whom nothing may be done has no authority until it asks for
    /// the next message.
    fn received(&mut self, batch: &Batch) -> IpcEnvelope {
        if self.call.phase == Phase::Run
            && let Some(message) = batch.messages.first()
        {
            let caller = Caller::of(message);
            let acting = match &caller.principal {
                Some(principal) if self.capsule.shared => self.capsule.host.tenants.known(principal),
                _ => Some(Arc::clone(&self.owner)),
            };
            self.call.revoked = !acting.as_ref().is_some_and(|tenant| tenant.takes_calls());
            self.acting = acting.unwrap_or_else(|| Arc::clone(&self.owner));
            self.call.caller = Some(caller);
        }
        IpcEnvelope {
            messages: batch.messages.iter().map(|message| told(message)).collect(),
            dropped: batch.dropped,
            lagged: batch.lagged,
        }
    }

    fn queue(&self, this: &Resource<SubscriptionHandle>) -> wasmtime::Result<Arc<Subscription>> {
        Ok(Arc::clone(&self.table.get(this)?.queue))
    }
}

impl Host for State {
    async fn publish(&mut self, topic: String, payload: String) -> wasmtime::Result<Result<(), ErrorCode>> {
        let touch = Touch::of(&ops::ipc::PUBLISH).on(&topic).moving(payload.as_bytes());
        let judge = |state: &mut State| {
            let attribution = Attribution::Verified(state.principal().clone());
            state.judge(&topic, &payload, attribution)
        };
        self.recorded_first(touch, Outgoing::told, judge, State::send)
    }

    async fn publish_as(
        &mut self,
        topic: String,
        payload: String,
        principal: String,
    ) -> wasmtime::Result<Result<(), ErrorCode>> {
        let touch =
            Touch::of(&ops::ipc::PUBLISH_AS).on(&topic).moving(payload.as_bytes()).claiming(&principal);
        let judge = |state: &mut State| {
            let claimed = Principal::parse(&principal).map_err(|_| ErrorCode::InvalidInput)?;
            // A principal that nobody but a guest ever named does not come into being by being named.
            let host = &state.capsule.host;
            let known = host.tenants.known(&claimed).ok_or(ErrorCode::CapabilityDenied)?;
            if !host.authenticated_uplinks.contains(&*state.capsule.id) {
                return state.judge(&topic, &payload, Attribution::Claimed(claimed));
            }
            // The embedding program answers for what this uplink says, and handlers will act for the principal.
            if !known.takes_calls() {
                return Err(ErrorCode::CapabilityDenied);
            }
            state.judge(&topic, &payload, Attribution::Verified(claimed))
        };
        self.recorded_first(touch, Outgoing::told, judge, State::send)
    }

    async fn subscribe(
        &mut self,
        topic_pattern: String,
    ) -> wasmtime::Result<Result<Resource<SubscriptionHandle>, ErrorCode>> {
        self.effect(Touch::of(&ops::ipc::SUBSCRIBE).on(&topic_pattern), |state| {
            let pattern = Pattern::for_subscription(&topic_pattern).map_err(|_| ErrorCode::InvalidInput)?;
            if !state.capsule.subscribe.allows_pattern(&pattern) {
                return Err(ErrorCode::CapabilityDenied);
            }
            let slot = state.owner.take(&state.capsule.id, Holding::Subscriptions).ok_or(ErrorCode::Quota)?;
            let admission = if state.call.phase == Phase::Run && state.capsule.shared {
                Admission::Everyone
            } else {
                Admission::Principal(state.principal().clone())
            };
            let interest =
                (state.call.phase == Phase::Run).then(|| state.capsule.run_interest.add(pattern.clone()));
            let queue = state.capsule.host.bus.subscribe(&pattern, admission, QueueLimits::default());
            let handle = SubscriptionHandle { queue: Arc::new(queue), _slot: slot, _interest: interest };
            state.table.push(handle).map_err(|_| ErrorCode::Quota)
        })
    }

    async fn get_interceptor_bindings(
        &mut self,
    ) -> wasmtime::Result<Result<Vec<InterceptorBinding>, ErrorCode>> {
        self.effect(Touch::of(&ops::ipc::GET_INTERCEPTOR_BINDINGS), |state| {
            let bindings = (0u64..).zip(&state.capsule.bindings);
            Ok(bindings
                .map(|(handle_id, binding)| InterceptorBinding {
                    handle_id,
                    action: binding.action.clone(),
                    topic: binding.topic.clone(),
                })
                .collect())
        })
    }
}

impl HostSubscription for State {
    async fn poll(
        &mut self,
        this: Resource<SubscriptionHandle>,
    ) -> wasmtime::Result<Result<IpcEnvelope, ErrorCode>> {
        let queue = self.queue(&this)?;
        self.done_with_message();
        self.effect_told(Touch::of(&ops::ipc::SUBSCRIPTION_POLL), told_bytes, |state| {
            if queue.is_closed() {
                return Err(ErrorCode::Closed);
            }
            let batch = next_batch(&queue, &state.capsule.host.tenants);
            Ok(state.received(&batch))
        })
    }

    async fn recv(
        &mut self,
        this: Resource<SubscriptionHandle>,
        timeout_ms: u64,
    ) -> wasmtime::Result<Result<IpcEnvelope, ErrorCode>> {
        let queue = self.queue(&this)?;
        let timeout = Duration::from_millis(timeout_ms.min(limits::RECV_MS));
        let empty_on_timeout = self.capsule.host.recv_empty_on_timeout;
        self.done_with_message();
        let batch = self
            .waiting(Touch::of(&ops::ipc::SUBSCRIPTION_RECV), batch_bytes, |state| {
                let host = Arc::clone(&state.capsule.host);
                Ok(async move {
                    match first_batch(&queue, &host.tenants, &host.runtime, timeout).await {
                        Err(ErrorCode::Timeout) if empty_on_timeout => Ok(next_batch(&queue, &host.tenants)),
                        other => other,
                    }
                })
            })
            .await?;
        // Having asked at all is a yield for the run loop's watchdog, even if nothing had to be waited for.
        self.call.waits += 1;
        Ok(batch.map(|batch| self.received(&batch)))
    }

    async fn subscribe_readiness(
        &mut self,
        this: Resource<SubscriptionHandle>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count();
        let readiness = self.table.get(&this)?.queue.readiness();
        // The function has no error arm: a guest that holds more than its quota has broken a rule, and traps.
        let slot = self.owner.take(&self.capsule.id, Holding::Pollables);
        let slot = slot.ok_or_else(|| wasmtime::Error::msg("too many pollables"))?;
        Ok(self.table.push(Pollable::new(readiness, slot))?)
    }

    async fn drop(&mut self, this: Resource<SubscriptionHandle>) -> wasmtime::Result<()> {
        let handle = self.table.delete(this)?;
        handle.queue.close();
        Ok(())
    }
}

/// The next batch without the messages of those who were removed meanwhile.
fn next_batch(queue: &Subscription, tenants: &Tenants) -> Batch {
    let mut lost = 0;
    loop {
        let mut batch = queue.poll(limits::BATCH_BYTES);
        let waited = !batch.messages.is_empty();
        batch.messages.retain(|message| tenants.hears(message));
        lost += batch.dropped;
        if !waited || !batch.messages.is_empty() {
            return Batch { dropped: lost, ..batch };
        }
    }
}

/// Waits for the first message until one deadline, then takes whatever else is queued within the budget.
async fn first_batch(
    queue: &Subscription,
    tenants: &Tenants,
    runtime: &tokio::runtime::Handle,
    timeout: Duration,
) -> Result<Batch, ErrorCode> {
    let batch = next_batch(queue, tenants);
    if !batch.messages.is_empty() {
        return Ok(batch);
    }
    let late = super::timer::sleep(runtime, timeout);
    let mut late = std::pin::pin!(late);
    loop {
        if queue.is_closed() {
            return Err(ErrorCode::Closed);
        }
        let ready = std::pin::pin!(queue.ready());
        match futures_util::future::select(ready, late.as_mut()).await {
            futures_util::future::Either::Left(_) => {
                let batch = next_batch(queue, tenants);
                if !batch.messages.is_empty() {
                    return Ok(batch);
                }
            }
            futures_util::future::Either::Right(_) => return Err(ErrorCode::Timeout),
        }
    }
}

fn told(message: &Message) -> IpcMessage {
    let principal = match &message.attribution {
        Attribution::Verified(principal) => PrincipalAttribution::Verified(principal.to_string()),
        Attribution::Claimed(principal) => PrincipalAttribution::Claimed(principal.to_string()),
        Attribution::System => PrincipalAttribution::System,
    };
    IpcMessage {
        topic: message.topic.as_str().to_owned(),
        payload: message.payload.to_string(),
        source_id: message.source.to_string(),
        principal,
    }
}

fn told_bytes(envelope: &IpcEnvelope) -> Verdict {
    let bytes = envelope.messages.iter().map(|message| message.payload.len() as u64).sum();
    Verdict { bytes, ..Verdict::ALLOWED }
}

fn batch_bytes(batch: &Batch) -> Verdict {
    let bytes = batch.messages.iter().map(|message| message.payload.len() as u64).sum();
    Verdict { bytes, ..Verdict::ALLOWED }
}

/// The payload as it is delivered: unchanged JSON, except that the two envelopes older capsules wrap a value in are
/// taken off. Anything that is not JSON is none.
pub fn unwrapped(payload: &str) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "type", borrow)]
        kind: std::borrow::Cow<'a, str>,
        #[serde(borrow, alias = "value")]
        data: &'a RawValue,
    }
    let _: &RawValue = serde_json::from_str(payload).ok()?;
    if payload.trim_start().starts_with('{')
        && let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(payload)
        && matches!(&*envelope.kind, "custom" | "raw_json")
    {
        return Some(Arc::from(envelope.data.get()));
    }
    Some(Arc::from(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_delivered_as_it_was_written() {
        assert_eq!(unwrapped("{ \"b\":1, \"a\": 2 }").as_deref(), Some("{ \"b\":1, \"a\": 2 }"));
        assert_eq!(unwrapped("[1,2"), None);
        assert_eq!(unwrapped(""), None);
    }

    #[test]
    fn the_old_envelopes_are_taken_off() {
        assert_eq!(unwrapped(r#"{"type":"custom","data":{"x":1}}"#).as_deref(), Some(r#"{"x":1}"#));
        assert_eq!(unwrapped(r#"{"type":"raw_json","value":[1]}"#).as_deref(), Some("[1]"));
        let other = r#"{"type":"user_input","data":1}"#;
        assert_eq!(unwrapped(other).as_deref(), Some(other));
    }
}

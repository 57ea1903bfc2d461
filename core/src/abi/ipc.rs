//! `astrid:ipc`: publishing, subscribing and receiving.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wasmtime::component::Resource;

use super::bindings::astrid::ipc::host::{
    ErrorCode, Host, HostSubscription, InterceptorBinding, IpcEnvelope, IpcMessage, PrincipalAttribution,
};
use super::call::{Touch, Verdict};
use super::context::{Interested, Placed, Relay, Slot, Unplaced};
use super::holding::Holding;
use super::ops;
use super::payload::Payload;
use super::pollable::Pollable;
use super::state::{Caller, Phase, State};
use super::tenant::{Counters, Tenants};
use crate::audit::Outcome;
use crate::bus::{
    Addressed, Admission, Attribution, Batch, Listener, Message, QueueLimits, Reach, Receipt, Subscription,
};
use crate::limits;
use crate::net::Ingress;
use crate::principal::Principal;
use crate::topic::{Pattern, Topic, hears_audit, own_failures};

/// A guest's handle on a subscription; dropping it unsubscribes at once and frees the capsule's slot.
#[derive(Debug)]
pub struct SubscriptionHandle {
    queue: Arc<Subscription>,
    _slot: Slot,
    _interest: Option<Interested>,
}

/// A message that may be sent, with the subscriptions it reaches and its places with the handlers that want it.
struct Outgoing {
    message: Arc<Message>,
    addressed: Addressed,
    placed: Option<Box<dyn Placed>>,
}

impl Outgoing {
    fn overflows(&self) -> bool {
        self.addressed.overflows() || self.placed.as_ref().is_some_and(|placed| placed.overflows())
    }

    fn told(&self) -> Verdict {
        if self.overflows() {
            return Verdict::new(Outcome::Failed, "backpressure");
        }
        Verdict::ALLOWED
    }
}

impl State {
    /// Judges a message and gets it its places, which may have to be waited for; `attribution` is whom the subscribers
    /// will see. Nothing is sent before the call has its entry in the audit.
    fn judge(
        &mut self,
        topic: &str,
        payload: &str,
        attribution: Attribution,
    ) -> Result<impl Future<Output = Result<Outgoing, ErrorCode>> + Send + use<>, ErrorCode> {
        let topic = Topic::parse(topic).map_err(|_| ErrorCode::InvalidInput)?;
        if !self.capsule.publish.allows(&topic) || topic.is_the_hosts() {
            return Err(ErrorCode::CapabilityDenied);
        }
        if payload.len() > limits::PUBLISH_BYTES {
            return Err(ErrorCode::InvalidInput);
        }
        let payload = Payload::read(payload).ok_or(ErrorCode::InvalidInput)?;
        let depth = self.depth();
        if depth > limits::PUBLISH_DEPTH {
            return Err(ErrorCode::Backpressure);
        }
        let bytes = payload.text.len() as u64;
        let payer = attribution.principal().and_then(|principal| self.capsule.host.tenants.known(principal));
        let payer = payer.unwrap_or_else(|| Arc::clone(&self.acting));
        let mut message = Message {
            topic,
            payload: payload.text,
            source: Arc::clone(&self.capsule.source),
            attribution,
            sender: Some(self.principal().clone()),
            sequence: self.capsule.host.bus.next_sequence(),
            time: SystemTime::now(),
            depth,
            trace: self.call.caller.as_ref().and_then(|caller| caller.trace),
            reach: Reach::Everyone,
            receipt: payload.receipt.map(|id| Receipt { id, publisher: Arc::clone(&self.capsule.id) }),
        };
        message.reach = self.capsule.host.reach(&message.topic, message.acts_for());
        let message = Arc::new(message);
        let turn = self.call.caller.as_ref().and_then(|caller| caller.turn);
        let placing = self.relay().and_then(|relay| relay.place(&message, turn));
        let (capsule, acting) = (Arc::clone(&self.capsule), Arc::clone(&self.acting));
        Ok(async move {
            let placed = match placing {
                None => None,
                Some(placing) => Some(placing.await.map_err(|unplaced| match unplaced {
                    Unplaced::Full => ErrorCode::Backpressure,
                    Unplaced::Ring => ErrorCode::RateLimited,
                })?),
            };
            // Charged last, so that a refused call costs nothing.
            if !payer.charge_throughput(&capsule.id, bytes) {
                return Err(ErrorCode::RateLimited);
            }
            Counters::add(&acting.counters.published_bytes, bytes);
            Counters::add(&acting.counters.published_messages, 1);
            let handlers = placed.as_ref().map_or(0, |placed| placed.handlers());
            let addressed =
                capsule.host.bus.address(&message, Some(limits::FAN_OUT.saturating_sub(handlers)));
            Ok(Outgoing { message, addressed, placed })
        })
    }

    /// Lets a message go that has its entry in the audit.
    fn send(&mut self, outgoing: Outgoing) -> Result<(), ErrorCode> {
        let overflows = outgoing.overflows();
        let Outgoing { message, addressed, placed } = outgoing;
        let mut withheld = addressed.withheld().to_vec();
        let others = addressed.capsules();
        addressed.deliver();
        if let Some(placed) = placed {
            withheld.extend_from_slice(placed.withheld());
            placed.set_off(others);
        }
        if !withheld.is_empty()
            && let Some(relay) = self.relay()
        {
            relay.withheld(&message, withheld);
        }
        if overflows { Err(ErrorCode::Backpressure) } else { Ok(()) }
    }

    fn relay(&self) -> Option<Arc<dyn Relay>> {
        self.capsule.host.relay.get().and_then(std::sync::Weak::upgrade)
    }

    /// Whose messages a subscription takes: those of the principal the guest acts for. A run loop that serves everybody
    /// takes everybody's, but hears what the audit tells of others only if its owner may read that.
    fn admission(&self, pattern: &Pattern) -> Admission {
        let everybody = self.call.phase == Phase::Run && self.capsule.shared;
        if everybody && (!hears_audit(pattern) || self.owner.profile().holds("audit:read_all")) {
            return Admission::Everyone;
        }
        Admission::Principal(if everybody { self.owner.principal() } else { self.principal() }.clone())
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
        let outgoing = self.waiting(touch, Outgoing::told, judge).await?;
        Ok(outgoing.and_then(|outgoing| self.send(outgoing)))
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
            // The host itself knows who sent what the guest has just read from the local socket.
            let sender = state.call.ingress.take().filter(Ingress::stands);
            let verified = sender.is_some_and(|ingress| ingress.principal == claimed);
            if !verified && !host.authenticated_uplinks.contains(&*state.capsule.id) {
                return state.judge(&topic, &payload, Attribution::Claimed(claimed));
            }
            // Somebody answers for it, and handlers will act for the principal.
            if !known.takes_calls() {
                return Err(ErrorCode::CapabilityDenied);
            }
            state.judge(&topic, &payload, Attribution::Verified(claimed))
        };
        let outgoing = self.waiting(touch, Outgoing::told, judge).await?;
        Ok(outgoing.and_then(|outgoing| self.send(outgoing)))
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
            let pattern =
                own_failures(pattern, &state.capsule.source).map_err(|_| ErrorCode::InvalidInput)?;
            let admission = state.admission(&pattern);
            let interest =
                (state.call.phase == Phase::Run).then(|| state.capsule.run_interest.add(pattern.clone()));
            let listener =
                Listener { capsule: Arc::clone(&state.capsule.id), owner: state.capsule.owner.clone() };
            let (bus, counted) = (&state.capsule.host.bus, Arc::clone(&state.capsule.metrics));
            let queue = bus.subscribe_counted(listener, counted, &pattern, admission, QueueLimits::default());
            let handle = SubscriptionHandle { queue: Arc::new(queue), _slot: slot, _interest: interest };
            state.table.push(handle).map_err(|_| ErrorCode::Quota)
        })
        .await
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
        .await
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
        .await
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
        self.count(&ops::ipc::SUBSCRIPTION_SUBSCRIBE_READINESS);
        let readiness = self.table.get(&this)?.queue.readiness();
        let pollable = self.pollable(readiness)?;
        Ok(self.table.push(pollable)?)
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
    let late = crate::timer::sleep(runtime, timeout);
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

//! `tool.v1.request.cancel`: the programs that were started for a piece of work end with it.
//!
//! The event lists the ids of calls under `call_ids`. A program that `spawn` runs belongs to the call whose payload names it
//! by `call_id`; one that a handle holds belongs to none in particular and is meant by every event. Those that are meant are
//! interrupted, and killed a little later.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use serde_json::Value;

use super::super::context::HostContext;
use super::super::state::State;
use crate::audit::{Draft, Outcome};
use crate::bus::{Admission, Message, QueueLimits};
use crate::limits;
use crate::principal::Principal;
use crate::process::{Child, Signal};
use crate::topic::Pattern;

const TOPIC: &str = "tool.v1.request.cancel";
/// Messages that are looked at between two waits.
const AT_ONCE: usize = 16;

/// The programs of a host that such an event may mean.
#[derive(Debug, Default)]
pub struct Tracked(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Whether events are heard; nobody listens before there is a program.
    listening: bool,
    work: Vec<Work>,
}

#[derive(Debug)]
struct Work {
    child: Weak<Child>,
    capsule: Arc<str>,
    principal: Principal,
    call: Option<String>,
}

/// Who a program will belong to.
pub(super) struct Tracker {
    host: Arc<HostContext>,
    capsule: Arc<str>,
    principal: Principal,
    call: Option<String>,
}

/// A program that is tracked, until this is dropped.
#[derive(Debug)]
pub(super) struct Tracking {
    tracked: Arc<Tracked>,
    child: Weak<Child>,
}

impl Drop for Tracking {
    fn drop(&mut self) {
        self.tracked.0.lock().work.retain(|work| !work.child.ptr_eq(&self.child));
    }
}

impl Tracker {
    pub(super) fn track(self, child: &Arc<Child>) -> Tracking {
        let tracked = Arc::clone(&self.host.tracked);
        let child = Arc::downgrade(child);
        let mut known = tracked.0.lock();
        if !std::mem::replace(&mut known.listening, true) {
            listen(&self.host);
        }
        let Self { capsule, principal, call, .. } = self;
        known.work.push(Work { child: child.clone(), capsule, principal, call });
        drop(known);
        Tracking { tracked, child }
    }
}

impl State {
    /// For a program that the call being served waits for.
    pub(super) fn tracker(&self) -> Tracker {
        Tracker { call: self.call.work.clone(), ..self.loose_tracker() }
    }

    /// For a program that belongs to no call in particular.
    pub(super) fn loose_tracker(&self) -> Tracker {
        let (host, capsule) = (Arc::clone(&self.capsule.host), Arc::clone(&self.capsule.id));
        Tracker { host, capsule, principal: self.principal().clone(), call: None }
    }
}

/// Hears the events until the host is closed.
fn listen(host: &Arc<HostContext>) {
    let Ok(pattern) = Pattern::for_subscription(TOPIC) else { return };
    let events = host.bus.subscribe(&pattern, Admission::Everyone, QueueLimits::default());
    let (closing, host) = (host.closing.clone(), Arc::downgrade(host));
    let Some(runtime) = host.upgrade().map(|host| host.runtime.clone()) else { return };
    runtime.spawn(async move {
        loop {
            tokio::select! {
                () = closing.given() => return,
                () = events.ready() => {}
            }
            let Some(host) = host.upgrade() else { return };
            for message in events.poll(AT_ONCE).messages {
                host.cancel_work(&message);
            }
            if events.is_closed() {
                return;
            }
        }
    });
}

impl HostContext {
    /// Ends the programs that an event means: those of the principal it speaks for, or of everybody if it is the system's. An
    /// event that lists nothing means nothing.
    fn cancel_work(&self, event: &Message) {
        let Ok(payload) = serde_json::from_str::<Value>(&event.payload) else { return };
        let ids: Vec<&str> =
            payload["call_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if ids.is_empty() {
            return;
        }
        let of = event.acts_for();
        let known = self.tracked.0.lock();
        let meant = known.work.iter().filter(|work| {
            let own = of.is_none_or(|principal| work.principal == *principal);
            own && work.call.as_deref().is_none_or(|call| ids.contains(&call))
        });
        for (work, child) in meant.filter_map(|work| Some((work, work.child.upgrade()?))) {
            let draft = Draft {
                capsule: Some(&work.capsule),
                principal: Some(work.principal.as_str()),
                subject: work.call.as_deref().unwrap_or_default(),
                ..Draft::new("process.cancelled", Outcome::Allowed)
            };
            // What cannot be recorded is not done.
            if let Err(error) = self.audit.append(&draft) {
                tracing::error!(%error, "a program was not cancelled");
                continue;
            }
            let runtime = self.runtime.clone();
            self.runtime.spawn(async move {
                child.end(&runtime, Signal::Int, limits::CANCEL_PROCESS_GRACE).await;
            });
        }
    }
}

/// The id of the call that a payload is about, if it names one.
#[must_use]
pub fn call_of(payload: &[u8]) -> Option<String> {
    let payload: Value = serde_json::from_slice(payload).ok()?;
    payload["call_id"].as_str().map(ToOwned::to_owned)
}

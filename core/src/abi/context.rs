//! What the host calls of a capsule reach: the host's rooms, and what the capsule's instances share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::process::Tracked;
use super::tenant::Tenants;
use crate::audit::Log;
use crate::bus::{Bus, Message, Reach};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::http::Client;
use crate::logs::Logs;
use crate::manifest::Manifest;
use crate::metrics::{CapsuleMetrics, Metrics};
use crate::net::{Connector, LocalSocket, Rules};
use crate::pending::Pending;
use crate::people::{BoxFuture, Desk, Uplinks};
use crate::policy::{Acl, Capabilities, Instances, SessionAllowances};
use crate::principal::Principal;
use crate::process::{self, Processes, Sandbox};
use crate::store::Store;
use crate::topic::{Meaning, Pattern, Topic};
use crate::vfs::Vfs;

/// Carries a message to the capsules whose handlers want it; filled by the room that knows capsules.
pub trait Relay: Send + Sync {
    /// Asks for a place with every handler that wants the message, as many as one publish may reach; none when no
    /// handler wants it. `turn` is the place at which the publishing guest is served itself, if it is.
    fn place(&self, message: &Arc<Message>, turn: Option<u64>) -> Option<Placing>;

    /// Delivers a message of the host's own, which nobody waits for; it is dropped when too much is under way.
    fn announce(&self, message: &Arc<Message>);

    /// Takes note of capsules that a message may not reach, though they listen.
    fn withheld(&self, message: &Message, capsules: Vec<Arc<str>>);
}

/// A message that gets its places, which may have to be waited for.
pub type Placing = BoxFuture<Result<Box<dyn Placed>, Unplaced>>;

/// A message with a place in the queue of every handler that wants it; dropping it gives them up.
pub trait Placed: Send {
    /// How many handlers there are.
    fn handlers(&self) -> usize;

    /// Whether there are more than one publish may reach.
    fn overflows(&self) -> bool;

    /// The capsules whose handlers want the message and may not have it.
    fn withheld(&self) -> &[Arc<str>];

    /// Lets the handlers run and returns at once; never runs a guest on the caller's stack. `others` is how many
    /// subscriptions of capsules got the message as well.
    fn set_off(self: Box<Self>, others: usize);
}

/// Why a message got no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unplaced {
    /// No place became free in time, or too much is under way already.
    Full,
    /// The places become free only once the publishing guest has gone on.
    Ring,
}

/// The host's rooms, shared by all capsules.
pub struct HostContext {
    /// The host's own runtime: timers, questions and run loops live on it.
    pub runtime: tokio::runtime::Handle,
    /// The embedded database.
    pub store: Store,
    /// The audit log.
    pub audit: Log,
    /// What guests log.
    pub logs: Logs,
    /// What is counted for operators.
    pub metrics: Arc<Metrics>,
    /// The message bus.
    pub bus: Bus,
    /// The workspace and the principals' homes.
    pub vfs: Vfs,
    /// Where clients of the same user arrive.
    pub local: Arc<LocalSocket>,
    /// Connects guests to the network.
    pub connector: Arc<Connector>,
    /// Sends guests' requests.
    pub http: Arc<Client>,
    /// What the embedding program says about the network.
    pub network: Rules,
    /// Where programs run.
    pub sandbox: Arc<dyn Sandbox>,
    /// What the embedding program says about programs.
    pub processes: Processes,
    /// Programs that end when the work they were started for is cancelled.
    pub tracked: Arc<Tracked>,
    /// File calls at work; closing waits for them.
    pub file_work: Pending,
    /// Where people are asked.
    pub desk: Desk,
    /// Who calls are made for.
    pub tenants: Tenants,
    /// Which capsule stands behind a source id.
    pub registry: Registry,
    /// Approvals that last until the host is closed.
    pub session_allowances: Mutex<SessionAllowances>,
    /// Carries published messages to handlers.
    pub relay: OnceLock<std::sync::Weak<dyn Relay>>,
    /// Installations under way; closing waits for them.
    pub installing: Pending,
    /// Given first thing when the host is closed.
    pub closing: Cancel,
    /// Ids of the capsules whose claims about principals the embedding program takes for true.
    pub authenticated_uplinks: HashSet<String>,
    /// How many instances of a capsule a principal has, and for how long.
    pub instances: Instances,
    /// Gives an empty batch instead of `timeout` from `recv`, as older hosts did.
    pub recv_empty_on_timeout: bool,
}

impl HostContext {
    /// Opens the local socket, unless it is open.
    ///
    /// # Errors
    /// As [`LocalSocket::open`].
    pub fn open_local_socket(self: &Arc<Self>) -> Result<()> {
        let door = Arc::downgrade(self);
        self.local.open(door)
    }

    /// Which capsules a message on this topic may reach when it is published for `caller`, or by the host itself.
    #[must_use]
    pub fn reach(&self, topic: &Topic, caller: Option<&Principal>) -> Reach {
        match (topic.meaning(), caller) {
            (Meaning::Plain, _) | (_, None) => Reach::Everyone,
            (Meaning::Invocation | Meaning::Description, Some(caller)) => match self.tenants.known(caller) {
                Some(tenant) => Reach::Granted { caller: caller.clone(), profile: tenant.profile() },
                None => Reach::Nobody,
            },
        }
    }
}

impl std::fmt::Debug for HostContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostContext")
    }
}

/// The capabilities of every loaded capsule by its source id, for `check-capsule-capability`.
#[derive(Debug, Default)]
pub struct Registry(RwLock<HashMap<Uuid, Arc<Capabilities>>>);

impl Registry {
    /// Enters a loaded capsule.
    pub fn enter(&self, source: Uuid, capabilities: Arc<Capabilities>) {
        self.0.write().insert(source, capabilities);
    }

    /// Removes an unloaded capsule, unless another generation of the same bytes has entered itself since.
    pub fn leave(&self, source: &Uuid, capabilities: &Arc<Capabilities>) {
        let mut entered = self.0.write();
        if entered.get(source).is_some_and(|held| Arc::ptr_eq(held, capabilities)) {
            entered.remove(source);
        }
    }

    /// Whether the capsule behind `source` holds the capability; an unknown source holds nothing.
    #[must_use]
    pub fn holds(&self, source: &Uuid, capability: &str) -> bool {
        self.0.read().get(source).is_some_and(|held| held.holds(capability))
    }
}

/// A handler the manifest binds to a topic.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The hook action.
    pub action: String,
    /// The topic pattern, as the manifest spells it.
    pub topic: String,
}

/// What all instances of one loaded capsule share. Its clone, with a cancel signal of its own, is the run loop's: a run loop
/// can end before the calls do.
#[derive(Clone, Debug)]
pub struct CapsuleContext {
    /// The host's rooms.
    pub host: Arc<HostContext>,
    /// The capsule's id.
    pub id: Arc<str>,
    /// The BLAKE3 of the component.
    pub artifact: [u8; 32],
    /// The id other capsules see as the source of its messages, derived from id and artifact.
    pub source: Arc<str>,
    /// The principal it was loaded for.
    pub owner: Principal,
    /// Whether its run loop may serve every principal, which only the embedding program grants.
    pub shared: bool,
    /// What its manifest grants, after attenuation.
    pub capabilities: Arc<Capabilities>,
    /// What it may publish.
    pub publish: Acl,
    /// What it may subscribe to.
    pub subscribe: Acl,
    /// What is counted of it.
    pub metrics: Arc<CapsuleMetrics>,
    /// The manifest.
    pub manifest: Arc<Manifest>,
    /// Its handlers, in the manifest's order.
    pub bindings: Vec<Binding>,
    /// The uplinks its instances registered.
    pub uplinks: Arc<Uplinks>,
    /// Its programs that outlive the call that started them.
    pub processes: Arc<process::Registry>,
    /// Given first thing on unload; to a run loop also when another generation has taken its place.
    pub cancel: Cancel,
    /// Given when the run loop calls `signal-ready`.
    pub ready: Cancel,
    /// Turns for file calls at work at once.
    pub file_calls: Arc<Semaphore>,
    /// What its run loop subscribes to; a message it hears itself fires no handler of the same capsule.
    pub run_interest: Arc<Interest>,
}

/// The patterns of a run loop's subscriptions.
#[derive(Debug, Default)]
pub struct Interest(Mutex<Vec<Pattern>>);

impl Interest {
    /// Adds a pattern until the returned value is dropped.
    pub fn add(self: &Arc<Self>, pattern: Pattern) -> Interested {
        self.0.lock().push(pattern.clone());
        Interested { interest: Arc::clone(self), pattern }
    }

    /// Whether a subscription hears the topic.
    #[must_use]
    pub fn hears(&self, topic: &Topic) -> bool {
        self.0.lock().iter().any(|pattern| pattern.routes(topic))
    }
}

/// A pattern that is being listened to.
#[derive(Debug)]
pub struct Interested {
    interest: Arc<Interest>,
    pattern: Pattern,
}

impl Drop for Interested {
    fn drop(&mut self) {
        let mut patterns = self.interest.0.lock();
        if let Some(at) = patterns.iter().position(|pattern| *pattern == self.pattern) {
            patterns.swap_remove(at);
        }
    }
}

/// Counts what a capsule's instances hold together, against one limit.
#[derive(Debug)]
pub struct Slots {
    taken: AtomicUsize,
    most: usize,
}

impl Slots {
    /// Slots of which at most `most` may be taken.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { taken: AtomicUsize::new(0), most }
    }

    /// Takes a slot, which is given back when the returned value is dropped; none when all are taken.
    pub fn take(self: &Arc<Self>) -> Option<Slot> {
        self.take_below(self.most)
    }

    /// As [`Self::take`], against a limit of the moment.
    pub fn take_below(self: &Arc<Self>, most: usize) -> Option<Slot> {
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < most).then_some(taken + 1))
            .ok()
            .map(|_| Slot(Arc::clone(self)))
    }

    /// How many are taken now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

/// A slot that is taken.
#[derive(Debug)]
pub struct Slot(Arc<Slots>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_back() {
        let slots = Arc::new(Slots::new(2));
        let first = slots.take().unwrap();
        let second = slots.take().unwrap();
        assert!(slots.take().is_none());
        drop(first);
        assert!(slots.take().is_some());
        drop(second);
        assert_eq!(slots.taken(), 0);
    }
}

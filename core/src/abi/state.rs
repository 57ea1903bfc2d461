//! What a guest's store holds: the handles of one instance and the call it is serving.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use wasmtime::component::ResourceTable;

use super::clock::CallClock;
use super::context::CapsuleContext;
use super::memory::MemoryMeter;
use super::tenant::{Counters, Tenant};
use crate::bus::Message;
use crate::limits;
use crate::people::CallbackError;
use crate::principal::Principal;

/// Which export the guest is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The instance is being made and may run start code.
    Instantiate,
    /// `astrid-install`.
    Install,
    /// `astrid-upgrade`.
    Upgrade,
    /// `astrid-hook-trigger`.
    Hook,
    /// `run`.
    Run,
}

/// The source id of the embedding program: no capsule has the nil UUID.
pub const EMBEDDER: &str = "00000000-0000-0000-0000-000000000000";

/// Where the work a guest is doing came from.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal, or none when the message was the system's.
    pub principal: Option<Principal>,
    /// The source of the message; the nil UUID for the embedding program.
    pub source: Arc<str>,
    /// When the message was sent.
    pub time: SystemTime,
    /// How many publishes led here.
    pub depth: u8,
    /// The number of the message on the bus; none when the embedding program calls.
    pub sequence: Option<u64>,
    /// The place at which the guest is served, where messages to its capsule are served in order.
    pub turn: Option<u64>,
}

impl Caller {
    /// The embedding program itself, calling for `principal`.
    #[must_use]
    pub fn embedder(principal: Option<Principal>) -> Self {
        let source = Arc::from(EMBEDDER);
        Self { principal, source, time: SystemTime::now(), depth: 0, sequence: None, turn: None }
    }

    /// The caller that a message on the bus speaks for.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        Self {
            principal: message.acts_for().cloned(),
            source: Arc::clone(&message.source),
            time: message.time,
            depth: message.depth,
            sequence: Some(message.sequence),
            turn: None,
        }
    }
}

/// Where the first failure of a callback is kept until the call that caused it ends.
pub type FailureSlot = Arc<Mutex<Option<CallbackError>>>;

/// The call an instance is serving.
#[derive(Debug)]
pub struct Call {
    /// Which export runs.
    pub phase: Phase,
    /// Where the work came from, if from anywhere.
    pub caller: Option<Caller>,
    /// Whether a run loop works on a message of somebody for whom nothing may be done: until it asks for the next one,
    /// everything is denied.
    pub revoked: bool,
    /// Its deadline.
    pub clock: CallClock,
    /// The first failure of a callback it caused; the call ends with it.
    pub callback_failure: FailureSlot,
    /// Host calls that really waited, which is what the run loop's watchdog counts.
    pub waits: u64,
    /// Ticks the guest ran on after its capsule was cancelled.
    pub cancelled_ticks: u8,
    /// The fuel the call began with.
    pub fuel: u64,
    /// The fuel that was left at the last tick.
    pub fuel_seen: u64,
}

/// The data of a guest's store.
#[derive(Debug)]
pub struct State {
    /// The instance's handles; none crosses to another instance.
    pub table: ResourceTable,
    /// What all instances of the capsule share.
    pub capsule: Arc<CapsuleContext>,
    /// Whose instance this is; it never changes.
    pub owner: Arc<Tenant>,
    /// For whom a shared run loop acts at the moment; the owner everywhere else.
    pub acting: Arc<Tenant>,
    /// The call being served.
    pub call: Call,
    /// What it holds of its principal's memory.
    pub memory: MemoryMeter,
}

impl State {
    /// The state of a new instance of the capsule for `tenant`.
    #[must_use]
    pub fn new(capsule: Arc<CapsuleContext>, tenant: Arc<Tenant>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::TABLE_HANDLES);
        Counters::add(&tenant.counters.instances, 1);
        Self {
            table,
            capsule,
            memory: MemoryMeter::new(Arc::clone(&tenant)),
            acting: Arc::clone(&tenant),
            owner: tenant,
            call: Call {
                phase: Phase::Instantiate,
                caller: None,
                revoked: false,
                clock: CallClock::start(Some(limits::INSTANTIATE_TIMEOUT)),
                callback_failure: Arc::default(),
                waits: 0,
                cancelled_ticks: 0,
                fuel: 0,
                fuel_seen: 0,
            },
        }
    }

    /// The principal for whom the guest acts now; budgets, namespaces and the audit follow it.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        self.acting.principal()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.owner.counters.instances.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

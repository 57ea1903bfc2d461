//! What a guest's store holds: the handles of one instance and the call it is serving.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use parking_lot::Mutex;
use wasmtime::component::ResourceTable;
use zeroize::Zeroizing;

use super::clock::CallClock;
use super::context::CapsuleContext;
use super::memory::MemoryMeter;
use super::tenant::{Counters, Tenant};
use crate::bus::Message;
use crate::limits;
use crate::net::Ingress;
use crate::people::CallbackError;
use crate::principal::Principal;
use crate::trace::TraceParent;

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
    /// The larger piece of work this is part of, if anybody said so.
    pub trace: Option<TraceParent>,
}

impl Caller {
    /// The embedding program itself, calling for `principal`.
    #[must_use]
    pub fn embedder(principal: Option<Principal>) -> Self {
        let (source, time) = (Arc::from(EMBEDDER), SystemTime::now());
        Self { principal, source, time, depth: 0, sequence: None, turn: None, trace: None }
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
            trace: message.trace,
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
    /// Who sent the message that was last read from the local socket, until the guest has forwarded it.
    pub ingress: Option<Ingress>,
    /// The id of the piece of work the call is about, if its payload names one; known to capsules that may start programs.
    pub work: Option<String>,
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
    /// Secrets the guest has read, to be taken out of what it logs.
    pub secrets: Vec<Zeroizing<String>>,
    /// What was last told of the memory it holds.
    told_memory: u64,
}

impl State {
    /// The state of a new instance of the capsule for `tenant`.
    #[must_use]
    pub fn new(capsule: Arc<CapsuleContext>, tenant: Arc<Tenant>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::TABLE_HANDLES);
        Counters::add(&tenant.counters.instances, 1);
        capsule.metrics.instances.fetch_add(1, Ordering::Relaxed);
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
                ingress: None,
                work: None,
                clock: CallClock::start(Some(limits::INSTANTIATE_TIMEOUT)),
                callback_failure: Arc::default(),
                waits: 0,
                cancelled_ticks: 0,
                fuel: 0,
                fuel_seen: 0,
            },
            secrets: Vec::new(),
            told_memory: 0,
        }
    }

    /// Brings the capsule's count of memory up to what this instance holds.
    pub fn tell_memory(&mut self) {
        let held = self.memory.held();
        let change = signed(held) - signed(self.told_memory);
        if change != 0 {
            self.capsule.metrics.memory_bytes.fetch_add(change, Ordering::Relaxed);
            self.told_memory = held;
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
        self.owner.counters.instances.fetch_sub(1, Ordering::Relaxed);
        let counted = &self.capsule.metrics;
        counted.instances.fetch_sub(1, Ordering::Relaxed);
        counted.memory_bytes.fetch_sub(signed(self.told_memory), Ordering::Relaxed);
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

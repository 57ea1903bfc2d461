//! One instance of a component, made for one principal and never shown to another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wasmtime::component::TypedFunc;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

use super::component::fits_pool;
use super::machine::Machine;
use super::watch::watched;
use super::watchdog::{self, Bark, Watchdog};
use super::{Compiled, Stopped, fault};
use crate::abi::clock::Remaining;
use crate::abi::context::{CapsuleContext, Slot};
use crate::abi::process::call_of;
use crate::abi::state::{Caller, Phase, State};
use crate::abi::tenant::{Counters, Tenant};
use crate::error::{Error, Result};
use crate::limits;
use crate::timer;

#[allow(missing_docs, clippy::all, clippy::pedantic)] // Generated code; its documentation is in `wit/`.
mod guest {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "astrid:guest/interceptor",
        exports: { default: async },
    });
}

pub(super) use guest::InterceptorIndices as HookIndices;
pub use guest::astrid::guest::lifecycle::CapsuleResult as HookReply;

/// Ticks a guest may still run after its capsule was cancelled, so that it can end by itself.
const GRACE_TICKS: u8 = 2;

/// An instance with its store. Dropped when it trapped, was stopped, or kept a handle; otherwise it may be shelved.
pub struct Instance {
    store: Store<State>,
    hook: Option<guest::Interceptor>,
    exports: wasmtime::component::Instance,
    machine: Arc<Machine>,
    spent: bool,
    /// Fuel that making it burned and nobody has been charged for yet.
    made_with: u64,
    /// Its place in the pool; none when it was made on demand. Fields are dropped in this order: the place is free only when
    /// the store is gone.
    place: Option<Slot>,
}

/// How a guest call ended, with what it cost.
#[derive(Debug)]
pub struct Exit<T> {
    /// The guest's result, or why there is none.
    pub result: Result<T>,
    /// Fuel burned.
    pub fuel: u64,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("spent", &self.spent).finish_non_exhaustive()
    }
}

impl Instance {
    /// Makes an instance for a tenant; the guest's start code runs under fuel and a deadline.
    ///
    /// # Errors
    /// Whatever the start code did wrong, as for a call.
    pub async fn make(
        compiled: &Compiled,
        capsule: &Arc<CapsuleContext>,
        tenant: &Arc<Tenant>,
        budget: Duration,
        fuel: u64,
    ) -> Result<Self> {
        let machine = Arc::clone(&compiled.machine);
        // Declared before the store, and so dropped after it.
        let (ready, place) = compiled.placed(tenant)?;
        let mut store = Store::new(ready.pre.engine(), State::new(Arc::clone(capsule), Arc::clone(tenant)));
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
        let mut dog = Watchdog::default();
        store.epoch_deadline_callback(move |mut store| at_tick(&mut store, &mut dog));
        store.set_fuel(fuel).map_err(|error| fault(&error, None))?;
        store.set_epoch_deadline(1);
        let clock = store.data().call.clock.clone();
        clock.rewind(Some(budget.min(limits::INSTANTIATE_TIMEOUT)));
        let making = ready.pre.instantiate_async(&mut store);
        let made = watched(&machine, &capsule.host.runtime, &clock, &capsule.cancel, making).await;
        let made_with = store.get_fuel().map_or(0, |left| fuel.saturating_sub(left));
        Counters::add(&tenant.counters.fuel, made_with);
        capsule.metrics.fuel.fetch_add(made_with, Ordering::Relaxed);
        let instance = match made {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => return Err(fault(&error, Some(store.data()))),
            Err(stopped) => return Err(stopped.into()),
        };
        let hook = match &ready.hook {
            Some(indices) => {
                Some(indices.load(&mut store, &instance).map_err(|error| fault(&error, Some(store.data())))?)
            }
            None => None,
        };
        Ok(Self { store, hook, exports: instance, machine, spent: false, made_with, place })
    }

    /// Calls `astrid-hook-trigger`.
    pub async fn hook(&mut self, call: Start, action: &str, payload: &[u8]) -> Exit<HookReply> {
        self.begin(call, Phase::Hook);
        let Some(hook) = self.hook.as_ref() else {
            return Exit { result: Err(missing("astrid-hook-trigger")), fuel: 0 };
        };
        let (machine, capsule) = (Arc::clone(&self.machine), Arc::clone(&self.store.data().capsule));
        if capsule.capabilities.holds("host_process") {
            self.store.data_mut().call.work = call_of(payload);
        }
        let clock = self.store.data().call.clock.clone();
        let calling = hook.call_astrid_hook_trigger(&mut self.store, action, payload);
        let ended = watched(&machine, &capsule.host.runtime, &clock, &capsule.cancel, calling).await;
        self.end(ended)
    }

    /// Calls one of the exports that take and return nothing.
    pub async fn plain(&mut self, call: Start, phase: Phase) -> Exit<()> {
        let name = match phase {
            Phase::Install => "astrid-install",
            Phase::Upgrade => "astrid-upgrade",
            Phase::Run | Phase::Hook | Phase::Instantiate => "run",
        };
        self.begin(call, phase);
        let found: wasmtime::Result<TypedFunc<(), ()>> = self.exports.get_typed_func(&mut self.store, name);
        let function = match found {
            Ok(function) => function,
            Err(error) => return Exit { result: Err(missing(name).caused_by(error)), fuel: 0 },
        };
        let (machine, capsule) = (Arc::clone(&self.machine), Arc::clone(&self.store.data().capsule));
        let clock = self.store.data().call.clock.clone();
        let calling = function.call_async(&mut self.store, ());
        let ended = watched(&machine, &capsule.host.runtime, &clock, &capsule.cancel, calling).await;
        self.end(ended)
    }

    /// The fuel that the guest's start code burned, told once: whoever had the instance made pays for it.
    pub fn take_made_with(&mut self) -> u64 {
        std::mem::take(&mut self.made_with)
    }

    /// Whether the instance came out of its last call in order.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.spent
    }

    /// Whether the guest still holds a handle.
    #[must_use]
    pub fn holds_handles(&self) -> bool {
        !self.store.data().table.is_empty()
    }

    /// Whether the instance may serve this tenant: it was made for it, not for one who had the name before; and it can give
    /// the guest all the memory the tenant may have by now, for the slots of the pool end where a raised quota may not.
    #[must_use]
    pub fn suits(&self, tenant: &Arc<Tenant>) -> bool {
        Arc::ptr_eq(&self.store.data().owner, tenant) && (self.place.is_none() || fits_pool(tenant))
    }

    /// The state of the store.
    #[must_use]
    pub fn state(&self) -> &State {
        self.store.data()
    }

    fn begin(&mut self, call: Start, phase: Phase) {
        // Until the call has ended well nobody may use the instance again, whoever drops the future.
        self.spent = true;
        self.store.set_epoch_deadline(1);
        if let Err(error) = self.store.set_fuel(call.fuel) {
            tracing::error!(%error, "fuel is not metered");
        }
        let state = self.store.data_mut();
        state.call.phase = phase;
        state.call.fuel = call.fuel;
        state.call.fuel_seen = call.fuel;
        state.call.clock.rewind(call.budget);
        state.call.caller = call.caller;
        state.call.callback_failure = call.callback_failure;
        state.memory.refused = false;
    }

    fn end<T>(&mut self, ended: Result<wasmtime::Result<T>, Stopped>) -> Exit<T> {
        let start = self.store.data().call.fuel;
        let fuel = self.store.get_fuel().map_or(0, |left| start.saturating_sub(left));
        let result = match ended {
            Ok(Ok(value)) => {
                self.spent = false;
                Ok(value)
            }
            Ok(Err(error)) => Err(fault(&error, Some(self.store.data()))),
            Err(stopped) => Err(stopped.into()),
        };
        let state = self.store.data_mut();
        state.call.caller = None;
        state.call.ingress = None;
        state.call.work = None;
        state.tell_memory();
        state.capsule.metrics.fuel.fetch_add(fuel, Ordering::Relaxed);
        Exit { result, fuel }
    }
}

/// What a call begins with.
#[derive(Debug)]
pub struct Start {
    /// Wall clock; none means no deadline.
    pub budget: Option<Duration>,
    /// Fuel it may burn.
    pub fuel: u64,
    /// Where the work comes from.
    pub caller: Option<Caller>,
    /// Where a failing callback is kept.
    pub callback_failure: crate::abi::state::FailureSlot,
}

/// Looked at every tick while the guest runs: is its time up, was it cancelled, may its principal burn more fuel?
fn at_tick(store: &mut StoreContextMut<'_, State>, dog: &mut Watchdog) -> wasmtime::Result<UpdateDeadline> {
    let left = store.get_fuel()?;
    let state = store.data_mut();
    state.tell_memory();
    if state.call.clock.remaining() == Remaining::Expired {
        return Ok(UpdateDeadline::Interrupt);
    }
    if state.capsule.cancel.is_given() {
        state.call.cancelled_ticks = state.call.cancelled_ticks.saturating_add(1);
        if state.call.cancelled_ticks > GRACE_TICKS {
            return Ok(UpdateDeadline::Interrupt);
        }
    }
    if bites(state, dog) {
        return Err(wasmtime::Error::msg(
            "its run loop computed for too long without a host call that waited",
        ));
    }
    Ok(delay(state, left).map_or(UpdateDeadline::Yield(1), |delay| {
        let runtime = state.capsule.host.runtime.clone();
        UpdateDeadline::YieldCustom(1, Box::pin(async move { timer::sleep(&runtime, delay).await }))
    }))
}

/// Whether this is a run loop, not exempt, that has computed for too long without waiting for anything.
fn bites(state: &State, dog: &mut Watchdog) -> bool {
    if state.call.phase != Phase::Run {
        return false;
    }
    let profile = state.owner.profile();
    let window = watchdog::window(profile.quotas.max_timeout_secs);
    !profile.is_exempt_from_cpu_bounds() && dog.tick(window, state.call.waits) == Bark::Bite
}

/// Charges a run loop's fuel as it burns, and says how long the loop must stand back when its principal is overdrawn.
/// Triggers reserved theirs before they began.
fn delay(state: &mut State, left: u64) -> Option<Duration> {
    let burned = state.call.fuel_seen.saturating_sub(left);
    state.call.fuel_seen = left;
    let profile = state.owner.profile();
    if state.call.phase != Phase::Run || profile.is_exempt_from_cpu_bounds() {
        return None;
    }
    let now = Instant::now();
    let until = state.owner.cpu.charge(now, burned, &profile.quotas)?;
    Some(until.saturating_duration_since(now))
}

fn missing(export: &str) -> Error {
    Error::new(crate::error::ErrorKind::NotFound, format!("the capsule does not export `{export}`"))
}

//! Who a call is made for: a principal with its profile, its windows, what it holds and what it has used.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::context::Slot;
use super::holding::{Holding, Holdings};
use super::memory::{Held, IdleInstances};
use crate::cancel::Cancel;
use crate::limits;
use crate::pending::Pending;
use crate::policy::{CpuWindow, Profile};
use crate::principal::Principal;
use crate::timer;

pub use super::tenants::Tenants;

/// What one principal has used since it was first named; read by `Host::usage`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Triggers, whatever their outcome.
    pub triggers: AtomicU64,
    /// Host calls its guests made.
    pub host_calls: AtomicU64,
    /// Fuel its guests burned.
    pub fuel: AtomicU64,
    /// Bytes its guests published.
    pub published_bytes: AtomicU64,
    /// Messages its guests published.
    pub published_messages: AtomicU64,
    /// Bytes its guests received from sockets.
    pub received_bytes: AtomicU64,
    /// Bytes its guests sent through sockets.
    pub sent_bytes: AtomicU64,
    /// Calls that were refused for a capability, a quota or its profile.
    pub denied: AtomicU64,
    /// Instances that exist for it now.
    pub instances: AtomicU64,
}

impl Counters {
    /// Adds `n` to a counter; counters are read for people and order nothing.
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}

/// A principal as the host knows it, from the moment it is named until it is removed.
pub struct Tenant {
    principal: Principal,
    profile: Mutex<Arc<Profile>>,
    /// The number of the first message that may speak for it: those before were of one who had the same name.
    since: u64,
    /// Given when the principal is removed.
    gone: Cancel,
    holdings: Mutex<HashMap<Arc<str>, Arc<Holdings>>>,
    everywhere: Holdings,
    /// The fuel it may burn, over all its capsules.
    pub cpu: CpuWindow,
    waiting_for_share: Notify,
    /// Its triggers and hooks under way; removing it waits for them.
    pub in_flight: Pending,
    /// Host calls that run loops of others are making for it; removing it waits for them too.
    pub lent: Pending,
    /// What it has used.
    pub counters: Counters,
    /// Linear memories and tables of its instances, in bytes.
    pub memory: Held,
    /// Arguments of host calls that are under way, in bytes.
    pub call_bytes: Held,
    /// Where its instances wait for work.
    idle: Mutex<Vec<Weak<dyn IdleInstances>>>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Tenant {
    pub(super) fn new(principal: Principal, profile: Profile, since: u64) -> Self {
        Self {
            principal,
            profile: Mutex::new(Arc::new(profile)),
            since,
            gone: Cancel::default(),
            holdings: Mutex::default(),
            everywhere: Holdings::default(),
            cpu: CpuWindow::default(),
            waiting_for_share: Notify::new(),
            in_flight: Pending::default(),
            lent: Pending::default(),
            counters: Counters::default(),
            memory: Held::default(),
            call_bytes: Held::default(),
            idle: Mutex::default(),
        }
    }

    /// The principal.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile.lock())
    }

    /// Puts another profile in force for every call that begins from now on.
    pub(super) fn set_profile(&self, profile: Profile) {
        *self.profile.lock() = Arc::new(profile);
        // Whoever waits for a share may have more room now.
        self.wake_waiting_for_share();
    }

    /// Given when the principal is removed; whatever waits for it races this.
    #[must_use]
    pub fn gone(&self) -> &Cancel {
        &self.gone
    }

    /// Whether a call may begin for it: it is here, and its profile is enabled.
    #[must_use]
    pub fn takes_calls(&self) -> bool {
        !self.gone.is_given() && self.profile.lock().enabled
    }

    /// Whether a message of this number can be its own.
    pub(super) fn may_have_sent(&self, sequence: u64) -> bool {
        self.since <= sequence && !self.gone.is_given()
    }

    /// Waits until a call of this principal gives its share back; registered from the moment it is made.
    pub fn share_given_back(&self) -> impl Future<Output = ()> + Send + '_ {
        self.waiting_for_share.notified()
    }

    /// Wakes those who wait for a share.
    pub fn wake_waiting_for_share(&self) {
        self.waiting_for_share.notify_waiters();
    }

    /// Says that instances of this principal may wait there from now on.
    pub fn remember_idle(&self, place: &Arc<dyn IdleInstances>) {
        let mut idle = self.idle.lock();
        let new = Arc::downgrade(place);
        idle.retain(|known| known.strong_count() > 0 && !known.ptr_eq(&new));
        idle.push(new);
    }

    /// Has every instance of this principal that waits for work drop, in all its capsules; true when there was one.
    pub fn idle_give_way(&self) -> bool {
        // Dropping an instance comes back here for its memory; the lock must be free by then.
        let places = self.idle.lock().clone();
        let given = places.iter().filter_map(Weak::upgrade).map(|place| place.give_way(&self.principal));
        given.fold(false, |any, one| any | one)
    }

    /// Polls a call of this principal to its end. When the principal is removed meanwhile the guest has a grace to end by
    /// itself, since what it waits for answers at once; then the call is dropped and there is no result.
    pub async fn while_here<F: Future>(&self, runtime: &Handle, call: F) -> Option<F::Output> {
        let mut call = pin!(call);
        let mut gone = pin!(self.gone.given());
        let mut grace = None;
        poll_fn(|context| {
            if let Poll::Ready(output) = call.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            if grace.is_none() && gone.as_mut().poll(context).is_ready() {
                let until = tokio::time::Instant::now() + limits::CANCEL_GRACE;
                grace = Some((until, Box::pin(timer::sleep(runtime, limits::CANCEL_GRACE))));
            }
            let Some((until, timer)) = &mut grace else { return Poll::Pending };
            // Where all workers run guests the timers are looked at seldom; the clock is at every yield of the guest.
            let over = *until <= tokio::time::Instant::now() || timer.as_mut().poll(context).is_ready();
            if over { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    /// Takes one more of something for a guest of this capsule, to be given back when the returned value is dropped; none
    /// when it holds as many as its profile allows.
    #[must_use]
    pub fn take(&self, capsule: &Arc<str>, what: Holding) -> Option<Slot> {
        let profile = self.profile();
        if what.spans_capsules() {
            return self.everywhere.take(what, &profile.quotas);
        }
        self.of(capsule).take(what, &profile.quotas)
    }

    /// How many of something its guests hold, over all capsules.
    #[must_use]
    pub fn held(&self, what: Holding) -> u64 {
        let by_capsule = self.holdings.lock();
        by_capsule.values().map(|of| of.held(what)).sum::<u64>() + self.everywhere.held(what)
    }

    /// Charges `bytes` to this second's budget of (capsule, principal); false when it is used up.
    pub fn charge_throughput(&self, capsule: &Arc<str>, bytes: u64) -> bool {
        let limit = self.profile().quotas.max_ipc_throughput_bytes;
        self.of(capsule).throughput.lock().try_charge(Instant::now(), bytes, limit)
    }

    /// Bytes its guests published in this second, over all capsules.
    #[must_use]
    pub fn published_this_second(&self, now: Instant) -> u64 {
        self.holdings.lock().values().map(|of| of.throughput.lock().spent(now)).sum()
    }

    fn of(&self, capsule: &Arc<str>) -> Arc<Holdings> {
        let mut holdings = self.holdings.lock();
        match holdings.get(capsule) {
            Some(of) => Arc::clone(of),
            None => Arc::clone(holdings.entry(Arc::clone(capsule)).or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Tenant {
        Tenant::new(Principal::parse("alice").unwrap(), Profile::default(), 0)
    }

    #[test]
    fn capsules_hold_apart_and_processes_together() {
        let tenant = tenant();
        let mut profile = Profile::default();
        profile.quotas.max_sockets = 1;
        profile.quotas.max_background_processes = 1;
        tenant.set_profile(profile);
        let (mail, web): (Arc<str>, Arc<str>) = (Arc::from("mail"), Arc::from("web"));
        let socket = tenant.take(&mail, Holding::Sockets).unwrap();
        assert!(tenant.take(&mail, Holding::Sockets).is_none());
        let _other = tenant.take(&web, Holding::Sockets).unwrap();
        assert_eq!(tenant.held(Holding::Sockets), 2);
        drop(socket);
        assert_eq!(tenant.held(Holding::Sockets), 1);
        let _process = tenant.take(&mail, Holding::Processes).unwrap();
        assert!(tenant.take(&web, Holding::Processes).is_none());
        assert_eq!(tenant.held(Holding::Processes), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_of_one_who_goes_has_a_grace_and_no_more() {
        let (tenant, runtime) = (tenant(), Handle::current());
        assert_eq!(tenant.while_here(&runtime, async { 1 }).await, Some(1));
        let ends_by_itself = async {
            tenant.gone().give();
            tokio::time::sleep(limits::CANCEL_GRACE / 2).await;
            2
        };
        assert_eq!(tenant.while_here(&runtime, ends_by_itself).await, Some(2));
        assert_eq!(tenant.while_here(&runtime, std::future::pending::<()>()).await, None);
        assert!(!tenant.takes_calls() && !tenant.may_have_sent(u64::MAX));
    }
}

//! Who a call is made for: one tenant per principal, with its profile, its windows and what it has used.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Result};
use crate::policy::{CpuWindow, Profile, ThroughputWindow};
use crate::principal::Principal;

/// What one principal has used since the host was opened; read by `Host::usage`.
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
    /// The most memory one of its instances held, in bytes.
    pub memory_peak_bytes: AtomicU64,
    /// Calls that were refused for a capability, a quota or its profile.
    pub denied: AtomicU64,
    /// Triggers that are running now.
    pub in_flight: AtomicU64,
    /// Instances that exist for it now.
    pub instances: AtomicU64,
}

impl Counters {
    /// Adds `n` to a counter; counters are read for people and order nothing.
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}

/// A principal as the host knows it.
#[derive(Debug)]
pub struct Tenant {
    principal: Principal,
    profile: Mutex<Arc<Profile>>,
    throughput: Mutex<HashMap<Arc<str>, ThroughputWindow>>,
    /// The fuel it may burn, over all its capsules.
    pub cpu: CpuWindow,
    waiting_for_share: Notify,
    /// What it has used.
    pub counters: Counters,
}

impl Tenant {
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

    /// Waits until a call of this principal gives its share back; registered from the moment it is made.
    pub fn share_given_back(&self) -> impl Future<Output = ()> + Send + '_ {
        self.waiting_for_share.notified()
    }

    /// Wakes those who wait for a share.
    pub fn wake_waiting_for_share(&self) {
        self.waiting_for_share.notify_waiters();
    }

    /// Charges `bytes` to this second's budget of (capsule, principal); false when it is used up.
    pub fn charge_throughput(&self, capsule: &Arc<str>, bytes: u64) -> bool {
        let limit = self.profile().quotas.max_ipc_throughput_bytes;
        let mut windows = self.throughput.lock();
        if let Some(window) = windows.get_mut(capsule) {
            return window.try_charge(Instant::now(), bytes, limit);
        }
        windows.entry(Arc::clone(capsule)).or_default().try_charge(Instant::now(), bytes, limit)
    }
}

/// Every tenant of a host, and the rule for who becomes one.
#[derive(Debug)]
pub struct Tenants {
    known: Mutex<HashMap<Principal, Arc<Tenant>>>,
    profiles: PathBuf,
    default_profile: Profile,
    most: usize,
}

impl Tenants {
    /// Tenants whose profiles are the files `<principal>.toml` in `profiles`, or `default_profile` where there is
    /// none; at most `most` of them.
    #[must_use]
    pub fn new(profiles: PathBuf, default_profile: Profile, most: usize) -> Self {
        Self { known: Mutex::default(), profiles, default_profile, most }
    }

    /// The tenant of a principal that the embedding program names, made when it is named for the first time.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] when its profile is unreadable or disabled, or the host has its most principals.
    pub fn admit(&self, principal: &Principal) -> Result<Arc<Tenant>> {
        let mut known = self.known.lock();
        if let Some(tenant) = known.get(principal) {
            let tenant = Arc::clone(tenant);
            drop(known);
            return enabled(tenant);
        }
        if principal.is_reserved() {
            return Err(refused(principal, "the name is reserved"));
        }
        if known.len() >= self.most {
            return Err(refused(principal, "the host has as many principals as it may"));
        }
        let tenant = Arc::new(Tenant {
            principal: principal.clone(),
            profile: Mutex::new(Arc::new(self.read_profile(principal)?)),
            throughput: Mutex::default(),
            cpu: CpuWindow::default(),
            waiting_for_share: Notify::new(),
            counters: Counters::default(),
        });
        known.insert(principal.clone(), Arc::clone(&tenant));
        drop(known);
        enabled(tenant)
    }

    /// The tenant of a principal that only a guest names: it must be known already.
    #[must_use]
    pub fn known(&self, principal: &Principal) -> Option<Arc<Tenant>> {
        self.known.lock().get(principal).cloned()
    }

    fn read_profile(&self, principal: &Principal) -> Result<Profile> {
        let path = self.profiles.join(format!("{principal}.toml"));
        match std::fs::read_to_string(&path) {
            Ok(text) => Profile::parse_toml(&text)
                .map(|parsed| parsed.profile)
                .map_err(|error| refused(principal, "its profile cannot be read").caused_by(error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(self.default_profile.clone()),
            Err(error) => Err(refused(principal, "its profile cannot be read").caused_by(error)),
        }
    }
}

fn enabled(tenant: Arc<Tenant>) -> Result<Arc<Tenant>> {
    if tenant.profile.lock().enabled {
        return Ok(tenant);
    }
    Counters::add(&tenant.counters.denied, 1);
    Err(refused(&tenant.principal, "its profile is disabled"))
}

fn refused(principal: &Principal, why: &str) -> Error {
    Error::new(ErrorKind::PrincipalRefused, format!("{why}: `{principal}`"))
}

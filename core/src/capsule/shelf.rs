//! Where instances wait for work, each on the row of its own principal.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::select;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::row::{Found, Row};
use crate::abi::context::CapsuleContext;
use crate::abi::memory::IdleInstances;
use crate::abi::tenant::Tenant;
use crate::engine::Instance;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::policy::Instances;
use crate::principal::Principal;
use crate::timer;

/// The capability of capsules whose background processes live in their handles.
const PROCESSES: &str = "host_process";

/// The instances of one capsule. An instance is only ever taken by the principal it was made for.
#[derive(Debug)]
pub struct Shelf {
    choices: Instances,
    /// Whether instances are kept with their handles. Such a capsule has one instance for each principal: on any other the
    /// handles would mean nothing.
    keeps_handles: bool,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    closed: bool,
    of: HashMap<Principal, Row<Instance>>,
}

/// The right to have one instance at work; whoever waits for it is woken when it is dropped.
#[derive(Debug)]
pub struct Place {
    shelf: Arc<Shelf>,
    principal: Principal,
    vacated: bool,
}

impl Shelf {
    /// The shelf of a capsule that was just loaded.
    pub fn new(capsule: &CapsuleContext) -> Arc<Self> {
        let keeps_handles = capsule.capabilities.holds(PROCESSES);
        let mut choices = capsule.host.instances;
        if keeps_handles {
            choices.most = 1;
        }
        Arc::new(Self { choices, keeps_handles, rows: Mutex::default() })
    }

    /// Waits for a place, and takes the instance that was put back last if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::QuotaExceeded`] when none came back until `deadline`.
    pub async fn take(
        self: &Arc<Self>,
        runtime: &Handle,
        tenant: &Arc<Tenant>,
        deadline: Option<Instant>,
    ) -> Result<(Place, Option<Instance>)> {
        let principal = tenant.principal();
        loop {
            let now = Instant::now();
            let place = || Place { shelf: Arc::clone(self), principal: principal.clone(), vacated: false };
            let came_back = {
                let mut rows = self.rows.lock();
                let row = match rows.of.get_mut(principal) {
                    Some(row) => row,
                    None => rows.of.entry(principal.clone()).or_insert_with(|| Row::new(now)),
                };
                match row.take(&self.choices, now) {
                    Found::Warm(instance) => {
                        drop(rows);
                        return Ok((place(), Some(instance).filter(|instance| instance.suits(tenant))));
                    }
                    Found::Room => return Ok((place(), None)),
                    Found::Full(came_back) => came_back,
                }
            };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
            if left == Some(Duration::ZERO) {
                return Err(all_at_work(self.choices.most));
            }
            let came_back = pin!(came_back.notified());
            let late = pin!(timer::sleep(runtime, left.unwrap_or(limits::HOOK_TIMEOUT)));
            select(came_back, late).await;
        }
    }

    /// Drops what waited too long.
    pub fn expire(&self, now: Instant) {
        let mut going = Vec::new();
        let mut rows = self.rows.lock();
        rows.of.retain(|_, row| {
            going.extend(row.expire(&self.choices, now, |instance| self.stays(instance)));
            !row.is_empty()
        });
        drop(rows);
        // Dropping a store may take a while; nobody waits for the lock meanwhile.
        drop(going);
    }

    /// Drops the instances of a principal that was removed; those that are at work do not come back.
    pub fn forget(&self, principal: &Principal) {
        let mut rows = self.rows.lock();
        let row = rows.of.get_mut(principal);
        let gone = row.map(|row| row.clear(|_| false)).unwrap_or_default();
        drop(rows);
        drop(gone);
    }

    /// Drops every instance, and those that come back later.
    pub fn close(&self) {
        let mut rows = self.rows.lock();
        rows.closed = true;
        let gone = std::mem::take(&mut rows.of);
        drop(rows);
        drop(gone);
    }

    fn put(&self, principal: &Principal, instance: Option<Instance>) {
        let instance = instance.filter(|one| {
            let gone = one.state().owner.gone().is_given();
            one.is_sound() && !gone && (self.keeps_handles || !one.holds_handles())
        });
        let mut rows = self.rows.lock();
        let closed = rows.closed;
        let Some(row) = rows.of.get_mut(principal) else { return };
        let (kept, gone) = if closed { (None, instance) } else { (instance, None) };
        row.put(kept, Instant::now());
        drop(rows);
        drop(gone);
    }

    /// Processes live in their handles: an instance that has one is not idle, whatever it looks like.
    fn stays(&self, instance: &Instance) -> bool {
        self.keeps_handles && instance.holds_handles()
    }
}

impl IdleInstances for Shelf {
    fn give_way(&self, principal: &Principal) -> bool {
        let mut rows = self.rows.lock();
        let row = rows.of.get_mut(principal);
        let going = row.map(|row| row.clear(|instance| self.stays(instance))).unwrap_or_default();
        drop(rows);
        !going.is_empty()
    }
}

impl Place {
    /// Puts the instance back, or drops it when it may not be used again.
    pub fn put(mut self, instance: Instance) {
        let waits: Arc<dyn IdleInstances> = Arc::clone(&self.shelf) as _;
        instance.state().owner.remember_idle(&waits);
        self.vacated = true;
        self.shelf.put(&self.principal, Some(instance));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.vacated {
            self.shelf.put(&self.principal, None);
        }
    }
}

fn all_at_work(most: usize) -> Error {
    let message = format!("all {most} instances of the capsule for this principal were at work");
    Error::new(ErrorKind::QuotaExceeded, message)
}

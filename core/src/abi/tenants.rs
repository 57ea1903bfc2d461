//! Every tenant of a host: who becomes one, and who is one no more.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::tenant::{Counters, Tenant};
use crate::bus::{Bus, Message};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Profile;
use crate::principal::Principal;
use crate::store::Profiles;

/// Every tenant of a host. Clones share them.
#[derive(Clone, Debug)]
pub struct Tenants(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    known: Mutex<Known>,
    profiles: Profiles,
    default_profile: Profile,
    most: usize,
    bus: Bus,
    /// Held while a profile is written: of two that are set at once, the one whose file stays is the one in force.
    writing: Mutex<()>,
    /// Held while a principal is removed: one after the other.
    departing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Known {
    here: HashMap<Principal, Arc<Tenant>>,
    /// Those who have a profile of their own; they become tenants when anybody names them.
    registered: BTreeSet<Principal>,
    /// Those whose data is being erased, or could not be.
    leaving: HashSet<Principal>,
}

impl Tenants {
    /// Tenants with the profiles of the home, or `default_profile` where one has none; at most `most` of them. `bus` numbers
    /// the messages by which those who bear one name after the other are told apart.
    ///
    /// # Errors
    /// [`ErrorKind::HomeUnusable`] when the profiles cannot be listed.
    pub fn new(profiles: Profiles, default_profile: Profile, most: usize, bus: Bus) -> Result<Self> {
        let registered = profiles.principals()?.into_iter().filter(|named| !named.is_reserved()).collect();
        let known = Mutex::new(Known { registered, ..Known::default() });
        let (writing, departing) = (Mutex::default(), Arc::default());
        Ok(Self(Arc::new(Shared { known, profiles, default_profile, most, bus, writing, departing })))
    }

    /// The tenant of a principal that the embedding program names, made when it is named for the first time.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] when its profile is unreadable or disabled, when it is being removed, or when the
    /// host has its most principals.
    pub fn admit(&self, principal: &Principal) -> Result<Arc<Tenant>> {
        enabled(self.0.named(&mut self.0.known.lock(), principal)?)
    }

    /// The tenant of a principal for whom a message of this number is answered: the one who was here when it was sent.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] when that one is gone, or its profile is disabled.
    pub fn admit_sent(&self, principal: &Principal, sequence: u64) -> Result<Arc<Tenant>> {
        let tenant = self.known(principal).filter(|tenant| tenant.may_have_sent(sequence));
        enabled(tenant.ok_or_else(|| refused(principal, "it was removed"))?)
    }

    /// The tenant of a principal that only a guest names: it must be known already, or have a profile of its own.
    #[must_use]
    pub fn known(&self, principal: &Principal) -> Option<Arc<Tenant>> {
        let mut known = self.0.known.lock();
        if let Some(tenant) = known.here.get(principal) {
            return Some(Arc::clone(tenant));
        }
        if !known.registered.contains(principal) {
            return None;
        }
        self.0.named(&mut known, principal).ok()
    }

    /// Whether everybody the message speaks for, and who sent it, is here still. One who was removed is not heard any more;
    /// one who is nobody, and only the host speaks for, never leaves.
    #[must_use]
    pub fn hears(&self, message: &Message) -> bool {
        let known = self.0.known.lock();
        let here = |principal: &Principal| {
            let tenant = known.here.get(principal);
            principal.is_reserved() || tenant.is_some_and(|tenant| tenant.may_have_sent(message.sequence))
        };
        message.attribution.principal().is_none_or(here) && message.sender.as_ref().is_none_or(here)
    }

    /// The principals the host knows, sorted: those that were named and those that have a profile of their own.
    #[must_use]
    pub fn principals(&self) -> Vec<Principal> {
        let known = self.0.known.lock();
        let all: BTreeSet<_> = known.here.keys().chain(&known.registered).cloned().collect();
        all.into_iter().collect()
    }

    /// The profile in force for a principal, or the one that would be.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] when it is unreadable.
    pub fn profile(&self, principal: &Principal) -> Result<Profile> {
        let here = self.0.known.lock().here.get(principal).map(|tenant| tenant.profile());
        here.map_or_else(|| self.0.read_profile(principal), |profile| Ok(Profile::clone(&profile)))
    }

    /// Puts a profile in force at once, for calls that begin from now on, and keeps it. `record` is called when the new file
    /// is on the disk and has not taken the place of the old one yet: if it fails, or the process ends, nothing has changed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a profile that breaks a rule, [`ErrorKind::PrincipalRefused`] for a principal that
    /// the host cannot take, [`ErrorKind::HomeUnusable`] when the file cannot be written, and those of `record`.
    pub fn set_profile(
        &self,
        principal: &Principal,
        profile: Profile,
        record: impl FnOnce(&str) -> Result<()>,
    ) -> Result<()> {
        let text = profile.to_toml()?;
        let _writing = self.0.writing.lock();
        self.0.may_have_profile(&self.0.known.lock(), principal)?;
        let staged = self.0.profiles.stage(principal, &text)?;
        record(&text)?;
        let mut known = self.0.known.lock();
        // A removal that began meanwhile forbids it; one that begins later finds the file, and removes it.
        self.0.may_have_profile(&known, principal)?;
        staged.keep()?;
        match known.here.get(principal) {
            Some(tenant) => tenant.set_profile(profile),
            None => drop(self.0.enter(&mut known, principal, profile)),
        }
        known.registered.insert(principal.clone());
        Ok(())
    }

    /// Begins to remove a principal: from now on it is refused, and everything that is done for it is cancelled. Waits for
    /// other removals to end first.
    pub async fn depart(&self, principal: &Principal) -> Departure {
        let alone = Arc::clone(&self.0.departing).lock_owned().await;
        let tenant = {
            let mut known = self.0.known.lock();
            known.leaving.insert(principal.clone());
            known.here.get(principal).cloned()
        };
        if let Some(tenant) = &tenant {
            tenant.gone().give();
        }
        Departure { tenants: self.clone(), principal: principal.clone(), tenant, _alone: alone }
    }
}

/// A removal under way. Unless it is finished the principal stays refused, since its data may still be there.
#[derive(Debug)]
pub struct Departure {
    tenants: Tenants,
    principal: Principal,
    tenant: Option<Arc<Tenant>>,
    _alone: OwnedMutexGuard<()>,
}

impl Departure {
    /// Waits until nothing is done for the principal any more.
    pub async fn cleared(&self) {
        if let Some(tenant) = &self.tenant {
            tenant.in_flight.none().await;
            tenant.lent.none().await;
        }
    }

    /// The files of the profiles, of which the principal's has to go.
    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.tenants.0.profiles
    }

    /// Forgets the principal, whose data is erased. Whoever names it again names another.
    pub fn finish(self) {
        let mut known = self.tenants.0.known.lock();
        known.here.remove(&self.principal);
        known.registered.remove(&self.principal);
        known.leaving.remove(&self.principal);
    }
}

impl Shared {
    /// The tenant of a name, made when there is none.
    fn named(&self, known: &mut Known, principal: &Principal) -> Result<Arc<Tenant>> {
        if let Some(tenant) = known.here.get(principal)
            && !tenant.gone().is_given()
        {
            return Ok(Arc::clone(tenant));
        }
        self.may_come(known, principal)?;
        let profile = self.read_profile(principal)?;
        Ok(self.enter(known, principal, profile))
    }

    fn may_have_profile(&self, known: &Known, principal: &Principal) -> Result<()> {
        let stays = known.here.contains_key(principal) && !known.leaving.contains(principal);
        if stays { Ok(()) } else { self.may_come(known, principal) }
    }

    fn may_come(&self, known: &Known, principal: &Principal) -> Result<()> {
        if known.leaving.contains(principal) {
            return Err(refused(principal, "it is being removed"));
        }
        if principal.is_reserved() {
            return Err(refused(principal, "the name is reserved"));
        }
        if known.here.len() >= self.most {
            return Err(refused(principal, "the host has as many principals as it may"));
        }
        Ok(())
    }

    fn enter(&self, known: &mut Known, principal: &Principal, profile: Profile) -> Arc<Tenant> {
        let since = self.bus.next_sequence();
        let tenant = Arc::new(Tenant::new(principal.clone(), profile, since));
        known.here.insert(principal.clone(), Arc::clone(&tenant));
        tenant
    }

    fn read_profile(&self, principal: &Principal) -> Result<Profile> {
        let unreadable = || refused(principal, "its profile cannot be read");
        let text = self.profiles.read(principal).map_err(|cause| unreadable().caused_by(cause))?;
        let Some(text) = text else { return Ok(self.default_profile.clone()) };
        let parsed = Profile::parse_toml(&text).map_err(|cause| unreadable().caused_by(cause))?;
        for warning in &parsed.warnings {
            tracing::warn!(target: "astrid::principal", principal = principal.as_str(), "its profile: {warning}");
        }
        Ok(parsed.profile)
    }
}

fn enabled(tenant: Arc<Tenant>) -> Result<Arc<Tenant>> {
    if tenant.takes_calls() {
        return Ok(tenant);
    }
    Counters::add(&tenant.counters.denied, 1);
    let why = if tenant.gone().is_given() { "it is being removed" } else { "its profile is disabled" };
    Err(refused(tenant.principal(), why))
}

fn refused(principal: &Principal, why: &str) -> Error {
    Error::new(ErrorKind::PrincipalRefused, format!("{why}: `{principal}`"))
}

#[cfg(test)]
#[path = "tenants_tests.rs"]
mod tests;

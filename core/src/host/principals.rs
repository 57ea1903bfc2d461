//! The principals of a host: their profiles, and the end of one.

use std::sync::Arc;

use futures_util::future::{join_all, select};

use super::{Capsule, Host, Rooms};
use crate::audit::{Draft, Outcome};
use crate::capsule::Loaded;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::policy::Profile;
use crate::principal::Principal;
use crate::timer;

impl Host {
    /// The profile in force for a principal; the default profile for one that has none of its own.
    ///
    /// # Errors
    /// [`ErrorKind::PrincipalRefused`] when its profile is unreadable.
    pub fn profile(&self, principal: &Principal) -> Result<Profile> {
        self.rooms()?.context.tenants.profile(principal)
    }

    /// Gives a principal a profile of its own and makes it known. It is kept below the home, where no capsule sees it, and is
    /// in force at once for every call that begins from now on; calls that run go on.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the profile breaks a rule, [`ErrorKind::PrincipalRefused`] when the name is
    /// reserved, the principal is being removed or the host has its most principals, [`ErrorKind::HomeUnusable`] when the
    /// file cannot be written. Then the profile before stays in force.
    pub fn set_profile(&self, principal: &Principal, profile: Profile) -> Result<()> {
        let context = self.rooms()?.context;
        context.audit.admit()?;
        let draft = Draft {
            principal: Some(principal.as_str()),
            ..Draft::new("principal.profile", Outcome::Allowed)
        };
        let mut recordable = true;
        let set = context.tenants.set_profile(principal, profile, |text| {
            let written = text.as_bytes();
            let appended = context.audit.append_synced(&Draft {
                bytes: written.len() as u64,
                content: Some(written),
                ..draft
            });
            recordable = appended.is_ok();
            appended
        });
        // Also after the entry that says it would be done.
        if let Err(error) = &set
            && recordable
        {
            context.audit.append_synced(&Draft {
                outcome: Outcome::Failed,
                reason: error.kind().code(),
                ..draft
            })?;
        }
        set
    }

    /// The principals the host knows, sorted: those that were named since it was opened, and those with a profile of their
    /// own.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after closing.
    pub fn principals(&self) -> Result<Vec<Principal>> {
        Ok(self.rooms()?.context.tenants.principals())
    }

    /// Removes a principal: cancels its calls and questions, unloads the capsules it owns, and erases its data, files,
    /// settings, secrets, allowances, logs and profile. What the audit says about it stays. Calls of others are not touched, and messages it
    /// sent are not delivered any more. Whoever names it afterwards names another that has nothing.
    ///
    /// Once begun it goes on even if nobody waits for it. Until it is done the principal is refused; that stays so when its
    /// data could not be erased, and removing it again goes on where this ended.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] or [`ErrorKind::HomeUnusable`] when its data could not be erased.
    pub async fn remove_principal(&self, principal: &Principal) -> Result<()> {
        let rooms = self.rooms()?;
        rooms.context.audit.admit()?;
        let runtime = rooms.context.runtime.clone();
        let removing = runtime.spawn(remove(self.clone(), rooms, principal.clone()));
        removing.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Closed, "the host was closed meanwhile")))
    }

    fn owned_by(&self, principal: &Principal) -> Vec<Capsule> {
        self.capsules().into_iter().filter(|capsule| capsule.is_owned_by(principal)).collect()
    }

    fn loaded(&self) -> Vec<Arc<Loaded>> {
        self.0.capsules.lock().values().map(|slot| slot.current()).collect()
    }
}

async fn remove(host: Host, rooms: Rooms, principal: Principal) -> Result<()> {
    let context = &rooms.context;
    let departure = context.tenants.depart(&principal).await;
    let owned = host.owned_by(&principal);
    let unloaded = join_all(owned.iter().map(Capsule::unload)).await;
    // A call whose future nobody polls does not end; it can do nothing any more, whenever somebody polls it again.
    let late = std::pin::pin!(timer::sleep(&context.runtime, limits::REMOVE_WAIT));
    select(std::pin::pin!(departure.cleared()), late).await;
    for capsule in host.loaded() {
        capsule.forget(&principal);
    }
    context.session_allowances.lock().forget_principal(&principal);
    context.http.forget(&principal);
    let (rooms, profiles, gone) = (Arc::clone(context), departure.profiles().clone(), principal.clone());
    let erasing = context.runtime.spawn_blocking(move || {
        rooms.vfs.erase(&gone)?;
        rooms.store.erase(&gone)?;
        rooms.store.identities().forget(&gone)?;
        rooms.logs.forget(&gone)?;
        profiles.remove(&gone)
    });
    let erased = erasing.await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "erasing a principal did not end").caused_by(error))
    });
    let done = unloaded.into_iter().collect::<Result<()>>().and(erased);
    let (outcome, reason) = match &done {
        Ok(()) => (Outcome::Allowed, ""),
        Err(error) => (Outcome::Failed, error.kind().code()),
    };
    let capsules = owned.len().to_string();
    let draft = Draft {
        principal: Some(principal.as_str()),
        reason,
        detail: &[("unloaded", &capsules)],
        ..Draft::new("principal.remove", outcome)
    };
    context.audit.append_settled(&draft).await?;
    done.map(|()| departure.finish())
}

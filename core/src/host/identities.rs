//! Users and their accounts on outside platforms, as the embedding program keeps them.

use super::Host;
use crate::abi::context::HostContext;
use crate::audit::{Draft, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::people::{Account, Malformed, new_user, user_id};
use crate::principal::Principal;
use crate::store::{Identities, Link, Unlinked, User};

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Error::new(
            ErrorKind::InvalidArgument,
            "a user id is a UUID, and a name is neither blank nor too long and has no `/` and no control character",
        )
    }
}

impl From<Unlinked> for Error {
    fn from(unlinked: Unlinked) -> Self {
        match unlinked {
            Unlinked::NoUser => Error::new(ErrorKind::NotFound, "there is no such user"),
            Unlinked::NoLink => Error::new(ErrorKind::NotFound, "the account is not linked"),
            Unlinked::Taken => {
                Error::new(ErrorKind::InvalidArgument, "the account is linked to another user")
            }
            Unlinked::Full => {
                Error::new(ErrorKind::QuotaExceeded, "there are as many users or links as there may be")
            }
            Unlinked::Store(error) => error,
        }
    }
}

impl Host {
    /// Every user, by id.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`], [`ErrorKind::Closed`]; so for all of them.
    pub fn users(&self) -> Result<Vec<User>> {
        self.rooms()?.context.store.identities().users()
    }

    /// Creates a user. Without a principal the user gets a new one that nobody has.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for the name.
    pub fn create_user(&self, display_name: Option<&str>, principal: Option<Principal>) -> Result<User> {
        let user = new_user(display_name, principal)?;
        let name = user.display_name.as_deref().unwrap_or_default();
        let entry = Draft { subject: &user.id, content: Some(name.as_bytes()), ..entry("host.create-user") };
        self.recorded(&entry, |all| Ok(all.create(&user)?))?;
        Ok(user)
    }

    /// Removes a user and all links; tells whether there was one. The principal stays.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no UUID.
    pub fn remove_user(&self, user: &str) -> Result<bool> {
        let user = user_id(user)?;
        self.recorded(&Draft { subject: &user, ..entry("host.remove-user") }, |all| all.remove(&user))
    }

    /// The accounts of a user.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no UUID.
    pub fn links(&self, user: &str) -> Result<Vec<Link>> {
        self.rooms()?.context.store.identities().links(&user_id(user)?)
    }

    /// Links an account to a user. `method` says how that was established.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without such a user, [`ErrorKind::InvalidArgument`] when the account is another user's, or
    /// something is malformed.
    pub fn link_account(&self, user: &str, platform: &str, account: &str, method: &str) -> Result<()> {
        let link = Account::read(platform, account)?.link(user, method)?;
        let detail = [("platform", &*link.platform), ("method", &*link.method)];
        let account = Some(link.platform_user_id.as_bytes());
        let entry =
            Draft { subject: &link.user, content: account, detail: &detail, ..entry("host.link-account") };
        self.recorded(&entry, |all| Ok(all.link(&link)?))
    }

    /// Ends a link.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the account is not linked.
    pub fn unlink_account(&self, platform: &str, account: &str) -> Result<()> {
        let account = Account::read(platform, account)?;
        let entry = Draft {
            subject: &account.platform,
            content: Some(account.id.as_bytes()),
            ..entry("host.unlink-account")
        };
        self.recorded(&entry, |all| Ok(all.unlink(&account.platform, &account.id)?))
    }

    /// Does something to them if it can be recorded, and records it.
    fn recorded<T>(&self, entry: &Draft<'_>, work: impl FnOnce(&Identities<'_>) -> Result<T>) -> Result<T> {
        self.doing(entry, |context| work(&context.store.identities()))
    }

    /// Does something that the embedding program asked for if it can be recorded, and records what became of it.
    pub(super) fn doing<T>(
        &self,
        entry: &Draft<'_>,
        work: impl FnOnce(&HostContext) -> Result<T>,
    ) -> Result<T> {
        let rooms = self.rooms()?;
        rooms.context.audit.admit()?;
        let done = work(&rooms.context);
        let outcome = if done.is_ok() { Outcome::Allowed } else { Outcome::Failed };
        rooms.context.audit.append(&Draft { outcome, ..*entry })?;
        done
    }
}

/// The beginning of an entry. What an account or a user is called is a commitment in it.
fn entry(operation: &str) -> Draft<'_> {
    Draft::new(operation, Outcome::Allowed)
}

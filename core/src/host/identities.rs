//! Users and their accounts on outside platforms, as the embedding program keeps them.

use super::Host;
use crate::audit::{Draft, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::people::{Account, Malformed, new_user, user_id};
use crate::principal::Principal;
use crate::store::{Link, Unlinked, User};

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
        self.recorded("host.create-user", &user.id, || {
            self.rooms()?.context.store.identities().create(&user)
        })?;
        Ok(user)
    }

    /// Removes a user and all links; tells whether there was one. The principal stays.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no UUID.
    pub fn remove_user(&self, user: &str) -> Result<bool> {
        let user = user_id(user)?;
        self.recorded("host.remove-user", &user, || self.rooms()?.context.store.identities().remove(&user))
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
        self.recorded("host.link-account", &link.user, || {
            Ok(self.rooms()?.context.store.identities().link(&link)?)
        })
    }

    /// Ends a link.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the account is not linked.
    pub fn unlink_account(&self, platform: &str, account: &str) -> Result<()> {
        let account = Account::read(platform, account)?;
        self.recorded("host.unlink-account", &account.platform, || {
            Ok(self.rooms()?.context.store.identities().unlink(&account.platform, &account.id)?)
        })
    }

    /// Does something if it can be recorded, and records it.
    fn recorded<T>(&self, operation: &str, subject: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let rooms = self.rooms()?;
        rooms.context.audit.admit()?;
        let done = work();
        let outcome = if done.is_ok() { Outcome::Allowed } else { Outcome::Failed };
        rooms.context.audit.append(&Draft { subject, ..Draft::new(operation, outcome) })?;
        done
    }
}

//! Users and the accounts of outside platforms that are linked to them. What a name may be is decided elsewhere.
//!
//! A link is kept twice, under its account and under its user, in one batch, so neither is ever searched for.

use fjall::OwnedWriteBatch;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Store;
use super::database::{Database, unavailable, unreadable};
use super::namespace::{self, Kind};
use crate::error::{Error, Result};
use crate::limits;
use crate::principal::Principal;

/// Somebody the host knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id, a UUID.
    pub id: String,
    /// Who the user is in this host.
    pub principal: Principal,
    /// The name to show, if one was given.
    pub display_name: Option<String>,
    /// When the user was created (RFC 3339, UTC).
    pub created_at: String,
}

/// An account of an outside platform, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The platform's name.
    pub platform: String,
    /// The account's id on that platform.
    pub platform_user_id: String,
    /// The user's id.
    pub user: String,
    /// How the link was established.
    pub method: String,
    /// When it was (RFC 3339, UTC).
    pub linked_at: String,
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum Unlinked {
    /// There is no such user.
    NoUser,
    /// There is no such link.
    NoLink,
    /// The account is another user's.
    Taken,
    /// There are as many users, or links of the user, as there may be.
    Full,
    /// The store failed.
    Store(Error),
}

impl From<Error> for Unlinked {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// The users of a store.
pub struct Identities<'a>(&'a Store);

/// All changes of users and links take turns.
const TURN: &[u8] = &[Kind::User as u8];

impl<'a> Identities<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self(store)
    }

    /// The user of this id.
    pub fn user(&self, id: &str) -> Result<Option<User>> {
        get(&self.0.opened()?.database, &user_key(id))
    }

    /// Every user, by id.
    pub fn users(&self) -> Result<Vec<User>> {
        scan(&self.0.opened()?.database, TURN)
    }

    /// Enters a new user.
    ///
    /// # Errors
    /// [`Unlinked::Full`].
    pub fn create(&self, user: &User) -> std::result::Result<(), Unlinked> {
        let open = self.0.opened()?;
        let database = &open.database;
        database.change(TURN, |batch| {
            if database.host.prefix(TURN).nth(limits::USERS - 1).is_some() {
                return Err(Unlinked::Full);
            }
            Ok(put(database, batch, user_key(&user.id), user)?)
        })
    }

    /// The user an account is linked to. A link whose user is gone is none.
    pub fn resolve(&self, platform: &str, account: &str) -> Result<Option<User>> {
        let open = self.0.opened()?;
        let link: Option<Link> = get(&open.database, &link_key(platform, account))?;
        link.map_or(Ok(None), |link| get(&open.database, &user_key(&link.user)))
    }

    /// Links an account to a user. The same link again is the same link, established anew.
    ///
    /// # Errors
    /// [`Unlinked::NoUser`]; [`Unlinked::Taken`] when it is another's; [`Unlinked::Full`].
    pub fn link(&self, link: &Link) -> std::result::Result<(), Unlinked> {
        let open = self.0.opened()?;
        let database = &open.database;
        database.change(TURN, |batch| {
            if get::<User>(database, &user_key(&link.user))?.is_none() {
                return Err(Unlinked::NoUser);
            }
            let key = link_key(&link.platform, &link.platform_user_id);
            if get::<Link>(database, &key)?.is_some_and(|known| known.user != link.user) {
                return Err(Unlinked::Taken);
            }
            let links = database.host.prefix(of_user_head(&link.user));
            if links.into_iter().nth(limits::LINKS_PER_USER - 1).is_some()
                && !database.host.contains_key(of_user_key(link)).map_err(unreadable)?
            {
                return Err(Unlinked::Full);
            }
            put(database, batch, key, link)?;
            Ok(put(database, batch, of_user_key(link), link)?)
        })
    }

    /// Ends a link.
    ///
    /// # Errors
    /// [`Unlinked::NoLink`].
    pub fn unlink(&self, platform: &str, account: &str) -> std::result::Result<(), Unlinked> {
        let open = self.0.opened()?;
        let database = &open.database;
        database.change(TURN, |batch| {
            let link: Link = get(database, &link_key(platform, account))?.ok_or(Unlinked::NoLink)?;
            drop_link(database, batch, &link);
            Ok(())
        })
    }

    /// Every link of a user, sorted by platform and account.
    pub fn links(&self, user: &str) -> Result<Vec<Link>> {
        scan(&self.0.opened()?.database, &of_user_head(user))
    }

    /// Removes a user with all links; tells whether there was one.
    pub fn remove(&self, user: &str) -> Result<bool> {
        let open = self.0.opened()?;
        let database = &open.database;
        database.change(TURN, |batch| {
            let found = get::<User>(database, &user_key(user))?.is_some();
            drop_user(database, batch, user)?;
            Ok(found)
        })
    }

    /// Removes every user who is this principal.
    pub fn forget(&self, principal: &Principal) -> Result<()> {
        let open = self.0.opened()?;
        let database = &open.database;
        database.change(TURN, |batch| {
            let users: Vec<User> = scan(database, TURN)?;
            for user in users.iter().filter(|user| user.principal == *principal) {
                drop_user(database, batch, &user.id)?;
            }
            Ok(())
        })
    }
}

fn drop_user(database: &Database, batch: &mut OwnedWriteBatch, user: &str) -> Result<()> {
    for link in scan::<Link>(database, &of_user_head(user))? {
        drop_link(database, batch, &link);
    }
    batch.remove(&database.host, user_key(user));
    Ok(())
}

fn drop_link(database: &Database, batch: &mut OwnedWriteBatch, link: &Link) {
    batch.remove(&database.host, link_key(&link.platform, &link.platform_user_id));
    batch.remove(&database.host, of_user_key(link));
}

fn user_key(id: &str) -> Vec<u8> {
    namespace::plain_key(Kind::User, id)
}

fn link_key(platform: &str, account: &str) -> Vec<u8> {
    namespace::join(&namespace::part_head(Kind::Link, &[platform]), account)
}

fn of_user_head(user: &str) -> Vec<u8> {
    namespace::part_head(Kind::LinkOfUser, &[user])
}

fn of_user_key(link: &Link) -> Vec<u8> {
    let head = namespace::part_head(Kind::LinkOfUser, &[&link.user, &link.platform]);
    namespace::join(&head, &link.platform_user_id)
}

fn get<T: DeserializeOwned>(database: &Database, key: &[u8]) -> Result<Option<T>> {
    let bytes = database.host.get(key).map_err(unreadable)?;
    bytes.map(|bytes| read(&bytes)).transpose()
}

fn scan<T: DeserializeOwned>(database: &Database, head: &[u8]) -> Result<Vec<T>> {
    let found = database.host.prefix(head);
    found.map(|guard| read(&guard.into_inner().map_err(unreadable)?.1)).collect()
}

fn put<T: Serialize>(
    database: &Database,
    batch: &mut OwnedWriteBatch,
    key: Vec<u8>,
    record: &T,
) -> Result<()> {
    let bytes =
        serde_json::to_vec(record).map_err(|cause| unavailable("an identity cannot be written", cause))?;
    batch.insert(&database.host, key, bytes);
    Ok(())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|cause| unavailable("an identity is malformed", cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> User {
        let principal = Principal::parse(&format!("p-{id}")).unwrap();
        User { id: id.to_owned(), principal, display_name: None, created_at: String::new() }
    }

    fn link(user: &str, account: &str) -> Link {
        Link {
            platform: "chat".to_owned(),
            platform_user_id: account.to_owned(),
            user: user.to_owned(),
            method: "code".to_owned(),
            linked_at: String::new(),
        }
    }

    #[test]
    fn of_many_who_link_an_account_at_once_one_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let names: Vec<String> = (0..8).map(|n| format!("u{n}")).collect();
        for name in &names {
            store.identities().create(&user(name)).unwrap();
        }
        let linked: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = names
                .iter()
                .map(|name| scope.spawn(|| usize::from(store.identities().link(&link(name, "42")).is_ok())))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(linked, 1);
        let owner = store.identities().resolve("chat", "42").unwrap().unwrap();
        let others = names.iter().filter(|name| **name != owner.id);
        assert!(others.into_iter().all(|name| store.identities().links(name).unwrap().is_empty()));
        assert_eq!(store.identities().links(&owner.id).unwrap(), [link(&owner.id, "42")]);
    }

    #[test]
    fn a_user_takes_all_links_along() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let all = store.identities();
        all.create(&user("a")).unwrap();
        all.create(&user("b")).unwrap();
        for account in ["1", "2"] {
            all.link(&link("a", account)).unwrap();
        }
        all.link(&link("b", "3")).unwrap();
        assert!(matches!(all.link(&link("b", "1")), Err(Unlinked::Taken)));
        assert!(matches!(all.link(&link("c", "4")), Err(Unlinked::NoUser)));
        assert!(matches!(all.unlink("chat", "4"), Err(Unlinked::NoLink)));
        all.unlink("chat", "2").unwrap();
        assert_eq!(all.links("a").unwrap().len(), 1);
        for n in 0..limits::LINKS_PER_USER - 1 {
            all.link(&link("b", &format!("more-{n}"))).unwrap();
        }
        assert!(matches!(all.link(&link("b", "one too many")), Err(Unlinked::Full)));
        all.link(&link("b", "3")).unwrap();
        all.forget(&Principal::parse("p-a").unwrap()).unwrap();
        assert_eq!(all.users().unwrap(), [user("b")]);
        assert!(all.resolve("chat", "1").unwrap().is_none() && all.links("a").unwrap().is_empty());
        assert!(all.remove("b").unwrap() && !all.remove("b").unwrap());
        assert!(all.resolve("chat", "3").unwrap().is_none());
    }
}

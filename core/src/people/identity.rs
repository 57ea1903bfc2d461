//! Who a user of an outside platform is to the host: what may be said about it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::limits;
use crate::principal::Principal;
use crate::store::{Link, User};

/// Something in it is blank, too long, or has a `/` or a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// An account of an outside platform, as it is kept: the platform trimmed and in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The platform's name.
    pub platform: String,
    /// The account's id on that platform.
    pub id: String,
}

impl Account {
    /// Reads one.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(platform: &str, id: &str) -> Result<Self, Malformed> {
        let platform = platform.trim().to_lowercase();
        let id = id.trim().to_owned();
        if is_name(&platform, limits::PLATFORM_BYTES) && is_name(&id, limits::UPLINK_USER_BYTES) {
            Ok(Self { platform, id })
        } else {
            Err(Malformed)
        }
    }

    /// The link of this account to a user, established now.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn link(self, user: &str, method: &str) -> Result<Link, Malformed> {
        let (user, method) = (user_id(user)?, method.trim());
        if !is_name(method, limits::LINK_METHOD_BYTES) {
            return Err(Malformed);
        }
        Ok(Link {
            platform: self.platform,
            platform_user_id: self.id,
            user,
            method: method.to_owned(),
            linked_at: now(),
        })
    }
}

/// The id of a user, as it is kept.
///
/// # Errors
/// [`Malformed`] for what is no UUID.
pub fn user_id(text: &str) -> Result<String, Malformed> {
    Uuid::try_parse(text).map(|id| id.to_string()).map_err(|_| Malformed)
}

/// A new user. Without a principal of the embedding program's choosing it gets one that nobody has: a name that is shown must
/// not make anybody somebody else.
///
/// # Errors
/// [`Malformed`] for the name.
pub fn new_user(display_name: Option<&str>, principal: Option<Principal>) -> Result<User, Malformed> {
    let display_name = display_name.map(str::trim).map(ToOwned::to_owned);
    if display_name.as_deref().is_some_and(|name| !is_name(name, limits::DISPLAY_NAME_BYTES)) {
        return Err(Malformed);
    }
    let id = Uuid::new_v4();
    let principal = match principal {
        Some(principal) => principal,
        None => Principal::parse(&format!("user-{}", id.simple())).map_err(|_| Malformed)?,
    };
    Ok(User { id: id.to_string(), principal, display_name, created_at: now() })
}

fn is_name(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.chars().any(|c| c == '/' || c.is_control())
}

fn now() -> String {
    Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_judged() {
        let account = Account::read("  ChAt ", "42").unwrap();
        assert_eq!((&*account.platform, &*account.id), ("chat", "42"));
        for bad in ["", "  ", "a/b", "a\0", &"x".repeat(65)] {
            assert_eq!(Account::read(bad, "1"), Err(Malformed), "{bad}");
        }
        assert_eq!(Account::read("chat", &"x".repeat(257)), Err(Malformed));
        assert!(account.clone().link("no uuid", "code").is_err());
        assert!(account.link("67e55044-10b1-426f-9247-bb680e5fe0c8", " ").is_err());
    }

    #[test]
    fn a_name_makes_nobody_somebody_else() {
        let user = new_user(Some("Default"), None).unwrap();
        assert!(user.principal.as_str().starts_with("user-") && user.principal.as_str().len() <= 64);
        assert_ne!(user.principal, new_user(Some("Default"), None).unwrap().principal);
        assert_eq!(new_user(Some("a/b"), None), Err(Malformed));
    }
}

//! Whom the host acts for.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::PRINCIPAL_BYTES;

/// The id of a principal: 1 to 64 ASCII letters, digits, `-` or `_`, case-sensitive.
///
/// Everything a capsule keeps or uses up belongs to a principal, so the id appears in keys, in paths and in the audit.
/// Its alphabet is small enough to be safe in all of them. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(Arc<str>);

static DEFAULT: LazyLock<Principal> = LazyLock::new(|| Principal(Arc::from("default")));

impl Principal {
    /// The id reserved for connections nobody has authenticated; it never holds a capability.
    pub const ANONYMOUS: &'static str = "anonymous";

    /// Reads an id. Any other length or character is an `invalid_argument` that names the rule.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > PRINCIPAL_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "a principal has 1 to {PRINCIPAL_BYTES} characters, this one has {}",
                    text.chars().count()
                ),
            ));
        }
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a principal has only ASCII letters, digits, `-` and `_`, not {bad:?}"),
            ));
        }
        Ok(Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this id stands for nobody and may not be registered: `anonymous`.
    pub fn is_reserved(&self) -> bool {
        self.as_str() == Self::ANONYMOUS
    }
}

impl Default for Principal {
    /// The principal of a host with a single user, `default`.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for Principal {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Principal {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Principal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Principal {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_alphabet_and_nothing_else() {
        for good in ["a", "default", "Alice-2_b", &"x".repeat(64)] {
            assert_eq!(Principal::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a.b", "a/b", "..", "a\0", "é", "a\n", &"x".repeat(65)] {
            let error = Principal::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad:?}");
            assert!(error.message().starts_with("a principal has"), "{error}");
        }
    }

    #[test]
    fn the_default_is_no_reserved_id() {
        assert_eq!(Principal::default().as_str(), "default");
        assert!(!Principal::default().is_reserved());
        assert!(Principal::parse("anonymous").unwrap().is_reserved());
        assert!(!Principal::parse("Anonymous").unwrap().is_reserved());
    }

    #[test]
    fn is_a_plain_string_in_json_and_checked_on_the_way_in() {
        let alice = Principal::parse("alice").unwrap();
        assert_eq!(serde_json::to_string(&alice).unwrap(), "\"alice\"");
        assert_eq!(serde_json::from_str::<Principal>("\"alice\"").unwrap(), alice);
        assert!(serde_json::from_str::<Principal>("\"a/b\"").is_err());
    }
}

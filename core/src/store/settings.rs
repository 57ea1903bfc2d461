//! Settings: what the embedder or a person answered to a manifest's `[env]`, in the clear.

use std::collections::BTreeMap;

use super::database::{unavailable, unreadable};
use super::namespace::{self, Kind};
use super::{Scope, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::principal::Principal;

/// The settings of a store.
pub struct Settings<'a> {
    store: &'a Store,
}

impl<'a> Settings<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Sets a setting. The key is 1 to 256 bytes without control characters, the value at most 1 MiB and may be empty;
    /// else [`ErrorKind::InvalidArgument`].
    pub fn set(&self, scope: &Scope, key: &str, value: &str) -> Result<()> {
        if !(1..=limits::SETTING_KEY_BYTES).contains(&key.len()) || key.contains(char::is_control) {
            let message = "the name of a setting is 1 to 256 bytes without control characters";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if value.len() > limits::SETTING_VALUE_BYTES {
            return Err(
                Error::new(ErrorKind::InvalidArgument, "a setting is at most 1 MiB long").with("key", key)
            );
        }
        let open = self.store.opened()?;
        let head = namespace::scope_head(Kind::Setting, scope);
        open.database.change(&head, |batch| {
            batch.insert(&open.database.host, namespace::join(&head, key), value);
            Ok(())
        })
    }

    /// The setting of exactly this scope.
    pub fn get(&self, scope: &Scope, key: &str) -> Result<Option<String>> {
        let name = namespace::join(&namespace::scope_head(Kind::Setting, scope), key);
        let value = self.store.opened()?.database.host.get(name).map_err(unreadable)?;
        value.map(|bytes| text(&bytes)).transpose()
    }

    /// The principal's own setting, else the host-wide one.
    pub fn get_effective(&self, principal: &Principal, capsule: &str, key: &str) -> Result<Option<String>> {
        match self.get(&Scope::of(principal, capsule), key)? {
            Some(own) => Ok(Some(own)),
            None => self.get(&Scope::host(capsule), key),
        }
    }

    /// Removes the setting of this scope and tells whether it was there.
    pub fn remove(&self, scope: &Scope, key: &str) -> Result<bool> {
        let open = self.store.opened()?;
        let head = namespace::scope_head(Kind::Setting, scope);
        let name = namespace::join(&head, key);
        open.database.change(&head, |batch| {
            let found = open.database.host.contains_key(&name).map_err(unreadable)?;
            if found {
                batch.remove(&open.database.host, name);
            }
            Ok(found)
        })
    }

    /// All settings of exactly this scope, by name.
    pub fn all(&self, scope: &Scope) -> Result<BTreeMap<String, String>> {
        let head = namespace::scope_head(Kind::Setting, scope);
        let open = self.store.opened()?;
        let mut all = BTreeMap::new();
        for guard in open.database.host.prefix(&head) {
            let (key, value) = guard.into_inner().map_err(unreadable)?;
            all.insert(text(&key[head.len()..])?, text(&value)?);
        }
        Ok(all)
    }
}

fn text(bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|cause| unavailable("a setting is not text", cause))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_belong_to_their_scope() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let alice = Principal::parse("alice").unwrap();
        let (own, host) = (Scope::of(&alice, "c"), Scope::host("c"));
        let settings = store.settings();
        settings.set(&host, "model", "small").unwrap();
        settings.set(&host, "empty", "").unwrap();
        assert_eq!(settings.get_effective(&alice, "c", "model").unwrap().as_deref(), Some("small"));
        settings.set(&own, "model", "large").unwrap();
        assert_eq!(settings.get_effective(&alice, "c", "model").unwrap().as_deref(), Some("large"));
        assert_eq!(settings.get(&host, "model").unwrap().as_deref(), Some("small"));
        assert_eq!(settings.all(&own).unwrap().len(), 1);
        let names: Vec<_> = settings.all(&host).unwrap().into_keys().collect();
        assert_eq!(names, ["empty", "model"]);
        assert!(settings.remove(&own, "model").unwrap());
        assert!(!settings.remove(&own, "model").unwrap());
        assert!(settings.all(&Scope::host("cc")).unwrap().is_empty());
        assert_eq!(settings.set(&host, "", "v").unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(store.secrets().get(&host, "model").unwrap().is_none());
    }
}

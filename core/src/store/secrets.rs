//! Secrets: encrypted at rest, bound to their scope and name, wiped from memory when dropped.

use zeroize::Zeroizing;

use super::database::unreadable;
use super::namespace::{self, Kind};
use super::{Scope, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::principal::Principal;

/// The secrets of a store.
pub struct Secrets<'a> {
    store: &'a Store,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Sets a secret. The key is 1 to 256 bytes without `:` and control characters, the value 1 byte to 64 KiB;
    /// else [`ErrorKind::InvalidArgument`].
    pub fn set(&self, scope: &Scope, key: &str, value: &str) -> Result<()> {
        check_key(key)?;
        if value.is_empty() || value.len() > limits::SECRET_VALUE_BYTES {
            return Err(Error::new(ErrorKind::InvalidArgument, "a secret is 1 byte to 64 KiB long"));
        }
        let open = self.store.opened()?;
        let head = namespace::scope_head(Kind::Secret, scope);
        let name = namespace::join(&head, key);
        // Held until the record is written, so that no change of the key passes it by.
        let seal = open.seal.read();
        let sealed = seal.seal(&name, value.as_bytes())?;
        open.database.change_soon(&head, |batch| {
            batch.insert(&open.database.host, name, sealed);
            Ok(())
        })
    }

    /// The secret of exactly this scope.
    pub fn get(&self, scope: &Scope, key: &str) -> Result<Option<Zeroizing<String>>> {
        check_key(key)?;
        let open = self.store.opened()?;
        let name = namespace::join(&namespace::scope_head(Kind::Secret, scope), key);
        let seal = open.seal.read();
        let Some(sealed) = open.database.host.get(&name).map_err(unreadable)? else { return Ok(None) };
        let text = seal.open(&name, &sealed)?;
        let text = std::str::from_utf8(&text).map_err(|_| {
            Error::new(ErrorKind::StoreUnavailable, "a secret is damaged or sealed with another key")
        })?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    /// The principal's own secret, else the host-wide one.
    pub fn get_effective(
        &self,
        principal: &Principal,
        capsule: &str,
        key: &str,
    ) -> Result<Option<Zeroizing<String>>> {
        match self.get(&Scope::of(principal, capsule), key)? {
            Some(own) => Ok(Some(own)),
            None => self.get(&Scope::host(capsule), key),
        }
    }

    /// True if this scope has the secret; nothing is decrypted.
    pub fn exists(&self, scope: &Scope, key: &str) -> Result<bool> {
        check_key(key)?;
        let name = namespace::join(&namespace::scope_head(Kind::Secret, scope), key);
        self.store.opened()?.database.host.contains_key(name).map_err(unreadable)
    }

    /// True if the principal has the secret or the host has it for all.
    pub fn exists_effective(&self, principal: &Principal, capsule: &str, key: &str) -> Result<bool> {
        Ok(self.exists(&Scope::of(principal, capsule), key)? || self.exists(&Scope::host(capsule), key)?)
    }

    /// Removes the secret of this scope and tells whether it was there.
    pub fn delete(&self, scope: &Scope, key: &str) -> Result<bool> {
        check_key(key)?;
        let open = self.store.opened()?;
        let head = namespace::scope_head(Kind::Secret, scope);
        let name = namespace::join(&head, key);
        open.database.change_soon(&head, |batch| {
            let found = open.database.host.contains_key(&name).map_err(unreadable)?;
            if found {
                batch.remove(&open.database.host, name);
            }
            Ok(found)
        })
    }
}

fn check_key(key: &str) -> Result<()> {
    let fits = (1..=limits::SETTING_KEY_BYTES).contains(&key.len());
    if fits && !key.contains(|c: char| c == ':' || c.is_control()) {
        return Ok(());
    }
    let message = "the name of a secret is 1 to 256 bytes without ':' and control characters";
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

#[cfg(test)]
mod tests {
    use super::super::Durability;
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        (dir, store)
    }

    fn alice() -> Principal {
        Principal::parse("alice").unwrap()
    }

    #[test]
    fn a_secret_of_the_principal_wins_over_the_hosts() {
        let (_dir, store) = store();
        let secrets = store.secrets();
        let own = Scope::of(&alice(), "c");
        let effective = || secrets.get_effective(&alice(), "c", "token").unwrap().map(|s| s.to_string());
        assert_eq!(effective(), None);
        secrets.set(&Scope::host("c"), "token", "everyone").unwrap();
        assert_eq!(effective().as_deref(), Some("everyone"));
        assert!(secrets.exists_effective(&alice(), "c", "token").unwrap());
        assert!(!secrets.exists(&own, "token").unwrap());
        secrets.set(&own, "token", "mine").unwrap();
        assert_eq!(effective().as_deref(), Some("mine"));
        assert!(secrets.delete(&own, "token").unwrap());
        assert!(!secrets.delete(&own, "token").unwrap());
        assert_eq!(effective().as_deref(), Some("everyone"));
        assert!(secrets.get_effective(&alice(), "other", "token").unwrap().is_none());
    }

    #[test]
    fn keys_and_values_keep_their_rules() {
        let (_dir, store) = store();
        let scope = Scope::host("c");
        for key in ["", "a:b", "a\nb", &"k".repeat(257)] {
            let error = store.secrets().set(&scope, key, "v").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{key:?}");
            assert!(store.secrets().get(&scope, key).is_err());
        }
        assert!(store.secrets().set(&scope, "k", "").is_err());
        assert!(store.secrets().set(&scope, "k", &"v".repeat(64 * 1024 + 1)).is_err());
        store.secrets().set(&scope, "k", &"v".repeat(64 * 1024)).unwrap();
    }

    #[test]
    fn a_sealed_secret_shows_nothing_and_cannot_be_moved_or_changed() {
        let (_dir, store) = store();
        let scope = Scope::host("c");
        store.secrets().set(&scope, "a", "the plain text").unwrap();
        store.secrets().set(&scope, "b", "the plain text").unwrap();
        let head = namespace::scope_head(Kind::Secret, &scope);
        let (a, b) = (namespace::join(&head, "a"), namespace::join(&head, "b"));
        let open = store.opened().unwrap();
        let sealed = open.database.host.get(&a).unwrap().unwrap().to_vec();
        assert_ne!(sealed, open.database.host.get(&b).unwrap().unwrap().to_vec());
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
        open.database.host.insert(b, &*sealed).unwrap();
        assert_eq!(store.secrets().get(&scope, "b").unwrap_err().kind(), ErrorKind::StoreUnavailable);
        for n in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[n] ^= 1;
            open.database.host.insert(&*a, &*flipped).unwrap();
            assert!(store.secrets().get(&scope, "a").is_err(), "byte {n}");
        }
        open.database.host.insert(&*a, &sealed[..10]).unwrap();
        assert!(store.secrets().get(&scope, "a").is_err());
    }

    #[test]
    fn a_secret_survives_closing_but_not_another_key() {
        let (dir, store) = store();
        store.secrets().set(&Scope::host("c"), "k", "v").unwrap();
        store.close().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.secrets().get(&Scope::host("c"), "k").unwrap().unwrap().as_str(), "v");
        store.close().unwrap();
        std::fs::write(dir.path().join("keys/secret.key"), [7; 32]).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HomeUnusable);
        assert!(error.message().contains("sealed with another key"), "{error}");
    }

    #[test]
    fn secrets_are_sealed_anew_and_the_old_key_opens_nothing() {
        let (dir, store) = store();
        let old = std::fs::read(dir.path().join("keys/secret.key")).unwrap();
        store.secrets().set(&Scope::host("c"), "k", "v").unwrap();
        store.rotate_secret_key(None).unwrap();
        let read = |store: &Store| store.secrets().get(&Scope::host("c"), "k").unwrap().unwrap().to_string();
        assert_eq!(read(&store), "v");
        store.close().unwrap();
        let new = std::fs::read(dir.path().join("keys/secret.key")).unwrap();
        assert_ne!(old, new);
        assert!(!dir.path().join("keys/secret.next").exists());
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(read(&store), "v");
        store.close().unwrap();
        std::fs::write(dir.path().join("keys/secret.key"), old).unwrap();
        assert!(Store::open(dir.path()).is_err());
        std::fs::write(dir.path().join("keys/secret.key"), new).unwrap();
        assert_eq!(read(&Store::open(dir.path()).unwrap()), "v");
    }

    #[test]
    fn a_change_of_the_key_that_was_cut_off_leaves_the_old_or_the_new_one() {
        let (dir, store) = store();
        store.secrets().set(&Scope::host("c"), "k", "v").unwrap();
        store.close().unwrap();
        let keys = dir.path().join("keys");
        let old = std::fs::read(keys.join("secret.key")).unwrap();
        // Cut off before anything was sealed anew.
        std::fs::write(keys.join("secret.next"), [9; 32]).unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(!keys.join("secret.next").exists());
        store.rotate_secret_key(None).unwrap();
        store.close().unwrap();
        // Cut off before the new key took the old one's place.
        std::fs::rename(keys.join("secret.key"), keys.join("secret.next")).unwrap();
        std::fs::write(keys.join("secret.key"), old).unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(!keys.join("secret.next").exists());
        assert_eq!(store.secrets().get(&Scope::host("c"), "k").unwrap().unwrap().as_str(), "v");
    }

    #[test]
    fn the_embedders_own_key_is_not_in_the_home_and_has_to_be_the_right_one() {
        let dir = tempfile::tempdir().unwrap();
        let open = |key| Store::open_with(dir.path(), Durability::default(), key);
        let store = open(Some([1; 32])).unwrap();
        store.secrets().set(&Scope::host("c"), "k", "v").unwrap();
        assert!(!dir.path().join("keys/secret.key").exists());
        assert_eq!(store.rotate_secret_key(None).unwrap_err().kind(), ErrorKind::InvalidArgument);
        store.rotate_secret_key(Some([2; 32])).unwrap();
        store.close().unwrap();
        for wrong in [Some([1; 32]), None] {
            assert_eq!(open(wrong).unwrap_err().kind(), ErrorKind::HomeUnusable);
        }
        let store = open(Some([2; 32])).unwrap();
        assert_eq!(store.secrets().get(&Scope::host("c"), "k").unwrap().unwrap().as_str(), "v");
    }
}

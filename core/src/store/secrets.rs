//! Secrets: encrypted at rest, bound to their scope and name, wiped from memory when dropped.

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use zeroize::{Zeroize, Zeroizing};

use super::database::unreadable;
use super::keys::fill_random;
use super::namespace::{self, Kind};
use super::{Scope, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::principal::Principal;

/// The way a secret is sealed: XChaCha20-Poly1305, 24 random bytes of nonce, the record's key as associated data.
const SEALED: u8 = 1;
/// Bytes of the nonce.
const NONCE: usize = 24;

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
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce)?;
        let mut sealed = vec![SEALED];
        sealed.extend_from_slice(&nonce);
        let payload = Payload { msg: value.as_bytes(), aad: &name };
        let text = open
            .keys
            .secret
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::new(ErrorKind::Internal, "the secret could not be sealed"))?;
        sealed.extend_from_slice(&text);
        open.database.change(&head, |batch| {
            batch.insert(&open.database.host, name, sealed);
            Ok(())
        })
    }

    /// The secret of exactly this scope.
    pub fn get(&self, scope: &Scope, key: &str) -> Result<Option<Zeroizing<String>>> {
        check_key(key)?;
        let open = self.store.opened()?;
        let name = namespace::join(&namespace::scope_head(Kind::Secret, scope), key);
        let Some(sealed) = open.database.host.get(&name).map_err(unreadable)? else { return Ok(None) };
        let damaged =
            || Error::new(ErrorKind::StoreUnavailable, "a secret is damaged or sealed with another key");
        let Some((&[SEALED], rest)) = sealed.split_first_chunk() else { return Err(damaged()) };
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE>() else { return Err(damaged()) };
        let payload = Payload { msg: text, aad: &name };
        let plain = open.keys.secret.decrypt(&XNonce::from(*nonce), payload).map_err(|_| damaged())?;
        match String::from_utf8(plain) {
            Ok(value) => Ok(Some(Zeroizing::new(value))),
            Err(wrong) => {
                wrong.into_bytes().zeroize();
                Err(damaged())
            }
        }
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
        open.database.change(&head, |batch| {
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
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(
            store.secrets().get(&Scope::host("c"), "k").unwrap_err().kind(),
            ErrorKind::StoreUnavailable
        );
    }
}

//! The home's keys: one encrypts secrets, one signs the audit log.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use ed25519_dalek::SigningKey;
use zeroize::{Zeroize, Zeroizing};

use super::home::{Home, unusable, write_private};
use crate::error::{Error, ErrorKind, Result};

/// Bytes of each key.
const KEY: usize = 32;

/// The keys of an open home.
pub(super) struct Keys {
    /// Encrypts secrets.
    pub(super) secret: XChaCha20Poly1305,
    /// Signs the audit log.
    pub(super) audit: SigningKey,
}

impl Keys {
    /// Reads the keys; makes them in a new home. A home that is in use and has lost a key is refused: a new key would
    /// silently make its secrets unreadable or its audit log unverifiable.
    pub(super) fn load(home: &Home) -> Result<Self> {
        let folder = home.keys_folder();
        let secret = load(&folder.join("secret.key"), home.is_fresh())?;
        let seed = load(&folder.join("audit.key"), home.is_fresh())?;
        let audit = SigningKey::from_bytes(&seed);
        publish(&folder.join("audit.pub"), &audit)?;
        Ok(Self { secret: XChaCha20Poly1305::new((&*secret).into()), audit })
    }

    /// The key of the code cache, derived and never written down.
    pub(super) fn cache(&self) -> Zeroizing<[u8; KEY]> {
        let seed = Zeroizing::new(self.audit.to_bytes());
        Zeroizing::new(blake3::derive_key("astrid-host 2026-11 seal of the code cache", &*seed))
    }
}

fn load(path: &Path, may_make: bool) -> Result<Zeroizing<[u8; KEY]>> {
    let unreadable = |cause: io::Error| unusable(path, "the key file cannot be read").caused_by(cause);
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && may_make => return make(path),
        Err(cause) => return Err(unreadable(cause)),
    };
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(unreadable)?;
    let mut key = Zeroizing::new([0; KEY]);
    if bytes.len() != KEY {
        return Err(unusable(path, format!("the key file holds {} bytes instead of {KEY}", bytes.len())));
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn make(path: &Path) -> Result<Zeroizing<[u8; KEY]>> {
    let mut key = Zeroizing::new([0; KEY]);
    fill_random(&mut *key)?;
    if let Err(cause) = write_private(path, &*key) {
        key.zeroize();
        return Err(unusable(path, "the key file cannot be written").caused_by(cause));
    }
    Ok(key)
}

/// Keeps the public half beside the seed as hex, for whoever verifies the log elsewhere.
fn publish(path: &Path, audit: &SigningKey) -> Result<()> {
    let mut text = blake3::Hash::from_bytes(audit.verifying_key().to_bytes()).to_hex().to_string();
    text.push('\n');
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    write_private(path, text.as_bytes())
        .map_err(|cause| unusable(path, "the public key cannot be written").caused_by(cause))
}

/// Fills the bytes from the operating system's random source.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|cause| {
        Error::new(ErrorKind::Internal, "the operating system gave no random bytes")
            .caused_by(cause.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let made = {
            let home = Home::open(dir.path()).unwrap();
            let keys = Keys::load(&home).unwrap();
            home.finish().unwrap();
            keys
        };
        let home = Home::open(dir.path()).unwrap();
        assert_eq!(Keys::load(&home).unwrap().audit.to_bytes(), made.audit.to_bytes());
        for file in ["secret.key", "audit.key"] {
            let meta = fs::metadata(home.keys_folder().join(file)).unwrap();
            assert_eq!((meta.permissions().mode() & 0o777, meta.len()), (0o600, 32));
        }
        let public = fs::read_to_string(home.keys_folder().join("audit.pub")).unwrap();
        assert_eq!(public.trim().len(), 64);
    }

    #[test]
    fn a_lost_or_damaged_key_refuses_the_home() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        Keys::load(&home).unwrap();
        home.finish().unwrap();
        drop(home);
        let home = Home::open(dir.path()).unwrap();
        let path = home.keys_folder().join("secret.key");
        for damage in [&b"short"[..], &[1; 33], b""] {
            fs::write(&path, damage).unwrap();
            assert_eq!(Keys::load(&home).err().unwrap().kind(), ErrorKind::HomeUnusable);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(Keys::load(&home).err().unwrap().kind(), ErrorKind::HomeUnusable);
        assert!(!path.exists());
    }
}

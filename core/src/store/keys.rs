//! The home's keys: one seals secrets, one signs the audit log, and what is left of those that signed it before.
//!
//! ```text
//! secret.key, secret.next        the key that seals, and the one that is about to take its place
//! audit.key, audit.next          the seed that signs, and the one that is about to take its place
//! audit-<record>.salt            what is left of a seed that the record replaced: 32 bytes of salt key, 32 public
//! audit.pub                      the public half of the first seed, as hexadecimal text
//! ```

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use zeroize::{Zeroize, Zeroizing};

use super::home::{Home, unusable, write_private};
use crate::error::{Error, ErrorKind, Result};

/// Bytes of each key.
const KEY: usize = 32;

/// A key as it lies in its file.
pub(super) type Key = Zeroizing<[u8; KEY]>;

/// The files of one pair of keys, the present one and the next.
pub(super) struct KeyFiles {
    folder: PathBuf,
    name: &'static str,
}

impl KeyFiles {
    /// The keys that seal secrets.
    pub(super) fn secret(home: &Home) -> Self {
        Self { folder: home.keys_folder(), name: "secret" }
    }

    /// The seeds that sign the audit log.
    pub(super) fn audit(home: &Home) -> Self {
        Self { folder: home.keys_folder(), name: "audit" }
    }

    /// Reads the key; makes it where that is allowed, in a new home. A home that is in use and has lost a key is
    /// refused: a new key would silently make its secrets unreadable or its audit log unverifiable.
    pub(super) fn load(&self, may_make: bool) -> Result<Key> {
        load(&self.path("key"), may_make)
    }

    /// Makes the key that is to take the present one's place.
    pub(super) fn make_next(&self) -> Result<Key> {
        make(&self.path("next"))
    }

    /// The key that was to take the present one's place, if a change was cut off.
    pub(super) fn next(&self) -> Result<Option<Key>> {
        let path = self.path("next");
        if path.exists() { load(&path, false).map(Some) } else { Ok(None) }
    }

    /// Puts the next key in the present one's place.
    pub(super) fn promote(&self) -> Result<()> {
        self.settle(fs::rename(self.path("next"), self.path("key")))
    }

    /// Gives the next key up.
    pub(super) fn discard(&self) -> Result<()> {
        self.settle(fs::remove_file(self.path("next")))
    }

    fn settle(&self, done: io::Result<()>) -> Result<()> {
        done.and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(|cause| unusable(&self.folder, "the keys cannot be changed").caused_by(cause))
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder.join(format!("{}.{part}", self.name))
    }

    /// The key of the code cache, derived from this one and never written down. What was cached before the key changed is
    /// compiled anew.
    pub(super) fn cache(&self) -> Result<Key> {
        let seed = self.load(false)?;
        Ok(Zeroizing::new(blake3::derive_key("astrid-host 2026-11 seal of the code cache", &*seed)))
    }
}

/// What is left of a seed, with the place of the record that replaced it.
pub(super) type Left = (u64, Zeroizing<[u8; 2 * KEY]>);

/// What is left of earlier seeds, oldest first.
pub(super) fn left_of_seeds(home: &Home) -> Result<Vec<Left>> {
    let folder = home.keys_folder();
    let unreadable = |cause: io::Error| unusable(&folder, "the keys cannot be read").caused_by(cause);
    let mut left = Vec::new();
    for file in fs::read_dir(&folder).map_err(unreadable)? {
        let name = file.map_err(unreadable)?.file_name();
        let name = name.to_str().unwrap_or_default();
        let record = name.strip_prefix("audit-").and_then(|name| name.strip_suffix(".salt"));
        if let Some(record) = record.and_then(|record| record.parse().ok()) {
            left.push((record, read(&folder.join(name))?));
        }
    }
    left.sort_by_key(|(record, _)| *record);
    Ok(left)
}

/// Keeps what is left of a seed that the record replaced.
pub(super) fn keep_left(home: &Home, record: u64, left: &[u8; 2 * KEY]) -> Result<()> {
    let path = home.keys_folder().join(format!("audit-{record:016}.salt"));
    write_private(&path, left).map_err(|cause| unusable(&path, "the keys cannot be changed").caused_by(cause))
}

/// Keeps the first public key beside the seeds, for whoever verifies the log elsewhere.
pub(super) fn publish(home: &Home, public: &[u8; KEY]) -> Result<()> {
    let path = home.keys_folder().join("audit.pub");
    let mut text = blake3::Hash::from_bytes(*public).to_hex().to_string();
    text.push('\n');
    if fs::read_to_string(&path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    write_private(&path, text.as_bytes())
        .map_err(|cause| unusable(&path, "the public key cannot be written").caused_by(cause))
}

/// The public half of a seed.
pub(super) fn public(seed: &Key) -> [u8; KEY] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

fn load(path: &Path, may_make: bool) -> Result<Key> {
    if may_make && !path.exists() {
        return make(path);
    }
    let key = read(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))
        .map_err(|cause| unusable(path, "the key file cannot be read").caused_by(cause))?;
    Ok(key)
}

fn read<const N: usize>(path: &Path) -> Result<Zeroizing<[u8; N]>> {
    let bytes = fs::read(path).map(Zeroizing::new);
    let bytes = bytes.map_err(|cause| unusable(path, "the key file cannot be read").caused_by(cause))?;
    if bytes.len() != N {
        return Err(unusable(path, format!("the key file holds {} bytes instead of {N}", bytes.len())));
    }
    let mut key = Zeroizing::new([0; N]);
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn make(path: &Path) -> Result<Key> {
    let mut key = Zeroizing::new([0; KEY]);
    fill_random(&mut *key)?;
    if let Err(cause) = write_private(path, &*key) {
        key.zeroize();
        return Err(unusable(path, "the key file cannot be written").caused_by(cause));
    }
    Ok(key)
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
        let home = Home::open(dir.path()).unwrap();
        let files = KeyFiles::audit(&home);
        let made = files.load(true).unwrap();
        assert_eq!(*files.load(false).unwrap(), *made);
        assert_eq!(*files.load(true).unwrap(), *made);
        let meta = fs::metadata(home.keys_folder().join("audit.key")).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.len()), (0o600, 32));
        publish(&home, &public(&made)).unwrap();
        let text = fs::read_to_string(home.keys_folder().join("audit.pub")).unwrap();
        assert_eq!(text.trim().len(), 64);
    }

    #[test]
    fn a_lost_or_damaged_key_refuses_the_home() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        let files = KeyFiles::secret(&home);
        let path = home.keys_folder().join("secret.key");
        for damage in [&b"short"[..], &[1; 33], b""] {
            fs::write(&path, damage).unwrap();
            assert_eq!(files.load(false).unwrap_err().kind(), ErrorKind::HomeUnusable);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(files.load(false).unwrap_err().kind(), ErrorKind::HomeUnusable);
        assert!(!path.exists());
    }

    #[test]
    fn the_next_key_takes_the_place_of_the_present_one_or_goes() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        let files = KeyFiles::secret(&home);
        let first = files.load(true).unwrap();
        files.make_next().unwrap();
        files.discard().unwrap();
        assert!(files.next().unwrap().is_none());
        let next = files.make_next().unwrap();
        assert_eq!(*files.next().unwrap().unwrap(), *next);
        files.promote().unwrap();
        assert!(files.next().unwrap().is_none() && *files.load(false).unwrap() == *next && *next != *first);
    }
}

//! Sealing: XChaCha20-Poly1305 under one key for all secrets, 24 random bytes of nonce, the record's key as associated
//! data.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::keys::fill_random;
use crate::error::{Error, ErrorKind, Result};

/// The way a secret is sealed, its first byte.
const SEALED: u8 = 1;
/// Bytes of the nonce.
const NONCE: usize = 24;
/// The name of a key is derived from it under this context.
const NAME_CONTEXT: &str = "astrid-host 2026-11 name of a secret key";

/// A key that seals secrets.
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    name: [u8; 32],
}

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()), name: blake3::derive_key(NAME_CONTEXT, key) }
    }

    /// What tells this key from others and tells nothing about it.
    pub(super) fn name(&self) -> &[u8; 32] {
        &self.name
    }

    /// Seals a text so that it opens under the same record's key alone.
    pub(super) fn seal(&self, record: &[u8], text: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce)?;
        let mut sealed = vec![SEALED];
        sealed.extend_from_slice(&nonce);
        let payload = Payload { msg: text, aad: record };
        let text = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::new(ErrorKind::Internal, "the secret could not be sealed"))?;
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what was sealed.
    pub(super) fn open(&self, record: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged =
            || Error::new(ErrorKind::StoreUnavailable, "a secret is damaged or sealed with another key");
        let Some((&[SEALED], rest)) = sealed.split_first_chunk() else { return Err(damaged()) };
        let Some((nonce, text)) = rest.split_first_chunk::<NONCE>() else { return Err(damaged()) };
        let payload = Payload { msg: text, aad: record };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| damaged())
    }
}

//! The keys of the log: one signs now, those before it have signed. Each change is in the chain, signed by the key that
//! goes, so that whoever knows the first key can follow.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::chain::{Head, Record};
use super::codec::{Digest, Reader, put_digest, put_u64};

/// What is signed begins with this, so that the signature means nothing anywhere else.
const DOMAIN: &[u8] = b"astrid-host audit key change v1\0";
/// The salts of commitments are derived from the signing seed under this context.
const SALT_CONTEXT: &str = "astrid-host 2026-11 audit commitment salts";

/// What is kept of a signing key that was replaced: enough to check commitments, not enough to sign.
#[derive(Clone)]
pub struct RetiredKey {
    /// The record that replaced it; what stands before was salted with it.
    pub until: u64,
    /// The key of its salts.
    pub salts: Zeroizing<[u8; 32]>,
    /// Its public half.
    pub public_key: [u8; 32],
}

impl RetiredKey {
    /// What is to be kept of this key, which the record `until` replaced.
    #[must_use]
    pub fn of(key: &SigningKey, until: u64) -> Self {
        Self { until, salts: salts(key), public_key: key.verifying_key().to_bytes() }
    }

    /// The two keys as they are kept: the salts', then the public one.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 64]> {
        let mut bytes = Zeroizing::new([0; 64]);
        bytes[..32].copy_from_slice(&*self.salts);
        bytes[32..].copy_from_slice(&self.public_key);
        bytes
    }

    /// The same back again.
    #[must_use]
    pub fn from_bytes(until: u64, bytes: &[u8; 64]) -> Self {
        let (mut salts, mut public_key) = (Zeroizing::new([0; 32]), [0; 32]);
        salts.copy_from_slice(&bytes[..32]);
        public_key.copy_from_slice(&bytes[32..]);
        Self { until, salts, public_key }
    }
}

impl std::fmt::Debug for RetiredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RetiredKey").field("until", &self.until).finish_non_exhaustive()
    }
}

/// The key that signs now, and those before it.
pub(super) struct Epochs {
    pub(super) key: SigningKey,
    salts: Zeroizing<[u8; 32]>,
    /// Oldest first.
    retired: Vec<RetiredKey>,
}

impl Epochs {
    pub(super) fn new(key: SigningKey, mut retired: Vec<RetiredKey>) -> Self {
        retired.sort_by_key(|retired| retired.until);
        Self { salts: salts(&key), key, retired }
    }

    /// The key that whoever verifies the log has to know.
    pub(super) fn first(&self) -> [u8; 32] {
        self.retired.first().map_or_else(|| self.key.verifying_key().to_bytes(), |first| first.public_key)
    }

    /// The salt of the entry at this place.
    pub(super) fn salt(&self, seq: u64) -> Digest {
        let retired = self.retired.iter().find(|retired| seq < retired.until);
        let salts = retired.map_or(&self.salts, |retired| &retired.salts);
        *blake3::keyed_hash(salts, &seq.to_le_bytes()).as_bytes()
    }

    /// Goes on with another key after the record `until`.
    pub(super) fn change(&mut self, key: SigningKey, until: u64) {
        self.retired.push(RetiredKey::of(&self.key, until));
        self.salts = salts(&key);
        self.key = key;
    }
}

fn salts(key: &SigningKey) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(blake3::derive_key(SALT_CONTEXT, key.as_bytes()))
}

/// The record that names the next key.
pub(super) struct KeyChange {
    pub(super) count: u64,
    pub(super) old: [u8; 32],
    pub(super) new: [u8; 32],
    signature: [u8; 64],
}

impl KeyChange {
    /// Writes what the record holds beyond its place in the chain.
    pub(super) fn encode(old: &SigningKey, new: &SigningKey, head: &Head, time_ns: u64, out: &mut Vec<u8>) {
        let next = new.verifying_key().to_bytes();
        put_u64(out, head.seq);
        put_digest(out, &old.verifying_key().to_bytes());
        out.extend_from_slice(&old.sign(&message(&head.hash, head.seq, time_ns, &next)).to_bytes());
        put_digest(out, &next);
    }

    /// Reads it; none if its bytes are not canonical.
    pub(super) fn decode(record: &Record<'_>) -> Option<Self> {
        let mut reader = Reader(record.rest);
        let (count, old) = (reader.u64()?, reader.array()?);
        let (signature, new) = (reader.array()?, reader.array()?);
        reader.end()?;
        Some(Self { count, old, new, signature })
    }

    /// The next key, if the one that goes, `old`, signed exactly this.
    pub(super) fn next(&self, old: &VerifyingKey, record: &Record<'_>) -> Option<VerifyingKey> {
        let message = message(&record.prev, self.count, record.time_ns, &self.new);
        let signed = old.verify_strict(&message, &Signature::from_bytes(&self.signature)).is_ok();
        let next = VerifyingKey::from_bytes(&self.new).ok()?;
        (self.old == old.to_bytes() && signed && !next.is_weak()).then_some(next)
    }
}

fn message(head: &Digest, count: u64, time_ns: u64, next: &[u8; 32]) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    put_digest(&mut message, head);
    put_u64(&mut message, count);
    put_u64(&mut message, time_ns);
    put_digest(&mut message, next);
    message
}

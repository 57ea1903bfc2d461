//! Checkpoints: the host's signature under the chain so far.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::chain::{Head, Record};
use super::codec::{Digest, Reader, put_u64};
use super::hex;

/// What is signed begins with this, so that the signature means nothing anywhere else.
const DOMAIN: &[u8] = b"astrid-host audit checkpoint v1\0";

/// A signed statement that the log's first `count` records end with the hash `head`. Kept elsewhere, it proves later
/// that the log was cut. Hashes, key and signature appear as hexadecimal text in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How many records it covers: the sequence number of the last of them.
    pub count: u64,
    /// When it was signed, in nanoseconds since 1970.
    pub time_ns: u64,
    /// The hash of the last record it covers; zeros if there is none.
    #[serde(with = "hex")]
    pub head: [u8; 32],
    /// The public key it was signed with.
    #[serde(with = "hex")]
    pub key: [u8; 32],
    /// Ed25519 over the domain, `head`, `count` and `time_ns`.
    #[serde(with = "hex")]
    pub signature: [u8; 64],
}

impl Checkpoint {
    pub(super) fn sign(key: &SigningKey, head: &Head, time_ns: u64) -> Self {
        let signature = key.sign(&message(&head.hash, head.seq, time_ns)).to_bytes();
        Self { count: head.seq, time_ns, head: head.hash, key: key.verifying_key().to_bytes(), signature }
    }

    /// True if `key` signed exactly this.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        self.key == key.to_bytes()
            && key
                .verify_strict(
                    &message(&self.head, self.count, self.time_ns),
                    &Signature::from_bytes(&self.signature),
                )
                .is_ok()
    }

    /// Writes what the record of the checkpoint holds beyond its place in the chain, which gives head and time.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.count);
        out.extend_from_slice(&self.key);
        out.extend_from_slice(&self.signature);
    }

    /// Reads a checkpoint; none if its bytes are not canonical.
    pub(super) fn decode(record: &Record<'_>) -> Option<Self> {
        let mut reader = Reader(record.rest);
        let (count, key, signature) = (reader.u64()?, reader.array()?, reader.array()?);
        reader.end()?;
        Some(Self { count, time_ns: record.time_ns, head: record.prev, key, signature })
    }
}

fn message(head: &Digest, count: u64, time_ns: u64) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    message.extend_from_slice(head);
    put_u64(&mut message, count);
    put_u64(&mut message, time_ns);
    message
}

//! Checkpoints: the host's signature under the chain so far.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::chain::{Head, Record};
use super::codec::{Digest, Reader, put_u64};
use super::hex;

/// What is signed begins with this, so that the signature means nothing anywhere else.
const DOMAIN: &[u8] = b"astrid-host audit checkpoint v1\0";

/// A signed statement that the log's first `entries` records end with the hash `head`. Kept elsewhere, it proves later
/// that the log was cut. Hashes, key and signature appear as hexadecimal text in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its own place in the log.
    pub sequence: u64,
    /// How many records it covers, entries and earlier checkpoints: the sequence number of the last of them.
    pub entries: u64,
    /// When it was signed, in nanoseconds since 1970.
    pub time_ns: u64,
    /// The hash of the last record it covers; zeros if there is none.
    #[serde(with = "hex")]
    pub head: [u8; 32],
    /// The public key it was signed with.
    #[serde(with = "hex")]
    pub public_key: [u8; 32],
    /// Ed25519 over the domain, `head`, `entries` and `time_ns`.
    #[serde(with = "hex")]
    pub signature: [u8; 64],
}

impl Checkpoint {
    pub(super) fn sign(key: &SigningKey, head: &Head, time_ns: u64) -> Self {
        let signature = key.sign(&message(&head.hash, head.seq, time_ns)).to_bytes();
        let (sequence, entries) = (head.seq + 1, head.seq);
        let public_key = key.verifying_key().to_bytes();
        Self { sequence, entries, time_ns, head: head.hash, public_key, signature }
    }

    /// True if `key` signed exactly this.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        self.public_key == key.to_bytes()
            && key
                .verify_strict(
                    &message(&self.head, self.entries, self.time_ns),
                    &Signature::from_bytes(&self.signature),
                )
                .is_ok()
    }

    /// Writes what the record of the checkpoint holds beyond its place in the chain, which gives head and time.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.entries);
        out.extend_from_slice(&self.public_key);
        out.extend_from_slice(&self.signature);
    }

    /// Reads a checkpoint; none if its bytes are not canonical.
    pub(super) fn decode(record: &Record<'_>) -> Option<Self> {
        let mut reader = Reader(record.rest);
        let (entries, public_key, signature) = (reader.u64()?, reader.array()?, reader.array()?);
        reader.end()?;
        let (sequence, time_ns) = (record.seq, record.time_ns);
        Some(Self { sequence, entries, time_ns, head: record.prev, public_key, signature })
    }
}

/// What a checkpoint kept elsewhere says, to be compared with the log when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedCheckpoint {
    /// [`Checkpoint::entries`].
    pub entries: u64,
    /// [`Checkpoint::head`].
    pub head: [u8; 32],
}

fn message(head: &Digest, count: u64, time_ns: u64) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    message.extend_from_slice(head);
    put_u64(&mut message, count);
    put_u64(&mut message, time_ns);
    message
}

//! One entry: what happened, to whom, by whom, and how it ended.

use serde::{Serialize, Serializer};

use super::chain::{Kind, Record};
use super::codec::{Digest, Reader, put_digest_option, put_text, put_text_option, put_u16, put_u64};
use super::hex;
use crate::limits::{AUDIT_DETAILS, AUDIT_NAME_BYTES, AUDIT_TEXT_BYTES};

/// How an audited operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was allowed and done.
    Allowed,
    /// It was refused; nothing happened.
    Denied,
    /// It was allowed and did not work.
    Failed,
    /// It was stopped on the way.
    Cancelled,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Allowed, Self::Denied, Self::Failed, Self::Cancelled];

    /// The word that stands for it in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is to be recorded. Operation, reason, capsule and principals are cut to 128 bytes, subject and detail values to
/// 1,024; details beyond the eighth are left out.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// `<package>.<function>`, or one of the host's own operations such as `host.open`.
    pub operation: &'a str,
    /// The capsule that acted or was acted on.
    pub capsule: Option<&'a str>,
    /// BLAKE3 of the capsule's component.
    pub artifact: Option<&'a [u8; 32]>,
    /// The principal it was done for.
    pub principal: Option<&'a str>,
    /// The principal a guest claimed to act for.
    pub claimed: Option<&'a str>,
    /// How it ended.
    pub outcome: Outcome,
    /// The error arm or the reason of a refusal; empty if there is none.
    pub reason: &'a str,
    /// What was touched: a key, a topic, an action. Never a secret.
    pub subject: &'a str,
    /// Bytes that were moved.
    pub bytes: u64,
    /// How long it took, in nanoseconds.
    pub elapsed_ns: u64,
    /// Content that is to be provable later without being kept: the log holds a salted commitment to it.
    pub content: Option<&'a [u8]>,
    /// Anything else, in the order it should be read.
    pub detail: &'a [(&'a str, &'a str)],
}

impl<'a> Draft<'a> {
    /// A draft with nothing but an operation and its outcome.
    pub const fn new(operation: &'a str, outcome: Outcome) -> Self {
        Self {
            operation,
            capsule: None,
            artifact: None,
            principal: None,
            claimed: None,
            outcome,
            reason: "",
            subject: "",
            bytes: 0,
            elapsed_ns: 0,
            content: None,
            detail: &[],
        }
    }

    /// Writes everything that does not depend on the place in the chain.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.outcome as u8 + 1);
        put_u64(out, self.bytes);
        put_u64(out, self.elapsed_ns);
        put_digest_option(out, self.artifact);
        put_text(out, self.operation, AUDIT_NAME_BYTES);
        put_text(out, self.reason, AUDIT_NAME_BYTES);
        put_text(out, self.subject, AUDIT_TEXT_BYTES);
        put_text_option(out, self.capsule, AUDIT_NAME_BYTES);
        put_text_option(out, self.principal, AUDIT_NAME_BYTES);
        put_text_option(out, self.claimed, AUDIT_NAME_BYTES);
        let kept = &self.detail[..self.detail.len().min(AUDIT_DETAILS)];
        put_u16(out, u16::try_from(kept.len()).unwrap_or(u16::MAX));
        for (name, value) in kept {
            put_text(out, name, AUDIT_NAME_BYTES);
            put_text(out, value, AUDIT_TEXT_BYTES);
        }
    }
}

/// An entry as it stands in the log. Hashes appear as hexadecimal text in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The place in the log, from 1 up; checkpoints take places too.
    pub seq: u64,
    /// When it was recorded, in nanoseconds since 1970; never less than in the entry before.
    pub time_ns: u64,
    /// How many this entry stands for: 1, or more where repeats beyond the rate were counted together.
    pub count: u64,
    /// When the first of them was recorded, in nanoseconds since 1970.
    pub first_ns: u64,
    /// When the last of them was recorded.
    pub last_ns: u64,
    /// See [`Draft::operation`].
    pub operation: String,
    /// See [`Draft::capsule`].
    pub capsule: Option<String>,
    /// See [`Draft::artifact`].
    #[serde(serialize_with = "hex::optional::serialize")]
    pub artifact: Option<[u8; 32]>,
    /// See [`Draft::principal`].
    pub principal: Option<String>,
    /// See [`Draft::claimed`].
    pub claimed: Option<String>,
    /// See [`Draft::outcome`].
    pub outcome: Outcome,
    /// See [`Draft::reason`].
    pub reason: String,
    /// See [`Draft::subject`].
    pub subject: String,
    /// See [`Draft::bytes`]; the sum over all it stands for.
    pub bytes: u64,
    /// See [`Draft::elapsed_ns`]; the sum over all it stands for.
    pub elapsed_ns: u64,
    /// The salted commitment to [`Draft::content`], or to the folded digest of the contents of all it stands for.
    #[serde(serialize_with = "hex::optional::serialize")]
    pub commitment: Option<[u8; 32]>,
    /// See [`Draft::detail`].
    #[serde(serialize_with = "detail_object")]
    pub detail: Vec<(String, String)>,
    /// The hash of the record before.
    #[serde(serialize_with = "hex::serialize")]
    pub prev: [u8; 32],
    /// The hash of this record.
    #[serde(serialize_with = "hex::serialize")]
    pub hash: [u8; 32],
}

impl Entry {
    /// Reads an entry; none if its bytes are not canonical.
    pub(super) fn decode(record: &Record<'_>) -> Option<Self> {
        let mut reader = Reader(record.rest);
        let (count, first_ns, last_ns) = match record.kind {
            Kind::Entry => (1, record.time_ns, record.time_ns),
            Kind::Counted => (reader.u64()?, reader.u64()?, reader.u64()?),
            Kind::Checkpoint | Kind::KeyChange => return None,
        };
        if count == 0 || first_ns > last_ns {
            return None;
        }
        let commitment: Option<Digest> = reader.option(Reader::array)?;
        let outcome = *Outcome::ALL.get(usize::from(reader.u8()?.checked_sub(1)?))?;
        let (bytes, elapsed_ns) = (reader.u64()?, reader.u64()?);
        let artifact = reader.option(Reader::array)?;
        let (operation, reason, subject) = (reader.text()?, reader.text()?, reader.text()?);
        let capsule = reader.option(Reader::text)?;
        let principal = reader.option(Reader::text)?;
        let claimed = reader.option(Reader::text)?;
        let mut detail = Vec::new();
        for _ in 0..reader.u16()? {
            detail.push((reader.text()?.to_owned(), reader.text()?.to_owned()));
        }
        reader.end()?;
        Some(Self {
            seq: record.seq,
            time_ns: record.time_ns,
            count,
            first_ns,
            last_ns,
            operation: operation.to_owned(),
            capsule: capsule.map(str::to_owned),
            artifact,
            principal: principal.map(str::to_owned),
            claimed: claimed.map(str::to_owned),
            outcome,
            reason: reason.to_owned(),
            subject: subject.to_owned(),
            bytes,
            elapsed_ns,
            commitment,
            detail,
            prev: record.prev,
            hash: record.hash,
        })
    }
}

fn detail_object<S: Serializer>(detail: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(detail.iter().map(|(name, value)| (name, value)))
}

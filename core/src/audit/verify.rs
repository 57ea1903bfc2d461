//! Verifying: with the log and the public key alone, offline, from any process.

use std::path::Path;

use ed25519_dalek::VerifyingKey;
use serde::Serialize;

use super::chain::{self, Head, Kind, Record, Step};
use super::checkpoint::Checkpoint;
use super::entry::Entry;
use super::epochs::KeyChange;
use super::hex;
use super::log::Log;
use super::query::contents;
use super::segment::{self, HEADER};
use super::state::Extent;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Findings beyond this many are not listed; the log is broken anyway.
const MOST_FINDINGS: usize = 1000;

/// Something that would not be so had nobody touched the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The sequence number at or after which it was found.
    pub seq: u64,
    /// What it is, in words.
    pub what: String,
}

impl Finding {
    pub(super) fn new(seq: u64, what: impl Into<String>) -> Self {
        Self { seq, what: what.into() }
    }
}

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// True if there are no findings.
    pub intact: bool,
    /// Whole entries.
    pub entries: u64,
    /// Whole checkpoints with a good signature.
    pub checkpoints: u64,
    /// The hash of the last record, as hexadecimal text.
    pub head: String,
    /// What is wrong, in the order of the log; at most 1,000.
    pub findings: Vec<Finding>,
}

impl Log {
    /// Verifies the log as it is now.
    pub fn verify(&self) -> Result<Verification> {
        verify(&self.shared.folder, &self.verifying_key()?, &[], self.shared.extent())
    }

    /// Verifies the log, and that it still holds what a checkpoint kept elsewhere covers.
    pub fn verify_against(&self, kept: &Checkpoint) -> Result<Verification> {
        let kept = std::slice::from_ref(kept);
        verify(&self.shared.folder, &self.verifying_key()?, kept, self.shared.extent())
    }
}

/// Verifies a log that no host needs to have open; `key` is the first that signed it, the chain names those after it. A log whose process ended suddenly may end with an unfinished record,
/// which is a finding here and is cut off when the log is opened again.
pub fn verify_dir(folder: &Path, key: &VerifyingKey) -> Result<Verification> {
    verify(folder, key, &[], None)
}

/// The same, and that the log still holds what checkpoints kept elsewhere cover.
pub fn verify_dir_against(folder: &Path, key: &VerifyingKey, kept: &[Checkpoint]) -> Result<Verification> {
    verify(folder, key, kept, None)
}

fn verify(
    folder: &Path,
    key: &VerifyingKey,
    kept: &[Checkpoint],
    extent: Option<Extent>,
) -> Result<Verification> {
    let unreadable = |cause: std::io::Error| {
        Error::new(ErrorKind::AuditUnavailable, "the audit log cannot be read").caused_by(cause)
    };
    let mut verifier = Verifier::new(key, kept);
    for first in segment::list(folder).map_err(unreadable)? {
        let Some(bytes) = contents(folder, first, extent).map_err(unreadable)? else { break };
        verifier.segment(first, &bytes);
    }
    Ok(verifier.finish())
}

/// Walks the log once, from its beginning.
struct Verifier<'a> {
    /// The key that signs at this place, and before it those that have signed.
    keys: Vec<VerifyingKey>,
    kept: &'a [Checkpoint],
    head: Head,
    entries: u64,
    checkpoints: u64,
    uncovered: u64,
    findings: Vec<Finding>,
}

impl<'a> Verifier<'a> {
    fn new(key: &VerifyingKey, kept: &'a [Checkpoint]) -> Self {
        Self {
            keys: vec![*key],
            kept,
            head: Head::default(),
            entries: 0,
            checkpoints: 0,
            uncovered: 0,
            findings: Vec::new(),
        }
    }

    fn find(&mut self, seq: u64, what: impl Into<String>) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding::new(seq, what));
        }
    }

    fn segment(&mut self, first: u64, bytes: &[u8]) {
        if !bytes.starts_with(HEADER) {
            self.find(first, "the header of the segment is damaged");
        }
        if first != self.head.seq + 1 {
            self.find(first, format!("the segment begins at {first} instead of {}", self.head.seq + 1));
        }
        let mut offset = HEADER.len();
        loop {
            match chain::step(bytes, offset, self.head.seq) {
                Step::Whole(record, next) => {
                    self.record(&record);
                    offset = next;
                }
                Step::End => return,
                Step::Damage { next: Some(next) } => {
                    self.find(self.head.seq + 1, "a record is damaged");
                    offset = next;
                }
                Step::Damage { next: None } => {
                    return self
                        .find(self.head.seq + 1, "the segment ends with a damaged or unfinished record");
                }
            }
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        let seq = record.seq;
        if seq != self.head.seq + 1 {
            self.find(seq, format!("the record has the number {seq} instead of {}", self.head.seq + 1));
        }
        if record.prev != self.head.hash {
            self.find(seq, "the record does not follow the one before");
        }
        if record.time_ns < self.head.time_ns {
            self.find(seq, "the record is older than the one before");
        }
        match record.kind {
            Kind::Entry | Kind::Counted => {
                self.entries += 1;
                self.uncovered += 1;
                if self.uncovered == limits::AUDIT_CHECKPOINT_ENTRIES + 1 {
                    self.find(seq, "a checkpoint is missing");
                }
                if Entry::decode(record).is_none() {
                    self.find(seq, "the entry is malformed");
                }
            }
            Kind::Checkpoint => self.checkpoint(record),
            Kind::KeyChange => self.key_change(record),
        }
        self.head = record.head();
        let kept = self.kept.iter().filter(|kept| kept.entries == seq);
        if kept.clone().any(|kept| kept.head != record.hash) {
            self.find(seq, "the log differs from a checkpoint kept elsewhere");
        }
    }

    fn checkpoint(&mut self, record: &Record<'_>) {
        self.uncovered = 0;
        let key = self.key();
        match Checkpoint::decode(record) {
            None => self.find(record.seq, "the checkpoint is malformed"),
            Some(checkpoint) if checkpoint.entries.checked_add(1) != Some(record.seq) => {
                self.find(record.seq, "the checkpoint covers another number of records");
            }
            Some(checkpoint) if checkpoint.public_key != key.to_bytes() => {
                self.find(record.seq, "the checkpoint names another key");
            }
            Some(checkpoint) if !checkpoint.is_signed_by(&key) => {
                self.find(record.seq, "the signature of the checkpoint is wrong");
            }
            Some(_) => self.checkpoints += 1,
        }
    }

    fn key_change(&mut self, record: &Record<'_>) {
        self.uncovered = 0;
        let key = self.key();
        match KeyChange::decode(record) {
            None => self.find(record.seq, "the change of key is malformed"),
            Some(change) if change.count.checked_add(1) != Some(record.seq) => {
                self.find(record.seq, "the change of key covers another number of records");
            }
            Some(change) => match change.next(&key, record) {
                Some(next) => self.keys.push(next),
                None => self.find(record.seq, "the change of key is not signed by the key before it"),
            },
        }
    }

    /// The key that signs at this place.
    fn key(&self) -> VerifyingKey {
        self.keys[self.keys.len() - 1]
    }

    fn finish(mut self) -> Verification {
        let end = self.head.seq;
        for kept in self.kept {
            if !self.keys.iter().any(|key| kept.is_signed_by(key)) {
                self.find(kept.entries, "a checkpoint kept elsewhere is not signed with a key of this log");
            }
        }
        let missing = self.kept.iter().map(|kept| kept.entries).max().filter(|covered| *covered > end);
        if let Some(covered) = missing {
            self.find(
                end,
                format!("the log ends at {end}, but a checkpoint kept elsewhere covers {covered}"),
            );
        }
        Verification {
            intact: self.findings.is_empty(),
            entries: self.entries,
            checkpoints: self.checkpoints,
            head: hex::encode(&self.head.hash),
            findings: self.findings,
        }
    }
}

//! The audit log, as the embedding program reads it.

use std::io::Write;

use super::Host;
use crate::audit::{Checkpoint, Entry, Filter, Verification};
use crate::error::Result;

/// A handle on the host's audit log. Nothing can be written or switched off through it.
#[derive(Clone, Debug)]
pub struct AuditLog(Host);

impl AuditLog {
    pub(super) fn new(host: Host) -> Self {
        Self(host)
    }

    /// The entries that pass the filter, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>> {
        self.0.rooms()?.context.audit.entries(filter)
    }

    /// Reads the whole log again and checks every hash, link and signature.
    ///
    /// # Errors
    /// When the log cannot be read; what is wrong inside it is a finding, not an error.
    pub fn verify(&self) -> Result<Verification> {
        self.0.rooms()?.context.audit.verify()
    }

    /// Signs the present head of the chain, to be kept elsewhere; returns when the disk has it.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        self.0.rooms()?.context.audit.checkpoint()
    }

    /// Writes every entry, checkpoint and change of key as one line of JSON, while it reads: memory does not grow with
    /// the log.
    ///
    /// # Errors
    /// When the log cannot be read or `out` cannot be written.
    pub fn export(&self, out: &mut dyn Write) -> Result<()> {
        self.0.rooms()?.context.audit.export(out)
    }

    /// The same with the entries that pass the filter alone.
    ///
    /// # Errors
    /// As [`Self::export`].
    pub fn export_filtered(&self, out: &mut dyn Write, filter: &Filter) -> Result<()> {
        self.0.rooms()?.context.audit.export_filtered(out, filter)
    }

    /// The public key that verifies the log, 32 bytes: the first it was signed with. The chain itself names those that
    /// came after it.
    ///
    /// # Errors
    /// When the host is closed.
    pub fn public_key(&self) -> Result<[u8; 32]> {
        Ok(self.0.rooms()?.context.audit.public_key())
    }
}

//! Reading the log: entries that match a filter, and everything as JSON lines.

use std::io::Write;

use serde::Serialize;

use super::chain::{self, Kind, Record, Step};
use super::checkpoint::Checkpoint;
use super::entry::{Entry, Outcome};
use super::log::{Extent, Log};
use super::segment::{self, HEADER};
use crate::error::{Error, ErrorKind, Result};

/// Which entries are wanted; what is not set matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this principal.
    pub principal: Option<String>,
    /// Only those of this capsule.
    pub capsule: Option<String>,
    /// Only those of this operation.
    pub operation: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only those with this sequence number or a greater one.
    pub since_seq: u64,
    /// At most this many, the first that match.
    pub limit: Option<usize>,
}

impl Filter {
    fn matches(&self, entry: &Entry) -> bool {
        let same =
            |wanted: &Option<String>, held: Option<&str>| wanted.is_none() || wanted.as_deref() == held;
        entry.seq >= self.since_seq
            && same(&self.principal, entry.principal.as_deref())
            && same(&self.capsule, entry.capsule.as_deref())
            && same(&self.operation, Some(&entry.operation))
            && self.outcome.is_none_or(|outcome| outcome == entry.outcome)
    }
}

/// A line of an export.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "lowercase")]
enum Line {
    Entry(Entry),
    Checkpoint {
        seq: u64,
        #[serde(flatten)]
        checkpoint: Checkpoint,
    },
}

impl Log {
    /// The entries that match, oldest first. Damaged records are passed over; [`Log::verify`] names them.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let most = filter.limit.unwrap_or(usize::MAX);
        self.read(filter.since_seq, |record| {
            if entries.len() < most
                && record.kind == Kind::Entry
                && let Some(entry) = Entry::decode(record)
                && filter.matches(&entry)
            {
                entries.push(entry);
            }
            Ok(entries.len() < most)
        })?;
        Ok(entries)
    }

    /// Writes every entry and checkpoint as one line of JSON, oldest first.
    pub fn export(&self, mut out: impl Write) -> Result<()> {
        let unwritten = |cause: std::io::Error| {
            Error::new(ErrorKind::InvalidArgument, "the export could not be written").caused_by(cause)
        };
        self.read(0, |record| {
            let line = match record.kind {
                Kind::Entry => Entry::decode(record).map(Line::Entry),
                Kind::Checkpoint => Checkpoint::decode(record)
                    .map(|checkpoint| Line::Checkpoint { seq: record.seq, checkpoint }),
            };
            if let Some(line) = line {
                let mut text = serde_json::to_vec(&line).map_err(|cause| unwritten(cause.into()))?;
                text.push(b'\n');
                out.write_all(&text).map_err(unwritten)?;
            }
            Ok(true)
        })?;
        out.flush().map_err(unwritten)
    }

    /// Hands every whole record from `since` on to `visit` until it answers false.
    fn read(&self, since: u64, mut visit: impl FnMut(&Record<'_>) -> Result<bool>) -> Result<()> {
        let unreadable = |cause: std::io::Error| {
            Error::new(ErrorKind::AuditUnavailable, "the audit log cannot be read").caused_by(cause)
        };
        let extent = self.shared.extent();
        let firsts = segment::list(&self.shared.folder).map_err(unreadable)?;
        for (n, first) in firsts.iter().enumerate() {
            if firsts.get(n + 1).is_some_and(|next| *next <= since) {
                continue;
            }
            let Some(bytes) = contents(&self.shared.folder, *first, extent).map_err(unreadable)? else {
                break;
            };
            let (mut offset, mut seq) = (HEADER.len(), first.saturating_sub(1));
            loop {
                match chain::step(&bytes, offset, seq) {
                    Step::Whole(record, next) => {
                        (offset, seq) = (next, record.seq);
                        if record.seq >= since && !visit(&record)? {
                            return Ok(());
                        }
                    }
                    Step::Damage { next: Some(next) } => offset = next,
                    Step::Damage { next: None } | Step::End => break,
                }
            }
        }
        Ok(())
    }
}

/// The bytes of a segment that are to be read; none if it was begun after the extent was taken.
pub(super) fn contents(
    folder: &std::path::Path,
    first: u64,
    extent: Option<Extent>,
) -> std::io::Result<Option<Vec<u8>>> {
    if extent.is_some_and(|extent| first > extent.last) {
        return Ok(None);
    }
    let mut bytes = std::fs::read(segment::path(folder, first))?;
    if let Some(extent) = extent.filter(|extent| extent.last == first) {
        bytes.truncate(extent.used);
    }
    Ok(Some(bytes))
}

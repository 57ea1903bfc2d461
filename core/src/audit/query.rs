//! Reading the log: entries that match a filter, and everything as JSON lines.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::chain::{self, Kind, Record};
use super::checkpoint::{Checkpoint, ExpectedCheckpoint};
use super::choices::AuditChoices;
use super::entry::{Entry, Outcome};
use super::epochs::KeyChange;
use super::hex;
use super::log::Log;
use super::rate::Rates;
use super::segment;
use super::state::Extent;
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
    /// True if every entry passes, as far as it is asked for.
    fn is_open(&self) -> bool {
        self.principal.is_none()
            && self.capsule.is_none()
            && self.operation.is_none()
            && self.outcome.is_none()
    }

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
    #[serde(rename = "key_change")]
    KeyChange {
        seq: u64,
        time_ns: u64,
        public_key: String,
        next_key: String,
    },
}

impl Line {
    fn of(record: &Record<'_>) -> Option<Self> {
        let seq = record.seq;
        match record.kind {
            Kind::Entry | Kind::Counted => Entry::decode(record).map(Self::Entry),
            Kind::Checkpoint => {
                Checkpoint::decode(record).map(|checkpoint| Self::Checkpoint { seq, checkpoint })
            }
            Kind::KeyChange => KeyChange::decode(record).map(|change| Self::KeyChange {
                seq,
                time_ns: record.time_ns,
                public_key: hex::encode(&change.old),
                next_key: hex::encode(&change.new),
            }),
        }
    }

    /// Whether the filter lets it through; what is no entry passes only where every entry does.
    fn passes(&self, filter: &Filter) -> bool {
        match self {
            Self::Entry(entry) => filter.matches(entry),
            Self::Checkpoint { .. } | Self::KeyChange { .. } => filter.is_open(),
        }
    }
}

impl Log {
    /// The entries that match, oldest first. Damaged records are passed over; [`Log::verify`] names them.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let most = filter.limit.unwrap_or(usize::MAX);
        self.read(filter.since_seq, |record| {
            if entries.len() < most
                && let Some(entry) = Entry::decode(record)
                && filter.matches(&entry)
            {
                entries.push(entry);
            }
            Ok(entries.len() < most)
        })?;
        Ok(entries)
    }

    /// Writes every entry, checkpoint and change of key as one line of JSON, oldest first, as they are read: no more
    /// than a segment is held in memory.
    pub fn export(&self, out: impl Write) -> Result<()> {
        self.export_filtered(out, &Filter::default())
    }

    /// The same with the entries that match alone; the filter without a wish but `since_seq` and `limit` keeps
    /// checkpoints and changes of key.
    pub fn export_filtered(&self, mut out: impl Write, filter: &Filter) -> Result<()> {
        let unwritten = |cause: std::io::Error| {
            Error::new(ErrorKind::InvalidArgument, "the export could not be written").caused_by(cause)
        };
        let mut left = filter.limit.unwrap_or(usize::MAX);
        self.read(filter.since_seq, |record| {
            if left > 0
                && let Some(line) = Line::of(record).filter(|line| line.passes(filter))
            {
                let mut text = serde_json::to_vec(&line).map_err(|cause| unwritten(cause.into()))?;
                text.push(b'\n');
                out.write_all(&text).map_err(unwritten)?;
                left -= 1;
            }
            Ok(left > 0)
        })?;
        out.flush().map_err(unwritten)
    }

    /// Hands every whole record from `since` on to `visit` until it answers false.
    fn read(&self, since: u64, visit: impl FnMut(&Record<'_>) -> Result<bool>) -> Result<()> {
        self.close_tallies()?;
        read(&self.shared.folder, since, self.shared.extent(), visit)
    }
}

/// Hands every whole record of a folder from `since` on to `visit` until it answers false.
fn read(
    folder: &Path,
    since: u64,
    extent: Option<Extent>,
    mut visit: impl FnMut(&Record<'_>) -> Result<bool>,
) -> Result<()> {
    let firsts = segment::list(folder).map_err(unreadable)?;
    for (n, first) in firsts.iter().enumerate() {
        if firsts.get(n + 1).is_some_and(|next| *next <= since) {
            continue;
        }
        let Some(bytes) = contents(folder, *first, extent).map_err(unreadable)? else { break };
        let mut failed = Ok(());
        let read_on = chain::walk(&bytes, *first, |record| {
            let answer = if record.seq < since { Ok(true) } else { visit(record) };
            answer.unwrap_or_else(|error| {
                failed = Err(error);
                false
            })
        });
        failed?;
        if !read_on {
            break;
        }
    }
    Ok(())
}

/// Fails with [`ErrorKind::AuditUnavailable`] unless the log holds what the kept checkpoint covers.
pub(super) fn holds(folder: &Path, expected: &ExpectedCheckpoint) -> Result<()> {
    let refused = |what: &str| {
        let message = format!(
            "the audit log {what}, but a checkpoint kept elsewhere covers {} of it",
            expected.entries
        );
        Err(Error::new(ErrorKind::AuditUnavailable, message).with("audit", folder.display().to_string()))
    };
    let mut hash = if expected.entries == 0 { Some([0; 32]) } else { None };
    let mut end = 0;
    if folder.is_dir() {
        read(folder, expected.entries, None, |record| {
            end = record.seq;
            if record.seq == expected.entries {
                hash = Some(record.hash);
            }
            Ok(hash.is_none())
        })?;
    }
    match hash {
        Some(hash) if hash == expected.head => Ok(()),
        Some(_) => refused("was replaced or changed"),
        None if end == 0 => refused("was cut: its end is missing"),
        None => refused("was cut or changed"),
    }
}

/// The place of the record that names `public_key` as the next key of the log in this folder, if there is one. No host
/// may have it open.
pub fn key_change_to(folder: &Path, public_key: &[u8; 32]) -> Result<Option<u64>> {
    let mut found = None;
    read(folder, 0, None, |record| {
        let change = (record.kind == Kind::KeyChange).then(|| KeyChange::decode(record)).flatten();
        if change.is_some_and(|change| change.new == *public_key) {
            found = Some(record.seq);
        }
        Ok(found.is_none())
    })?;
    Ok(found)
}

/// Charges what is in the log to the (capsule, principal) it is of.
pub(super) fn charge(folder: &Path, rates: &mut Rates, choices: &AuditChoices) -> Result<()> {
    let now = std::time::Instant::now();
    read(folder, 0, None, |record| {
        if let Some(entry) = Entry::decode(record)
            && let (Some(capsule), Some(principal)) = (&entry.capsule, &entry.principal)
        {
            let bytes = chain::entry_bytes(record.rest.len(), false) as u64;
            rates.pair(capsule, principal, now, choices).used += bytes;
        }
        Ok(true)
    })
}

fn unreadable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::AuditUnavailable, "the audit log cannot be read").caused_by(cause)
}

/// The bytes of a segment that are to be read; none if it was begun after the extent was taken.
pub(super) fn contents(
    folder: &Path,
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

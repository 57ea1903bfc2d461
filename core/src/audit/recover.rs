//! Opening: where the chain ends, whatever the last process left behind.

use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::chain::{self, Head, Kind, Step};
use super::entry::Entry;
use super::segment::{self, HEADER, Segment};
use super::slots::{self, Counts};
use super::tally;
use super::verify::Finding;
use crate::limits;

/// What opening found at the end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of an unfinished record that were cut off.
    pub torn_bytes: u64,
    /// Damage before the last whole record of the last segment; it is left as it is. [`super::Log::verify`] looks everywhere.
    pub findings: Vec<Finding>,
}

/// The log as it was found, ready to be appended to.
pub(super) struct Recovered {
    pub(super) segment: Segment,
    pub(super) head: Head,
    /// Entries that no checkpoint covers; no fewer than there are.
    pub(super) uncovered: u64,
    /// Bytes of all segments but the last.
    pub(super) sealed: u64,
    pub(super) report: Recovery,
    /// Repeats that were counted and have no entry yet.
    pub(super) left_open: Vec<(Vec<u8>, Counts)>,
}

/// Finds the end of the chain and opens the segment it lies in.
pub(super) fn recover(folder: &Path, capacity: usize) -> std::io::Result<Recovered> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut segments = segment::list(folder)?;
    if let Some(first) = segments.first() {
        refuse_newer(folder, *first)?;
    }
    let mut recovery = Recovery::default();
    let left_open = unwritten(folder, &segments)?;
    let last = segments.last().copied();
    let mut used = 0;
    let mut end = None;
    for first in segments.iter().rev() {
        let bytes = fs::read(segment::path(folder, *first))?;
        let found = End::of(&bytes, *first);
        if Some(*first) == last {
            used = found.used;
            recovery.torn_bytes = found.torn;
            recovery.findings.clone_from(&found.findings);
        }
        if found.head.is_some() {
            end = Some(found);
            break;
        }
    }
    let end = end.unwrap_or_default();
    let head = end.head.unwrap_or_default();
    if recovery.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovery.torn_bytes,
            "an unfinished record at the end of the audit log was cut off"
        );
    }
    let segment = match last {
        Some(first) if used >= HEADER.len() => Segment::resume(folder, first, used, capacity.max(used))?,
        _ => {
            // The last segment was being made when the process ended and holds nothing.
            if let Some(first) = segments.pop() {
                fs::remove_file(segment::path(folder, first))?;
            }
            Segment::create(folder, head.seq + 1, capacity)?
        }
    };
    let mut sealed = 0;
    for first in segments.iter().filter(|first| **first != segment.first()) {
        sealed += fs::metadata(segment::path(folder, *first))?.len();
    }
    Ok(Recovered { segment, head, uncovered: end.uncovered, sealed, report: recovery, left_open })
}

/// Fails if the log was written by a newer host.
fn refuse_newer(folder: &Path, first: u64) -> std::io::Result<()> {
    let mut header = [0; HEADER.len()];
    let mut file = fs::File::open(segment::path(folder, first))?;
    if file.read_exact(&mut header).is_err() || header[..8] != HEADER[..8] {
        return Ok(());
    }
    let (own, found) = (segment::format(HEADER), segment::format(&header));
    if found > own {
        let message = format!("the audit log has the newer format {found}; this host reads up to {own}");
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// What was counted and has no entry. An entry may have been written and its slot not freed, since that waits for the
/// disk; such an entry lies in the last segment, or at the end of the one before.
fn unwritten(folder: &Path, segments: &[u64]) -> std::io::Result<Vec<(Vec<u8>, Counts)>> {
    let mut left = slots::left_open(folder)?;
    left.retain(|(fixed, counts)| tally::is_whole(fixed, counts));
    for first in segments.iter().rev().take(if left.is_empty() { 0 } else { 2 }) {
        let bytes = fs::read(segment::path(folder, *first))?;
        chain::walk(&bytes, *first, |record| {
            if let Some(entry) = Entry::decode(record).filter(|_| record.kind == Kind::Counted) {
                left.retain(|(fixed, counts)| !tally::is_entry_of(fixed, counts, record.rest, &entry));
            }
            true
        });
    }
    Ok(left)
}

/// The end of one segment.
#[derive(Default)]
struct End {
    head: Option<Head>,
    /// Bytes up to the end of the last whole record.
    used: usize,
    /// Bytes after that which are not zero at the front and belong to no whole record.
    torn: u64,
    uncovered: u64,
    findings: Vec<Finding>,
}

impl End {
    fn of(bytes: &[u8], first: u64) -> Self {
        let mut end = Self::default();
        let mut offset = HEADER.len();
        if bytes.starts_with(HEADER) {
            end.used = offset;
        } else if bytes.iter().any(|byte| *byte != 0) {
            end.findings.push(Finding::new(first, "the header of the segment is damaged"));
        }
        // Unless a checkpoint turns up, one is due before the next entry.
        let mut covered = None;
        let mut entries = 0;
        loop {
            match chain::step(bytes, offset, end.head.map_or(first.saturating_sub(1), |head| head.seq)) {
                Step::Whole(record, next) => {
                    if end.head.is_some_and(|head| head.hash != record.prev) {
                        end.findings
                            .push(Finding::new(record.seq, "the record does not follow the one before"));
                    }
                    match record.kind {
                        Kind::Entry | Kind::Counted => entries += 1,
                        Kind::Checkpoint | Kind::KeyChange => covered = Some(entries),
                    }
                    end.head = Some(record.head());
                    end.used = next;
                    offset = next;
                }
                Step::End => break,
                Step::Damage { next: Some(next) } => {
                    let seq = end.head.map_or(first, |head| head.seq + 1);
                    end.findings.push(Finding::new(seq, "a record is damaged"));
                    offset = next;
                }
                Step::Damage { next: None } => {
                    let dirt = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(offset);
                    end.torn = (dirt + 1).saturating_sub(offset) as u64;
                    break;
                }
            }
        }
        let from_start = if first == 1 { entries } else { limits::AUDIT_CHECKPOINT_ENTRIES };
        end.uncovered = covered.map_or(from_start, |covered| entries - covered);
        end
    }
}

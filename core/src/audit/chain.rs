//! The chain: how a record is framed, how each is bound to the one before, and how a damaged stretch is passed.
//!
//! ```text
//! record = length:u32 body hash:32           hash = BLAKE3(body)
//! body   = version:u8 kind:u8 seq:u64 time:u64 prev:32 rest
//! ```

use super::codec::{Digest, Reader, put_u64};
use super::segment::HEADER;
use crate::limits::{AUDIT_DETAILS, AUDIT_NAME_BYTES, AUDIT_TEXT_BYTES};

/// The version of a record's body.
const VERSION: u8 = 1;
/// Bytes of the length before a body.
const LENGTH: usize = 4;
/// Bytes of the hash after a body.
const HASH: usize = 32;
/// Bytes of a body before its rest.
const FIXED: usize = 1 + 1 + 8 + 8 + HASH;
/// Longest body; more than the longest entry takes.
const MOST: usize =
    512 + 8 * AUDIT_NAME_BYTES + 2 * AUDIT_TEXT_BYTES + AUDIT_DETAILS * (AUDIT_NAME_BYTES + AUDIT_TEXT_BYTES);
/// How far ahead a sequence number may be where reading resumes after damage.
const LEAP: u64 = 1 << 32;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Entry = 1,
    Checkpoint = 2,
    /// An entry that stands for several.
    Counted = 3,
    /// A checkpoint that names the key of the next ones.
    KeyChange = 4,
}

/// The end of the chain: the last record's place, time and hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) time_ns: u64,
    pub(super) hash: Digest,
}

impl Head {
    /// Starts a body that follows this head; the caller appends the rest.
    pub(super) fn begin(&self, kind: Kind, time_ns: u64, body: &mut Vec<u8>) {
        body.push(VERSION);
        body.push(kind as u8);
        put_u64(body, self.seq + 1);
        put_u64(body, time_ns);
        body.extend_from_slice(&self.hash);
    }

    /// Frames a finished body, and moves the head behind it.
    pub(super) fn seal(&mut self, time_ns: u64, body: &[u8]) -> Digest {
        self.hash = *blake3::hash(body).as_bytes();
        self.seq += 1;
        self.time_ns = time_ns;
        self.hash
    }
}

/// Bytes a record with this body takes in a file.
pub(super) const fn framed(body: usize) -> usize {
    LENGTH + body + HASH
}

/// Bytes an entry takes in a file whose encoded draft has this length.
pub(super) const fn entry_bytes(draft: usize, committed: bool) -> usize {
    framed(FIXED + 1 + if committed { HASH } else { 0 } + draft)
}

/// Writes the record so that its length, without which it is not there, comes last.
pub(super) fn write(slot: &mut [u8], body: &[u8], hash: &Digest) {
    let Ok(length) = u32::try_from(body.len()) else { return };
    slot[LENGTH..LENGTH + body.len()].copy_from_slice(body);
    slot[LENGTH + body.len()..framed(body.len())].copy_from_slice(hash);
    // Whoever ends the process now leaves either no record or a whole one; a torn one would be found by its hash.
    std::sync::atomic::fence(std::sync::atomic::Ordering::Release);
    slot[..LENGTH].copy_from_slice(&length.to_le_bytes());
}

/// A whole record: its hash is that of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    pub(super) seq: u64,
    pub(super) time_ns: u64,
    pub(super) prev: Digest,
    pub(super) hash: Digest,
    /// What follows the fixed part of the body.
    pub(super) rest: &'a [u8],
}

impl Record<'_> {
    /// The head of a chain that ends with this record.
    pub(super) fn head(&self) -> Head {
        Head { seq: self.seq, time_ns: self.time_ns, hash: self.hash }
    }
}

/// What stands at a place in a segment.
pub(super) enum Step<'a> {
    /// A whole record, and where the next one begins.
    Whole(Record<'a>, usize),
    /// Nothing but zeros follows.
    End,
    /// Something that is no whole record; `next` is where the next whole one begins, if there is one.
    Damage {
        /// Where reading may resume.
        next: Option<usize>,
    },
}

/// Reads what stands at `offset`; `seq` is the last sequence number read, to resume near it after damage.
pub(super) fn step(bytes: &[u8], offset: usize, seq: u64) -> Step<'_> {
    if let Some((record, next)) = whole(bytes, offset) {
        return Step::Whole(record, next);
    }
    let rest = bytes.get(offset..).unwrap_or_default();
    let Some(dirt) = rest.iter().position(|byte| *byte != 0) else { return Step::End };
    // A record starts at most three zero bytes before its first other byte.
    let from = (offset + dirt).saturating_sub(LENGTH - 1).max(offset + 1);
    let plausible = |at: usize| {
        let found = bytes.get(at + LENGTH + 2..at + LENGTH + 10)?;
        let found = u64::from_le_bytes(found.try_into().ok()?);
        (found > seq && found - seq < LEAP && whole(bytes, at).is_some()).then_some(at)
    };
    Step::Damage { next: (from..bytes.len()).find_map(plausible) }
}

/// Hands every whole record of a segment to `visit` until it answers false; tells whether it never did.
pub(super) fn walk(bytes: &[u8], first: u64, mut visit: impl FnMut(&Record<'_>) -> bool) -> bool {
    let (mut offset, mut seq) = (HEADER.len(), first.saturating_sub(1));
    loop {
        match step(bytes, offset, seq) {
            Step::Whole(record, next) => {
                (offset, seq) = (next, record.seq);
                if !visit(&record) {
                    return false;
                }
            }
            Step::Damage { next: Some(next) } => offset = next,
            Step::Damage { next: None } | Step::End => return true,
        }
    }
}

fn whole(bytes: &[u8], offset: usize) -> Option<(Record<'_>, usize)> {
    let (length, rest) = bytes.get(offset..)?.split_first_chunk::<LENGTH>()?;
    let length = u32::from_le_bytes(*length) as usize;
    if !(FIXED..=MOST).contains(&length) {
        return None;
    }
    let (body, rest) = rest.split_at_checked(length)?;
    let mut reader = Reader(body);
    if reader.u8()? != VERSION {
        return None;
    }
    let kind = match reader.u8()? {
        1 => Kind::Entry,
        2 => Kind::Checkpoint,
        3 => Kind::Counted,
        4 => Kind::KeyChange,
        _ => return None,
    };
    let hash = *rest.first_chunk::<HASH>()?;
    if *blake3::hash(body).as_bytes() != hash {
        return None;
    }
    let (seq, time_ns, prev) = (reader.u64()?, reader.u64()?, reader.array()?);
    Some((Record { kind, seq, time_ns, prev, hash, rest: reader.0 }, offset + framed(length)))
}

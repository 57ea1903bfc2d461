//! Tallies: repeats beyond the rate, collected into one counted entry.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::chain::{self, Kind, Record};
use super::codec::{Digest, put_digest_option, put_u64};
use super::entry::{Draft, Entry};
use super::slots::{Counts, Slots};
use crate::limits;

/// A repeat that is being counted.
pub(super) struct Tally {
    slot: usize,
    pub(super) capsule: String,
    pub(super) principal: String,
    operation: String,
    subject: String,
    /// The encoded entry without commitment, bytes and time, which is what repeats have in common.
    fixed: Vec<u8>,
    pub(super) counts: Counts,
    pub(super) opened: Instant,
}

/// The open tallies and the file that holds them.
#[derive(Default)]
pub(super) struct Tallies {
    open: Vec<Tally>,
    /// None until the first repeat beyond the rate.
    slots: Option<Slots>,
    free: BTreeSet<usize>,
    /// Slots whose entry is in the log, but perhaps not on the disk yet.
    pub(super) written: Vec<usize>,
}

/// One more of something, as it is folded into a tally.
pub(super) struct Repeat<'a> {
    pub(super) draft: &'a Draft<'a>,
    /// The draft's own encoding.
    pub(super) rest: &'a [u8],
    pub(super) content: Option<Digest>,
    pub(super) now_ns: u64,
}

impl Tallies {
    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// True if a call that ends well can be counted: its like is being counted, or another tally can be opened.
    pub(super) fn takes(&self, draft: &Draft<'_>, of_pair: usize) -> bool {
        let like = |tally: &Tally| {
            Some(&*tally.capsule) == draft.capsule
                && Some(&*tally.principal) == draft.principal
                && tally.operation == draft.operation
                && tally.subject == draft.subject
        };
        self.has_room(of_pair) || self.open.iter().any(like)
    }

    fn has_room(&self, of_pair: usize) -> bool {
        of_pair < limits::AUDIT_TALLIES_PER_PAIR
            && self.open.len() + self.written.len() < limits::AUDIT_TALLIES
    }

    /// Counts it with its like. False if there is none.
    pub(super) fn count(&mut self, repeat: &Repeat<'_>) -> bool {
        let fixed = fixed(repeat.rest);
        let Some(tally) = self.open.iter_mut().find(|tally| tally.fixed == fixed) else { return false };
        let counts = &mut tally.counts;
        counts.count += 1;
        counts.last_ns = counts.last_ns.max(repeat.now_ns);
        counts.bytes = counts.bytes.saturating_add(repeat.draft.bytes);
        counts.elapsed_ns = counts.elapsed_ns.saturating_add(repeat.draft.elapsed_ns);
        counts.folded = fold(counts.folded, repeat.content);
        if let Some(slots) = &mut self.slots {
            slots.update(tally.slot, &tally.fixed, &tally.counts);
        }
        true
    }

    /// Begins to count it. False if it cannot be counted or there is no room.
    pub(super) fn begin(&mut self, folder: &Path, repeat: &Repeat<'_>, of_pair: usize) -> io::Result<bool> {
        let draft = repeat.draft;
        let (Some(capsule), Some(principal)) = (draft.capsule, draft.principal) else { return Ok(false) };
        if !draft.detail.is_empty() || !self.has_room(of_pair) {
            return Ok(false);
        }
        if self.slots.is_none() {
            self.slots = Some(Slots::create(folder)?);
            self.free = (0..limits::AUDIT_TALLIES).collect();
        }
        let (Some(slots), Some(slot)) = (&mut self.slots, self.free.pop_first()) else { return Ok(false) };
        let counts = Counts {
            count: 1,
            first_ns: repeat.now_ns,
            last_ns: repeat.now_ns,
            bytes: draft.bytes,
            elapsed_ns: draft.elapsed_ns,
            folded: repeat.content,
        };
        let fixed = fixed(repeat.rest);
        if !slots.fill(slot, &fixed, &counts) {
            self.free.insert(slot);
            return Ok(false);
        }
        self.open.push(Tally {
            slot,
            capsule: capsule.to_owned(),
            principal: principal.to_owned(),
            operation: draft.operation.to_owned(),
            subject: draft.subject.to_owned(),
            fixed,
            counts,
            opened: Instant::now(),
        });
        Ok(true)
    }

    /// The tally that has been open longest.
    pub(super) fn oldest(&self) -> Option<&Tally> {
        self.open.first()
    }

    /// Takes the oldest out: its entry is in the log.
    pub(super) fn close_oldest(&mut self) -> Tally {
        let tally = self.open.remove(0);
        self.written.push(tally.slot);
        tally
    }

    /// Frees slots whose entries are on the disk.
    pub(super) fn forget(&mut self, written: &[usize]) {
        self.written.retain(|slot| !written.contains(slot));
        for slot in written {
            if let Some(slots) = &mut self.slots {
                slots.clear(*slot);
            }
            self.free.insert(*slot);
        }
    }

    /// The file of the slots, if there is one.
    pub(super) fn file(&self) -> Option<Arc<std::fs::File>> {
        self.slots.as_ref().map(Slots::file)
    }
}

impl Tally {
    /// What its entry holds beyond its place in the chain; `commit` makes the commitment.
    pub(super) fn encode(&self, commit: impl FnOnce(&Digest) -> Digest, out: &mut Vec<u8>) {
        encode(&self.fixed, &self.counts, commit, out);
    }

    /// Bytes its entry takes in the log.
    pub(super) fn bytes(&self) -> usize {
        chain::entry_bytes(3 * 8 + self.fixed.len(), self.counts.folded.is_some())
    }
}

/// The rest of a counted entry's record.
pub(super) fn encode(
    fixed: &[u8],
    counts: &Counts,
    commit: impl FnOnce(&Digest) -> Digest,
    out: &mut Vec<u8>,
) {
    for number in [counts.count, counts.first_ns, counts.last_ns] {
        put_u64(out, number);
    }
    put_digest_option(out, counts.folded.as_ref().map(commit).as_ref());
    out.extend_from_slice(&fixed[..1]);
    put_u64(out, counts.bytes);
    put_u64(out, counts.elapsed_ns);
    out.extend_from_slice(&fixed[AFTER_NUMBERS..]);
}

/// True if an entry can be written of what was left open: a file may hold anything, whatever its checks say.
pub(super) fn is_whole(fixed: &[u8], counts: &Counts) -> bool {
    if fixed.len() < AFTER_NUMBERS {
        return false;
    }
    let mut rest = Vec::with_capacity(fixed.len() + 64);
    encode(fixed, counts, |folded| *folded, &mut rest);
    let none = Digest::default();
    let record = Record { kind: Kind::Counted, seq: 0, time_ns: 0, prev: none, hash: none, rest: &rest };
    Entry::decode(&record).is_some()
}

/// True if this counted entry is the one that was written of these counts.
pub(super) fn is_entry_of(fixed_part: &[u8], counts: &Counts, rest: &[u8], entry: &Entry) -> bool {
    let numbers =
        (entry.count, entry.first_ns, entry.last_ns) == (counts.count, counts.first_ns, counts.last_ns);
    let commitment = if entry.commitment.is_some() { 33 } else { 1 };
    numbers && rest.get(3 * 8 + commitment..).is_some_and(|draft| fixed(draft) == fixed_part)
}

/// Where in an encoded draft the numbers end that differ between repeats: after the outcome and the two of them.
const AFTER_NUMBERS: usize = 1 + 8 + 8;

fn fixed(rest: &[u8]) -> Vec<u8> {
    let mut fixed = rest.to_vec();
    fixed[1..AFTER_NUMBERS].fill(0);
    fixed
}

/// The digest of one content is its own; with each further one the digest so far and the new one are hashed together.
fn fold(folded: Option<Digest>, content: Option<Digest>) -> Option<Digest> {
    match (folded, content) {
        (Some(folded), Some(content)) => {
            Some(*blake3::Hasher::new().update(&folded).update(&content).finalize().as_bytes())
        }
        (folded, content) => folded.or(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Outcome;

    #[test]
    fn only_of_what_is_whole_an_entry_is_written() {
        let mut encoded = Vec::new();
        Draft::new("kv.kv-set", Outcome::Allowed).encode(&mut encoded);
        let fixed = fixed(&encoded);
        let counts = Counts { count: 2, first_ns: 1, last_ns: 2, bytes: 3, elapsed_ns: 4, folded: None };
        assert!(is_whole(&fixed, &counts));
        for length in 0..fixed.len() {
            assert!(!is_whole(&fixed[..length], &counts), "{length}");
        }
        assert!(!is_whole(&[&fixed[..], b"more"].concat(), &counts));
        assert!(!is_whole(&fixed, &Counts { count: 0, ..counts }));
        assert!(!is_whole(&fixed, &Counts { first_ns: 3, ..counts }));
    }
}

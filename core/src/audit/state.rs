//! What the appender and the syncing thread share: the end of the chain, and the one way to add to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use parking_lot::Mutex;

use super::chain::{self, Head, Kind};
use super::checkpoint::Checkpoint;
use super::choices::AuditChoices;
use super::codec::Digest;
use super::epochs::{Epochs, KeyChange};
use super::log::CheckpointSink;
use super::rate::Rates;
use super::segment::Segment;
use super::tally::{Tallies, Tally};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::syncer::SyncFailed;

pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) limit: u64,
    pub(super) capacity: usize,
    pub(super) choices: AuditChoices,
    pub(super) sink: Option<CheckpointSink>,
    pub(super) poisoned: AtomicBool,
    /// Lets every sync fail, as a broken disk would.
    #[cfg(test)]
    pub(super) fail_syncs: AtomicBool,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    /// None once the log is closed.
    pub(super) segment: Option<Segment>,
    /// Nothing is appended any more.
    pub(super) closing: bool,
    pub(super) head: Head,
    /// Entries that no checkpoint covers yet.
    pub(super) uncovered: u64,
    /// Bytes of the sealed segments.
    pub(super) sealed: u64,
    /// Checkpoints the sink has yet to hear of.
    pub(super) unheard: Vec<Checkpoint>,
    pub(super) epochs: Epochs,
    pub(super) rates: Rates,
    pub(super) tallies: Tallies,
}

/// Up to where a reader may read: the segment that is appended to, and its used bytes.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) last: u64,
    pub(super) used: usize,
}

impl State {
    /// The commitment to a content in the entry that is written next.
    pub(super) fn commit(&self, content: &Digest) -> Digest {
        *blake3::keyed_hash(&self.epochs.salt(self.head.seq + 1), content).as_bytes()
    }
}

impl Shared {
    /// Bytes of the log that one (capsule, principal) may fill.
    pub(super) fn share(&self) -> u64 {
        if self.limit == u64::MAX { u64::MAX } else { self.limit / limits::AUDIT_SHARES }
    }

    /// What an entry of so many bytes takes of its share.
    pub(super) fn charged(&self, bytes: usize) -> u64 {
        if self.limit == u64::MAX { 0 } else { bytes as u64 }
    }

    /// Appends an entry, and before it the checkpoint that is due. Leaves `reserve` bytes free.
    pub(super) fn enter(
        &self,
        state: &mut State,
        kind: Kind,
        reserve: u64,
        rest: impl FnOnce(&State, &mut Vec<u8>),
    ) -> Result<u64> {
        if state.uncovered >= limits::AUDIT_CHECKPOINT_ENTRIES {
            self.sign(state, reserve)?;
        }
        let seq = self.write(state, kind, reserve, |state, _, body| rest(state, body))?;
        state.uncovered += 1;
        Ok(seq)
    }

    /// Appends a record and leaves `reserve` bytes free after it.
    fn write(
        &self,
        state: &mut State,
        kind: Kind,
        reserve: u64,
        rest: impl FnOnce(&State, u64, &mut Vec<u8>),
    ) -> Result<u64> {
        // The clock may be set back; the log's time stands still then.
        let time_ns = now_ns().max(state.head.time_ns);
        let mut body = Vec::with_capacity(512);
        state.head.begin(kind, time_ns, &mut body);
        rest(state, time_ns, &mut body);
        let bytes = chain::framed(body.len());
        self.check_limit(state, reserve.saturating_add(bytes as u64))?;
        self.make_room(state, bytes, reserve)?;
        let hash = state.head.seal(time_ns, &body);
        if let Some(segment) = &mut state.segment {
            segment.push(&body, &hash);
        }
        Ok(state.head.seq)
    }

    /// Appends a checkpoint over everything before it.
    pub(super) fn sign(&self, state: &mut State, reserve: u64) -> Result<Checkpoint> {
        let mut signed = None;
        self.write(state, Kind::Checkpoint, reserve, |state, time_ns, body| {
            let checkpoint = Checkpoint::sign(&state.epochs.key, &state.head, time_ns);
            checkpoint.encode(body);
            signed = Some(checkpoint);
        })?;
        state.uncovered = 0;
        let checkpoint =
            signed.ok_or_else(|| Error::new(ErrorKind::Internal, "a checkpoint was not signed"))?;
        if self.sink.is_some() {
            state.unheard.push(checkpoint.clone());
        }
        Ok(checkpoint)
    }

    /// Appends the record that names `key`, goes on with it, and returns the record's place.
    pub(super) fn change_key(&self, state: &mut State, key: SigningKey) -> Result<u64> {
        let seq =
            self.write(state, Kind::KeyChange, limits::AUDIT_RESERVE_BYTES, |state, time_ns, body| {
                KeyChange::encode(&state.epochs.key, &key, &state.head, time_ns, body);
            })?;
        state.uncovered = 0;
        state.epochs.change(key, seq);
        Ok(seq)
    }

    /// Writes the entries of the tallies that were opened at `before` or earlier; of all without it.
    pub(super) fn close_tallies(&self, state: &mut State, before: Option<Instant>) -> Result<()> {
        let due = |tally: &Tally| before.is_none_or(|before| tally.opened <= before);
        while state.tallies.oldest().is_some_and(due) {
            // The space was set aside when the tally was opened.
            self.enter(state, Kind::Counted, 0, |state, body| {
                if let Some(tally) = state.tallies.oldest() {
                    tally.encode(|folded| state.commit(folded), body);
                }
            })?;
            let tally = state.tallies.close_oldest();
            let (bytes, share) = (tally.bytes(), self.charged(tally.bytes()));
            state.rates.tally_closed(&tally.capsule, &tally.principal, bytes, share);
        }
        Ok(())
    }

    pub(super) fn check_limit(&self, state: &State, bytes: u64) -> Result<()> {
        let used = state.segment.as_ref().map_or(0, Segment::used) as u64;
        if state.sealed.saturating_add(used).saturating_add(bytes) > self.limit {
            return Err(unavailable("the audit log has reached its byte limit"));
        }
        Ok(())
    }

    /// Makes sure that `bytes` more, and the reserve after them, can be copied in; moves on to the next segment when
    /// they do not belong into this one.
    pub(super) fn make_room(&self, state: &mut State, bytes: usize, reserve: u64) -> Result<()> {
        let full = |cause| unavailable("there is no space on the disk for the audit log").caused_by(cause);
        let needed = bytes.saturating_add(usize::try_from(reserve).unwrap_or(usize::MAX));
        let Some(segment) = &mut state.segment else { return Err(unavailable("the audit log is closed")) };
        if segment.fits(needed) {
            return segment.prepare(needed).map_err(full);
        }
        // A new segment has more room ready than one record and the reserve can need.
        let next = Segment::create(&self.folder, state.head.seq + 1, self.capacity).map_err(full)?;
        let before = std::mem::replace(segment, next);
        state.sealed += before.used() as u64;
        before.seal().map_err(|cause| self.poison().caused_by(cause))
    }

    /// Takes the log out of use: what a failed sync lost no later one brings back.
    pub(super) fn poison(&self) -> Error {
        self.poisoned.store(true, SeqCst);
        poisoned()
    }

    /// Brings the current segment to the disk (those before it are there) and the open tallies, then tells the sink.
    pub(super) fn sync(&self) -> Result<(), SyncFailed> {
        let (segment, tallies, written, unheard) = {
            let mut state = self.state.lock();
            let segment = state.segment.as_ref().map(Segment::file);
            let written = state.tallies.written.clone();
            (segment, state.tallies.file(), written, std::mem::take(&mut state.unheard))
        };
        for file in segment.into_iter().chain(tallies) {
            if let Err(cause) = self.sync_file(&file) {
                tracing::error!(%cause, "the audit log could not be synced; nothing is admitted any more");
                self.poison();
                return Err(SyncFailed);
            }
        }
        if !written.is_empty() {
            self.state.lock().tallies.forget(&written);
        }
        if let Some(sink) = &self.sink {
            for checkpoint in &unheard {
                let heard = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sink(checkpoint)));
                if heard.is_err() {
                    tracing::error!("the checkpoint sink panicked");
                }
            }
        }
        Ok(())
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests let it fail"))]
    fn sync_file(&self, file: &std::fs::File) -> std::io::Result<()> {
        #[cfg(test)]
        if self.fail_syncs.load(SeqCst) {
            return Err(std::io::Error::other("a test wanted it so"));
        }
        file.sync_data()
    }

    /// Up to where the log can be read now; none if it is closed and so does not change any more.
    pub(super) fn extent(&self) -> Option<Extent> {
        self.state.lock().extent()
    }
}

impl State {
    /// Bytes under the limit that belong to what is being counted.
    pub(super) fn set_aside(&self) -> u64 {
        (self.tallies.len() * limits::AUDIT_TALLY_BYTES) as u64
    }

    pub(super) fn extent(&self) -> Option<Extent> {
        self.segment.as_ref().map(|segment| Extent { last: segment.first(), used: segment.used() })
    }
}

pub(super) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::AuditUnavailable, message)
}

pub(super) fn poisoned() -> Error {
    unavailable("the audit log could not be brought to the disk and is out of use until it is opened again")
}

//! The open log: one appender at a time, one background thread that syncs, one poison for both.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Instant;

use ed25519_dalek::{SigningKey, VerifyingKey};
use parking_lot::{Mutex, MutexGuard};

use super::chain::{self, Kind};
use super::checkpoint::{Checkpoint, ExpectedCheckpoint};
use super::choices::AuditChoices;
use super::codec::{Digest, put_digest_option};
use super::entry::Draft;
use super::epochs::{Epochs, RetiredKey};
use super::query;
use super::rate::Rates;
use super::recover::{Recovery, recover};
use super::segment::Segment;
use super::state::{Extent, Shared, State, now_ns, poisoned, unavailable};
use super::tally::{Repeat, Tallies};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::syncer::{SyncFailed, Syncer};

/// The operation that may use the space kept free for the end.
const CLOSING: &str = "host.close";

/// Hears of checkpoints.
pub type CheckpointSink = Arc<dyn Fn(&Checkpoint) + Send + Sync>;

/// How a log is kept.
#[derive(Default)]
pub struct Options {
    /// Bytes of a segment file; none means 8 MiB. At least 64 KiB.
    pub segment_bytes: Option<u64>,
    /// Bytes the whole log may take; none means as many as the disk has. At least 64 KiB.
    pub limit_bytes: Option<u64>,
    /// Durability, rates and merging.
    pub choices: AuditChoices,
    /// The signing keys before the present one.
    pub retired: Vec<RetiredKey>,
    /// What a checkpoint that was kept elsewhere says; a log that does not hold it does not open.
    pub expected: Option<ExpectedCheckpoint>,
    /// Hears of every checkpoint once it is on the disk, in order, on the log's own thread. To be kept where whoever
    /// might cut the log cannot reach. It must not call the log.
    pub checkpoint_sink: Option<CheckpointSink>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("limit_bytes", &self.limit_bytes)
            .field("checkpoint_sink", &self.checkpoint_sink.is_some())
            .finish_non_exhaustive()
    }
}

/// An open audit log. Dropping it closes it. A forked child must not use it; it may drop it.
pub struct Log {
    pub(super) shared: Arc<Shared>,
    syncer: Syncer,
    recovery: Recovery,
    process: u32,
}

/// An entry that was recorded; the result of its call may be shown after [`Log::settled`].
#[derive(Debug)]
#[must_use = "the result of the call may not be seen before the entry is as durable as was asked"]
pub struct Recorded {
    /// Its place in the log; none if it was counted with its repeats.
    pub seq: Option<u64>,
    /// The sync that must come first, for the operations that ask for it.
    ticket: Option<u64>,
}

impl Log {
    /// Opens or creates the log in this folder. The folder must belong to this process alone: the home's lock sees to
    /// that. A record that was being written when the process ended is cut off; repeats it had counted get their entry;
    /// damage further in is reported by [`Log::recovery`] and left for [`Log::verify`].
    pub fn open(folder: &Path, key: SigningKey, options: Options) -> Result<Self> {
        options.choices.check()?;
        let capacity = options.segment_bytes.unwrap_or(limits::AUDIT_SEGMENT_BYTES);
        let limit = options.limit_bytes.unwrap_or(u64::MAX);
        for (name, bytes) in [("segment_bytes", capacity), ("limit_bytes", limit)] {
            if bytes < limits::AUDIT_LEAST_BYTES {
                let message = format!("{name} of the audit log is at least {}", limits::AUDIT_LEAST_BYTES);
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
        }
        let capacity = usize::try_from(capacity.min(limit)).map_err(|cause| {
            Error::new(ErrorKind::InvalidArgument, "segment_bytes is too large").caused_by(cause)
        })?;
        if let Some(expected) = &options.expected {
            query::holds(folder, expected)?;
        }
        let unopened = |cause| unavailable("the audit log does not open").caused_by(cause);
        let found = recover(folder, capacity).map_err(unopened)?;
        let mut state = State {
            segment: Some(found.segment),
            closing: false,
            head: found.head,
            uncovered: found.uncovered,
            sealed: found.sealed,
            unheard: Vec::new(),
            epochs: Epochs::new(key, options.retired),
            rates: Rates::default(),
            tallies: Tallies::default(),
        };
        if limit < u64::MAX {
            query::charge(folder, &mut state.rates, &options.choices)?;
        }
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            limit,
            capacity,
            choices: options.choices,
            sink: options.checkpoint_sink,
            poisoned: AtomicBool::new(false),
            #[cfg(test)]
            fail_syncs: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        shared.enter_left_open(&found.left_open)?;
        let its = Arc::clone(&shared);
        let syncer = Syncer::start("astrid-audit-sync", limits::SYNC_WITHIN / 2, move || its.sync())
            .map_err(|cause| unavailable("the syncing thread does not start").caused_by(cause))?;
        Ok(Self { shared, syncer, recovery: found.report, process: std::process::id() })
    }

    /// What opening found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The key that verifies the log: the first that signed it. The chain itself names those after it.
    pub fn public_key(&self) -> [u8; 32] {
        self.shared.state.lock().epochs.first()
    }

    pub(super) fn verifying_key(&self) -> Result<VerifyingKey> {
        VerifyingKey::from_bytes(&self.public_key())
            .map_err(|cause| unavailable("the first key of the audit log is none").caused_by(cause))
    }

    /// Succeeds if an operation that starts now can be recorded when it ends: there is space under the limit and on
    /// the disk, and the log is neither closed nor broken. Else [`ErrorKind::AuditUnavailable`].
    pub fn admit(&self) -> Result<()> {
        self.shared.admit(&mut *self.usable()?)
    }

    /// The same for an operation of a capsule for a principal, of which `draft` tells what is known before it begins.
    /// Refused too is what is beyond the rate of the two and cannot be counted with its like, and what would take more
    /// than their share of a limited log.
    pub fn admit_rated(&self, draft: &Draft<'_>) -> Result<()> {
        let shared = &*self.shared;
        let mut state = self.usable()?;
        if let (Some(capsule), Some(principal)) = (draft.capsule, draft.principal) {
            let pair = state.rates.pair(capsule, principal, Instant::now(), &shared.choices);
            let (affords, indebted) = (pair.affords(1), pair.is_deep_in_debt(&shared.choices));
            let (used, tallies) = (pair.used, pair.tallies);
            let set_aside = (tallies as u64 + 1) * limits::AUDIT_TALLY_BYTES as u64;
            if used.saturating_add(set_aside) > shared.share() {
                return Err(unavailable("the share of the audit log for this capsule and principal is full"));
            }
            if indebted || !(affords || state.tallies.takes(draft, tallies)) {
                return Err(unavailable(
                    "the audit log takes no more entries of this capsule and principal now",
                ));
            }
        }
        shared.admit(&mut state)
    }

    /// Records what happened and returns its sequence number. The operating system has the entry when this returns.
    /// [`ErrorKind::AuditUnavailable`] if the log is full, closed or broken; `host.close` may use the space kept free
    /// for the end.
    pub fn append(&self, draft: &Draft<'_>) -> Result<u64> {
        let encoded = Encoded::of(draft);
        let reserve = if draft.operation == CLOSING { 0 } else { limits::AUDIT_RESERVE_BYTES };
        let seq = {
            let mut state = self.usable()?;
            self.shared.close_due(&mut state)?;
            self.shared.append(&mut state, &encoded, reserve)?
        };
        self.syncer.written();
        Ok(seq)
    }

    /// The same, for who shows the result of the operation after [`Log::settled`].
    pub fn append_unsettled(&self, draft: &Draft<'_>) -> Result<Recorded> {
        let seq = Some(self.append(draft)?);
        let power = self.shared.choices.is_power(draft.operation);
        Ok(Recorded { seq, ticket: power.then(|| self.syncer.written()) })
    }

    /// The same, and returns once the entry is as durable as was asked for its operation.
    pub async fn append_settled(&self, draft: &Draft<'_>) -> Result<()> {
        let recorded = self.append_unsettled(draft)?;
        self.settled(recorded).await
    }

    /// The same for who may hold a thread meanwhile.
    pub fn append_synced(&self, draft: &Draft<'_>) -> Result<()> {
        match self.append_unsettled(draft)?.ticket {
            Some(ticket) => self.syncer.wait(ticket).map_err(|SyncFailed| poisoned()),
            None => Ok(()),
        }
    }

    /// Records what a capsule did for a principal: as [`Log::append`] within their rate. Beyond it repeats (all the same
    /// but bytes, time and content) are counted and get one entry together. The operating system has the entry or the
    /// count when this returns.
    pub fn record(&self, draft: &Draft<'_>) -> Result<Recorded> {
        let encoded = Encoded::of(draft);
        let seq = {
            let mut state = self.usable()?;
            self.shared.close_due(&mut state)?;
            self.shared.record(&mut state, draft, &encoded)?
        };
        let ticket = self.syncer.written();
        Ok(Recorded { seq, ticket: self.shared.choices.is_power(draft.operation).then_some(ticket) })
    }

    /// Returns once the entry is as durable as was asked for its operation. Holds no thread while it waits.
    pub async fn settled(&self, recorded: Recorded) -> Result<()> {
        match recorded.ticket {
            Some(ticket) => self.syncer.synced(ticket).await.map_err(|SyncFailed| poisoned()),
            None => Ok(()),
        }
    }

    /// Signs the chain so far, and returns once the disk has the checkpoint and the sink has heard of it.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        self.checkpoint_with_extent().map(|(checkpoint, _)| checkpoint)
    }

    /// The same, and where in the files the checkpoint ends.
    pub(super) fn checkpoint_with_extent(&self) -> Result<(Checkpoint, Extent)> {
        let signed = {
            let mut state = self.usable()?;
            self.shared.close_tallies(&mut state, None)?;
            let checkpoint = self.shared.sign(&mut state, limits::AUDIT_RESERVE_BYTES)?;
            let extent = state.extent().ok_or_else(|| unavailable("the audit log is closed"))?;
            (checkpoint, extent)
        };
        self.syncer.written();
        self.sync()?;
        Ok(signed)
    }

    /// Goes on with another signing key. The chain names it in a record that the present key signs, which is on the disk
    /// when this returns; its place is the [`RetiredKey::until`] of the key that goes.
    pub fn change_key(&self, key: SigningKey) -> Result<u64> {
        let seq = {
            let mut state = self.usable()?;
            self.shared.change_key(&mut state, key)?
        };
        self.syncer.written();
        self.sync()?;
        Ok(seq)
    }

    /// Writes the entries of all that is being counted, so that who reads finds them.
    pub(super) fn close_tallies(&self) -> Result<()> {
        // What cannot be written now, because the disk is full, stays counted.
        let Ok(mut state) = self.usable() else { return Ok(()) };
        if state.tallies.oldest().is_some() {
            self.shared.close_tallies(&mut state, None)?;
            drop(state);
            self.syncer.written();
        }
        Ok(())
    }

    /// Returns once everything appended until now is on the disk.
    pub fn sync(&self) -> Result<()> {
        self.syncer.flush().map_err(|SyncFailed| poisoned())
    }

    /// How many records the log has, from its beginning: entries and checkpoints.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.shared.state.lock().head.seq
    }

    /// The salt of one entry's commitment, to be given to whoever shall check what its content was: the commitment is
    /// keyed BLAKE3, under this salt, of the content's BLAKE3. It tells nothing about other entries.
    pub fn salt(&self, seq: u64) -> [u8; 32] {
        self.shared.state.lock().epochs.salt(seq)
    }

    /// Signs the end of the chain, brings everything to the disk and gives the unused space back. Closing twice is
    /// fine. What was recorded can still be read and verified.
    pub fn close(&self) -> Result<()> {
        if self.process != std::process::id() {
            return Err(Error::new(ErrorKind::Closed, "the audit log belongs to the parent of this process"));
        }
        {
            let mut state = self.shared.state.lock();
            if state.closing {
                return Ok(());
            }
            if !self.shared.poisoned.load(SeqCst) {
                // What finds no room stays in its slot until the log is opened again.
                if let Err(error) = self.shared.close_tallies(&mut state, None) {
                    tracing::warn!(%error, "repeats that were counted wait for the next opening of the audit log");
                }
            }
            state.closing = true;
            if state.uncovered > 0 && !self.shared.poisoned.load(SeqCst) {
                self.shared.sign(&mut state, 0)?;
            }
            self.syncer.written();
        }
        let synced = self.sync();
        let segment = self.shared.state.lock().segment.take();
        match segment {
            Some(segment) => synced.and(segment.seal().map_err(|cause| poisoned().caused_by(cause))),
            None => synced,
        }
    }

    /// The state of a log that can be appended to.
    fn usable(&self) -> Result<MutexGuard<'_, State>> {
        if self.shared.poisoned.load(SeqCst) {
            return Err(poisoned());
        }
        let state = self.shared.state.lock();
        if state.closing {
            return Err(unavailable("the audit log is closed"));
        }
        Ok(state)
    }
}

/// All of an entry that does not depend on its place in the chain, made before the lock is taken.
struct Encoded {
    content: Option<Digest>,
    rest: Vec<u8>,
}

impl Encoded {
    fn of(draft: &Draft<'_>) -> Self {
        let mut rest = Vec::with_capacity(256);
        draft.encode(&mut rest);
        Self { content: draft.content.map(|content| *blake3::hash(content).as_bytes()), rest }
    }

    /// Bytes the entry takes in the log.
    fn bytes(&self) -> usize {
        chain::entry_bytes(self.rest.len(), self.content.is_some())
    }
}

impl Shared {
    fn admit(&self, state: &mut State) -> Result<()> {
        let ahead = limits::AUDIT_ADMISSION_BYTES.min(self.limit / 4);
        let needed = ahead + limits::AUDIT_RESERVE_BYTES + state.set_aside();
        self.check_limit(state, needed)?;
        let ready = usize::try_from(limits::AUDIT_READY_BYTES).unwrap_or(usize::MAX).min(self.capacity / 4);
        self.make_room(state, ready, limits::AUDIT_RESERVE_BYTES)
    }

    /// Writes the entries of the tallies that have been open long enough.
    fn close_due(&self, state: &mut State) -> Result<()> {
        if state.tallies.oldest().is_none() {
            return Ok(());
        }
        match Instant::now().checked_sub(self.choices.merge_within) {
            Some(before) => self.close_tallies(state, Some(before)),
            None => Ok(()),
        }
    }

    fn append(&self, state: &mut State, encoded: &Encoded, reserve: u64) -> Result<u64> {
        if reserve > 0 {
            // What is being counted has its space set aside.
            self.check_limit(state, reserve + state.set_aside() + encoded.bytes() as u64)?;
        }
        self.enter(state, Kind::Entry, reserve, |state, body| {
            let commitment = encoded.content.map(|content| state.commit(&content));
            put_digest_option(body, commitment.as_ref());
            body.extend_from_slice(&encoded.rest);
        })
    }

    fn record(&self, state: &mut State, draft: &Draft<'_>, encoded: &Encoded) -> Result<Option<u64>> {
        let reserve = limits::AUDIT_RESERVE_BYTES;
        let (Some(capsule), Some(principal)) = (draft.capsule, draft.principal) else {
            return self.append(state, encoded, reserve).map(Some);
        };
        let (bytes, now) = (encoded.bytes(), Instant::now());
        let pair = state.rates.pair(capsule, principal, now, &self.choices);
        if !pair.affords(bytes) {
            let (tallies, indebted) = (pair.tallies, pair.is_deep_in_debt(&self.choices));
            let repeat = Repeat { draft, rest: &encoded.rest, content: encoded.content, now_ns: now_ns() };
            if state.tallies.count(&repeat) {
                return Ok(None);
            }
            // A tally sets space aside for its entry; where there is none the entry itself is written or refused.
            let room = reserve + state.set_aside() + limits::AUDIT_TALLY_BYTES as u64;
            if self.check_limit(state, room).is_ok() {
                let begun = state.tallies.begin(&self.folder, &repeat, tallies);
                let full =
                    |cause| unavailable("there is no space for repeats in the audit log").caused_by(cause);
                if begun.map_err(full)? {
                    state.rates.pair(capsule, principal, now, &self.choices).tallies += 1;
                    return Ok(None);
                }
            }
            // Nothing has come of what was not done. What was done had been admitted, so there are few of those.
            if indebted && matches!(draft.outcome, super::Outcome::Denied | super::Outcome::Failed) {
                return Err(unavailable(
                    "the audit log takes no more entries of this capsule and principal now",
                ));
            }
        }
        let seq = self.append(state, encoded, reserve)?;
        let pair = state.rates.pair(capsule, principal, now, &self.choices);
        pair.take(bytes);
        pair.used = pair.used.saturating_add(self.charged(bytes));
        Ok(Some(seq))
    }

    /// Writes the entries of what an earlier process had counted and not written.
    fn enter_left_open(&self, left: &[(Vec<u8>, super::slots::Counts)]) -> Result<()> {
        let mut state = self.state.lock();
        for (fixed, counts) in left {
            self.enter(&mut state, Kind::Counted, 0, |state, body| {
                super::tally::encode(fixed, counts, |folded| state.commit(folded), body);
            })?;
        }
        // Only what is on the disk may be forgotten.
        if let Some(file) = state.segment.as_ref().map(Segment::file).filter(|_| !left.is_empty()) {
            file.sync_data().map_err(|cause| self.poison().caused_by(cause))?;
        }
        let unremoved = |cause| unavailable("the audit log does not open").caused_by(cause);
        super::slots::remove(&self.folder).map_err(unremoved)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // A forked child shares the file and must leave its end to the parent.
        if self.process == std::process::id()
            && let Err(error) = self.close()
        {
            tracing::error!(%error, "the audit log was not closed cleanly");
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "rated_tests.rs"]
mod rated_tests;

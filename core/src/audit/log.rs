//! The open log: one appender at a time, one background thread that syncs, one poison for both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::{SigningKey, VerifyingKey};
use parking_lot::{Mutex, MutexGuard};
use zeroize::Zeroizing;

use super::chain::{self, Head, Kind};
use super::checkpoint::Checkpoint;
use super::codec::{Digest, put_digest_option};
use super::entry::Draft;
use super::recover::{Recovery, recover};
use super::segment::Segment;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::syncer::{SyncFailed, Syncer};

/// The salts of commitments are derived from the signing seed under this context.
const SALT_CONTEXT: &str = "astrid-host 2026-11 audit commitment salts";
/// The operation that may use the space kept free for the end.
const CLOSING: &str = "host.close";

/// Hears of checkpoints.
pub type CheckpointSink = Box<dyn Fn(&Checkpoint) + Send + Sync>;

/// How a log is kept.
#[derive(Default)]
pub struct Options {
    /// Bytes of a segment file; none means 8 MiB. At least 64 KiB.
    pub segment_bytes: Option<u64>,
    /// Bytes the whole log may take; none means as many as the disk has. At least 64 KiB.
    pub limit_bytes: Option<u64>,
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
            .finish()
    }
}

/// An open audit log. Dropping it closes it. A forked child must not use it; it may drop it.
pub struct Log {
    pub(super) shared: Arc<Shared>,
    syncer: Syncer,
    recovery: Recovery,
    process: u32,
}

pub(super) struct Shared {
    pub(super) folder: PathBuf,
    key: SigningKey,
    salts: Zeroizing<[u8; 32]>,
    limit: u64,
    capacity: usize,
    sink: Option<CheckpointSink>,
    poisoned: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// None once the log is closed.
    segment: Option<Segment>,
    /// Nothing is appended any more.
    closing: bool,
    head: Head,
    /// Entries that no checkpoint covers yet.
    uncovered: u64,
    /// Bytes of the sealed segments.
    sealed: u64,
    /// Checkpoints the sink has yet to hear of.
    unheard: Vec<Checkpoint>,
}

/// Up to where a reader may read: the segment that is appended to, and its used bytes.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) last: u64,
    pub(super) used: usize,
}

impl Log {
    /// Opens or creates the log in this folder. The folder must belong to this process alone: the home's lock sees to
    /// that. A record that was being written when the process ended is cut off; damage further in is reported by
    /// [`Log::recovery`] and left for [`Log::verify`].
    pub fn open(folder: &Path, key: SigningKey, options: Options) -> Result<Self> {
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
        let found = recover(folder, capacity)
            .map_err(|cause| unavailable("the audit log does not open").caused_by(cause))?;
        let state = State {
            segment: Some(found.segment),
            closing: false,
            head: found.head,
            uncovered: found.uncovered,
            sealed: found.sealed,
            unheard: Vec::new(),
        };
        let salts = Zeroizing::new(blake3::derive_key(SALT_CONTEXT, key.as_bytes()));
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            key,
            salts,
            limit,
            capacity,
            sink: options.checkpoint_sink,
            poisoned: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let its = Arc::clone(&shared);
        let syncer = Syncer::start("astrid-audit-sync", limits::SYNC_WITHIN / 2, move || its.sync())
            .map_err(|cause| unavailable("the syncing thread does not start").caused_by(cause))?;
        Ok(Self { shared, syncer, recovery: found.report, process: std::process::id() })
    }

    /// What opening found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The key that verifies the log.
    pub fn public_key(&self) -> [u8; 32] {
        self.verifying_key().to_bytes()
    }

    pub(super) fn verifying_key(&self) -> VerifyingKey {
        self.shared.key.verifying_key()
    }

    /// Succeeds if an operation that starts now can be recorded when it ends: there is space under the limit and on
    /// the disk, and the log is neither closed nor broken. Else [`ErrorKind::AuditUnavailable`].
    pub fn admit(&self) -> Result<()> {
        let shared = &self.shared;
        let mut state = self.usable()?;
        let ahead = limits::AUDIT_ADMISSION_BYTES.min(shared.limit / 4);
        shared.check_limit(&state, ahead.saturating_add(limits::AUDIT_RESERVE_BYTES))?;
        let ready = usize::try_from(limits::AUDIT_READY_BYTES).unwrap_or(usize::MAX).min(shared.capacity / 4);
        shared.make_room(&mut state, ready, limits::AUDIT_RESERVE_BYTES)
    }

    /// Records what happened and returns its sequence number. The operating system has the entry when this returns.
    /// [`ErrorKind::AuditUnavailable`] if the log is full, closed or broken; `host.close` may use the space kept free
    /// for the end.
    pub fn append(&self, draft: &Draft<'_>) -> Result<u64> {
        // All that does not depend on the place in the chain is done before the lock is taken.
        let content = draft.content.map(|content| *blake3::hash(content).as_bytes());
        let mut rest = Vec::with_capacity(256);
        draft.encode(&mut rest);
        let reserve = if draft.operation == CLOSING { 0 } else { limits::AUDIT_RESERVE_BYTES };
        let seq = {
            let mut state = self.usable()?;
            if state.uncovered >= limits::AUDIT_CHECKPOINT_ENTRIES {
                self.shared.sign(&mut state, reserve)?;
            }
            let commitment = content.map(|content| self.commit(state.head.seq + 1, &content));
            let seq = self.shared.write(&mut state, Kind::Entry, reserve, |_, body| {
                put_digest_option(body, commitment.as_ref());
                body.extend_from_slice(&rest);
            })?;
            state.uncovered += 1;
            seq
        };
        self.syncer.written();
        Ok(seq)
    }

    /// Signs the chain so far, and returns once the disk has the checkpoint and the sink has heard of it.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let checkpoint = {
            let mut state = self.usable()?;
            self.shared.sign(&mut state, limits::AUDIT_RESERVE_BYTES)?
        };
        self.syncer.written();
        self.sync()?;
        Ok(checkpoint)
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
        *blake3::keyed_hash(&self.shared.salts, &seq.to_le_bytes()).as_bytes()
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
            state.closing = true;
            if state.uncovered > 0 && !self.shared.poisoned.load(SeqCst) {
                self.shared.sign(&mut state, 0)?;
                self.syncer.written();
            }
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

    fn commit(&self, seq: u64, content: &Digest) -> Digest {
        *blake3::keyed_hash(&self.salt(seq), content).as_bytes()
    }
}

impl Shared {
    /// Appends a record and leaves `reserve` bytes free after it.
    fn write(
        &self,
        state: &mut State,
        kind: Kind,
        reserve: u64,
        rest: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Result<u64> {
        // The clock may be set back; the log's time stands still then.
        let time_ns = now_ns().max(state.head.time_ns);
        let mut body = Vec::with_capacity(512);
        state.head.begin(kind, time_ns, &mut body);
        rest(time_ns, &mut body);
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
    fn sign(&self, state: &mut State, reserve: u64) -> Result<Checkpoint> {
        let head = state.head;
        let mut signed = None;
        self.write(state, Kind::Checkpoint, reserve, |time_ns, body| {
            let checkpoint = Checkpoint::sign(&self.key, &head, time_ns);
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

    fn check_limit(&self, state: &State, bytes: u64) -> Result<()> {
        let used = state.segment.as_ref().map_or(0, Segment::used) as u64;
        if state.sealed.saturating_add(used).saturating_add(bytes) > self.limit {
            return Err(unavailable("the audit log has reached its byte limit"));
        }
        Ok(())
    }

    /// Makes sure that `bytes` more, and the reserve after them, can be copied in; moves on to the next segment when
    /// they do not belong into this one.
    fn make_room(&self, state: &mut State, bytes: usize, reserve: u64) -> Result<()> {
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
        before.seal().map_err(|cause| {
            self.poisoned.store(true, SeqCst);
            poisoned().caused_by(cause)
        })
    }

    /// Brings the current segment to the disk (those before it are there), then tells the sink.
    fn sync(&self) -> Result<(), SyncFailed> {
        let (file, unheard) = {
            let mut state = self.state.lock();
            (state.segment.as_ref().map(Segment::file), std::mem::take(&mut state.unheard))
        };
        if let Some(Err(cause)) = file.map(|file| file.sync_data()) {
            tracing::error!(%cause, "the audit log could not be synced; nothing is admitted any more");
            self.poisoned.store(true, SeqCst);
            return Err(SyncFailed);
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

    /// Up to where the log can be read now; none if it is closed and so does not change any more.
    pub(super) fn extent(&self) -> Option<Extent> {
        let state = self.state.lock();
        state.segment.as_ref().map(|segment| Extent { last: segment.first(), used: segment.used() })
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

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::AuditUnavailable, message)
}

fn poisoned() -> Error {
    unavailable("the audit log could not be brought to the disk and is out of use until it is opened again")
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;

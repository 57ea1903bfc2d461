//! What a guest does with a program that is kept under an id.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;

use super::super::call::{Touch, Verdict};
use super::super::context::{CapsuleContext, HostContext};
use super::super::ops::Op;
use super::super::state::State;
use super::handle::{ProcessHandle, logs_told, name_of, take_logs, wait_for, write};
use super::{Answer, Logs, ProcessError, told};
use crate::audit::{Draft, Outcome};
use crate::bus::Attribution;
use crate::limits;
use crate::process::{Entry, Event, Exit, Part, Signal, Tell};
use crate::topic::Topic;

/// What an id that is unknown, malformed or another's looks like in the audit.
const NOBODY: &str = "";

/// A part of an output, with the text of the next cursor.
pub(super) struct Chunk {
    pub part: Part,
    pub next: String,
}

impl State {
    fn entry(&self, id: &str) -> Option<Arc<Entry>> {
        self.capsule.processes.find(self.principal(), id)
    }

    /// The entry of an id, and what the audit shows of it.
    fn known(&self, id: &str) -> (Option<Arc<Entry>>, String) {
        let entry = self.entry(id);
        let shown = entry.as_ref().map_or(NOBODY, |entry| &entry.shown).to_owned();
        (entry, shown)
    }

    /// Does something with an entry that counts as use.
    async fn with_entry<T: Send>(
        &mut self,
        op: &'static Op,
        id: &str,
        tell: impl FnOnce(&T) -> Verdict,
        work: impl FnOnce(&State, &Arc<Entry>) -> Result<T, ProcessError>,
    ) -> Answer<T> {
        let (entry, shown) = self.known(id);
        self.effect_told(Touch::of(op).on(&shown), tell, |state| {
            let entry = entry.ok_or(ProcessError::Unknown)?;
            entry.touch();
            work(state, &entry)
        })
        .await
    }

    pub(super) async fn attach_process(&mut self, op: &'static Op, id: &str) -> Answer<ProcessHandle> {
        self.with_entry(op, id, told, |_, entry| Ok(ProcessHandle::attached(Arc::clone(entry)))).await
    }

    pub(super) async fn list_kept(
        &mut self,
        op: &'static Op,
        filter: Option<String>,
    ) -> Answer<Vec<Arc<Entry>>> {
        let filter = filter.unwrap_or_default();
        self.effect(Touch::of(op).on(&filter), |state| {
            Ok(state.capsule.processes.list(state.principal(), &filter))
        })
        .await
    }

    pub(super) async fn kept_status(&mut self, op: &'static Op, id: &str) -> Answer<Arc<Entry>> {
        let (entry, shown) = self.known(id);
        // It does not count as use.
        self.effect(Touch::of(op).on(&shown), |_| entry.ok_or(ProcessError::Unknown)).await
    }

    pub(super) async fn kept_statuses(
        &mut self,
        op: &'static Op,
        ids: Vec<String>,
    ) -> Answer<Vec<Arc<Entry>>> {
        self.effect(Touch::of(op).counting("processes", ids.len()), |state| {
            Ok(ids.iter().filter_map(|id| state.entry(id)).collect())
        })
        .await
    }

    pub(super) async fn kept_logs(&mut self, op: &'static Op, id: &str) -> Answer<Logs> {
        self.with_entry(op, id, logs_told, |_, entry| Ok(take_logs(&entry.child))).await
    }

    pub(super) async fn kept_since(
        &mut self,
        op: &'static Op,
        id: &str,
        stderr: bool,
        cursor: Option<String>,
        most: u32,
    ) -> Answer<Chunk> {
        let tell = |chunk: &Chunk| Verdict { bytes: chunk.part.data.len() as u64, ..Verdict::ALLOWED };
        self.with_entry(op, id, tell, |_, entry| {
            let place = match cursor {
                Some(cursor) => Some(entry.place(stderr, &cursor).ok_or(ProcessError::Unknown)?),
                None => None,
            };
            let ring = if stderr { &entry.child.stderr } else { &entry.child.stdout };
            let part = ring.since(place, (most as usize).min(limits::PROCESS_CHUNK_BYTES));
            let next = entry.cursor(stderr, part.next);
            Ok(Chunk { part, next })
        })
        .await
    }

    pub(super) async fn kept_write(&mut self, op: &'static Op, id: &str, data: Vec<u8>) -> Answer<u32> {
        let (entry, shown) = self.known(id);
        self.waiting(Touch::of(op).on(&shown).moving(&data), told, |_| {
            let entry = entry.ok_or(ProcessError::Unknown)?;
            entry.touch();
            write(Arc::clone(&entry.child), data.clone())
        })
        .await
    }

    pub(super) async fn kept_close_stdin(&mut self, op: &'static Op, id: &str) -> Answer<()> {
        self.with_entry(op, id, told, |_, entry| {
            entry.child.input.close();
            Ok(())
        })
        .await
    }

    pub(super) async fn kept_signal(&mut self, op: &'static Op, id: &str, signal: Signal) -> Answer<()> {
        let (entry, shown) = self.known(id);
        self.effect(Touch::of(op).on(&shown).to(Some(name_of(signal))), |_| {
            let entry = entry.ok_or(ProcessError::Unknown)?;
            entry.touch();
            entry.child.signal(signal).map_err(|_| ProcessError::Fault("the signal could not be sent"))
        })
        .await
    }

    pub(super) async fn kept_wait(&mut self, op: &'static Op, id: &str, timeout_ms: u64) -> Answer<Exit> {
        let (entry, shown) = self.known(id);
        self.waiting(Touch::of(op).on(&shown), told, |state| {
            let entry = entry.ok_or(ProcessError::Unknown)?;
            entry.touch();
            Ok(wait_for(state.capsule.host.runtime.clone(), Arc::clone(&entry.child), Some(timeout_ms)))
        })
        .await
    }

    pub(super) async fn kept_stop(
        &mut self,
        op: &'static Op,
        id: &str,
        grace_ms: Option<u64>,
    ) -> Answer<Exit> {
        let (entry, shown) = self.known(id);
        let grace = grace_ms.map_or(limits::STOP_GRACE, Duration::from_millis).min(limits::MOST_STOP_GRACE);
        self.waiting(Touch::of(op).on(&shown), told, |state| {
            let entry = entry.ok_or(ProcessError::Unknown)?;
            entry.touch();
            let (registry, runtime) =
                (Arc::clone(&state.capsule.processes), state.capsule.host.runtime.clone());
            Ok(async move {
                let exit = entry.child.end(&runtime, Signal::Term, grace).await;
                registry.remove(&entry);
                Ok(exit)
            })
        })
        .await
    }

    pub(super) async fn kept_release(&mut self, op: &'static Op, id: &str) -> Answer<()> {
        self.with_entry(op, id, told, |state, entry| {
            if entry.child.exit().is_none() {
                return Err(ProcessError::Invalid);
            }
            state.capsule.processes.remove(entry);
            Ok(())
        })
        .await
    }

    pub(super) async fn kept_watch(
        &mut self,
        op: &'static Op,
        id: &str,
        suffix: Option<String>,
    ) -> Answer<()> {
        self.with_entry(op, id, told, |_, entry| {
            if suffix.as_ref().is_some_and(|suffix| Topic::parse(&topic(Event::LogReady, suffix)).is_err()) {
                return Err(ProcessError::Invalid);
            }
            entry.watch(suffix);
            Ok(())
        })
        .await
    }

    pub(super) async fn kept_unwatch(&mut self, op: &'static Op, id: &str) -> Answer<()> {
        self.with_entry(op, id, told, |_, entry| {
            entry.unwatch();
            Ok(())
        })
        .await
    }
}

fn topic(event: Event, suffix: &str) -> String {
    let name = match event {
        Event::Exited(_) => "exited",
        Event::LogReady => "log-ready",
        Event::StdinDrained => "stdin-drained",
    };
    format!("astrid.process.v1.{name}.{suffix}")
}

/// Records the end of a program, and publishes its events for the principal who started it.
pub(super) fn announce(capsule: &CapsuleContext) -> Tell {
    let host: Weak<HostContext> = Arc::downgrade(&capsule.host);
    let (id, artifact) = (Arc::clone(&capsule.id), capsule.artifact);
    Box::new(move |entry, suffix, event| {
        let Some(host) = host.upgrade() else { return };
        let payload = match event {
            Event::Exited(reason) => {
                let draft = Draft {
                    capsule: Some(&id),
                    artifact: Some(&artifact),
                    principal: Some(entry.principal.as_str()),
                    subject: &entry.shown,
                    detail: &[("reason", reason)],
                    ..Draft::new("process.ended", Outcome::Allowed)
                };
                if let Err(error) = host.audit.append(&draft) {
                    tracing::error!(%error, "the end of a program could not be recorded");
                }
                json!({ "reason": reason })
            }
            Event::LogReady | Event::StdinDrained => json!({}),
        };
        let Some(suffix) = suffix else { return };
        let of = Attribution::Verified(entry.principal.clone());
        if let Err(error) = host.announce_of(&topic(event, suffix), &payload, of) {
            tracing::warn!(%error, "an event of a program was not published");
        }
    })
}

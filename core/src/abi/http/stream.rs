//! `http-stream`: a response whose body is read in pieces.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::Resource;

use super::super::call::{Touch, Verdict};
use super::super::context::Slot;
use super::super::holding::Holding;
use super::super::ops::Op;
use super::super::pollable::Pollable;
use super::super::state::State;
use super::super::streams::InputStream;
use super::Answered;
use super::gate::Watch;
use crate::http::{Answer, Body, HttpError};
use crate::stream::{Awaited, Ready};

/// A guest's handle on a response; closing or dropping it frees the capsule's slot and the connection.
#[derive(Debug)]
pub struct HttpStream {
    status: u16,
    headers: Vec<(String, String)>,
    between: Duration,
    open: Option<Open>,
    taken: bool,
}

/// What a response holds until it is closed.
struct Open {
    body: Arc<Body>,
    watch: Arc<Watch>,
    subject: String,
    _slot: Slot,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.watch.ended(&self.subject, self.body.wire_bytes(), self.body.is_finished());
        self.body.close();
    }
}

impl HttpStream {
    pub(super) fn new(
        answer: Answer,
        between: Duration,
        slot: Slot,
        watch: Arc<Watch>,
        subject: String,
    ) -> Self {
        let open = Open { body: Arc::new(answer.body), watch, subject, _slot: slot };
        Self { status: answer.status, headers: answer.headers, between, open: Some(open), taken: false }
    }
}

/// Follows whether a piece of a body is there, without keeping it.
#[derive(Debug)]
struct Readable(Weak<Body>);

impl Awaited for Readable {
    fn is_ready(&self) -> bool {
        self.0.upgrade().is_some_and(|body| body.is_ready())
    }

    fn is_closed(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn ready(&self) -> Ready {
        self.0.upgrade().map_or_else(|| Box::pin(std::future::ready(())) as Ready, |body| body.ready())
    }
}

impl State {
    pub(super) fn stream_status(
        &self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> wasmtime::Result<u16> {
        self.count(op);
        Ok(self.table.get(this)?.status)
    }

    pub(super) fn stream_headers(
        &self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> wasmtime::Result<Vec<(String, String)>> {
        self.count(op);
        Ok(self.table.get(this)?.headers.clone())
    }

    fn open_body(&self, this: &Resource<HttpStream>) -> wasmtime::Result<Option<Arc<Body>>> {
        Ok(self.table.get(this)?.open.as_ref().map(|open| Arc::clone(&open.body)))
    }

    pub(super) async fn read_chunk(
        &mut self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> Answered<Bytes> {
        let (body, between) = (self.open_body(this)?, self.table.get(this)?.between);
        let tell = |piece: &Bytes| Verdict { bytes: piece.len() as u64, ..Verdict::ALLOWED };
        self.waiting(Touch::of(op), tell, |state| {
            let body = body.ok_or(HttpError::Closed)?;
            let runtime = state.capsule.host.runtime.clone();
            Ok(async move { body.next(&runtime, between).await })
        })
        .await
    }

    pub(super) async fn stream_trailers(
        &mut self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> Answered<Option<Vec<(String, String)>>> {
        let body = self.open_body(this)?;
        let trailers = |_: &mut State| {
            let body = body.ok_or(HttpError::Closed)?;
            Ok(if body.is_finished() { body.trailers().get() } else { None })
        };
        self.effect(Touch::of(op), trailers).await
    }

    pub(super) fn body_stream(
        &mut self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> wasmtime::Result<Resource<InputStream>> {
        self.count(op);
        let slot = self.owner.take(&self.capsule.id, Holding::Pollables);
        let stream = self.table.get_mut(this)?;
        let asked_before = std::mem::replace(&mut stream.taken, true);
        let reader = stream.open.as_ref().filter(|_| !asked_before).map(|open| open.body.reader());
        let half = match (reader, slot) {
            (Some(reader), Some(slot)) => InputStream::new(reader, slot),
            _ => InputStream::closed(),
        };
        Ok(self.table.push(half)?)
    }

    pub(super) fn subscribe_body(
        &mut self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count(op);
        let body = self.open_body(this)?;
        let readable = Readable(body.map_or_else(Weak::new, |body| Arc::downgrade(&body)));
        self.push_pollable(readable)
    }

    pub(super) fn close_stream(
        &mut self,
        op: &'static Op,
        this: &Resource<HttpStream>,
    ) -> wasmtime::Result<()> {
        self.count(op);
        self.table.get_mut(this)?.open = None;
        Ok(())
    }

    pub(super) fn drop_stream(&mut self, this: Resource<HttpStream>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

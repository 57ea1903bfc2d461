//! `http-upload`: a request whose body is written in pieces.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::Resource;

use super::super::call::Touch;
use super::super::context::Slot;
use super::super::holding::Holding;
use super::super::ops::{Op, http_1_1 as ops};
use super::super::pollable::Pollable;
use super::super::state::State;
use super::super::streams::OutputStream;
use super::gate::Watch;
use super::{Answered, Asked, HttpStream, shown, told};
use crate::http::{Answer, HttpError, Options, Redirects, Streamed};
use crate::limits;
use crate::stream::{Awaited, PipeWriter, Ready, Sink as _, Writer, pipe};

/// A guest's handle on an upload; dropping it abandons the request and frees the capsule's slot.
pub struct HttpUpload {
    open: Option<Open>,
    taken: bool,
}

/// What an upload holds until it is finished.
struct Open {
    writer: Arc<PipeWriter>,
    sending: AbortOnDropHandle<Result<Answer, HttpError>>,
    between: Duration,
    slot: Slot,
    watch: Arc<Watch>,
    subject: String,
}

impl std::fmt::Debug for HttpUpload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpUpload").field("open", &self.open.is_some()).finish_non_exhaustive()
    }
}

/// Follows whether a body takes bytes, without keeping it.
#[derive(Debug)]
struct Writable(Weak<PipeWriter>);

impl Awaited for Writable {
    fn is_ready(&self) -> bool {
        self.0.upgrade().is_some_and(|writer| writer.is_ready())
    }

    fn is_closed(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn ready(&self) -> Ready {
        self.0.upgrade().map_or_else(|| Box::pin(std::future::ready(())) as Ready, |writer| writer.ready())
    }
}

impl State {
    /// Sends the head of a request and gives the upload once the other side takes its body.
    pub(super) async fn start_upload(&mut self, asked: Asked, mut options: Options) -> Answered<HttpUpload> {
        let has_body = asked.body.is_some();
        // What was streamed cannot be sent again, so a redirect is the response.
        options.redirects = Redirects::Give;
        let read = self.read_request(asked, &options);
        let (subject, path) = shown(&read);
        let touch = Touch::of(&ops::HTTP_UPLOAD_START).on(&subject).moving(path.as_bytes());
        self.waiting(touch, told, |state| {
            let request = read?;
            if has_body {
                return Err(HttpError::Invalid);
            }
            let slot = state.owner.take(&state.capsule.id, Holding::HttpStreams).ok_or(HttpError::Quota)?;
            let (client, whose) = (Arc::clone(&state.capsule.host.http), state.whose());
            let watch = Watch::of(state);
            let (writer, reader) = pipe(limits::HTTP_PIPE_BYTES);
            let (began, wanted) = oneshot::channel();
            let (between, subject) = (options.between_bytes, request.subject());
            let runtime = client.runtime().clone();
            let gate = Arc::clone(&watch);
            let streamed = Streamed { pipe: reader, began: Some(began) };
            let sending = runtime.spawn(client.upload(request, streamed, options, whose, gate));
            let mut sending = AbortOnDropHandle::new(sending);
            Ok(async move {
                // Whichever comes first: the body is wanted, or there will be none.
                match select(pin!(wanted), &mut sending).await {
                    Either::Left((Ok(()), _)) => {}
                    Either::Left((Err(_), sending)) => {
                        return Err(match sending.await {
                            Ok(Err(error)) => error,
                            Ok(Ok(_)) | Err(_) => HttpError::Connection,
                        });
                    }
                    Either::Right((Ok(Err(error)), _)) => return Err(error),
                    Either::Right((Ok(Ok(_)) | Err(_), _)) => return Err(HttpError::Connection),
                }
                let open = Open { writer, sending, between, slot, watch, subject };
                Ok(HttpUpload { open: Some(open), taken: false })
            })
        })
        .await
    }

    pub(super) fn body_sink(
        &mut self,
        this: &Resource<HttpUpload>,
    ) -> wasmtime::Result<Resource<OutputStream>> {
        self.count(&ops::HTTP_UPLOAD_BODY_SINK);
        let slot = self.owner.take(&self.capsule.id, Holding::Pollables);
        let upload = self.table.get_mut(this)?;
        let asked_before = std::mem::replace(&mut upload.taken, true);
        let writer = upload.open.as_ref().filter(|_| !asked_before).map(|open| Arc::clone(&open.writer));
        let half = match (writer, slot) {
            (Some(writer), Some(slot)) => OutputStream::new(Writer::new(writer), slot),
            _ => OutputStream::closed(),
        };
        Ok(self.table.push(half)?)
    }

    pub(super) fn subscribe_upload(
        &mut self,
        this: &Resource<HttpUpload>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::HTTP_UPLOAD_SUBSCRIBE_WRITABLE);
        let open = self.table.get(this)?.open.as_ref();
        let writable = Writable(open.map_or_else(Weak::new, |open| Arc::downgrade(&open.writer)));
        self.push_pollable(writable)
    }

    /// Ends the body and waits for the headers of the response.
    pub(super) async fn finish_upload(
        &mut self,
        op: &'static Op,
        this: &Resource<HttpUpload>,
    ) -> Answered<HttpStream> {
        let open = self.table.get_mut(this)?.open.take();
        let subject = open.as_ref().map(|open| open.subject.clone()).unwrap_or_default();
        self.waiting(Touch::of(op).on(&subject), told, |_| {
            let open = open.ok_or(HttpError::Closed)?;
            open.writer.end();
            Ok(async move {
                let Open { sending, between, slot, watch, subject, .. } = open;
                let answer = sending.await.unwrap_or(Err(HttpError::Fault("the request stopped")))?;
                Ok(HttpStream::new(answer, between, slot, watch, subject))
            })
        })
        .await
    }

    pub(super) fn drop_upload(&mut self, this: Resource<HttpUpload>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

//! The bytes of a body on their way in, with what trails them, and of a request on their way out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use tokio::sync::oneshot;

use super::HttpError;
use super::answer::Trailers;
use crate::stream::PipeReader;

/// A response's body as it comes: its bytes are counted and limited, its trailers kept.
#[derive(Debug)]
pub(super) struct Arriving {
    body: Incoming,
    piece: Bytes,
    counted: Arc<AtomicU64>,
    most: Option<u64>,
    trailers: Arc<Trailers>,
}

impl Arriving {
    /// A body of which at most `most` bytes are taken; how many came is told in `counted`.
    pub(super) fn new(
        body: Incoming,
        most: Option<u64>,
        counted: Arc<AtomicU64>,
        trailers: Arc<Trailers>,
    ) -> Self {
        Self { body, piece: Bytes::new(), counted, most, trailers }
    }

    /// Whether the body is at its end, or the next piece is here.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.piece.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return Poll::Ready(Ok(()));
            };
            let frame = frame.map_err(|error| io::Error::other(HttpError::from(error)))?;
            match frame.into_data() {
                Ok(data) => {
                    let counted =
                        self.counted.fetch_add(data.len() as u64, Ordering::Relaxed) + data.len() as u64;
                    if self.most.is_some_and(|most| counted > most) {
                        return Poll::Ready(Err(io::Error::other(HttpError::TooLarge)));
                    }
                    self.piece = data;
                }
                Err(other) => {
                    if let Ok(trailers) = other.into_trailers() {
                        self.trailers.set(&trailers);
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next piece, or none at the end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        std::future::poll_fn(|context| self.poll_piece(context)).await?;
        Ok(Some(std::mem::take(&mut self.piece)).filter(|piece| !piece.is_empty()))
    }
}

impl AsyncRead for Arriving {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_piece(context))?;
        let length = self.piece.len().min(into.remaining());
        into.put_slice(&self.piece.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Arriving {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_piece(context))?;
        Poll::Ready(Ok(&this.piece))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.piece.advance(amount);
    }
}

/// The body of a request: whole, or out of a pipe as the guest writes it.
pub(super) enum Leaving {
    /// It is all here.
    Whole(Bytes),
    /// It comes in pieces, and its end is told.
    Piped(Streamed, Option<Next>, Option<oneshot::Sender<()>>),
}

/// The body of a request, as the guest writes it.
#[derive(Debug)]
pub struct Streamed {
    /// Where it comes from.
    pub pipe: Arc<PipeReader>,
    /// Told when the other side is ready for it.
    pub began: Option<oneshot::Sender<()>>,
}

/// The next piece of a pipe, being waited for.
type Next = Pin<Box<dyn Future<Output = io::Result<Option<Bytes>>> + Send>>;

/// Longest piece of an upload that is handed on at once, in bytes.
const PIECE: usize = crate::limits::HTTP_PIPE_BYTES;

impl Body for Leaving {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Piped(Streamed { pipe, began }, next, left) => {
                if let Some(began) = began.take() {
                    // Whoever asked may have gone.
                    let _ = began.send(());
                }
                let waiting = next.get_or_insert_with(|| {
                    let pipe = Arc::clone(pipe);
                    Box::pin(async move { pipe.next(PIECE).await })
                });
                let piece = ready!(waiting.as_mut().poll(context));
                *next = None;
                if !matches!(piece, Ok(Some(_)))
                    && let Some(left) = left.take()
                {
                    let _ = left.send(());
                }
                Poll::Ready(piece.transpose().map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Piped(..) => SizeHint::default(),
        }
    }
}

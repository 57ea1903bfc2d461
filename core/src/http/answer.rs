//! A response: its head, and a body that is read in pieces.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::body::Arriving;
use super::coding::{self, Coding};
use super::headers::readable;
use super::{HttpError, Options};
use crate::limits;
use crate::stream::{Awaited as _, Ended, PipeReader, PipeWriter, Reader, Source as _, pipe};
use crate::timer;

/// What stands behind a body once it has been read.
#[derive(Debug, Default)]
pub struct Trailers(Mutex<Option<Vec<(String, String)>>>);

impl Trailers {
    pub(super) fn set(&self, trailers: &HeaderMap) {
        *self.0.lock() = Some(readable(trailers));
    }

    /// The headers that trailed the body; none while it has not ended, and when there are none.
    #[must_use]
    pub fn get(&self) -> Option<Vec<(String, String)>> {
        self.0.lock().clone()
    }
}

/// A response whose headers are here.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers that can be shown.
    pub headers: Vec<(String, String)>,
    /// The address that answered.
    pub url: Url,
    /// How many redirects were followed.
    pub redirects: u32,
    /// When the request was begun.
    pub began: Instant,
    /// The body.
    pub body: Body,
}

/// A body on its way to a guest. Dropping it gives up what has not been read, and the connection with it.
#[derive(Debug)]
pub struct Body {
    pipe: Arc<PipeReader>,
    trailers: Arc<Trailers>,
    wire: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

impl Body {
    /// Reads the body on a task of its own, as fast as it is taken: counts, decodes, compares.
    pub(super) fn begin(
        body: hyper::body::Incoming,
        codings: Vec<Coding>,
        options: &Options,
        runtime: &Handle,
        deadline: Option<tokio::time::Instant>,
    ) -> Self {
        let (writer, pipe) = pipe(limits::HTTP_PIPE_BYTES);
        let (wire, trailers) = (Arc::new(AtomicU64::new(0)), Arc::new(Trailers::default()));
        let arriving = Arriving::new(body, options.most_bytes, Arc::clone(&wire), Arc::clone(&trailers));
        let options = options.clone();
        let task = runtime.spawn(async move {
            let moved = carry(arriving, &codings, &options, &writer);
            let moved = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline, moved)
                    .await
                    .unwrap_or_else(|_| Err(io::Error::other(HttpError::Timeout))),
                None => moved.await,
            };
            match moved {
                Ok(()) => writer.end(),
                Err(error) => writer.fail(error),
            }
        });
        Self { pipe, trailers, wire, _task: AbortOnDropHandle::new(task) }
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// [`HttpError::Timeout`] when none came within `most`: it can be asked for again. Everything else is the end.
    pub async fn next(&self, runtime: &Handle, most: Duration) -> Result<Bytes, HttpError> {
        let next = std::pin::pin!(self.pipe.next(limits::STREAM_READ_BYTES));
        let late = std::pin::pin!(timer::sleep(runtime, most));
        match futures_util::future::select(next, late).await {
            futures_util::future::Either::Left((Ok(piece), _)) => Ok(piece.unwrap_or_default()),
            futures_util::future::Either::Left((Err(error), _)) => Err(cause(&error)),
            futures_util::future::Either::Right(_) => Err(HttpError::Timeout),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn whole(&self, runtime: &Handle, between: Duration) -> Result<Vec<u8>, HttpError> {
        let mut all = Vec::new();
        loop {
            let piece = self.next(runtime, between).await?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&piece);
        }
    }

    /// It as a stream of bytes.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.pipe) as _)
    }

    /// Whether a piece is there, or the end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.pipe.is_ready()
    }

    /// What is waited for until [`Self::is_ready`].
    #[must_use]
    pub fn ready(&self) -> crate::stream::Ready {
        self.reader().ready()
    }

    /// What trailed it.
    #[must_use]
    pub fn trailers(&self) -> &Arc<Trailers> {
        &self.trailers
    }

    /// How many bytes of it came over the wire so far.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.wire.load(Ordering::Relaxed)
    }

    /// Whether it has been read to its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.pipe.is_finished()
    }

    /// Closes it: nothing more is read.
    pub fn close(&self) {
        self.pipe.close();
    }
}

/// What lies beneath an error of reading.
pub(super) fn cause(error: &io::Error) -> HttpError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<HttpError>()) {
        Some(own) => *own,
        None => HttpError::Protocol("the body could not be decoded"),
    }
}

/// Moves a body into the pipe.
async fn carry(
    mut arriving: Arriving,
    codings: &[Coding],
    options: &Options,
    writer: &Arc<PipeWriter>,
) -> io::Result<()> {
    let limit = options.decoded_limit(!codings.is_empty());
    let mut integrity = options.integrity.clone();
    let mut decoded = 0_u64;
    let mut hand_on = |piece: &Bytes| {
        decoded += piece.len() as u64;
        if let Some(integrity) = &mut integrity {
            integrity.update(piece);
        }
        match limit {
            Some((most, error)) if decoded > most => Err(io::Error::other(error)),
            _ => Ok(()),
        }
    };
    if codings.is_empty() {
        while let Some(piece) = arriving.next().await? {
            hand_on(&piece)?;
            send(writer, piece).await?;
        }
    } else {
        let mut unpacked = coding::undo(arriving, codings).await?;
        loop {
            let mut piece = bytes::BytesMut::with_capacity(limits::COPY_PIECE_BYTES);
            if unpacked.read_buf(&mut piece).await? == 0 {
                break;
            }
            let piece = piece.freeze();
            hand_on(&piece)?;
            send(writer, piece).await?;
        }
    }
    if integrity.is_some_and(|integrity| !integrity.holds()) {
        return Err(io::Error::other(HttpError::Integrity));
    }
    Ok(())
}

async fn send(writer: &Arc<PipeWriter>, piece: Bytes) -> io::Result<()> {
    writer.send(piece).await.map_err(|ended| match ended {
        Ended::Closed => io::Error::other(HttpError::Closed),
        Ended::Failed(error) => error,
    })
}

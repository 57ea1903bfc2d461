//! A bounded pipe inside the host: what one side writes the other reads, and a slow reader holds the writer back.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Ended, Ready, Sink, Source};
use crate::limits;

/// Makes a pipe that holds at most `capacity` bytes.
#[must_use]
pub fn pipe(capacity: usize) -> (Arc<PipeWriter>, Arc<PipeReader>) {
    let shared =
        Arc::new(Shared { capacity, state: Mutex::default(), filled: Notify::new(), drained: Notify::new() });
    (Arc::new(PipeWriter(Arc::clone(&shared))), Arc::new(PipeReader(shared)))
}

/// The end that is written to. Whoever drops it without an [`end`](PipeWriter::end) has not said everything: the reader
/// learns of a failure after what waits.
#[derive(Debug)]
pub struct PipeWriter(Arc<Shared>);

/// The end that is read from. Dropping it closes the pipe to the writer and frees what waits in it.
#[derive(Debug)]
pub struct PipeReader(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    capacity: usize,
    state: Mutex<State>,
    /// Told when bytes came or the writer ended.
    filled: Notify,
    /// Told when bytes went or the reader left.
    drained: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Bytes>,
    /// Small pieces that came last, put together so that many of them take no more memory than their bytes.
    small: BytesMut,
    held: usize,
    flushing: bool,
    no_writer: bool,
    no_reader: bool,
    failure: Option<io::Error>,
}

impl State {
    fn push(&mut self, bytes: Bytes) {
        self.held += bytes.len();
        if bytes.len() < limits::PIPE_SMALL_BYTES {
            self.small.extend_from_slice(&bytes);
        } else {
            if !self.small.is_empty() {
                let small = self.small.split().freeze();
                self.waiting.push_back(small);
            }
            self.waiting.push_back(bytes);
        }
    }

    fn take(&mut self, most: usize) -> Bytes {
        let bytes = match self.waiting.front_mut() {
            Some(first) if first.len() > most => first.split_to(most),
            Some(_) => self.waiting.pop_front().unwrap_or_default(),
            None => self.small.split_to(most.min(self.small.len())).freeze(),
        };
        self.held -= bytes.len();
        self.flushing &= self.held > 0;
        bytes
    }
}

impl PipeWriter {
    /// Ends the stream: once what waits is read, it is closed.
    pub fn end(&self) {
        self.0.state.lock().no_writer = true;
        self.0.filled.notify_waiters();
    }

    /// Ends the stream with a failure, which the reader learns after what waits.
    pub fn fail(&self, error: io::Error) {
        let mut state = self.0.state.lock();
        if !state.no_writer {
            state.no_writer = true;
            state.failure = Some(error);
        }
        drop(state);
        self.0.filled.notify_waiters();
    }

    /// Writes all of `bytes`, waiting for the reader.
    ///
    /// # Errors
    /// [`Ended::Closed`] when the reader is gone.
    pub async fn send(self: &Arc<Self>, mut bytes: Bytes) -> Result<(), Ended> {
        while !bytes.is_empty() {
            let room = self.room()?;
            if room == 0 {
                Arc::clone(self).ready().await;
                continue;
            }
            self.write(bytes.split_to(room.min(bytes.len())))?;
        }
        Ok(())
    }

    /// Whether the reader is gone, so that nobody wants what would be written.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.0.state.lock().no_reader
    }

    /// Waits until the reader is gone.
    pub async fn unread(&self) {
        loop {
            let drained = self.0.drained.notified();
            if self.is_unread() {
                return;
            }
            drained.await;
        }
    }
}

impl Sink for PipeWriter {
    fn room(&self) -> Result<usize, Ended> {
        let state = self.0.state.lock();
        match () {
            () if state.no_reader || state.no_writer => Err(Ended::Closed),
            () if state.flushing => Ok(0),
            () => Ok(self.0.capacity.saturating_sub(state.held)),
        }
    }

    fn write(&self, bytes: Bytes) -> Result<(), Ended> {
        let mut state = self.0.state.lock();
        if state.no_reader || state.no_writer {
            return Err(Ended::Closed);
        }
        state.push(bytes);
        drop(state);
        self.0.filled.notify_waiters();
        Ok(())
    }

    /// Done when the reader has taken everything.
    fn flush(&self) -> Result<(), Ended> {
        let mut state = self.0.state.lock();
        if state.no_reader || state.no_writer {
            return Err(Ended::Closed);
        }
        state.flushing = state.held > 0;
        Ok(())
    }

    fn is_ready(&self) -> bool {
        !matches!(self.room(), Ok(0))
    }

    fn ready(self: Arc<Self>) -> Ready {
        Box::pin(async move {
            loop {
                let drained = self.0.drained.notified();
                if self.is_ready() {
                    return;
                }
                drained.await;
            }
        })
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.fail(io::ErrorKind::UnexpectedEof.into());
    }
}

impl PipeReader {
    /// Waits for the next bytes, at most `most` of them; none at the end.
    ///
    /// # Errors
    /// The failure with which the writer ended.
    pub async fn next(self: &Arc<Self>, most: usize) -> io::Result<Option<Bytes>> {
        loop {
            match self.read(most) {
                Ok(bytes) if bytes.is_empty() => Arc::clone(self).ready().await,
                Ok(bytes) => return Ok(Some(bytes)),
                Err(Ended::Closed) => return Ok(None),
                Err(Ended::Failed(error)) => return Err(error),
            }
        }
    }

    /// Whether everything was read and nothing more will come.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let state = self.0.state.lock();
        state.held == 0 && state.no_writer && !state.no_reader && state.failure.is_none()
    }

    /// Closes the pipe to the writer and frees what waits in it.
    pub fn close(&self) {
        let mut state = self.0.state.lock();
        state.no_reader = true;
        state.held = 0;
        let freed = (std::mem::take(&mut state.waiting), std::mem::take(&mut state.small));
        drop(state);
        drop(freed);
        self.0.drained.notify_waiters();
        self.0.filled.notify_waiters();
    }
}

impl Source for PipeReader {
    fn read(&self, most: usize) -> Result<Bytes, Ended> {
        let mut state = self.0.state.lock();
        if state.held == 0 {
            return match () {
                () if state.no_reader => Err(Ended::Closed),
                () if state.no_writer => Err(state.failure.take().map_or(Ended::Closed, Ended::Failed)),
                () => Ok(Bytes::new()),
            };
        }
        let bytes = state.take(most);
        drop(state);
        self.0.drained.notify_waiters();
        Ok(bytes)
    }

    fn is_ready(&self) -> bool {
        let state = self.0.state.lock();
        state.held > 0 || state.no_writer || state.no_reader
    }

    fn ready(self: Arc<Self>) -> Ready {
        Box::pin(async move {
            loop {
                let filled = self.0.filled.notified();
                if self.is_ready() {
                    return;
                }
                filled.await;
            }
        })
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.close();
    }
}

//! `astrid:io/streams`: bytes on their way to a guest or from one.
//!
//! The rules of streams are kept in [`crate::stream`]; here every call goes through the envelope and back.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi_io::streams::Error as IoError;

use super::arms::{Arm, Refusal};
use super::bindings::astrid::io::streams;
use super::call::{Touch, Verdict};
use super::context::Slot;
use super::ops::io as ops;
use super::pollable::Pollable;
use super::state::State;
use crate::stream::{Awaited, Ended, Nowhere, Reader, Writer};

/// A guest's handle on a source of bytes.
#[derive(Debug)]
pub struct InputStream {
    reader: Reader,
    _slot: Option<Slot>,
}

impl InputStream {
    /// A handle that takes one of its capsule's places.
    #[must_use]
    pub fn new(reader: Reader, slot: Slot) -> Self {
        Self { reader, _slot: Some(slot) }
    }

    /// A handle on nothing: a capsule that holds too much gets a stream that is closed.
    #[must_use]
    pub fn closed() -> Self {
        Self { reader: Reader::new(Arc::new(Nowhere)), _slot: None }
    }
}

/// A guest's handle on a destination for bytes.
#[derive(Debug)]
pub struct OutputStream {
    writer: Writer,
    _slot: Option<Slot>,
}

impl OutputStream {
    /// A handle that takes one of its capsule's places.
    #[must_use]
    pub fn new(writer: Writer, slot: Slot) -> Self {
        Self { writer, _slot: Some(slot) }
    }

    /// A handle on nothing: a capsule that holds too much gets a stream that is closed.
    #[must_use]
    pub fn closed() -> Self {
        Self { writer: Writer::new(Arc::new(Nowhere)), _slot: None }
    }
}

/// Why a call on a stream did not take place.
#[derive(Debug)]
pub enum StreamError {
    /// The stream is at its end, or the guest is being stopped.
    Closed,
    /// The operation failed; the guest gets the error as a resource.
    Failed(io::Error),
    /// The guest made a mistake that ends it.
    Trap(wasmtime::Error),
}

impl From<Ended> for StreamError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Closed => Self::Closed,
            Ended::Failed(error) => Self::Failed(error),
        }
    }
}

impl From<wasmtime::Error> for StreamError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<wasmtime::component::ResourceTableError> for StreamError {
    fn from(error: wasmtime::component::ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl Arm for Ended {
    fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Failed(_) => "last-operation-failed",
        }
    }

    /// A stream has no arm that says why: it is closed.
    fn refuse(_: Refusal) -> Self {
        Self::Closed
    }

    fn fault(text: &'static str) -> Self {
        Self::Failed(io::Error::other(text))
    }
}

type Answer<T> = Result<T, StreamError>;

/// Undoes the two layers in which the envelope answers.
fn answer<T>(told: wasmtime::Result<Result<T, Ended>>) -> Answer<T> {
    Ok(told??)
}

fn told_bytes(bytes: u64) -> Verdict {
    Verdict { bytes, ..Verdict::ALLOWED }
}

fn unpermitted() -> StreamError {
    StreamError::Trap(wasmtime::Error::msg("a stream was written beyond what its last `check-write` gave"))
}

impl State {
    fn reader(&self, this: &Resource<InputStream>) -> Answer<Reader> {
        Ok(self.table.get(this)?.reader.clone())
    }

    fn writer(&self, this: &Resource<OutputStream>) -> Answer<Writer> {
        Ok(self.table.get(this)?.writer.clone())
    }

    /// Makes the pollable of a stream, its child: the stream cannot be dropped before it.
    fn follow<T: Send + 'static>(
        &mut self,
        stream: &Resource<T>,
        awaited: impl Awaited + 'static,
    ) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = self.pollable(awaited)?;
        Ok(self.table.push_child(pollable, stream)?)
    }
}

impl streams::Host for State {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        match error {
            StreamError::Closed => Ok(streams::StreamError::Closed),
            StreamError::Failed(error) => {
                let error = self.table.push(IoError::from(error))?;
                Ok(streams::StreamError::LastOperationFailed(error))
            }
            StreamError::Trap(error) => Err(error),
        }
    }
}

impl streams::HostInputStream for State {
    async fn read(&mut self, this: Resource<InputStream>, len: u64) -> Answer<Vec<u8>> {
        let reader = self.reader(&this)?;
        let touch = Touch::of(&ops::INPUT_STREAM_READ);
        let read =
            self.effect_told(touch, |bytes: &Bytes| told_bytes(bytes.len() as u64), |_| reader.read(len));
        answer(read.await).map(Vec::from)
    }

    async fn blocking_read(&mut self, this: Resource<InputStream>, len: u64) -> Answer<Vec<u8>> {
        let reader = self.reader(&this)?;
        let touch = Touch::of(&ops::INPUT_STREAM_BLOCKING_READ);
        let read = self.waiting(
            touch,
            |bytes: &Bytes| told_bytes(bytes.len() as u64),
            |_| Ok(async move { reader.read_waiting(len).await }),
        );
        answer(read.await).map(Vec::from)
    }

    async fn skip(&mut self, this: Resource<InputStream>, len: u64) -> Answer<u64> {
        let reader = self.reader(&this)?;
        let touch = Touch::of(&ops::INPUT_STREAM_SKIP);
        let skip = |_: &mut State| reader.read(len).map(|bytes| bytes.len() as u64);
        answer(self.effect_told(touch, |skipped| told_bytes(*skipped), skip).await)
    }

    async fn blocking_skip(&mut self, this: Resource<InputStream>, len: u64) -> Answer<u64> {
        let reader = self.reader(&this)?;
        let touch = Touch::of(&ops::INPUT_STREAM_BLOCKING_SKIP);
        let skip = async move { reader.read_waiting(len).await.map(|bytes| bytes.len() as u64) };
        answer(self.waiting(touch, |skipped| told_bytes(*skipped), |_| Ok(skip)).await)
    }

    async fn subscribe(&mut self, this: Resource<InputStream>) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::INPUT_STREAM_SUBSCRIBE);
        let reader = self.table.get(&this)?.reader.clone();
        self.follow(&this, reader)
    }

    async fn drop(&mut self, this: Resource<InputStream>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl streams::HostOutputStream for State {
    async fn check_write(&mut self, this: Resource<OutputStream>) -> Answer<u64> {
        let writer = self.writer(&this)?;
        let touch = Touch::of(&ops::OUTPUT_STREAM_CHECK_WRITE);
        answer(self.effect(touch, |_| writer.check().map(|room| room as u64)).await)
    }

    async fn write(&mut self, this: Resource<OutputStream>, contents: Vec<u8>) -> Answer<()> {
        let writer = self.writer(&this)?;
        writer.permit(contents.len() as u64).map_err(|_| unpermitted())?;
        let contents = Bytes::from(contents);
        let touch = Touch::of(&ops::OUTPUT_STREAM_WRITE).moving(&contents);
        answer(self.effect(touch, |_| writer.write(contents.clone())).await)
    }

    async fn blocking_write_and_flush(
        &mut self,
        this: Resource<OutputStream>,
        contents: Vec<u8>,
    ) -> Answer<()> {
        let writer = self.writer(&this)?;
        let contents = Bytes::from(contents);
        let touch = Touch::of(&ops::OUTPUT_STREAM_BLOCKING_WRITE_AND_FLUSH).moving(&contents);
        let bytes = contents.clone();
        let write = async move { writer.write_waiting(bytes).await };
        answer(self.waiting(touch, |()| Verdict::ALLOWED, |_| Ok(write)).await)
    }

    async fn flush(&mut self, this: Resource<OutputStream>) -> Answer<()> {
        let writer = self.writer(&this)?;
        answer(self.effect(Touch::of(&ops::OUTPUT_STREAM_FLUSH), |_| writer.flush()).await)
    }

    async fn blocking_flush(&mut self, this: Resource<OutputStream>) -> Answer<()> {
        let writer = self.writer(&this)?;
        let touch = Touch::of(&ops::OUTPUT_STREAM_BLOCKING_FLUSH);
        let flush = async move { writer.flush_waiting().await };
        answer(self.waiting(touch, |()| Verdict::ALLOWED, |_| Ok(flush)).await)
    }

    async fn subscribe(&mut self, this: Resource<OutputStream>) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::OUTPUT_STREAM_SUBSCRIBE);
        let writer = self.table.get(&this)?.writer.clone();
        self.follow(&this, writer)
    }

    async fn write_zeroes(&mut self, this: Resource<OutputStream>, len: u64) -> Answer<()> {
        let writer = self.writer(&this)?;
        let bytes = writer.permit(len).map_err(|_| unpermitted())?;
        let touch = Touch::of(&ops::OUTPUT_STREAM_WRITE_ZEROES);
        answer(self.effect_told(touch, |()| told_bytes(len), |_| writer.write_zeroes(bytes)).await)
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        this: Resource<OutputStream>,
        len: u64,
    ) -> Answer<()> {
        let writer = self.writer(&this)?;
        let touch = Touch::of(&ops::OUTPUT_STREAM_BLOCKING_WRITE_ZEROES_AND_FLUSH);
        let write = async move { writer.write_zeroes_waiting(len).await };
        answer(self.waiting(touch, |()| told_bytes(len), |_| Ok(write)).await)
    }

    async fn splice(
        &mut self,
        this: Resource<OutputStream>,
        src: Resource<InputStream>,
        len: u64,
    ) -> Answer<u64> {
        let (writer, reader) = (self.writer(&this)?, self.reader(&src)?);
        let touch = Touch::of(&ops::OUTPUT_STREAM_SPLICE);
        answer(self.effect_told(touch, |moved| told_bytes(*moved), |_| writer.splice(&reader, len)).await)
    }

    async fn blocking_splice(
        &mut self,
        this: Resource<OutputStream>,
        src: Resource<InputStream>,
        len: u64,
    ) -> Answer<u64> {
        let (writer, reader) = (self.writer(&this)?, self.reader(&src)?);
        let touch = Touch::of(&ops::OUTPUT_STREAM_BLOCKING_SPLICE);
        let splice = async move { writer.splice_waiting(&reader, len).await };
        answer(self.waiting(touch, |moved| told_bytes(*moved), |_| Ok(splice)).await)
    }

    async fn drop(&mut self, this: Resource<OutputStream>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

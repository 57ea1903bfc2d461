//! The end of a stream to which a guest writes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;

use super::{Awaited, Ended, Reader, Ready, Sink, breathe};
use crate::limits;

/// Zero bytes, to be written as often as it takes.
static ZEROES: [u8; limits::STREAM_ZEROES_BYTES] = [0; limits::STREAM_ZEROES_BYTES];

/// A sink as a guest sees it: what may be written without waiting was permitted first, and after its end or a failure it
/// is closed for good.
///
/// Clones are the same stream.
#[derive(Clone, Debug)]
pub struct Writer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sink: Arc<dyn Sink>,
    permit: AtomicUsize,
    ended: AtomicBool,
}

/// A guest wrote more than it was permitted, which is a mistake of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpermitted;

impl Writer {
    /// Writes to `sink`.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>) -> Self {
        Self(Arc::new(Inner { sink, permit: AtomicUsize::new(0), ended: AtomicBool::new(false) }))
    }

    /// How many bytes may be written now; this is the permit of what is written next.
    ///
    /// # Errors
    /// [`Ended`]: a failure is told once, then the stream is closed.
    pub fn check(&self) -> Result<usize, Ended> {
        let room = self.told(|sink| sink.room())?;
        self.0.permit.store(room, Ordering::Release);
        Ok(room)
    }

    /// Uses up a part of the permit.
    ///
    /// # Errors
    /// [`Unpermitted`] when less was permitted.
    pub fn permit(&self, bytes: u64) -> Result<usize, Unpermitted> {
        let bytes = usize::try_from(bytes).map_err(|_| Unpermitted)?;
        let left = self.0.permit.load(Ordering::Acquire).checked_sub(bytes).ok_or(Unpermitted)?;
        self.0.permit.store(left, Ordering::Release);
        Ok(bytes)
    }

    /// Writes bytes that were permitted.
    ///
    /// # Errors
    /// As [`Self::check`]; `ResourceBusy` when the room has gone to another writer of the same sink meanwhile. Nobody's
    /// permits can make a sink hold more than it has room for.
    pub fn write(&self, bytes: Bytes) -> Result<(), Ended> {
        self.told(|sink| match sink.room()? {
            _ if bytes.is_empty() => Ok(()),
            room if room < bytes.len() => Err(Ended::Failed(io::ErrorKind::ResourceBusy.into())),
            _ => sink.write(bytes),
        })
    }

    /// Writes zero bytes that were permitted.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn write_zeroes(&self, bytes: usize) -> Result<(), Ended> {
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(ZEROES.len());
            self.write(Bytes::from_static(&ZEROES[..piece]))?;
            left -= piece;
        }
        self.write(Bytes::new())
    }

    /// Starts a flush.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn flush(&self) -> Result<(), Ended> {
        self.0.permit.store(0, Ordering::Release);
        self.told(|sink| sink.flush())
    }

    /// Starts a flush and waits until it is done.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn flush_waiting(&self) -> Result<(), Ended> {
        self.flush()?;
        self.room_waiting().await.map(drop)
    }

    /// Writes all of `bytes` in pieces, as the other side takes them, and flushes.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn write_waiting(&self, mut bytes: Bytes) -> Result<(), Ended> {
        while !bytes.is_empty() {
            let room = self.room_waiting().await?;
            self.write(bytes.split_to(room.min(bytes.len())))?;
            breathe().await;
        }
        self.flush_waiting().await
    }

    /// Writes that many zero bytes in pieces, as the other side takes them, and flushes.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn write_zeroes_waiting(&self, mut left: u64) -> Result<(), Ended> {
        while left > 0 {
            let room = self.room_waiting().await?.min(ZEROES.len());
            let piece = usize::try_from(left).map_or(room, |left| left.min(room));
            self.write(Bytes::from_static(&ZEROES[..piece]))?;
            left -= piece as u64;
            breathe().await;
        }
        self.flush_waiting().await
    }

    /// Moves at most `most` bytes that are there now and for which there is room now. What is moved uses up the permit.
    ///
    /// # Errors
    /// As [`Self::check`]; the end of `from` is an end as well.
    pub fn splice(&self, from: &Reader, most: u64) -> Result<u64, Ended> {
        let room = self.told(|sink| sink.room())?;
        if room == 0 {
            return Ok(0);
        }
        let bytes = from.read(most.min(room as u64))?;
        let moved = bytes.len();
        if moved > 0 {
            let left = self.0.permit.load(Ordering::Acquire).saturating_sub(moved);
            self.0.permit.store(left, Ordering::Release);
            self.write(bytes)?;
        }
        Ok(moved as u64)
    }

    /// Waits for room, then for bytes, and moves at most `most` of them.
    ///
    /// # Errors
    /// As [`Self::splice`].
    pub async fn splice_waiting(&self, from: &Reader, most: u64) -> Result<u64, Ended> {
        loop {
            self.room_waiting().await?;
            if most == 0 {
                from.ready().await;
            }
            let moved = self.splice(from, most)?;
            if moved > 0 || most == 0 {
                return Ok(moved);
            }
            from.ready().await;
            breathe().await;
        }
    }

    /// Waits until something may be written.
    async fn room_waiting(&self) -> Result<usize, Ended> {
        loop {
            let room = self.told(|sink| sink.room())?;
            if room > 0 {
                return Ok(room);
            }
            self.ready().await;
        }
    }

    /// The one place where a failure is told once and a stream that ended stays closed.
    fn told<T>(&self, act: impl FnOnce(&dyn Sink) -> Result<T, Ended>) -> Result<T, Ended> {
        if self.0.ended.load(Ordering::Acquire) {
            return Err(Ended::Closed);
        }
        act(&*self.0.sink).inspect_err(|_| self.0.ended.store(true, Ordering::Release))
    }
}

impl Awaited for Writer {
    fn is_ready(&self) -> bool {
        self.0.ended.load(Ordering::Acquire) || self.0.sink.is_ready()
    }

    /// Never: a stream that has ended is ready, so that the guest finds out.
    fn is_closed(&self) -> bool {
        false
    }

    fn ready(&self) -> Ready {
        if self.0.ended.load(Ordering::Acquire) {
            return Box::pin(std::future::ready(()));
        }
        Arc::clone(&self.0.sink).ready()
    }
}

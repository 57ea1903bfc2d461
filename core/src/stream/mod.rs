//! Streams of bytes, whatever they lead to: a socket, a file, a response, a child's output, a pipe inside the host.
//!
//! A stream never waits by itself. Reading and writing answer at once with what can be done now, and whoever has to wait
//! asks for readiness. So one implementation of `astrid:io/streams` serves them all, and a wait holds no thread.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// A wait for readiness; it owns what it waits for.
pub type Ready = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why a stream gives or takes nothing any more.
#[derive(Debug)]
pub enum Ended {
    /// It is at its end, or was closed by either side.
    Closed,
    /// The last operation failed; from now on it is closed.
    Failed(std::io::Error),
}

/// Where bytes come from.
pub trait Source: Send + Sync + Debug {
    /// Takes at most `most` bytes that are there now; none means that there is nothing yet.
    ///
    /// # Errors
    /// [`Ended`] at the end and after a failure, which is told once.
    fn read(&self, most: usize) -> Result<Bytes, Ended>;

    /// Waits until [`Self::read`] gives bytes or an end. Any number may wait at once; none of them takes anything.
    fn ready(self: Arc<Self>) -> Ready;
}

/// Where bytes go.
pub trait Sink: Send + Sync + Debug {
    /// How many bytes may be written now; none means that it is full.
    ///
    /// # Errors
    /// [`Ended`] when nothing will be taken any more.
    fn room(&self) -> Result<usize, Ended>;

    /// Takes bytes, never more than [`Self::room`] allowed, and begins to send them on.
    ///
    /// # Errors
    /// As [`Self::room`].
    fn write(&self, bytes: Bytes) -> Result<(), Ended>;

    /// Asks that everything taken so far goes on to where it leads; [`Self::room`] is none until it has.
    ///
    /// # Errors
    /// As [`Self::room`].
    fn flush(&self) -> Result<(), Ended>;

    /// Waits until [`Self::room`] is not none or the stream has ended. Any number may wait at once.
    fn ready(self: Arc<Self>) -> Ready;
}

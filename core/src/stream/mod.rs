//! Streams of bytes, whatever they lead to: a socket, a file, a response, a child's output, a pipe inside the host.
//!
//! A stream never waits by itself. Reading and writing answer at once with what can be done now, and whoever has to wait
//! asks for readiness. So one implementation of `astrid:io/streams` serves them all, and a wait holds no thread.
//!
//! - [`Source`] and [`Sink`]: what a room implements for the bytes it has or takes;
//! - [`Reader`] and [`Writer`]: the two ends as a guest sees them, with the ceilings and the rules of the contract;
//! - [`pipe()`]: a bounded pipe between two tasks of the host, or between the host and a guest;
//! - [`SocketSource`] and [`SocketSink`]: the two halves of a socket.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;

mod pipe;
mod reader;
mod socket;
mod writer;

#[cfg(test)]
mod socket_tests;
#[cfg(test)]
mod tests;

pub use pipe::{PipeReader, PipeWriter, pipe};
pub use reader::Reader;
pub use socket::{Incoming, Socket, SocketSink, SocketSource};
pub use writer::{Unpermitted, Writer};

/// A wait for readiness; it owns what it waits for.
pub type Ready = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something whose readiness can be waited for by any number at once. Level-triggered: it stays ready until what made it
/// so is taken.
pub trait Awaited: Send + Sync + Debug {
    /// Whether something can be done now.
    fn is_ready(&self) -> bool;

    /// Whether the thing itself is gone, so that nothing will ever be ready here again.
    fn is_closed(&self) -> bool;

    /// Waits until it is ready or closed.
    fn ready(&self) -> Ready;
}

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
    /// [`Ended`] at the end and after a failure.
    fn read(&self, most: usize) -> Result<Bytes, Ended>;

    /// Whether [`Self::read`] would give bytes or an end. It may be wrong about the bytes once: somebody else can have
    /// taken them.
    fn is_ready(&self) -> bool;

    /// Waits until [`Self::is_ready`]. Any number may wait at once; none of them takes anything.
    fn ready(self: Arc<Self>) -> Ready;
}

/// Where bytes go.
pub trait Sink: Send + Sync + Debug {
    /// How many bytes may be written now; none means that it is full, or that a flush is under way.
    ///
    /// # Errors
    /// [`Ended`] when nothing will be taken any more.
    fn room(&self) -> Result<usize, Ended>;

    /// Takes bytes, never more than there is [`Self::room`] for, and begins to send them on.
    ///
    /// # Errors
    /// As [`Self::room`].
    fn write(&self, bytes: Bytes) -> Result<(), Ended>;

    /// Asks that everything taken so far goes on to where it leads; [`Self::room`] is none until it has.
    ///
    /// # Errors
    /// As [`Self::room`].
    fn flush(&self) -> Result<(), Ended>;

    /// Whether [`Self::room`] is not none or the stream has ended. Asking takes nothing: a failure is still told by the next
    /// call.
    fn is_ready(&self) -> bool;

    /// Waits until [`Self::is_ready`]. Any number may wait at once.
    fn ready(self: Arc<Self>) -> Ready;
}

/// An end that leads nowhere and is closed from the start.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Source for Nowhere {
    fn read(&self, _: usize) -> Result<Bytes, Ended> {
        Err(Ended::Closed)
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn ready(self: Arc<Self>) -> Ready {
        Box::pin(std::future::ready(()))
    }
}

impl Sink for Nowhere {
    fn room(&self) -> Result<usize, Ended> {
        Err(Ended::Closed)
    }

    fn write(&self, _: Bytes) -> Result<(), Ended> {
        Err(Ended::Closed)
    }

    fn flush(&self) -> Result<(), Ended> {
        Err(Ended::Closed)
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn ready(self: Arc<Self>) -> Ready {
        Box::pin(std::future::ready(()))
    }
}

/// Lets others have the thread once, so that a long transfer between two ends that are always ready can be stopped.
pub(crate) async fn breathe() {
    let mut breathed = false;
    std::future::poll_fn(|context| {
        if breathed {
            return Poll::Ready(());
        }
        breathed = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

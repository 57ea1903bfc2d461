//! The two halves of a socket as streams.

use std::fmt::Debug;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, Either, select};
use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::io::{ioctl_fionread, read, retry_on_intr};
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;

use super::{Ended, Ready, Sink, Source};
use crate::limits;

/// A connected socket that neither reads nor writes longer than it can at once.
pub trait Socket: Send + Sync + Debug + 'static {
    /// Reads at most `most` bytes that are there; none at the end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; everything else is final.
    fn try_read(&self, most: usize) -> io::Result<Bytes>;

    /// Writes as much as is taken now.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is taken; everything else is final.
    fn try_write(&self, from: &[u8]) -> io::Result<usize>;

    /// Whether a read would give something, or an end.
    ///
    /// # Errors
    /// A failure of the socket. The system tells it once, so whoever asks has to keep it for the next read.
    fn has_input(&self) -> io::Result<bool>;

    /// Waits until [`Self::has_input`], and may be wrong about it once.
    fn readable(&self) -> BoxFuture<'_, io::Result<()>>;

    /// Waits until a write would take something.
    fn writable(&self) -> BoxFuture<'_, io::Result<()>>;
}

macro_rules! sockets {
    ($($socket:ty),+) => {$(
        impl Socket for $socket {
            fn try_read(&self, most: usize) -> io::Result<Bytes> {
                self.try_io(Interest::READABLE, || {
                    // Room for what is there and no more: a piece that waits somewhere keeps nothing but its bytes.
                    let there = usize::try_from(ioctl_fionread(self)?).unwrap_or(usize::MAX);
                    let mut bytes = Vec::with_capacity(there.max(1).min(most));
                    retry_on_intr(|| read(self, spare_capacity(&mut bytes)))?;
                    Ok(Bytes::from(bytes))
                })
            }

            fn try_write(&self, from: &[u8]) -> io::Result<usize> {
                <$socket>::try_write(self, from)
            }

            fn has_input(&self) -> io::Result<bool> {
                // The runtime's own flag stays up until a read finds nothing.
                let look = || Ok(rustix::net::recv(self, &mut [0; 1][..], RecvFlags::PEEK)?);
                match self.try_io(Interest::READABLE, look) {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                    Err(error) => Err(error),
                }
            }

            fn readable(&self) -> BoxFuture<'_, io::Result<()>> {
                Box::pin(<$socket>::readable(self))
            }

            fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
                Box::pin(<$socket>::writable(self))
            }
        }
    )+};
}

sockets!(TcpStream, UnixStream);

/// A socket to be read, with a failure that was found when nobody read.
#[derive(Debug)]
pub struct Incoming<S: ?Sized> {
    failure: Mutex<Option<io::Error>>,
    socket: Arc<S>,
}

impl<S: Socket + ?Sized> Incoming<S> {
    /// Reads from `socket`.
    #[must_use]
    pub fn new(socket: Arc<S>) -> Self {
        Self { failure: Mutex::default(), socket }
    }

    /// Reads at most `most` bytes that are there; none at the end.
    ///
    /// # Errors
    /// As [`Socket::try_read`].
    pub fn try_read(&self, most: usize) -> io::Result<Bytes> {
        match self.failure.lock().take() {
            Some(error) => Err(error),
            None => self.socket.try_read(most.min(limits::SOCKET_READ_BYTES)),
        }
    }

    /// Whether a read would give something, an end or a failure.
    pub fn has_input(&self) -> bool {
        let mut failure = self.failure.lock();
        if failure.is_some() {
            return true;
        }
        match self.socket.has_input() {
            Ok(there) => there,
            Err(error) => {
                *failure = Some(error);
                true
            }
        }
    }

    /// Waits until [`Self::has_input`].
    pub async fn ready(&self) {
        while !self.has_input() {
            // A failure is found by the next look.
            drop(self.socket.readable().await);
        }
    }
}

/// The half of a socket that is read.
#[derive(Debug)]
pub struct SocketSource(Incoming<dyn Socket>);

impl SocketSource {
    /// Reads from `socket`.
    #[must_use]
    pub fn new(socket: Arc<dyn Socket>) -> Self {
        Self(Incoming::new(socket))
    }
}

impl Source for SocketSource {
    fn read(&self, most: usize) -> Result<Bytes, Ended> {
        match self.0.try_read(most) {
            Ok(bytes) if bytes.is_empty() => Err(Ended::Closed),
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Bytes::new()),
            Err(error) => Err(Ended::Failed(error)),
        }
    }

    fn is_ready(&self) -> bool {
        self.0.has_input()
    }

    fn ready(self: Arc<Self>) -> Ready {
        // An error is found out by the read that follows.
        Box::pin(async move { self.0.ready().await })
    }
}

/// The half of a socket that is written. What the operating system does not take at once waits here, bounded, and a task
/// sends it on; the socket is kept until that is done or nothing has been taken for a while.
#[derive(Clone, Debug)]
pub struct SocketSink(Arc<Outgoing>);

#[derive(Debug)]
struct Outgoing {
    socket: Arc<dyn Socket>,
    runtime: tokio::runtime::Handle,
    waiting: Mutex<Waiting>,
    /// Told when bytes went or the socket failed.
    moved: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: BytesMut,
    /// Whether a task sends them on.
    sending: bool,
    flushing: bool,
    failure: Option<io::Error>,
    failed: bool,
}

impl SocketSink {
    /// Writes to `socket`; what cannot be written at once is sent on by a task of `runtime`.
    #[must_use]
    pub fn new(socket: Arc<dyn Socket>, runtime: tokio::runtime::Handle) -> Self {
        let outgoing = Outgoing { socket, runtime, waiting: Mutex::default(), moved: Notify::new() };
        Self(Arc::new(outgoing))
    }
}

impl SocketSink {
    /// Whether the operating system has taken everything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.waiting.lock().bytes.is_empty()
    }
}

impl Sink for SocketSink {
    fn room(&self) -> Result<usize, Ended> {
        let mut waiting = self.0.waiting.lock();
        if waiting.failed {
            return Err(waiting.failure.take().map_or(Ended::Closed, Ended::Failed));
        }
        if waiting.flushing {
            return Ok(0);
        }
        Ok(limits::SOCKET_WAITING_BYTES.saturating_sub(waiting.bytes.len()))
    }

    fn write(&self, bytes: Bytes) -> Result<(), Ended> {
        let mut waiting = self.0.waiting.lock();
        if waiting.failed {
            return Err(waiting.failure.take().map_or(Ended::Closed, Ended::Failed));
        }
        let mut written = 0;
        while waiting.bytes.is_empty() && written < bytes.len() {
            match self.0.socket.try_write(&bytes[written..]) {
                Ok(some) => written += some,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    waiting.failed = true;
                    return Err(Ended::Failed(error));
                }
            }
        }
        if written < bytes.len() {
            waiting.bytes.extend_from_slice(&bytes[written..]);
            if !waiting.sending {
                waiting.sending = true;
                self.0.runtime.spawn(send_on(Arc::clone(&self.0)));
            }
        }
        Ok(())
    }

    /// Done when the operating system has taken everything.
    fn flush(&self) -> Result<(), Ended> {
        let mut waiting = self.0.waiting.lock();
        if waiting.failed {
            return Err(waiting.failure.take().map_or(Ended::Closed, Ended::Failed));
        }
        waiting.flushing = !waiting.bytes.is_empty();
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let waiting = self.0.waiting.lock();
        waiting.failed || (!waiting.flushing && waiting.bytes.len() < limits::SOCKET_WAITING_BYTES)
    }

    fn ready(self: Arc<Self>) -> Ready {
        Box::pin(async move {
            loop {
                let moved = self.0.moved.notified();
                if self.is_ready() {
                    return;
                }
                moved.await;
            }
        })
    }
}

/// Sends on what waits, until there is nothing left or the socket fails.
async fn send_on(outgoing: Arc<Outgoing>) {
    loop {
        let stalled = pin!(tokio::time::sleep(limits::SOCKET_STALL));
        let waited = match select(outgoing.socket.writable(), stalled).await {
            Either::Left((waited, _)) => waited,
            Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let mut waiting = outgoing.waiting.lock();
        let written = waited.and_then(|()| outgoing.socket.try_write(&waiting.bytes));
        match written {
            Ok(written) => drop(waiting.bytes.split_to(written)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                waiting.failed = true;
                waiting.failure = Some(error);
                waiting.bytes = BytesMut::new();
            }
        }
        let done = waiting.bytes.is_empty();
        if done {
            waiting.sending = false;
            waiting.flushing = false;
            waiting.bytes = BytesMut::new();
        }
        drop(waiting);
        outgoing.moved.notify_waiters();
        if done {
            return;
        }
    }
}

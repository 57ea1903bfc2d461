//! A connection as a guest holds it: messages, bytes, and its two halves.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;

use super::frame::{Framed, Message, Step, frame};
use super::options::Settings;
use super::socket::Joined;
use crate::limits;
use crate::principal::Principal;
use crate::stream::{Awaited, Ended, Incoming, Ready, Sink, Socket as _, SocketSink, Source, Writer};
use crate::timer;

/// Who authenticated itself on a connection of the local socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// The principal.
    pub principal: Principal,
    /// The id of the device's key.
    pub key_id: String,
    /// An id of this connection alone, which only serves to compare.
    pub owner: String,
}

/// Why a write came to nothing.
#[derive(Debug)]
pub enum WriteError {
    /// The other side did not take it in time.
    TimedOut,
    /// The connection failed, or was left in the middle of a message before.
    Failed(io::Error),
}

/// A connection. Calls on it come one after another, as its guest makes them.
#[derive(Debug)]
pub struct Stream {
    socket: Arc<Joined>,
    input: Incoming<Joined>,
    sink: SocketSink,
    incoming: Mutex<Message>,
    /// What the guest set; the system is not asked to keep it.
    pub(super) settings: Mutex<Settings>,
    ingress: Option<Ingress>,
    runtime: Handle,
    /// Whether a message was cut off on its way out: nothing that follows would be understood.
    broken: AtomicBool,
    /// Whether the guest has let go of it.
    closed: AtomicBool,
}

impl Stream {
    /// A connection over TCP.
    #[must_use]
    pub fn tcp(socket: TcpStream, runtime: Handle) -> Arc<Self> {
        Self::new(Joined::Tcp(socket), None, runtime)
    }

    /// A connection of the local socket, with who authenticated itself on it.
    #[must_use]
    pub fn local(socket: UnixStream, ingress: Option<Ingress>, runtime: Handle) -> Arc<Self> {
        Self::new(Joined::Unix(socket), ingress, runtime)
    }

    fn new(socket: Joined, ingress: Option<Ingress>, runtime: Handle) -> Arc<Self> {
        let socket = Arc::new(socket);
        let sink = SocketSink::new(Arc::clone(&socket) as _, runtime.clone());
        Arc::new(Self {
            input: Incoming::new(Arc::clone(&socket)),
            socket,
            sink,
            incoming: Mutex::default(),
            settings: Mutex::default(),
            ingress,
            runtime,
            broken: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// Who authenticated itself on it, if anybody did.
    #[must_use]
    pub fn ingress(&self) -> Option<&Ingress> {
        self.ingress.as_ref()
    }

    /// The connection over TCP, if it is one.
    #[must_use]
    pub fn as_tcp(&self) -> Option<&TcpStream> {
        self.socket.tcp()
    }

    /// Reads one message. Without a whole length within 50 ms it is pending; what came is kept for the next read, also when
    /// this one is dropped.
    ///
    /// # Errors
    /// `InvalidData` for a length beyond 10 MiB, `TimedOut` when the content does not come in time, and what the connection
    /// says, unless that means that the other side is gone.
    pub async fn read_frame(&self) -> io::Result<Framed> {
        let mut late = Box::pin(timer::sleep(&self.runtime, limits::FRAME_HEADER_WAIT));
        let mut in_content = false;
        loop {
            let step = self.incoming.lock().advance(|most| self.input.try_read(most));
            match step {
                Ok(Step::Whole(bytes)) => return Ok(Framed::Data(bytes)),
                Ok(Step::Ended) => return Ok(Framed::Closed),
                Err(error) if is_gone(&error) => return Ok(Framed::Closed),
                Err(error) => return Err(error),
                Ok(Step::Wants(Some(length))) if !in_content => {
                    in_content = true;
                    late = Box::pin(timer::sleep(&self.runtime, limits::transfer_time(length)));
                }
                Ok(Step::Wants(_)) => {}
            }
            match select(self.socket.readable(), late).await {
                // An error is found out by the next look.
                Either::Left((_, timer)) => late = timer,
                Either::Right(_) if in_content => return Err(io::ErrorKind::TimedOut.into()),
                Either::Right(_) => return Ok(Framed::Pending),
            }
        }
    }

    /// Writes one message and waits until the system has taken it. One that is cut off, because it took too long or because
    /// the wait was dropped, ends the connection.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn write_frame(&self, content: Bytes) -> Result<(), WriteError> {
        self.whole()?;
        let Some(framed) = frame(&content) else {
            return Err(WriteError::Failed(io::Error::new(io::ErrorKind::InvalidInput, "too long")));
        };
        let most = self.write_time(framed.len());
        let mut cut_off = Midway(Some(self));
        let writer = Writer::new(Arc::new(self.sink.clone()));
        let writing = pin!(writer.write_waiting(framed));
        match select(writing, pin!(timer::sleep(&self.runtime, most))).await {
            Either::Left((Ok(()), _)) => {
                cut_off.0 = None;
                Ok(())
            }
            Either::Left((Err(ended), _)) => Err(WriteError::Failed(failure(ended))),
            Either::Right(_) => Err(WriteError::TimedOut),
        }
    }

    /// Reads at most `most` bytes; none at the end, or when the other side is gone.
    ///
    /// # Errors
    /// `TimedOut` when nothing comes within the read timeout, and what the connection says.
    pub async fn read_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.reading(most, || self.take(most)).await
    }

    /// As [`Self::read_bytes`], and leaves the bytes to be read.
    ///
    /// # Errors
    /// As [`Self::read_bytes`].
    pub async fn peek(&self, most: usize) -> io::Result<Bytes> {
        let most = most.min(limits::SOCKET_READ_BYTES);
        self.reading(most, || {
            let incoming = self.incoming.lock();
            if !incoming.is_empty() {
                return Ok(incoming.peek(most));
            }
            let Some(tcp) = self.socket.tcp() else { return Err(io::ErrorKind::Unsupported.into()) };
            tcp.try_io(tokio::io::Interest::READABLE, || {
                let mut bytes = vec![0; most];
                let flags = rustix::net::RecvFlags::PEEK;
                let (read, _) = rustix::net::recv(tcp, &mut bytes[..], flags)?;
                bytes.truncate(read);
                Ok(Bytes::from(bytes))
            })
        })
        .await
    }

    async fn reading(&self, most: usize, look: impl Fn() -> io::Result<Bytes>) -> io::Result<Bytes> {
        if most == 0 {
            return Ok(Bytes::new());
        }
        let timeout = self.settings.lock().read_timeout;
        let mut late = Box::pin(sleep_or_never(&self.runtime, timeout));
        loop {
            match look() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if is_gone(&error) => return Ok(Bytes::new()),
                other => return other,
            }
            match select(self.socket.readable(), late).await {
                Either::Left((_, timer)) => late = timer,
                Either::Right(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    /// Takes what is there: first what came of a message, then what the system has.
    fn take(&self, most: usize) -> io::Result<Bytes> {
        let begun = self.incoming.lock().unframe(most);
        if begun.is_empty() { self.input.try_read(most) } else { Ok(begun) }
    }

    /// Writes once, after what was written before has gone, and gives the number of bytes taken.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn write_bytes(&self, bytes: &[u8]) -> Result<usize, WriteError> {
        self.whole()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let most = self.write_time(bytes.len());
        let writing = pin!(async {
            let before = Writer::new(Arc::new(self.sink.clone()));
            before.flush_waiting().await.map_err(failure)?;
            loop {
                match self.socket.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.socket.writable().await?,
                    other => return other,
                }
            }
        });
        match select(writing, pin!(timer::sleep(&self.runtime, most))).await {
            Either::Left((written, _)) => written.map_err(WriteError::Failed),
            Either::Right(_) => Err(WriteError::TimedOut),
        }
    }

    fn write_time(&self, bytes: usize) -> Duration {
        self.settings.lock().write_timeout.unwrap_or_else(|| limits::transfer_time(bytes))
    }

    fn whole(&self) -> Result<(), WriteError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(WriteError::Failed(io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }

    /// Shuts one or both halves.
    ///
    /// # Errors
    /// What the system says.
    pub fn shut(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shut(how)
    }

    /// The address of the other side; none for the local socket.
    #[must_use]
    pub fn peer(&self) -> Option<io::Result<SocketAddr>> {
        self.as_tcp().map(TcpStream::peer_addr)
    }

    /// Its receiving half.
    #[must_use]
    pub fn source(self: &Arc<Self>) -> Arc<dyn Source> {
        Arc::new(Half(Arc::clone(self)))
    }

    /// Its sending half.
    #[must_use]
    pub fn sink(self: &Arc<Self>) -> Arc<dyn Sink> {
        Arc::new(Half(Arc::clone(self)))
    }

    /// Follows whether it can be read, without keeping it.
    #[must_use]
    pub fn readable(self: &Arc<Self>) -> impl Awaited + use<> {
        Readable(Arc::downgrade(self))
    }

    /// Closes the connection, whoever still holds one of its halves. What was taken to be sent still goes.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if self.sink.is_idle() {
            // It may be closed already.
            drop(self.socket.shut(Shutdown::Both));
        }
    }

    fn is_readable(&self) -> bool {
        self.closed.load(Ordering::Acquire) || !self.incoming.lock().is_empty() || self.input.has_input()
    }

    async fn until_readable(&self) {
        if !self.is_readable() {
            self.input.ready().await;
        }
    }
}

/// Marks a connection as broken unless the message got through.
struct Midway<'a>(Option<&'a Stream>);

impl Drop for Midway<'_> {
    fn drop(&mut self) {
        let Some(stream) = self.0 else { return };
        stream.broken.store(true, Ordering::Release);
        // It may be closed already.
        drop(stream.socket.shut(Shutdown::Both));
    }
}

/// A half of a connection, as a stream of bytes.
#[derive(Debug)]
pub struct Half(Arc<Stream>);

impl Source for Half {
    fn read(&self, most: usize) -> Result<Bytes, Ended> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Ended::Closed);
        }
        match self.0.take(most) {
            Ok(bytes) if bytes.is_empty() => Err(Ended::Closed),
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Bytes::new()),
            Err(error) => Err(Ended::Failed(error)),
        }
    }

    fn is_ready(&self) -> bool {
        self.0.is_readable()
    }

    fn ready(self: Arc<Self>) -> Ready {
        Box::pin(async move { self.0.until_readable().await })
    }
}

impl Sink for Half {
    fn room(&self) -> Result<usize, Ended> {
        if self.0.closed.load(Ordering::Acquire) || self.0.broken.load(Ordering::Acquire) {
            return Err(Ended::Closed);
        }
        self.0.sink.room()
    }

    fn write(&self, bytes: Bytes) -> Result<(), Ended> {
        self.room()?;
        self.0.sink.write(bytes)
    }

    fn flush(&self) -> Result<(), Ended> {
        self.room()?;
        self.0.sink.flush()
    }

    fn is_ready(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
            || self.0.broken.load(Ordering::Acquire)
            || self.0.sink.is_ready()
    }

    fn ready(self: Arc<Self>) -> Ready {
        if Sink::is_ready(&*self) {
            return Box::pin(std::future::ready(()));
        }
        Arc::new(self.0.sink.clone()).ready()
    }
}

#[derive(Debug)]
struct Readable(std::sync::Weak<Stream>);

impl Awaited for Readable {
    fn is_ready(&self) -> bool {
        self.0.upgrade().is_some_and(|stream| stream.is_readable())
    }

    fn is_closed(&self) -> bool {
        self.0.upgrade().is_none_or(|stream| stream.closed.load(Ordering::Acquire))
    }

    fn ready(&self) -> Ready {
        let stream = self.0.upgrade();
        Box::pin(async move {
            if let Some(stream) = stream {
                stream.until_readable().await;
            }
        })
    }
}

fn failure(ended: Ended) -> io::Error {
    match ended {
        Ended::Closed => io::ErrorKind::BrokenPipe.into(),
        Ended::Failed(error) => error,
    }
}

/// Whether an error says that the other side is gone.
pub(super) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// Sleeps for `timeout`, or for ever without one.
pub(crate) async fn sleep_or_never(runtime: &Handle, timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => timer::sleep(runtime, timeout).await,
        None => std::future::pending().await,
    }
}

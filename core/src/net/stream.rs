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
use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;

use super::frame::{Framed, Message, Step, frame};
use super::handshake::Ingress;
use super::options::Settings;
use super::socket::{Account, Joined};
use crate::limits;
use crate::stream::{Ended, Incoming, Sink as _, Socket as _, SocketSink, Writer};
use crate::timer;

/// Why a write came to nothing.
#[derive(Debug)]
pub enum WriteError {
    /// The other side did not take it in time.
    TimedOut,
    /// The connection failed, or was left in the middle of a message before.
    Failed(io::Error),
}

/// A connection. Calls on it come one after another, as its guest makes them.
///
/// Dropping it closes the connection for its halves as well, which only follow it. What was taken to be sent and waits for
/// the other side still goes, for as long as closing may take; until then the connection counts against whatever it counts.
#[derive(Debug)]
pub struct Stream {
    socket: Arc<Joined>,
    input: Incoming<Joined>,
    pub(super) sink: SocketSink,
    incoming: Mutex<Message>,
    /// What the guest set; the system is not asked to keep it.
    pub(super) settings: Mutex<Settings>,
    ingress: Option<Ingress>,
    runtime: Handle,
    /// Whether a message was cut off on its way out: nothing that follows would be understood.
    broken: AtomicBool,
    /// Whether the sending half was shut: nothing more is taken.
    shut: AtomicBool,
}

impl Stream {
    /// A connection over TCP, on the account of whoever it counts against.
    #[must_use]
    pub fn tcp(socket: TcpStream, account: impl Account, runtime: Handle) -> Arc<Self> {
        Self::new(Joined::of_tcp(socket, account), None, runtime)
    }

    /// A connection of the local socket, with who authenticated itself on it.
    #[must_use]
    pub fn local(
        socket: UnixStream,
        ingress: Option<Ingress>,
        account: impl Account,
        runtime: Handle,
    ) -> Arc<Self> {
        Self::new(Joined::of_unix(socket, account), ingress, runtime)
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
            shut: AtomicBool::new(false),
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
                Either::Left((Ok(()), timer)) => late = timer,
                Either::Left((Err(error), _)) => return Err(error),
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
        let writing = pin!(async {
            let writer = Writer::new(Arc::new(self.sink.clone()));
            // Nothing of the message goes before everything else has gone, so until then nothing can be cut off.
            writer.flush_waiting().await?;
            let cut_off = Midway(self);
            writer.write_waiting(framed).await?;
            cut_off.got_through();
            Ok(())
        });
        match select(writing, pin!(timer::sleep(&self.runtime, most))).await {
            Either::Left((written, _)) => written.map_err(|ended| WriteError::Failed(failure(ended))),
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
            let mut bytes = self.incoming.lock().peek(most).to_vec();
            let begun = bytes.len();
            let Some(tcp) = self.socket.tcp() else { return Err(io::ErrorKind::Unsupported.into()) };
            bytes.resize(most, 0);
            let mut look = || io::Result::Ok(rustix::net::recv(tcp, &mut bytes[begun..], RecvFlags::PEEK)?.0);
            let peeked = match look() {
                // Now nothing is there for the runtime either, so that it tells when something comes.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tcp.try_io(Interest::READABLE, look)
                }
                looked => looked,
            };
            match peeked {
                Ok(read) => bytes.truncate(begun + read),
                // What came of a message is there whatever comes after it.
                Err(_) if begun > 0 => bytes.truncate(begun),
                Err(error) => return Err(error),
            }
            Ok(Bytes::from(bytes))
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
                Either::Left((Ok(()), timer)) => late = timer,
                Either::Left((Err(error), _)) => return Err(error),
                Either::Right(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    /// Takes what is there: first what came of a message, then what the system has.
    pub(super) fn take(&self, most: usize) -> io::Result<Bytes> {
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
        let set = self.settings.lock().write_timeout;
        set.map_or_else(|| limits::transfer_time(bytes), |set| set.max(limits::WRITE_TIMEOUT_LEAST))
    }

    fn whole(&self) -> Result<(), WriteError> {
        if self.takes_no_more() {
            return Err(WriteError::Failed(io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }

    pub(super) fn takes_no_more(&self) -> bool {
        self.broken.load(Ordering::Acquire) || self.shut.load(Ordering::Acquire)
    }

    /// Shuts one or both halves. What was taken to be sent goes before the sending half is shut.
    ///
    /// # Errors
    /// What the system says.
    pub fn shut(&self, how: Shutdown) -> io::Result<()> {
        let sending = !matches!(how, Shutdown::Read);
        if sending {
            self.shut.store(true, Ordering::Release);
        }
        if !sending || self.sink.is_idle() {
            return self.socket.shut(how);
        }
        if matches!(how, Shutdown::Both) {
            self.socket.shut(Shutdown::Read)?;
        }
        self.finish(limits::LINGER, Shutdown::Write);
        Ok(())
    }

    /// Has what was taken sent for at most so long, and then shuts the connection; what cannot be sent in time is lost, and
    /// all of the connection with it.
    fn finish(&self, most: Duration, how: Shutdown) {
        let (socket, sink) = (Arc::clone(&self.socket), self.sink.clone());
        self.runtime.spawn(async move {
            // A sink that has failed already has nothing to wait for.
            drop(sink.flush());
            let sent = Arc::new(sink).ready();
            let how = match select(sent, pin!(tokio::time::sleep(most))).await {
                Either::Left(_) => how,
                Either::Right(_) => Shutdown::Both,
            };
            // The other side may have closed it.
            drop(socket.shut(how));
        });
    }

    /// The address of the other side; none for the local socket.
    #[must_use]
    pub fn peer(&self) -> Option<io::Result<SocketAddr>> {
        self.as_tcp().map(TcpStream::peer_addr)
    }

    pub(super) fn is_readable(&self) -> bool {
        !self.incoming.lock().is_empty() || self.input.has_input()
    }

    pub(super) async fn until_readable(&self) {
        if !self.is_readable() {
            self.input.ready().await;
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.sink.is_idle() {
            self.finish(self.linger().unwrap_or(limits::LINGER), Shutdown::Both);
        }
    }
}

/// A message on its way out. Dropping it ends the connection: the other side would take what comes next for the rest of it.
struct Midway<'a>(&'a Stream);

impl Midway<'_> {
    /// It is out as a whole.
    fn got_through(self) {
        std::mem::forget(self);
    }
}

impl Drop for Midway<'_> {
    fn drop(&mut self) {
        self.0.broken.store(true, Ordering::Release);
        // It may be closed already.
        drop(self.0.socket.shut(Shutdown::Both));
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

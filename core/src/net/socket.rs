//! A connected socket of either family.

use std::fmt::Debug;
use std::io;
use std::net::Shutdown;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};

use crate::stream::Socket;

/// A connection over TCP, or with a client of the local socket.
#[derive(Debug)]
pub(super) struct Joined {
    socket: Family,
    account: Box<dyn Account>,
}

#[derive(Debug)]
enum Family {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// On whose account a socket is open. It is dropped when the system's socket is closed, and not before.
pub trait Account: Debug + Send + Sync + 'static {
    /// So many bytes came.
    fn received(&self, bytes: usize);

    /// So many bytes went.
    fn sent(&self, bytes: usize);
}

impl Joined {
    pub(super) fn of_tcp(socket: TcpStream, account: impl Account) -> Self {
        Self { socket: Family::Tcp(socket), account: Box::new(account) }
    }

    pub(super) fn of_unix(socket: UnixStream, account: impl Account) -> Self {
        Self { socket: Family::Unix(socket), account: Box::new(account) }
    }

    /// The connection, if it is TCP.
    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match &self.socket {
            Family::Tcp(socket) => Some(socket),
            Family::Unix(_) => None,
        }
    }

    pub(super) fn shut(&self, how: Shutdown) -> io::Result<()> {
        match &self.socket {
            Family::Tcp(socket) => SockRef::from(socket).shutdown(how),
            Family::Unix(socket) => SockRef::from(socket).shutdown(how),
        }
    }
}

impl Socket for Joined {
    fn try_read(&self, most: usize) -> io::Result<Bytes> {
        let read = match &self.socket {
            Family::Tcp(socket) => Socket::try_read(socket, most),
            Family::Unix(socket) => Socket::try_read(socket, most),
        };
        read.inspect(|bytes| self.account.received(bytes.len()))
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        let written = match &self.socket {
            Family::Tcp(socket) => Socket::try_write(socket, from),
            Family::Unix(socket) => Socket::try_write(socket, from),
        };
        written.inspect(|bytes| self.account.sent(*bytes))
    }

    fn has_input(&self) -> io::Result<bool> {
        match &self.socket {
            Family::Tcp(socket) => Socket::has_input(socket),
            Family::Unix(socket) => Socket::has_input(socket),
        }
    }

    fn readable(&self) -> BoxFuture<'_, io::Result<()>> {
        match &self.socket {
            Family::Tcp(socket) => Socket::readable(socket),
            Family::Unix(socket) => Socket::readable(socket),
        }
    }

    fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
        match &self.socket {
            Family::Tcp(socket) => Socket::writable(socket),
            Family::Unix(socket) => Socket::writable(socket),
        }
    }
}

/// An account for tests.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(super) struct Counted(pub(super) std::sync::Arc<[std::sync::atomic::AtomicUsize; 2]>);

#[cfg(test)]
impl Account for Counted {
    fn received(&self, bytes: usize) {
        self.0[0].fetch_add(bytes, std::sync::atomic::Ordering::SeqCst);
    }

    fn sent(&self, bytes: usize) {
        self.0[1].fetch_add(bytes, std::sync::atomic::Ordering::SeqCst);
    }
}

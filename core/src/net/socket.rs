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
    /// What the connection counts against: given back when the system's socket is closed, and not before.
    _place: Box<dyn Place>,
}

#[derive(Debug)]
enum Family {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Whatever a connection counts against.
pub trait Place: Debug + Send + Sync {}

impl<T: Debug + Send + Sync> Place for T {}

impl Joined {
    pub(super) fn of_tcp(socket: TcpStream, place: impl Place + 'static) -> Self {
        Self { socket: Family::Tcp(socket), _place: Box::new(place) }
    }

    pub(super) fn of_unix(socket: UnixStream, place: impl Place + 'static) -> Self {
        Self { socket: Family::Unix(socket), _place: Box::new(place) }
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
        match &self.socket {
            Family::Tcp(socket) => Socket::try_read(socket, most),
            Family::Unix(socket) => Socket::try_read(socket, most),
        }
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        match &self.socket {
            Family::Tcp(socket) => Socket::try_write(socket, from),
            Family::Unix(socket) => Socket::try_write(socket, from),
        }
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

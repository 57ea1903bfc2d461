//! A connected socket of either family.

use std::io;
use std::net::Shutdown;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};

use crate::stream::Socket;

/// A connection over TCP, or with a client of the local socket.
#[derive(Debug)]
pub(super) enum Joined {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Joined {
    /// The connection, if it is TCP.
    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(socket) => Some(socket),
            Self::Unix(_) => None,
        }
    }

    pub(super) fn shut(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => SockRef::from(socket).shutdown(how),
            Self::Unix(socket) => SockRef::from(socket).shutdown(how),
        }
    }
}

impl Socket for Joined {
    fn try_read(&self, most: usize) -> io::Result<Bytes> {
        match self {
            Self::Tcp(socket) => Socket::try_read(socket, most),
            Self::Unix(socket) => Socket::try_read(socket, most),
        }
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => Socket::try_write(socket, from),
            Self::Unix(socket) => Socket::try_write(socket, from),
        }
    }

    fn has_input(&self) -> io::Result<bool> {
        match self {
            Self::Tcp(socket) => Socket::has_input(socket),
            Self::Unix(socket) => Socket::has_input(socket),
        }
    }

    fn readable(&self) -> BoxFuture<'_, io::Result<()>> {
        match self {
            Self::Tcp(socket) => Socket::readable(socket),
            Self::Unix(socket) => Socket::readable(socket),
        }
    }

    fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
        match self {
            Self::Tcp(socket) => Socket::writable(socket),
            Self::Unix(socket) => Socket::writable(socket),
        }
    }
}

//! Datagrams.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use parking_lot::Mutex;
use rustix::net::RecvFlags;
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;

use super::stream::sleep_or_never;
use crate::limits;
use crate::stream::{Awaited, Ready};

/// A datagram that came, cut to what was asked for.
#[derive(Debug)]
pub struct Received {
    /// Its content.
    pub data: Bytes,
    /// Who sent it.
    pub from: SocketAddr,
}

/// A UDP socket. Dropping it closes it.
///
/// The fixed peer is kept here and not by the operating system: undoing that would make the system forget the port it
/// chose, and datagrams that came before would pass for the peer's.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    runtime: Handle,
    peer: Mutex<Option<SocketAddr>>,
    read_timeout: Mutex<Option<Duration>>,
}

impl Datagrams {
    /// Takes datagrams at `address`; port 0 lets the system choose.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: SocketAddr, runtime: &Handle) -> io::Result<Arc<Self>> {
        let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        let _entered = runtime.enter();
        let socket = UdpSocket::from_std(socket.into())?;
        let (runtime, peer, read_timeout) = (runtime.clone(), Mutex::default(), Mutex::default());
        Ok(Arc::new(Self { socket, runtime, peer, read_timeout }))
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// What the system says.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The fixed peer.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        *self.peer.lock()
    }

    /// Fixes the peer, or undoes that.
    pub fn set_peer(&self, peer: Option<SocketAddr>) {
        *self.peer.lock() = peer;
    }

    /// Sets how long receiving waits; none is for ever.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        *self.read_timeout.lock() = timeout;
    }

    /// Sends one datagram, which the system takes at once or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn send(&self, data: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.try_send_to(data, to)
    }

    /// Waits for a datagram, from the fixed peer alone if there is one; none when the read timeout passed.
    ///
    /// # Errors
    /// What the system says.
    pub async fn receive(&self, most: usize) -> io::Result<Option<Received>> {
        let timeout = *self.read_timeout.lock();
        let late = pin!(sleep_or_never(&self.runtime, timeout));
        let receiving = pin!(async {
            // The system cuts what does not fit, so there is room for no more than what was asked for.
            let mut room = vec![0; most.clamp(1, limits::DATAGRAM_BYTES)];
            loop {
                let (length, from) = self.socket.recv_from(&mut room).await?;
                if self.peer().is_none_or(|peer| peer == from) {
                    room.truncate(length.min(most));
                    return Ok(Some(Received { data: Bytes::from(room), from }));
                }
            }
        });
        match select(receiving, late).await {
            Either::Left((received, _)) => received,
            Either::Right(_) => Ok(None),
        }
    }

    /// Follows whether a datagram waits, without keeping the socket.
    #[must_use]
    pub fn readiness(self: &Arc<Self>) -> impl Awaited + use<> {
        Waiting(Arc::downgrade(self))
    }
}

impl Datagrams {
    fn has_input(&self) -> bool {
        // The runtime's own flag stays up until a read finds nothing.
        let look = || Ok(rustix::net::recv(&self.socket, &mut [0; 1][..], RecvFlags::PEEK)?);
        let looked = self.socket.try_io(Interest::READABLE, look);
        !looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

#[derive(Debug)]
struct Waiting(Weak<Datagrams>);

impl Awaited for Waiting {
    fn is_ready(&self) -> bool {
        self.0.upgrade().is_some_and(|socket| socket.has_input())
    }

    fn is_closed(&self) -> bool {
        self.0.strong_count() == 0
    }

    fn ready(&self) -> Ready {
        let socket = self.0.upgrade();
        Box::pin(async move {
            if let Some(socket) = socket {
                while !socket.has_input() {
                    // An error is input as well: the next receive tells.
                    drop(socket.socket.readable().await);
                }
            }
        })
    }
}

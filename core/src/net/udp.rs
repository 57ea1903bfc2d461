//! Datagrams.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use parking_lot::Mutex;
use rustix::net::{RecvFlags, SendFlags};
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;

use super::socket::Account;
use super::stream::sleep_or_never;
use crate::limits;
use crate::stream::{Awaited, Ready, breathe};

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
    account: Box<dyn Account>,
    runtime: Handle,
    peer: Mutex<Option<SocketAddr>>,
    read_timeout: Mutex<Option<Duration>>,
}

impl Datagrams {
    /// Takes datagrams at `address`, on the account of whoever it counts against; port 0 lets the system choose.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: SocketAddr, account: impl Account, runtime: &Handle) -> io::Result<Arc<Self>> {
        let domain = if address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
        let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), None)?;
        if address.is_ipv6() {
            // An address of IPv6 stands for itself: what is bound is what was judged.
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        let _entered = runtime.enter();
        let socket = UdpSocket::from_std(socket.into())?;
        let (runtime, peer, read_timeout) = (runtime.clone(), Mutex::default(), Mutex::default());
        Ok(Arc::new(Self { socket, account: Box::new(account), runtime, peer, read_timeout }))
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
        let sent = rustix::net::sendto(&self.socket, data, SendFlags::NOSIGNAL, &to)?;
        self.account.sent(sent);
        Ok(sent)
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
                match self.take(&mut room, RecvFlags::empty()) {
                    Ok((length, from)) if self.hears(from) => {
                        room.truncate(length.min(most));
                        self.account.received(room.len());
                        return Ok(Some(Received { data: Bytes::from(room), from }));
                    }
                    // Others may send without end, and the wait has to be stoppable all the same.
                    Ok(_) => breathe().await,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.again().await?,
                    Err(error) => return Err(error),
                }
            }
        });
        match select(receiving, late).await {
            Either::Left((received, _)) => received,
            Either::Right(_) => Ok(None),
        }
    }

    /// Takes a datagram that is there now. The system is asked, and not the runtime, for which nothing has come until it has
    /// seen the event: a guest's `ready` must not depend on that.
    fn take(&self, room: &mut [u8], flags: RecvFlags) -> io::Result<(usize, SocketAddr)> {
        let (length, _, from) = rustix::net::recvfrom(&self.socket, room, flags)?;
        let from = from.ok_or(io::ErrorKind::InvalidData)?;
        Ok((length, SocketAddr::try_from(from)?))
    }

    /// Waits, after a look that found nothing, until another may find something.
    async fn again(&self) -> io::Result<()> {
        // The runtime's own flag stays up until a look finds nothing.
        let look = || self.take(&mut [0], RecvFlags::PEEK).map(drop);
        match self.socket.try_io(Interest::READABLE, look) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.socket.readable().await,
            // The next look tells.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Whether what comes from there is received.
    fn hears(&self, from: SocketAddr) -> bool {
        self.peer().is_none_or(|peer| peer == from)
    }

    /// Whether a datagram waits that can be received. Those that would be passed over are thrown away at once, a few at a
    /// time: otherwise anybody could make a guest believe that its peer had answered.
    fn has_input(&self) -> bool {
        for _ in 0..limits::DATAGRAMS_PASSED_OVER {
            match self.take(&mut [0], RecvFlags::PEEK) {
                Ok((_, from)) if self.hears(from) => return true,
                Ok(_) => drop(self.take(&mut [0], RecvFlags::empty())),
                // A failure is told by the next receive.
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        false
    }

    async fn until_input(&self) {
        while !self.has_input() && self.again().await.is_ok() {
            breathe().await;
        }
    }

    /// Follows whether a datagram waits, without keeping the socket.
    #[must_use]
    pub fn readiness(self: &Arc<Self>) -> impl Awaited + use<> {
        Waiting(Arc::downgrade(self))
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
                socket.until_input().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net;

    use futures_util::FutureExt as _;

    use super::super::socket::Counted;
    use super::*;

    fn bound(host: &str) -> Arc<Datagrams> {
        Datagrams::bind(format!("{host}:0").parse().unwrap(), Counted::default(), &Handle::current()).unwrap()
    }

    fn port(socket: &net::UdpSocket) -> SocketAddr {
        socket.local_addr().unwrap()
    }

    #[tokio::test]
    async fn a_datagram_is_there_as_soon_as_it_is_sent() {
        for host in ["127.0.0.1", "[::1]"] {
            let (near, far) = (bound(host), bound(host));
            assert!(!far.readiness().is_ready());
            // Nothing is awaited between: the runtime has seen no event, neither of the send nor of what came.
            assert_eq!(near.send(b"hello", far.local().unwrap()).unwrap(), 5);
            assert!(far.readiness().is_ready());
            let received = far.receive(3).now_or_never().unwrap().unwrap().unwrap();
            assert_eq!((&received.data[..], received.from), (&b"hel"[..], near.local().unwrap()));
            assert!(!far.readiness().is_ready() && far.receive(9).now_or_never().is_none());
        }
    }

    #[tokio::test]
    async fn an_empty_datagram_is_one_and_none_is_none() {
        let (near, far) = (bound("127.0.0.1"), bound("127.0.0.1"));
        near.send(b"", far.local().unwrap()).unwrap();
        near.send(b"xyz", far.local().unwrap()).unwrap();
        assert!(far.receive(9).await.unwrap().unwrap().data.is_empty());
        assert!(far.receive(0).await.unwrap().unwrap().data.is_empty());
        far.set_read_timeout(Some(Duration::from_millis(1)));
        assert!(far.receive(9).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_largest_goes_whole_and_a_larger_not_at_all() {
        let (near, far) = (bound("127.0.0.1"), bound("127.0.0.1"));
        let data = vec![7; limits::DATAGRAM_BYTES];
        assert_eq!(near.send(&data, far.local().unwrap()).unwrap(), data.len());
        assert!(far.receive(usize::MAX).await.unwrap().unwrap().data == data);
        assert!(near.send(&vec![0; limits::DATAGRAM_BYTES + 1], far.local().unwrap()).is_err());
    }

    #[tokio::test]
    async fn others_than_the_peer_are_neither_heard_nor_felt() {
        let near = bound("127.0.0.1");
        let at = near.local().unwrap();
        let (peer, other) =
            (net::UdpSocket::bind("127.0.0.1:0").unwrap(), net::UdpSocket::bind("127.0.0.1:0").unwrap());
        other.send_to(b"before", at).unwrap();
        near.set_peer(Some(port(&peer)));
        other.send_to(b"after", at).unwrap();
        assert!(!near.readiness().is_ready());
        other.send_to(b"again", at).unwrap();
        peer.send_to(b"peer", at).unwrap();
        near.readiness().ready().await;
        assert_eq!(&near.receive(9).await.unwrap().unwrap().data[..], b"peer");
        near.set_peer(Some(port(&other)));
        other.send_to(b"other", at).unwrap();
        assert_eq!(&near.receive(9).await.unwrap().unwrap().data[..], b"other");
        near.set_peer(None);
        peer.send_to(b"anybody", at).unwrap();
        assert_eq!(near.receive(9).await.unwrap().unwrap().from, port(&peer));
    }

    #[tokio::test]
    async fn a_flood_of_others_does_not_hold_the_thread() {
        let near = bound("127.0.0.1");
        let other = net::UdpSocket::bind("127.0.0.1:0").unwrap();
        near.set_peer(Some("127.0.0.1:9".parse().unwrap()));
        for wait in [near.receive(9).map(drop).boxed(), near.readiness().ready()] {
            let mut wait = wait;
            for _ in 0..limits::DATAGRAMS_PASSED_OVER * 2 {
                other.send_to(b"x", near.local().unwrap()).unwrap();
            }
            // Whoever waits comes back with much still to be passed over.
            assert!((&mut wait).now_or_never().is_none());
            assert!(near.take(&mut [0], RecvFlags::PEEK).is_ok());
        }
    }

    #[tokio::test]
    async fn readiness_does_not_keep_the_socket() {
        let near = bound("127.0.0.1");
        let (at, readiness) = (near.local().unwrap(), near.readiness());
        drop(near);
        assert!(readiness.is_closed() && !readiness.is_ready());
        readiness.ready().await;
        net::UdpSocket::bind(at).unwrap();
    }
}

//! The options of a connection over TCP, alike for IPv4 and IPv6.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::limits;

/// What a guest has set on a connection and the host keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub(super) read_timeout: Option<Duration>,
    pub(super) write_timeout: Option<Duration>,
    pub(super) linger: Option<Duration>,
}

/// The options of one connection over TCP, kept by the operating system.
#[derive(Debug)]
pub struct Options<'a>(&'a TcpStream);

impl<'a> Options<'a> {
    pub(super) fn of(socket: &'a TcpStream) -> Self {
        Self(socket)
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.0)
    }

    fn is_v6(&self) -> io::Result<bool> {
        self.0.local_addr().map(|address| address.is_ipv6())
    }

    /// The address of the other side.
    ///
    /// # Errors
    /// What the system says; so for all of them.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }

    /// The address of this side.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Whether small writes are sent at once.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.nodelay()
    }

    /// Sets whether small writes are sent at once.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set_nodelay(nodelay)
    }

    /// How many routers a packet may pass.
    pub fn hop_limit(&self) -> io::Result<u32> {
        if self.is_v6()? { self.socket().unicast_hops_v6() } else { self.socket().ttl_v4() }
    }

    /// Sets how many routers a packet may pass: 1 to 255.
    pub fn set_hop_limit(&self, hops: u32) -> io::Result<()> {
        if !(1..=255).contains(&hops) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if self.is_v6()? { self.socket().set_unicast_hops_v6(hops) } else { self.socket().set_ttl_v4(hops) }
    }

    /// After how many idle seconds the connection is probed; none when it is not.
    pub fn keepalive(&self) -> io::Result<Option<u64>> {
        let socket = self.socket();
        Ok(if socket.keepalive()? { Some(socket.tcp_keepalive_time()?.as_secs()) } else { None })
    }

    /// Sets after how many idle seconds, at least one, the connection is probed, and how far apart the probes are. The
    /// system counts to 32,767; more is as much.
    pub fn set_keepalive(&self, seconds: Option<u64>) -> io::Result<()> {
        let Some(seconds) = seconds else { return self.socket().set_keepalive(false) };
        let idle = Duration::from_secs(seconds.clamp(1, 32_767));
        self.socket().set_tcp_keepalive(&TcpKeepalive::new().with_time(idle).with_interval(idle))
    }

    /// Whether the local address may be used again at once.
    pub fn reuse(&self) -> io::Result<bool> {
        self.socket().reuse_address()
    }

    /// Sets whether the local address may be used again at once.
    pub fn set_reuse(&self, reuse: bool) -> io::Result<()> {
        self.socket().set_reuse_address(reuse)
    }
}

impl super::Stream {
    /// The options that the operating system keeps; none for the local socket.
    #[must_use]
    pub fn options(&self) -> Option<Options<'_>> {
        self.as_tcp().map(Options::of)
    }

    /// How long reading bytes waits; none is for ever.
    #[must_use]
    pub fn read_timeout(&self) -> Option<Duration> {
        self.settings.lock().read_timeout
    }

    /// Sets how long reading bytes waits.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.settings.lock().read_timeout = timeout;
    }

    /// How long writing waits; none is 5 s and a millisecond for each KiB.
    #[must_use]
    pub fn write_timeout(&self) -> Option<Duration> {
        self.settings.lock().write_timeout
    }

    /// Sets how long writing waits.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) {
        self.settings.lock().write_timeout = timeout;
    }

    /// How long closing waits for unsent bytes; none is a minute.
    #[must_use]
    pub fn linger(&self) -> Option<Duration> {
        self.settings.lock().linger
    }

    /// Sets how long closing waits for unsent bytes, in whole seconds: a part of one is a whole, since none at all throws
    /// away what is unsent, which only 0 asks for.
    ///
    /// The system is told of 0 alone. With any other number it would hold the thread that closes the socket, and the guest
    /// chooses how long; so whoever closes it waits here, and without a thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        let linger = linger.map(|all| {
            let seconds = all.as_millis().div_ceil(1000).min(limits::LINGER.as_secs().into());
            Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
        });
        if let Some(tcp) = self.as_tcp() {
            SockRef::from(tcp).set_linger(linger.filter(Duration::is_zero))?;
        }
        self.settings.lock().linger = linger;
        Ok(())
    }
}

//! Connecting: one lookup, every answer judged, the judged address connected, the peer compared.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{Either, select};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::resolver::{Resolver, Unresolved};
use super::{Network, Target};
use crate::limits;
use crate::policy::{Airlock, Verdict};
use crate::timer;

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The name has no address.
    Unresolved,
    /// The airlock forbids an address; the text says what it is, for the audit alone.
    Airlock(&'static str),
    /// It took too long.
    TimedOut,
    /// The operating system says no.
    Io(io::Error),
}

/// Connects guests to the network. One for each host.
#[derive(Debug)]
pub struct Connector {
    runtime: Handle,
    resolver: Resolver,
    /// The airlock with the machine's own addresses, and when they were asked for.
    airlock: Mutex<Option<(Instant, Arc<Airlock>)>>,
}

impl Connector {
    /// A connector whose sockets and lookups live on `runtime`.
    #[must_use]
    pub fn new(runtime: Handle, network: &Network) -> Arc<Self> {
        let resolver = Resolver::new(network.dns_servers.clone());
        Arc::new(Self { runtime, resolver, airlock: Mutex::new(None) })
    }

    /// The runtime on which sockets live.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// What the airlock says about an address now.
    ///
    /// # Errors
    /// [`ConnectError::Io`] when the machine does not tell its own addresses: then nothing may be reached.
    pub fn judge(&self, address: IpAddr) -> Result<(), ConnectError> {
        match self.airlock()?.judge(address) {
            Verdict::Allow => Ok(()),
            Verdict::Deny(what) => Err(ConnectError::Airlock(what)),
        }
    }

    fn airlock(&self) -> Result<Arc<Airlock>, ConnectError> {
        let mut known = self.airlock.lock();
        if let Some((since, airlock)) = &*known
            && since.elapsed() < limits::OWN_ADDRESSES_KEPT
        {
            return Ok(Arc::clone(airlock));
        }
        let own = if_addrs::get_if_addrs().map_err(ConnectError::Io)?;
        let airlock = Arc::new(Airlock::of(own.into_iter().map(|interface| interface.ip())));
        *known = Some((Instant::now(), Arc::clone(&airlock)));
        Ok(airlock)
    }

    /// Every address of the target, none of them judged.
    ///
    /// # Errors
    /// [`ConnectError::Unresolved`], [`ConnectError::TimedOut`] or what the operating system says.
    pub async fn look_up(self: &Arc<Self>, target: &Target) -> Result<Vec<IpAddr>, ConnectError> {
        let name = match target {
            Target::Address(address) => return Ok(vec![*address]),
            Target::Name(name) => name.clone(),
        };
        let connector = Arc::clone(self);
        // The resolver's sockets and timers belong to the runtime, whoever polls the guest.
        let lookup = self.runtime.spawn(async move { connector.resolver.look_up(&name).await });
        match within(&self.runtime, limits::CONNECT_TIMEOUT, AbortOnDropHandle::new(lookup)).await? {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(Unresolved::Nothing)) => Err(ConnectError::Unresolved),
            Ok(Err(Unresolved::TimedOut)) => Err(ConnectError::TimedOut),
            Ok(Err(Unresolved::Failed(error))) => Err(ConnectError::Io(error)),
            Err(_) => Err(ConnectError::Io(io::Error::other("the lookup stopped"))),
        }
    }

    /// Every address of the target, all of which may be reached. One that may not is an error for all of them: a name
    /// that leads to both is a trap. An exempt target is not judged.
    ///
    /// # Errors
    /// As [`Self::look_up`], and [`ConnectError::Airlock`].
    pub async fn admit(self: &Arc<Self>, target: &Target, exempt: bool) -> Result<Vec<IpAddr>, ConnectError> {
        let addresses = self.look_up(target).await?;
        if !exempt {
            addresses.iter().try_for_each(|address| self.judge(*address))?;
        }
        Ok(addresses)
    }

    /// Connects to the target, its addresses in turn, within the time for all of it together. Each address gets an equal
    /// part of the time that is left, so one that swallows whatever is sent to it leaves time for the next.
    ///
    /// # Errors
    /// As [`Self::admit`]; the first address's own failure when none could be connected.
    pub async fn connect(
        self: &Arc<Self>,
        target: &Target,
        port: u16,
        exempt: bool,
    ) -> Result<TcpStream, ConnectError> {
        let connector = Arc::clone(self);
        let target = target.clone();
        let connecting = self.runtime.spawn(async move {
            let deadline = Instant::now() + limits::CONNECT_TIMEOUT;
            let addresses = connector.admit(&target, exempt).await?;
            let mut failure = None;
            for (left, address) in (1..=addresses.len()).rev().zip(&addresses) {
                let time = deadline.saturating_duration_since(Instant::now());
                let share = time / u32::try_from(left).unwrap_or(u32::MAX);
                let connected = connector.connect_to(SocketAddr::new(*address, port), exempt);
                match tokio::time::timeout(share, connected).await.unwrap_or(Err(ConnectError::TimedOut)) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            Err(failure.unwrap_or(ConnectError::Unresolved))
        });
        let connecting = AbortOnDropHandle::new(connecting);
        within(&self.runtime, limits::CONNECT_TIMEOUT, connecting)
            .await?
            .unwrap_or_else(|_| Err(ConnectError::Io(io::Error::other("connecting stopped"))))
    }

    /// Connects to an address that was judged, and looks where the connection really leads.
    async fn connect_to(&self, address: SocketAddr, exempt: bool) -> Result<TcpStream, ConnectError> {
        let stream = TcpStream::connect(address).await.map_err(ConnectError::Io)?;
        let (peer, own) = (stream.peer_addr(), stream.local_addr());
        let (peer, own) = (peer.map_err(ConnectError::Io)?, own.map_err(ConnectError::Io)?);
        if (peer.ip().to_canonical(), peer.port()) != (address.ip().to_canonical(), address.port()) {
            return Err(ConnectError::Airlock("not the address that was judged"));
        }
        // A connection to a port out of the ephemeral range can meet itself.
        if own == peer {
            return Err(ConnectError::Io(io::ErrorKind::ConnectionRefused.into()));
        }
        if !exempt {
            // An address that the machine has got since its own were read is one from which it answers itself.
            if own.ip() == peer.ip() {
                return Err(ConnectError::Airlock("this machine's own"));
            }
            self.judge(peer.ip())?;
        }
        Ok(stream)
    }
}

/// Waits for `work` no longer than `most`.
async fn within<T>(
    runtime: &Handle,
    most: std::time::Duration,
    work: impl Future<Output = T>,
) -> Result<T, ConnectError> {
    match select(pin!(work), pin!(timer::sleep(runtime, most))).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(ConnectError::TimedOut),
    }
}

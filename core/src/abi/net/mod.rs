//! `astrid:net`: names, connections, listeners and datagrams.
//!
//! Here is decided whether a guest may; [`crate::net`] does it. What is decided about is the text the guest gave, for the
//! manifest's patterns, and the address that was found, for the airlock.

mod listener;
mod local;
mod stream;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::astrid::net::host::{ErrorCode, Host};
use super::call::{Met, Touch, Verdict};
use super::context::Slot;
use super::holding::Holding;
use super::ops::net as ops;
use super::pollable::Pollable;
use super::state::State;
use super::tenant::{Counters, Tenant};
use crate::net::{Account, ConnectError, Datagrams, Ingress, Listener, Stream, Target};

use local::Farewell;
pub use local::UnixListener;

/// A guest's handle on a connection; dropping it closes the connection. The capsule's slot is free when it is closed, which
/// is at once unless something still waits to be sent.
#[derive(Debug)]
pub struct TcpStream {
    stream: Arc<Stream>,
    /// Says, for a client of the local socket, that it is gone.
    _farewell: Option<Farewell>,
}

impl TcpStream {
    /// Who authenticated itself on it, if anybody did.
    pub(super) fn ingress(&self) -> Option<&Ingress> {
        self.stream.ingress()
    }
}

/// A guest's handle on a listening TCP socket.
#[derive(Debug)]
pub struct TcpListener {
    listener: Arc<Listener>,
    _slot: Slot,
}

/// A guest's handle on a UDP socket.
#[derive(Debug)]
pub struct UdpSocket {
    socket: Arc<Datagrams>,
}

/// On whose account a guest's socket is open: it takes one of its capsule's places until it is closed, and its bytes count for the
/// principal it was opened for.
#[derive(Debug)]
struct Seat {
    _slot: Slot,
    tenant: Arc<Tenant>,
}

impl Account for Seat {
    fn received(&self, bytes: usize) {
        Counters::add(&self.tenant.counters.received_bytes, bytes as u64);
    }

    fn sent(&self, bytes: usize) {
        Counters::add(&self.tenant.counters.sent_bytes, bytes as u64);
    }
}

type Answer<T> = wasmtime::Result<Result<T, ErrorCode>>;

fn done<T>(_: &T) -> Verdict {
    Verdict::ALLOWED
}

fn moved(bytes: usize) -> Verdict {
    Verdict { bytes: bytes as u64, ..Verdict::ALLOWED }
}

/// The arm for what the operating system says. Its own text may name an address, so only its kind is told.
fn arm(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::WouldBlock => ErrorCode::WouldBlock,
        io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected => ErrorCode::ConnectionReset,
        io::ErrorKind::TimedOut => ErrorCode::Timeout,
        io::ErrorKind::AddrInUse => ErrorCode::AddressInUse,
        io::ErrorKind::AddrNotAvailable => ErrorCode::AddressNotAvailable,
        kind => ErrorCode::Unknown(kind.to_string()),
    }
}

impl From<ConnectError> for ErrorCode {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Unresolved => ErrorCode::NameUnresolvable,
            ConnectError::Airlock(_) => ErrorCode::AirlockRejected,
            ConnectError::TimedOut => ErrorCode::Timeout,
            ConnectError::Io(error) => arm(&error),
        }
    }
}

/// Leaves something for the entry, unless something is there.
fn note(met: &Met, what: &'static str, text: impl Into<String>) {
    met.get_or_init(|| (what, text.into()));
}

/// The arm for what kept a connection from being made. What the airlock says of an address is for the audit alone.
fn refused(error: ConnectError, met: &Met) -> ErrorCode {
    if let ConnectError::Airlock(what) = error {
        note(met, "airlock", what);
    }
    error.into()
}

/// A host as the guest gave it, read.
fn target(host: &str) -> Result<Target, ErrorCode> {
    Target::read(host).ok_or(ErrorCode::AddressNotAvailable)
}

/// A host and a port as the audit shows them.
fn place(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

impl State {
    /// Whether the manifest and, of a restricted principal, the profile let it reach this place.
    fn may_reach(&self, host: &str, port: Option<u16>) -> bool {
        let may = &self.capsule.capabilities;
        let declared = match port {
            Some(port) => may.may_connect(host, port),
            None => may.may_look_up(host),
        };
        declared && self.acting.profile().may_reach(&self.capsule.id, host, port)
    }

    fn take_slot(&self, what: Holding) -> Result<Slot, ErrorCode> {
        self.owner.take(&self.capsule.id, what).ok_or(ErrorCode::Quota)
    }

    fn take_seat(&self, what: Holding) -> Result<Seat, ErrorCode> {
        Ok(Seat { _slot: self.take_slot(what)?, tenant: Arc::clone(&self.acting) })
    }

    /// The address to bind, if the capsule may bind it: a loopback address that `declared` covers, or another that the
    /// embedding program allows it as well. Names other than `localhost` are not looked up.
    fn bind_address(&self, host: &str, port: u16, declared: bool) -> Result<SocketAddr, ErrorCode> {
        let target = target(host)?;
        if !declared {
            return Err(ErrorCode::CapabilityDenied);
        }
        let address = match target {
            Target::Address(address) => address,
            Target::Name(name) if &*name == "localhost" => IpAddr::from([127, 0, 0, 1]),
            Target::Name(_) => return Err(ErrorCode::AirlockRejected),
        };
        if !address.is_loopback() && !self.capsule.host.network.allows_bind(&self.capsule.id, host, port) {
            return Err(ErrorCode::AirlockRejected);
        }
        Ok(SocketAddr::new(address, port))
    }

    /// Makes a pollable of something whose function has no error arm: a guest that holds more than its quota has broken a
    /// rule, and traps.
    pub(in crate::abi) fn push_pollable(
        &mut self,
        awaited: impl crate::stream::Awaited + 'static,
    ) -> wasmtime::Result<Resource<Pollable>> {
        let pollable = self.pollable(awaited)?;
        Ok(self.table.push(pollable)?)
    }

    fn push_stream(&mut self, made: Result<Arc<Stream>, ErrorCode>) -> Answer<Resource<TcpStream>> {
        match made {
            Ok(stream) => Ok(Ok(self.table.push(TcpStream { stream, _farewell: None })?)),
            Err(arm) => Ok(Err(arm)),
        }
    }
}

impl Host for State {
    async fn bind_unix(&mut self) -> Answer<Resource<UnixListener>> {
        let touch = Touch::of(&ops::BIND_UNIX).on(local::PLACE);
        match self.effect(touch, |state| state.local_socket()).await? {
            Ok(listener) => Ok(Ok(self.table.push(listener)?)),
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn bind_tcp(&mut self, host: String, port: u16) -> Answer<Resource<TcpListener>> {
        let place = place(&host, port);
        let needs = self.capsule.capabilities.holds("net_tcp_bind").then_some("net_tcp_bind");
        let touch = Touch::of(&ops::BIND_TCP).on(&place).needing(needs);
        let made = self.effect(touch, |state| {
            let declared = state.capsule.capabilities.may_bind_tcp(&host, port);
            let address = state.bind_address(&host, port, declared)?;
            let slot = state.take_slot(Holding::Listeners)?;
            let listener = Listener::bind(address, state.capsule.host.connector.runtime());
            let listener = listener.map_err(|error| arm(&error))?;
            let bound = listener.local().map_err(|error| arm(&error))?;
            if bound.ip() != address.ip() {
                return Err(ErrorCode::AirlockRejected);
            }
            Ok((listener, slot))
        });
        match made.await? {
            Ok((listener, slot)) => Ok(Ok(self.table.push(TcpListener { listener, _slot: slot })?)),
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn connect_tcp(&mut self, host: String, port: u16) -> Answer<Resource<TcpStream>> {
        let place = place(&host, port);
        let met = Arc::new(Met::new());
        let touch = Touch::of(&ops::CONNECT_TCP).on(&place).meeting(&met);
        let made = self.waiting(touch, done, |state| {
            let target = target(&host)?;
            if !state.may_reach(&host, Some(port)) {
                return Err(ErrorCode::CapabilityDenied);
            }
            let seat = state.take_seat(Holding::Sockets)?;
            let context = &state.capsule.host;
            let exempt = context.network.exempts(&state.capsule.id, &host, port);
            let (connector, met) = (Arc::clone(&context.connector), Arc::clone(&met));
            Ok(async move {
                let connected = connector.connect(&target, port, exempt).await;
                let socket = connected.map_err(|error| refused(error, &met))?;
                if let (Target::Name(_), Ok(peer)) = (&target, socket.peer_addr()) {
                    note(&met, "peer", peer.to_string());
                }
                Ok(Stream::tcp(socket, seat, connector.runtime().clone()))
            })
        });
        let made = made.await?;
        self.push_stream(made)
    }

    async fn udp_bind(&mut self, host: String, port: u16) -> Answer<Resource<UdpSocket>> {
        let place = place(&host, port);
        let touch = Touch::of(&ops::UDP_BIND).on(&place);
        let made = self.effect(touch, |state| {
            let declared = state.capsule.capabilities.may_bind_udp(&host, port);
            let address = state.bind_address(&host, port, declared)?;
            let seat = state.take_seat(Holding::UdpSockets)?;
            let socket = Datagrams::bind(address, seat, state.capsule.host.connector.runtime());
            let socket = socket.map_err(|error| arm(&error))?;
            if socket.local().map_err(|error| arm(&error))?.ip() != address.ip() {
                return Err(ErrorCode::AirlockRejected);
            }
            Ok(socket)
        });
        match made.await? {
            Ok(socket) => Ok(Ok(self.table.push(UdpSocket { socket })?)),
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn lookup_host(&mut self, host: String) -> Answer<Vec<String>> {
        let touch = Touch::of(&ops::LOOKUP_HOST).on(&host);
        self.waiting(touch, done, |state| {
            let target = target(&host)?;
            if !state.may_reach(&host, None) {
                return Err(ErrorCode::CapabilityDenied);
            }
            let context = &state.capsule.host;
            // Whatever port the exemption is for: the addresses are no secret to who may connect to one.
            let exempt = context.network.exempts_some_port(&state.capsule.id, &host);
            let connector = Arc::clone(&context.connector);
            Ok(async move {
                let mut addresses = connector.look_up(&target).await?;
                addresses.retain(|address| exempt || connector.judge(*address).is_ok());
                Ok(addresses.iter().map(IpAddr::to_string).collect())
            })
        })
        .await
    }
}

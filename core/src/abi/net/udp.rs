//! `udp-socket`: datagrams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::Resource;

use super::super::bindings::astrid::net::host::{ErrorCode, HostUdpSocket, UdpDatagram};
use super::super::call::{Met, Touch, Verdict};
use super::super::ops::{Op, net as ops};
use super::super::pollable::Pollable;
use super::super::state::State;
use super::{Answer, UdpSocket, arm, moved, note, place, refused, target};
use crate::limits;
use crate::net::{ConnectError, Datagrams, Received, Target};

fn ask(max_bytes: u32) -> usize {
    usize::try_from(max_bytes).unwrap_or(usize::MAX).min(limits::DATAGRAM_BYTES)
}

fn send_arm(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => ErrorCode::AddressNotAvailable,
        kind => ErrorCode::Unknown(kind.to_string()),
    }
}

fn sent(socket: &Datagrams, data: &[u8], to: SocketAddr) -> Result<u32, ErrorCode> {
    let sent = socket.send(data, to).map_err(|error| send_arm(&error))?;
    Ok(u32::try_from(sent).unwrap_or(u32::MAX))
}

impl State {
    fn datagrams(&self, this: &Resource<UdpSocket>) -> wasmtime::Result<Arc<Datagrams>> {
        Ok(Arc::clone(&self.table.get(this)?.socket))
    }

    /// The judged address of a peer, of the socket's own family; what was found out about it is left in `met`.
    fn peer(
        &self,
        socket: &Datagrams,
        host: &str,
        port: u16,
        met: &Arc<Met>,
    ) -> Result<impl Future<Output = Result<SocketAddr, ErrorCode>> + Send + use<>, ErrorCode> {
        let target = target(host)?;
        if !self.acting.profile().may_reach(&self.capsule.id, host, Some(port)) {
            return Err(ErrorCode::CapabilityDenied);
        }
        let v6 = socket.local().map_err(|error| arm(&error))?.is_ipv6();
        let context = &self.capsule.host;
        let exempt = context.network.exempts(&self.capsule.id, host, port);
        let (connector, met) = (Arc::clone(&context.connector), Arc::clone(met));
        Ok(async move {
            let addresses = connector.admit(&target, exempt).await.map_err(|error| match error {
                ConnectError::Io(error) => send_arm(&error),
                ConnectError::TimedOut => ErrorCode::NameUnresolvable,
                other @ (ConnectError::Unresolved | ConnectError::Airlock(_)) => refused(other, &met),
            })?;
            let own = addresses.into_iter().find(|address| address.is_ipv6() == v6);
            let peer = SocketAddr::new(own.ok_or(ErrorCode::AddressNotAvailable)?, port);
            if let Target::Name(_) = target {
                note(&met, "peer", peer.to_string());
            }
            Ok(peer)
        })
    }

    async fn receive(
        &mut self,
        op: &'static Op,
        this: &Resource<UdpSocket>,
        max_bytes: u32,
        connected: bool,
    ) -> Answer<Option<Received>> {
        let socket = self.datagrams(this)?;
        let tell = |received: &Option<Received>| moved(received.as_ref().map_or(0, |one| one.data.len()));
        self.waiting(Touch::of(op), tell, |_| {
            if connected && socket.peer().is_none() {
                return Err(ErrorCode::Unknown("the socket has no peer".to_owned()));
            }
            Ok(async move { socket.receive(ask(max_bytes)).await.map_err(|error| send_arm(&error)) })
        })
        .await
    }
}

impl HostUdpSocket for State {
    async fn send_to(
        &mut self,
        this: Resource<UdpSocket>,
        data: Vec<u8>,
        peer_host: String,
        peer_port: u16,
    ) -> Answer<u32> {
        let socket = self.datagrams(&this)?;
        let (data, place) = (Bytes::from(data), place(&peer_host, peer_port));
        let met = Arc::new(Met::new());
        let touch = Touch::of(&ops::UDP_SOCKET_SEND_TO).on(&place).moving(&data).meeting(&met);
        let content = data.clone();
        let send = |state: &mut State| {
            let peer = state.peer(&socket, &peer_host, peer_port, &met)?;
            Ok(async move { sent(&socket, &content, peer.await?) })
        };
        self.waiting(touch, |_| Verdict::ALLOWED, send).await
    }

    async fn recv_from(&mut self, this: Resource<UdpSocket>, max_bytes: u32) -> Answer<Option<UdpDatagram>> {
        let received = self.receive(&ops::UDP_SOCKET_RECV_FROM, &this, max_bytes, false).await?;
        Ok(received.map(|received| {
            received.map(|one| UdpDatagram {
                data: one.data.into(),
                peer_host: one.from.ip().to_canonical().to_string(),
                peer_port: one.from.port(),
            })
        }))
    }

    async fn connect(&mut self, this: Resource<UdpSocket>, peer_host: String, peer_port: u16) -> Answer<()> {
        let socket = self.datagrams(&this)?;
        let place = place(&peer_host, peer_port);
        let met = Arc::new(Met::new());
        let touch = Touch::of(&ops::UDP_SOCKET_CONNECT).on(&place).meeting(&met);
        let connect = |state: &mut State| {
            let peer = state.peer(&socket, &peer_host, peer_port, &met)?;
            Ok(async move {
                socket.set_peer(Some(peer.await?));
                Ok(())
            })
        };
        self.waiting(touch, |()| Verdict::ALLOWED, connect).await
    }

    async fn disconnect(&mut self, this: Resource<UdpSocket>) -> Answer<()> {
        let socket = self.datagrams(&this)?;
        let disconnect = |_: &mut State| {
            socket.set_peer(None);
            Ok(())
        };
        self.effect(Touch::of(&ops::UDP_SOCKET_DISCONNECT), disconnect).await
    }

    async fn send(&mut self, this: Resource<UdpSocket>, data: Vec<u8>) -> Answer<u32> {
        let socket = self.datagrams(&this)?;
        let data = Bytes::from(data);
        let touch = Touch::of(&ops::UDP_SOCKET_SEND).moving(&data);
        let send = |_: &mut State| {
            let peer = socket.peer();
            let peer = peer.ok_or_else(|| ErrorCode::Unknown("the socket has no peer".to_owned()))?;
            sent(&socket, &data, peer)
        };
        self.effect(touch, send).await
    }

    async fn recv(&mut self, this: Resource<UdpSocket>, max_bytes: u32) -> Answer<Option<Vec<u8>>> {
        let received = self.receive(&ops::UDP_SOCKET_RECV, &this, max_bytes, true).await?;
        Ok(received.map(|received| received.map(|one| one.data.into())))
    }

    async fn peer_addr(&mut self, this: Resource<UdpSocket>) -> Answer<Option<String>> {
        let socket = self.datagrams(&this)?;
        let peer = |_: &mut State| Ok(socket.peer().map(|peer| peer.to_string()));
        self.effect(Touch::of(&ops::UDP_SOCKET_PEER_ADDR), peer).await
    }

    async fn local_addr(&mut self, this: Resource<UdpSocket>) -> Answer<String> {
        let socket = self.datagrams(&this)?;
        let local = |_: &mut State| socket.local().map(|at| at.to_string()).map_err(|error| arm(&error));
        self.effect(Touch::of(&ops::UDP_SOCKET_LOCAL_ADDR), local).await
    }

    async fn set_read_timeout(&mut self, this: Resource<UdpSocket>, timeout_ms: Option<u64>) -> Answer<()> {
        let socket = self.datagrams(&this)?;
        let set = |_: &mut State| {
            socket.set_read_timeout(timeout_ms.map(Duration::from_millis));
            Ok(())
        };
        self.effect(Touch::of(&ops::UDP_SOCKET_SET_READ_TIMEOUT), set).await
    }

    async fn subscribe_readable(
        &mut self,
        this: Resource<UdpSocket>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::UDP_SOCKET_SUBSCRIBE_READABLE);
        let readiness = self.datagrams(&this)?.readiness();
        self.push_pollable(readiness)
    }

    async fn drop(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

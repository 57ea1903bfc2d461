//! `unix-listener`: clients of the host's local socket.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::{Value, json};
use wasmtime::component::Resource;

use super::super::bindings::astrid::net::host::{ErrorCode, HostUnixListener};
use super::super::call::{Touch, Verdict};
use super::super::context::HostContext;
use super::super::holding::Holding;
use super::super::ops::{Op, net as ops};
use super::super::pollable::Pollable;
use super::super::state::{Phase, State};
use super::{Answer, Seat, TcpStream};
use crate::bus::Attribution;
use crate::limits;
use crate::net::{Arrived, Ingress, LocalSocket, Stream, sleep_or_never};
use crate::principal::Principal;
use crate::topic::{CLIENT_CONNECT, CLIENT_DISCONNECT};

/// What the audit calls the local socket, wherever it lies.
pub(super) const PLACE: &str = "unix:cli-socket";

/// A guest's handle on the host's local socket. Dropping it leaves the socket open.
#[derive(Debug)]
pub struct UnixListener {
    socket: Arc<LocalSocket>,
}

/// Says, when it is dropped, that the client of a connection is gone from the capsule it was handed to.
#[derive(Debug)]
pub struct Farewell {
    host: Weak<HostContext>,
    client: Attribution,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Some(host) = self.host.upgrade() else { return };
        let said =
            host.announce_of(CLIENT_DISCONNECT, &json!({ "reason": "socket closed" }), self.client.clone());
        if let Err(error) = said {
            // The log is closed with the host, which then tells nobody anything.
            tracing::debug!(target: "astrid::net", %error, "nobody was told that a client is gone");
        }
    }
}

/// A connection that was accepted, and what is to be said when it ends.
pub(super) type Accepted = (Arc<Stream>, Farewell);

/// How those who listen for clients see one: as the principal that authenticated itself, or as somebody of whom nothing is known.
fn attribution(ingress: Option<&Ingress>) -> Option<Attribution> {
    match ingress {
        Some(ingress) => Some(Attribution::Verified(ingress.principal.clone())),
        None => Principal::parse(Principal::ANONYMOUS).ok().map(Attribution::Claimed),
    }
}

/// Says that a client is there, and makes a stream of its connection.
fn welcome(host: &Arc<HostContext>, arrived: Arrived, seat: Seat) -> Result<Accepted, ErrorCode> {
    let unrecorded = || ErrorCode::Unknown("audit unavailable".to_owned());
    let client = attribution(arrived.ingress.as_ref()).ok_or_else(unrecorded)?;
    host.announce_of(CLIENT_CONNECT, &Value::Object(serde_json::Map::new()), client.clone())
        .map_err(|_| unrecorded())?;
    let farewell = Farewell { host: Arc::downgrade(host), client };
    let stream = Stream::local(arrived.socket, arrived.ingress, seat, host.runtime.clone());
    Ok((stream, farewell))
}

impl State {
    /// Opens the local socket, if no capsule has been loaded that had it opened before, and gives a handle on it.
    pub(super) fn local_socket(&self) -> Result<UnixListener, ErrorCode> {
        if !self.capsule.capabilities.may_bind_unix() {
            return Err(ErrorCode::CapabilityDenied);
        }
        let host = &self.capsule.host;
        host.open_local_socket()
            .map_err(|_| ErrorCode::Unknown("the host has no local socket".to_owned()))?;
        Ok(UnixListener { socket: Arc::clone(&host.local) })
    }

    /// Which clients this instance may take. Those that are nobody, and those of the principal it belongs to; those of
    /// others only a run loop that serves everybody, or whose capsule carries other people's messages.
    fn may_take(&self) -> impl Fn(Option<&Ingress>) -> bool + Send + Sync + use<> {
        let serves_others = self.capsule.shared || self.capsule.capabilities.holds("uplink");
        let everybody = serves_others && self.call.phase == Phase::Run;
        let own = self.owner.principal().clone();
        move |ingress: Option<&Ingress>| {
            ingress.is_none_or(|ingress| ingress.stands() && (everybody || ingress.principal == own))
        }
    }

    /// Waits for a client, no longer than `most` if that is given. The seat is taken before anybody comes; without one
    /// the answer is `full`.
    async fn accept_local(
        &mut self,
        op: &'static Op,
        this: &Resource<UnixListener>,
        most: Option<Duration>,
    ) -> Answer<Option<Accepted>> {
        let socket = Arc::clone(&self.table.get(this)?.socket);
        let tell = |accepted: &Option<Accepted>| match accepted {
            Some(_) => Verdict::ALLOWED,
            None => Verdict::IN_VAIN,
        };
        self.waiting(Touch::of(op).on(PLACE), tell, |state| {
            let seat = state.take_seat(Holding::Sockets);
            let seat = match (seat, most) {
                (Ok(seat), _) => Some(seat),
                // Who only looks finds nobody.
                (Err(_), Some(_)) => None,
                (Err(arm), None) => return Err(arm),
            };
            let (host, may_take) = (Arc::clone(&state.capsule.host), state.may_take());
            Ok(async move {
                let Some(seat) = seat else { return Ok(None) };
                let late = pin!(sleep_or_never(&host.runtime, most));
                match select(pin!(socket.next(may_take)), late).await {
                    Either::Left((Some(arrived), _)) => welcome(&host, arrived, seat).map(Some),
                    Either::Left((None, _)) => Err(ErrorCode::Closed),
                    Either::Right(_) => Ok(None),
                }
            })
        })
        .await
    }

    fn push_local(&mut self, (stream, farewell): Accepted) -> wasmtime::Result<Resource<TcpStream>> {
        Ok(self.table.push(TcpStream { stream, _farewell: Some(farewell) })?)
    }
}

impl HostUnixListener for State {
    async fn accept(&mut self, this: Resource<UnixListener>) -> Answer<Resource<TcpStream>> {
        match self.accept_local(&ops::UNIX_LISTENER_ACCEPT, &this, None).await? {
            Ok(Some(accepted)) => Ok(Ok(self.push_local(accepted)?)),
            Ok(None) => Ok(Err(ErrorCode::Closed)),
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn poll_accept(
        &mut self,
        this: Resource<UnixListener>,
        timeout_ms: u64,
    ) -> Answer<Option<Resource<TcpStream>>> {
        let most = Duration::from_millis(timeout_ms).min(limits::POLL_ACCEPT);
        match self.accept_local(&ops::UNIX_LISTENER_POLL_ACCEPT, &this, Some(most)).await? {
            Ok(Some(accepted)) => Ok(Ok(Some(self.push_local(accepted)?))),
            Ok(None) => Ok(Ok(None)),
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn subscribe_readiness(
        &mut self,
        this: Resource<UnixListener>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::UNIX_LISTENER_SUBSCRIBE_READINESS);
        let readiness = self.table.get(&this)?.socket.readiness(self.may_take());
        self.push_pollable(readiness)
    }

    async fn drop(&mut self, this: Resource<UnixListener>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

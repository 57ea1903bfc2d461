//! `tcp-listener`: connections that others make.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use wasmtime::component::Resource;

use super::super::bindings::astrid::net::host::{ErrorCode, HostTcpListener};
use super::super::call::{Met, Touch, Verdict};
use super::super::holding::Holding;
use super::super::ops::{Op, net as ops};
use super::super::pollable::Pollable;
use super::super::state::State;
use super::{Answer, TcpListener, TcpStream, arm, note};
use crate::limits;
use crate::net::Stream;

type Accepted = Option<Arc<Stream>>;

impl State {
    /// Waits for a connection, no longer than `most` if that is given. The slot is taken before anybody comes, so that
    /// nobody who came has to be turned away.
    async fn accept_tcp(
        &mut self,
        op: &'static Op,
        this: &Resource<TcpListener>,
        most: Option<Duration>,
    ) -> Answer<Accepted> {
        let listener = Arc::clone(&self.table.get(this)?.listener);
        let at = listener.local().map(|address| address.to_string()).unwrap_or_default();
        let met = Arc::new(Met::new());
        let tell = |accepted: &Accepted| if accepted.is_some() { Verdict::ALLOWED } else { Verdict::IN_VAIN };
        self.waiting(Touch::of(op).on(&at).meeting(&met), tell, |state| {
            let seat = state.take_seat(Holding::Sockets)?;
            let met = Arc::clone(&met);
            let runtime = state.capsule.host.connector.runtime().clone();
            Ok(async move {
                let late = pin!(crate::net::sleep_or_never(&runtime, most));
                let accepting = pin!(listener.accept());
                match select(accepting, late).await {
                    Either::Left((accepted, _)) => {
                        let socket = accepted.map_err(|error| arm(&error))?;
                        if let Ok(peer) = socket.peer_addr() {
                            note(&met, "peer", peer.to_string());
                        }
                        Ok(Some(Stream::tcp(socket, seat, runtime.clone())))
                    }
                    Either::Right(_) => Ok(None),
                }
            })
        })
        .await
    }
}

impl HostTcpListener for State {
    async fn accept(&mut self, this: Resource<TcpListener>) -> Answer<Resource<TcpStream>> {
        let accepted = self.accept_tcp(&ops::TCP_LISTENER_ACCEPT, &this, None).await?;
        self.push_stream(accepted.and_then(|accepted| accepted.ok_or(ErrorCode::Closed)))
    }

    async fn poll_accept(
        &mut self,
        this: Resource<TcpListener>,
        timeout_ms: u64,
    ) -> Answer<Option<Resource<TcpStream>>> {
        let most = Duration::from_millis(timeout_ms).min(limits::POLL_ACCEPT);
        match self.accept_tcp(&ops::TCP_LISTENER_POLL_ACCEPT, &this, Some(most)).await? {
            Ok(Some(accepted)) => Ok(self.push_stream(Ok(accepted))?.map(Some)),
            Ok(None) => Ok(Ok(None)),
            Err(arm) => Ok(Err(arm)),
        }
    }

    async fn local_addr(&mut self, this: Resource<TcpListener>) -> Answer<String> {
        let listener = Arc::clone(&self.table.get(&this)?.listener);
        let local = |_: &mut State| listener.local().map(|at| at.to_string()).map_err(|error| arm(&error));
        self.effect(Touch::of(&ops::TCP_LISTENER_LOCAL_ADDR), local).await
    }

    async fn subscribe_readiness(
        &mut self,
        this: Resource<TcpListener>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::TCP_LISTENER_SUBSCRIBE_READINESS);
        let readiness = self.table.get(&this)?.listener.readiness();
        self.push_pollable(readiness)
    }

    async fn drop(&mut self, this: Resource<TcpListener>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

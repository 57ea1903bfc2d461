//! `tcp-stream`: a connection.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmtime::component::Resource;

use super::super::bindings::astrid::net::host::{ErrorCode, HostTcpStream, NetReadStatus, ShutdownHow};
use super::super::call::Touch;
use super::super::holding::Holding;
use super::super::ops::{Op, net as ops};
use super::super::pollable::Pollable;
use super::super::state::State;
use super::super::streams::{InputStream, OutputStream};
use super::{Answer, TcpStream, arm, done, moved};
use crate::limits;
use crate::net::{Framed, Options, Stream, WriteError};
use crate::stream::{Reader, Writer};

fn ask(max_bytes: u32) -> usize {
    usize::try_from(max_bytes).map_or(limits::SOCKET_CALL_BYTES, |most| most.min(limits::SOCKET_CALL_BYTES))
}

/// The arm for a read that found nothing in time, or failed.
fn read_arm(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::TimedOut => ErrorCode::WouldBlock,
        kind => ErrorCode::Unknown(kind.to_string()),
    }
}

fn milliseconds(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
}

impl State {
    fn connection(&self, this: &Resource<TcpStream>) -> wasmtime::Result<Arc<Stream>> {
        Ok(Arc::clone(&self.table.get(this)?.stream))
    }

    /// Remembers who sent the message that was just read, if a client of the local socket did and the capsule is one that
    /// carries other people's messages: what it forwards next may be theirs. Any other read forgets.
    fn came_from(&mut self, this: &Resource<TcpStream>, message: bool) -> wasmtime::Result<()> {
        let carries = message && self.capsule.capabilities.holds("uplink");
        let ingress = self.table.get(this)?.ingress().filter(|_| carries).cloned();
        self.call.ingress = ingress;
        Ok(())
    }

    /// Gets or sets something that only TCP has.
    async fn tcp<T: Send>(
        &mut self,
        op: &'static Op,
        this: &Resource<TcpStream>,
        work: impl FnOnce(&Stream, &Options<'_>) -> io::Result<T>,
    ) -> Answer<T> {
        let stream = self.connection(this)?;
        let work = |_: &mut State| {
            let options = stream.options().ok_or(ErrorCode::NotTcp)?;
            work(&stream, &options).map_err(|error| ErrorCode::Unknown(error.kind().to_string()))
        };
        self.effect(Touch::of(op), work).await
    }
}

impl HostTcpStream for State {
    async fn read(&mut self, this: Resource<TcpStream>) -> Answer<NetReadStatus> {
        let stream = self.connection(&this)?;
        let tell = |framed: &Framed| match framed {
            Framed::Data(bytes) => moved(bytes.len()),
            Framed::Closed | Framed::Pending => moved(0),
        };
        let read = self.waiting(Touch::of(&ops::TCP_STREAM_READ), tell, |_| {
            Ok(async move {
                stream.read_frame().await.map_err(|error| ErrorCode::Unknown(error.kind().to_string()))
            })
        });
        let read = read.await?;
        self.came_from(&this, matches!(read, Ok(Framed::Data(_))))?;
        Ok(match read {
            Ok(Framed::Data(bytes)) => Ok(NetReadStatus::Data(bytes.into())),
            // There is no arm for a guest that is being stopped.
            Ok(Framed::Closed) | Err(ErrorCode::Closed) => Ok(NetReadStatus::Closed),
            Ok(Framed::Pending) => Ok(NetReadStatus::Pending),
            Err(arm) => Err(arm),
        })
    }

    async fn write(&mut self, this: Resource<TcpStream>, data: Vec<u8>) -> Answer<()> {
        let stream = self.connection(&this)?;
        let data = Bytes::from(data);
        let touch = Touch::of(&ops::TCP_STREAM_WRITE).moving(&data);
        let content = data.clone();
        let write = async move {
            stream.write_frame(content).await.map_err(|error| match error {
                WriteError::TimedOut => ErrorCode::Unknown(io::ErrorKind::TimedOut.to_string()),
                WriteError::Failed(error) => match arm(&error) {
                    ErrorCode::ConnectionReset => ErrorCode::ConnectionReset,
                    _ => ErrorCode::Unknown(error.kind().to_string()),
                },
            })
        };
        self.waiting(touch, done, |_| Ok(write)).await
    }

    async fn read_bytes(&mut self, this: Resource<TcpStream>, max_bytes: u32) -> Answer<Vec<u8>> {
        let stream = self.connection(&this)?;
        let touch = Touch::of(&ops::TCP_STREAM_READ_BYTES);
        let read = async move { stream.read_bytes(ask(max_bytes)).await.map_err(|error| read_arm(&error)) };
        let read = self.waiting(touch, |bytes: &Bytes| moved(bytes.len()), |_| Ok(read)).await?;
        Ok(read.map(Vec::from))
    }

    async fn write_bytes(&mut self, this: Resource<TcpStream>, data: Vec<u8>) -> Answer<u32> {
        let stream = self.connection(&this)?;
        let data = Bytes::from(data);
        let touch = Touch::of(&ops::TCP_STREAM_WRITE_BYTES).moving(&data);
        let content = data.clone();
        let write = async move {
            match stream.write_bytes(&content).await {
                Ok(written) => Ok(u32::try_from(written).unwrap_or(u32::MAX)),
                Err(WriteError::TimedOut) => Err(ErrorCode::WouldBlock),
                Err(WriteError::Failed(error)) => Err(match arm(&error) {
                    ErrorCode::ConnectionReset => ErrorCode::ConnectionReset,
                    _ => ErrorCode::Unknown(error.kind().to_string()),
                }),
            }
        };
        self.waiting(touch, done, |_| Ok(write)).await
    }

    async fn peek(&mut self, this: Resource<TcpStream>, max_bytes: u32) -> Answer<Vec<u8>> {
        let stream = self.connection(&this)?;
        let touch = Touch::of(&ops::TCP_STREAM_PEEK);
        let peek = |_: &mut State| {
            stream.options().ok_or(ErrorCode::NotTcp)?;
            let stream = Arc::clone(&stream);
            Ok(async move { stream.peek(ask(max_bytes)).await.map_err(|error| read_arm(&error)) })
        };
        let peeked = self.waiting(touch, |bytes: &Bytes| moved(bytes.len()), peek).await?;
        Ok(peeked.map(Vec::from))
    }

    async fn shutdown(&mut self, this: Resource<TcpStream>, how: ShutdownHow) -> Answer<()> {
        let stream = self.connection(&this)?;
        let how = match how {
            ShutdownHow::Receive => Shutdown::Read,
            ShutdownHow::Send => Shutdown::Write,
            ShutdownHow::Both => Shutdown::Both,
        };
        let shut = |_: &mut State| stream.shut(how).map_err(|error| arm(&error));
        self.effect(Touch::of(&ops::TCP_STREAM_SHUTDOWN), shut).await
    }

    async fn peer_addr(&mut self, this: Resource<TcpStream>) -> Answer<String> {
        self.tcp(&ops::TCP_STREAM_PEER_ADDR, &this, |_, tcp| tcp.peer().map(|at| at.to_string())).await
    }

    async fn local_addr(&mut self, this: Resource<TcpStream>) -> Answer<String> {
        self.tcp(&ops::TCP_STREAM_LOCAL_ADDR, &this, |_, tcp| tcp.local().map(|at| at.to_string())).await
    }

    async fn set_nodelay(&mut self, this: Resource<TcpStream>, nodelay: bool) -> Answer<()> {
        self.tcp(&ops::TCP_STREAM_SET_NODELAY, &this, |_, tcp| tcp.set_nodelay(nodelay)).await
    }

    async fn nodelay(&mut self, this: Resource<TcpStream>) -> Answer<bool> {
        self.tcp(&ops::TCP_STREAM_NODELAY, &this, |_, tcp| tcp.nodelay()).await
    }

    async fn set_read_timeout(&mut self, this: Resource<TcpStream>, timeout_ms: Option<u64>) -> Answer<()> {
        let timeout = timeout_ms.map(Duration::from_millis);
        let set = |stream: &Stream, _: &Options<'_>| {
            stream.set_read_timeout(timeout);
            Ok(())
        };
        self.tcp(&ops::TCP_STREAM_SET_READ_TIMEOUT, &this, set).await
    }

    async fn read_timeout(&mut self, this: Resource<TcpStream>) -> Answer<Option<u64>> {
        let get = |stream: &Stream, _: &Options<'_>| Ok(stream.read_timeout().map(milliseconds));
        self.tcp(&ops::TCP_STREAM_READ_TIMEOUT, &this, get).await
    }

    async fn set_write_timeout(&mut self, this: Resource<TcpStream>, timeout_ms: Option<u64>) -> Answer<()> {
        let timeout = timeout_ms.map(Duration::from_millis);
        let set = |stream: &Stream, _: &Options<'_>| {
            stream.set_write_timeout(timeout);
            Ok(())
        };
        self.tcp(&ops::TCP_STREAM_SET_WRITE_TIMEOUT, &this, set).await
    }

    async fn write_timeout(&mut self, this: Resource<TcpStream>) -> Answer<Option<u64>> {
        let get = |stream: &Stream, _: &Options<'_>| Ok(stream.write_timeout().map(milliseconds));
        self.tcp(&ops::TCP_STREAM_WRITE_TIMEOUT, &this, get).await
    }

    async fn set_hop_limit(&mut self, this: Resource<TcpStream>, hops: u32) -> Answer<()> {
        self.tcp(&ops::TCP_STREAM_SET_HOP_LIMIT, &this, |_, tcp| tcp.set_hop_limit(hops)).await
    }

    async fn hop_limit(&mut self, this: Resource<TcpStream>) -> Answer<u32> {
        self.tcp(&ops::TCP_STREAM_HOP_LIMIT, &this, |_, tcp| tcp.hop_limit()).await
    }

    async fn set_keepalive(&mut self, this: Resource<TcpStream>, keepalive_secs: Option<u64>) -> Answer<()> {
        let set = |_: &Stream, tcp: &Options<'_>| tcp.set_keepalive(keepalive_secs);
        self.tcp(&ops::TCP_STREAM_SET_KEEPALIVE, &this, set).await
    }

    async fn keepalive(&mut self, this: Resource<TcpStream>) -> Answer<Option<u64>> {
        self.tcp(&ops::TCP_STREAM_KEEPALIVE, &this, |_, tcp| tcp.keepalive()).await
    }

    async fn set_linger(&mut self, this: Resource<TcpStream>, linger_ms: Option<u64>) -> Answer<()> {
        let linger = linger_ms.map(Duration::from_millis);
        self.tcp(&ops::TCP_STREAM_SET_LINGER, &this, |stream, _| stream.set_linger(linger)).await
    }

    async fn linger(&mut self, this: Resource<TcpStream>) -> Answer<Option<u64>> {
        let get = |stream: &Stream, _: &Options<'_>| Ok(stream.linger().map(milliseconds));
        self.tcp(&ops::TCP_STREAM_LINGER, &this, get).await
    }

    async fn set_reuseaddr(&mut self, this: Resource<TcpStream>, reuse: bool) -> Answer<()> {
        self.tcp(&ops::TCP_STREAM_SET_REUSEADDR, &this, |_, tcp| tcp.set_reuse(reuse)).await
    }

    async fn reuseaddr(&mut self, this: Resource<TcpStream>) -> Answer<bool> {
        self.tcp(&ops::TCP_STREAM_REUSEADDR, &this, |_, tcp| tcp.reuse()).await
    }

    async fn subscribe_readable(
        &mut self,
        this: Resource<TcpStream>,
    ) -> wasmtime::Result<Resource<Pollable>> {
        self.count(&ops::TCP_STREAM_SUBSCRIBE_READABLE);
        let readable = self.connection(&this)?.readable();
        self.push_pollable(readable)
    }

    async fn read_stream(&mut self, this: Resource<TcpStream>) -> wasmtime::Result<Resource<InputStream>> {
        self.count(&ops::TCP_STREAM_READ_STREAM);
        let source = self.connection(&this)?.source();
        let slot = self.owner.take(&self.capsule.id, Holding::Pollables);
        let half = slot.map_or_else(InputStream::closed, |slot| InputStream::new(Reader::new(source), slot));
        Ok(self.table.push(half)?)
    }

    async fn write_stream(&mut self, this: Resource<TcpStream>) -> wasmtime::Result<Resource<OutputStream>> {
        self.count(&ops::TCP_STREAM_WRITE_STREAM);
        let sink = self.connection(&this)?.sink();
        let slot = self.owner.take(&self.capsule.id, Holding::Pollables);
        let half = slot.map_or_else(OutputStream::closed, |slot| OutputStream::new(Writer::new(sink), slot));
        Ok(self.table.push(half)?)
    }

    async fn drop(&mut self, this: Resource<TcpStream>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

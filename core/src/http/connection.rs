//! A connection that speaks HTTP.

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::HttpError;
use super::body::Leaving;
use super::tls::Tls;
use crate::limits;

/// A connection, ready for the next request.
pub(super) enum Connection {
    /// One request after another.
    One(http1::SendRequest<Leaving>),
    /// Many at once.
    Two(http2::SendRequest<Leaving>),
}

impl Connection {
    /// Makes a connection over `socket`: secure for `https`, and then of the version that both sides agree on.
    pub(super) async fn open(socket: TcpStream, secure: Option<(&Tls, &str)>) -> Result<Self, HttpError> {
        // Small messages that wait for each other are what a request is made of.
        socket.set_nodelay(true).map_err(|_| HttpError::Connection)?;
        let Some((tls, host)) = secure else { return Self::one(TokioIo::new(socket)).await };
        let socket = tls.connect(host, socket).await?;
        if socket.get_ref().1.alpn_protocol() == Some(b"h2") {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new());
            builder.max_header_list_size(u32::try_from(limits::HTTP_HEADER_BYTES).unwrap_or(u32::MAX));
            // As much as the pipe behind a body: what nobody reads is held back at its source.
            let window = u32::try_from(limits::HTTP_PIPE_BYTES).ok();
            builder.initial_stream_window_size(window).initial_connection_window_size(window.map(|w| 4 * w));
            let (sender, connection) = builder.handshake(TokioIo::new(socket)).await?;
            // Its end is told to whoever uses it.
            tokio::spawn(async move { drop(connection.await) });
            return Ok(Self::Two(sender));
        }
        Self::one(TokioIo::new(socket)).await
    }

    async fn one<T>(io: TokioIo<T>) -> Result<Self, HttpError>
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_headers(limits::HTTP_HEADERS).max_buf_size(limits::HTTP_HEADER_BYTES);
        let (sender, connection) = builder.handshake(io).await?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self::One(sender))
    }

    /// Whether a request can be sent at once.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_ready(),
            Self::Two(sender) => !sender.is_closed(),
        }
    }

    /// The same connection for another request at the same time, if there can be one.
    pub(super) fn share(&self) -> Option<Self> {
        match self {
            Self::One(_) => None,
            Self::Two(sender) => Some(Self::Two(sender.clone())),
        }
    }

    /// Waits until it is free again; false when it is of no use any more.
    pub(super) async fn free(&mut self) -> bool {
        match self {
            Self::One(sender) => sender.ready().await.is_ok(),
            Self::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request. One that never left comes back, to be sent on another connection.
    pub(super) async fn send(
        &mut self,
        request: Request<Leaving>,
    ) -> Result<Response<Incoming>, (HttpError, Option<Request<Leaving>>)> {
        let sent = match self {
            Self::One(sender) => sender.try_send_request(request).await,
            Self::Two(sender) => sender.try_send_request(request).await,
        };
        sent.map_err(|mut unsent| {
            let request = unsent.take_message();
            (HttpError::from(unsent.into_error()), request)
        })
    }

    /// Makes the head fit for the version: HTTP/1.1 wants the host in a header and the path alone.
    pub(super) fn dress(
        &self,
        request: &mut Request<Leaving>,
        authority: &str,
        path: &str,
        whole: &str,
    ) -> Result<(), HttpError> {
        let uri = match self {
            Self::One(_) => {
                let host = http::HeaderValue::from_str(authority).map_err(|_| HttpError::Invalid)?;
                request.headers_mut().insert(http::header::HOST, host);
                path
            }
            Self::Two(_) => {
                request.headers_mut().remove(http::header::HOST);
                whole
            }
        };
        *request.uri_mut() = uri.parse().map_err(|_| HttpError::Invalid)?;
        *request.version_mut() = match self {
            Self::One(_) => http::Version::HTTP_11,
            Self::Two(_) => http::Version::HTTP_2,
        };
        Ok(())
    }
}

/// A body that is all here.
pub(super) fn whole(bytes: Bytes) -> Leaving {
    Leaving::Whole(bytes)
}

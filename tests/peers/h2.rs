//! A server of HTTP/2: it echoes, and trails what it says.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use serde_json::json;
use tokio_rustls::TlsAcceptor;

/// Starts it on a thread of its own and gives the port.
pub fn start(config: Arc<ServerConfig>) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || runtime.block_on(accept(listener, TlsAcceptor::from(config))));
    Ok(port)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (peer, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        // However a connection ends, it is the scenario that judges.
        tokio::spawn(async move {
            let secure = acceptor.accept(peer).await.map_err(io::Error::other)?;
            let serving = http2::Builder::new(TokioExecutor::new());
            serving.serve_connection(TokioIo::new(secure), service_fn(echo)).await.map_err(io::Error::other)
        });
    }
}

async fn echo(
    asked: Request<Incoming>,
) -> Result<Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>, hyper::Error> {
    let (head, body) = asked.into_parts();
    let body = body.collect().await?;
    let trailers = body.trailers().is_some();
    let told = json!({
        "method": head.method.as_str(), "path": head.uri.path(), "version": format!("{:?}", head.version),
        "body": String::from_utf8_lossy(&body.to_bytes()), "trailers": trailers,
    });
    let trailing =
        async { Some(Ok(HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("7"))]))) };
    Ok(Response::new(Full::from(told.to_string()).with_trailers(trailing).boxed()))
}

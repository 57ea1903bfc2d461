//! The smallest client that can hand a collector its batch: one request on one connection.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// How long connecting, and each read and write, may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read, in bytes.
const ANSWER: u64 = 64 * 1024;

/// Posts over plain HTTP/1.1. It blocks, and is meant for the exporter's own thread.
#[derive(Clone, Copy, Debug)]
pub struct Post;

impl Post {
    /// Whether this client can reach the address at all.
    ///
    /// # Errors
    /// For anything but `http://host[:port]/path`.
    pub(crate) fn check(endpoint: &str) -> Result<(), HttpError> {
        let request = Request::post(endpoint).body(Bytes::new())?;
        authority(&request).map(drop)
    }

    fn post(request: &Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (host, port) = authority(request)?;
        let mut stream = connect(&host, port)?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let mut head =
            format!("{} {path} HTTP/1.1\r\nhost: {host}:{port}\r\n", request.method()).into_bytes();
        for (name, value) in request.headers() {
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(
            format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body().len()).as_bytes(),
        );
        stream.write_all(&head)?;
        stream.write_all(request.body())?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer)?;
        // The exporter wants to know whether it was taken; what a collector says beside that is not looked at.
        Ok(Response::builder().status(status(&answer)?).body(Bytes::new())?)
    }
}

impl HttpClient for Post {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move { Self::post(&request) })
    }
}

/// Host and port of a request. User names, other schemes and addresses without a host are refused.
fn authority(request: &Request<Bytes>) -> Result<(String, u16), HttpError> {
    let uri = request.uri();
    let plain =
        uri.scheme_str() == Some("http") && uri.authority().is_some_and(|a| !a.as_str().contains('@'));
    match uri.host() {
        Some(host) if plain => Ok((host.to_owned(), uri.port_u16().unwrap_or(80))),
        _ => Err("the collector's address is not of the form http://host:port/path".into()),
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the collector's name has no address");
    for address in (host.trim_matches(['[', ']']), port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The status of an answer.
fn status(answer: &[u8]) -> Result<u16, HttpError> {
    let line = answer.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = std::str::from_utf8(line)?.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some(version), Some(status)) if version.starts_with("HTTP/1.") => Ok(status.parse()?),
        _ => Err("the collector's answer is not HTTP".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_taken() {
        for good in ["http://127.0.0.1:4318/v1/traces", "http://collector/v1/traces", "http://[::1]:4318/"] {
            assert!(Post::check(good).is_ok(), "{good}");
        }
        for bad in ["", "collector:4318", "https://collector/", "http://user:secret@collector/", "/v1/traces"]
        {
            assert!(Post::check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_status_of_an_answer_is_read() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), 204);
        for bad in [&b""[..], b"SSH-2.0", b"HTTP/1.1", b"HTTP/1.1 abc\r\n"] {
            assert!(status(bad).is_err());
        }
    }
}

//! Why there is no response, or no more of it.

use std::fmt;

use crate::net::ConnectError;

/// Why there is no response, or no more of it. No text of it holds an address or a name of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// No entry of `net`, or of a restricted principal's list, covers the host.
    Denied,
    /// A malformed URL, method, header or option.
    Invalid,
    /// The name has no address.
    Dns,
    /// The airlock forbids an address.
    Airlock,
    /// The secure connection could not be set up.
    Tls,
    /// A time limit passed.
    Timeout,
    /// The connection could not be made, or broke.
    Connection,
    /// The body is too long.
    TooLarge,
    /// The stream is closed.
    Closed,
    /// The capsule has as many streams as it may.
    Quota,
    /// A redirect was not permitted.
    RedirectBlocked,
    /// More redirects than the request permits.
    TooManyRedirects,
    /// The body is not the one that was expected.
    Integrity,
    /// A scheme that is not permitted.
    Scheme,
    /// The body grew beyond its limit while it was decompressed.
    Bomb,
    /// The other side broke the rules of HTTP.
    Protocol(&'static str),
    /// A fault of the host's machine.
    Fault(&'static str),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for HttpError {}

impl From<ConnectError> for HttpError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Unresolved => Self::Dns,
            ConnectError::Airlock(_) => Self::Airlock,
            ConnectError::TimedOut => Self::Timeout,
            ConnectError::Io(_) => Self::Connection,
        }
    }
}

impl From<hyper::Error> for HttpError {
    fn from(error: hyper::Error) -> Self {
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_parse_status() {
            Self::Protocol("the status is malformed")
        } else if error.is_parse() {
            Self::Protocol("the response is malformed")
        } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            Self::Connection
        } else {
            from_source(&error)
        }
    }
}

const MALFORMED: HttpError = HttpError::Protocol("the rules of HTTP were broken");

/// A broken connection is told apart from a peer that breaks the rules by what lies beneath.
fn from_source(error: &hyper::Error) -> HttpError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(own) = cause.downcast_ref::<HttpError>() {
            return *own;
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io.get_ref().and_then(|inner| inner.downcast_ref::<HttpError>()) {
                Some(own) => *own,
                None => match io.kind() {
                    // Bytes came, and they were not what they should have been.
                    std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => MALFORMED,
                    _ => HttpError::Connection,
                },
            };
        }
        source = cause.source();
    }
    MALFORMED
}

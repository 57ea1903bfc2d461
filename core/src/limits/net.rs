//! Sockets, the local socket, and HTTP.

use std::time::Duration;

use super::{KIB, MIB};

/// Longest host a guest may name, in bytes.
pub const HOST_NAME_BYTES: usize = 255;
/// Most addresses of one name; one with more has none that can be trusted.
pub const DNS_ANSWERS: usize = 64;
/// How long one question to a server of names may take.
pub const DNS_ATTEMPT: Duration = Duration::from_secs(2);
/// How often a server of names is asked before it is given up.
pub const DNS_ATTEMPTS: usize = 2;
/// Questions that one server may have open at once.
pub const DNS_LOOKUPS: usize = 1024;
/// How long what the machine says of its servers and its file of hosts is kept before it is asked again.
pub const DNS_SETTINGS_KEPT: Duration = Duration::from_secs(5);
/// How long the machine's own addresses are taken for known.
pub const OWN_ADDRESSES_KEPT: Duration = Duration::from_secs(1);
/// How long connecting may take, the lookup and every address together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest framed message of a stream, in bytes.
pub const FRAME_BYTES: usize = 10 * MIB;
/// How long a framed read waits for the length of a message.
pub const FRAME_HEADER_WAIT: Duration = Duration::from_millis(50);
/// Most bytes of one `read-bytes` or `peek`; more is clamped.
pub const SOCKET_CALL_BYTES: usize = 10 * MIB;
/// Longest wait of one `poll-accept`; more is clamped.
pub const POLL_ACCEPT: Duration = Duration::from_mins(1);
/// Connections that may wait to be accepted by one listener.
pub const LISTEN_BACKLOG: u32 = 128;
/// Longest datagram, in bytes.
pub const DATAGRAM_BYTES: usize = 65_507;
/// Datagrams of others than the fixed peer that one look for the peer's throws away at most.
pub const DATAGRAMS_PASSED_OVER: usize = 64;
/// How long closing a connection waits for what it has not sent, unless the guest sets a shorter time.
pub const LINGER: Duration = Duration::from_mins(1);
/// Shortest write timeout; a shorter one would end before anything could be tried.
pub const WRITE_TIMEOUT_LEAST: Duration = Duration::from_millis(1);

/// How long a client of the local socket may take over each message of the handshake.
pub const GREETING_STEP: Duration = Duration::from_secs(5);
/// Longest message of a client in the handshake, in bytes.
pub const GREETING_BYTES: usize = 4 * KIB;
/// How much of what a client says it is gets recorded, in characters.
pub const CLIENT_VERSION_CHARS: usize = 64;
/// Clients of the local socket that may be in the handshake or wait for a capsule; the system keeps others waiting.
pub const LOCAL_CLIENTS: usize = 64;
/// How long a client that has passed the handshake waits for a capsule before it is dropped.
pub const LOCAL_WAIT: Duration = Duration::from_secs(30);
/// The pause after the system had no connection to give, because the process has too many files open.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Longest URL of a request, in bytes.
pub const URL_BYTES: usize = 16 * KIB;
/// Most headers of a request, or of a response.
pub const HTTP_HEADERS: usize = 128;
/// Longest headers of a request, or of a response, together, in bytes.
pub const HTTP_HEADER_BYTES: usize = 64 * KIB;
/// Longest body of a response that is given whole, in bytes; a request may only lower it.
pub const HTTP_BODY_BYTES: u64 = 10 * MIB as u64;
/// Bytes of a response or an upload that wait between the guest and the network.
pub const HTTP_PIPE_BYTES: usize = 256 * KIB;
/// Longest lookup, connection and secure setup together; a request may only lower it.
pub const HTTP_CONNECT: Duration = Duration::from_secs(30);
/// Longest wait for the headers of a response; a request may only lower it.
pub const HTTP_FIRST_BYTE: Duration = Duration::from_mins(2);
/// Longest wait for the next piece of a body; a request may only lower it.
pub const HTTP_BETWEEN_BYTES: Duration = Duration::from_mins(2);
/// How long a request that is answered whole may take, unless it says otherwise.
pub const HTTP_TOTAL: Duration = Duration::from_secs(30);
/// The longest time a request may ask for.
pub const HTTP_TOTAL_MOST: Duration = Duration::from_mins(15);
/// Most redirects that are followed; a request may only lower it.
pub const HTTP_REDIRECTS: u32 = 10;
/// Most encodings of one body.
pub const HTTP_CODINGS: usize = 3;
/// Idle connections to one origin that are kept for one capsule and principal.
pub const HTTP_IDLE_EACH: usize = 4;
/// Idle connections that are kept in all.
pub const HTTP_IDLE: usize = 256;
/// How long an idle connection is kept.
pub const HTTP_IDLE_KEPT: Duration = Duration::from_mins(1);

/// How long the other side may take over so many bytes: 5 s and a millisecond for each KiB.
#[must_use]
pub const fn transfer_time(bytes: usize) -> Duration {
    Duration::from_millis(5000 + (bytes / KIB) as u64)
}

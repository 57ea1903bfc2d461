//! `astrid:net@1.0.0`: sockets and names.

use super::AuditRule::{Always, Refusals};
use super::Op;
use super::PermitClass::{Blocking, Io};
use super::QuotaClass::{Handles, Sockets};
use super::Refusal::{Arm, CloseResource, Trap};
use super::ScopeKind::{Address, Handle, Host, Nothing};

/// The package has no arm for cancellation; `closed` stands in for it.
const NET: Op = Op { permit: Blocking, refusal: Arm("closed"), built: true, ..Op::PLAIN };
/// Makes a socket or looks up a name.
const MAKE: Op = Op { scope: Address, audit: Always, ..NET };
/// Works on a socket, whose address was judged when it was made.
const SOCKET: Op = Op { scope: Handle, audit: Refusals, ..NET };
/// Gets or sets an option of a TCP stream.
const OPTION: Op = Op { arms: &["not-tcp", "unknown"], ..SOCKET };

ops! { MAKE_ROWS, "net", "astrid:net/host@1.0.0", MAKE;
    // The address is the host's own choice.
    BIND_UNIX fn "bind-unix" { capability: Some("net_bind"), scope: Nothing, arms: &["capability-denied", "unknown"] }
    BIND_TCP fn "bind-tcp" {
        capability: Some("net_bind"), quota: Sockets,
        arms: &[
            "capability-denied", "airlock-rejected", "address-in-use", "address-not-available", "quota", "unknown",
        ],
    }
    CONNECT_TCP fn "connect-tcp" {
        capability: Some("net_connect"), quota: Sockets, permit: Io, waits: true,
        arms: &[
            "closed", "capability-denied", "airlock-rejected", "connection-refused", "timeout",
            "address-not-available", "name-unresolvable", "quota", "unknown",
        ],
    }
    UDP_BIND fn "udp-bind" {
        capability: Some("net_udp"), quota: Sockets,
        arms: &[
            "capability-denied", "airlock-rejected", "address-in-use", "address-not-available", "quota", "unknown",
        ],
    }
    // Addresses that the airlock forbids are left out of the answer, which is no refusal.
    LOOKUP_HOST fn "lookup-host" {
        capability: Some("net_connect"), scope: Host, permit: Io, waits: true,
        arms: &["closed", "capability-denied", "timeout", "address-not-available", "name-unresolvable", "unknown"],
    }
}

ops! { SOCKET_ROWS, "net", "astrid:net/host@1.0.0", SOCKET;
    UNIX_LISTENER_ACCEPT method "unix-listener.accept" {
        quota: Sockets, audit: Always, permit: Io, waits: true, arms: &["closed", "quota", "unknown"],
    }
    // At the cap, or when a peer is turned away, the answer is none.
    UNIX_LISTENER_POLL_ACCEPT method "unix-listener.poll-accept" {
        quota: Sockets, audit: Always, permit: Io, waits: true, arms: &["closed", "unknown"],
    }
    UNIX_LISTENER_SUBSCRIBE_READINESS method "unix-listener.subscribe-readiness" { quota: Handles, refusal: Trap }
    TCP_LISTENER_ACCEPT method "tcp-listener.accept" {
        quota: Sockets, audit: Always, permit: Io, waits: true, arms: &["closed", "quota", "unknown"],
    }
    TCP_LISTENER_POLL_ACCEPT method "tcp-listener.poll-accept" {
        quota: Sockets, audit: Always, permit: Io, waits: true, arms: &["closed", "quota", "unknown"],
    }
    TCP_LISTENER_LOCAL_ADDR method "tcp-listener.local-addr" { arms: &["unknown"] }
    TCP_LISTENER_SUBSCRIBE_READINESS method "tcp-listener.subscribe-readiness" { quota: Handles, refusal: Trap }
    // A peer that is gone is the status `closed`, and so is cancellation.
    TCP_STREAM_READ method "tcp-stream.read" { permit: Io, waits: true, arms: &["unknown"] }
    TCP_STREAM_WRITE method "tcp-stream.write" {
        permit: Io, waits: true, arms: &["closed", "connection-reset", "unknown"],
    }
    TCP_STREAM_READ_BYTES method "tcp-stream.read-bytes" {
        permit: Io, waits: true, arms: &["would-block", "closed", "unknown"],
    }
    TCP_STREAM_WRITE_BYTES method "tcp-stream.write-bytes" {
        permit: Io, waits: true, arms: &["would-block", "closed", "connection-reset", "unknown"],
    }
    TCP_STREAM_PEEK method "tcp-stream.peek" {
        permit: Io, waits: true, arms: &["would-block", "closed", "not-tcp", "unknown"],
    }
    TCP_STREAM_SHUTDOWN method "tcp-stream.shutdown" { arms: &["connection-reset", "unknown"] }
    TCP_STREAM_SUBSCRIBE_READABLE method "tcp-stream.subscribe-readable" { quota: Handles, refusal: Trap }
    TCP_STREAM_READ_STREAM method "tcp-stream.read-stream" { quota: Handles, refusal: CloseResource }
    TCP_STREAM_WRITE_STREAM method "tcp-stream.write-stream" { quota: Handles, refusal: CloseResource }
    UDP_SOCKET_SEND_TO method "udp-socket.send-to" {
        scope: Address, audit: Always, permit: Io, waits: true,
        arms: &[
            "closed", "capability-denied", "airlock-rejected", "address-not-available", "name-unresolvable", "unknown",
        ],
    }
    UDP_SOCKET_RECV_FROM method "udp-socket.recv-from" {
        permit: Io, waits: true, arms: &["closed", "unknown"],
    }
    UDP_SOCKET_CONNECT method "udp-socket.connect" {
        scope: Address, audit: Always, permit: Io, waits: true,
        arms: &[
            "closed", "capability-denied", "airlock-rejected", "address-not-available", "name-unresolvable",
            "unknown",
        ],
    }
    UDP_SOCKET_DISCONNECT method "udp-socket.disconnect" { arms: &["unknown"] }
    // The system takes a datagram at once, or drops it.
    UDP_SOCKET_SEND method "udp-socket.send" { arms: &["unknown"] }
    UDP_SOCKET_RECV method "udp-socket.recv" {
        permit: Io, waits: true, arms: &["closed", "unknown"],
    }
    UDP_SOCKET_PEER_ADDR method "udp-socket.peer-addr" { arms: &["unknown"] }
    UDP_SOCKET_LOCAL_ADDR method "udp-socket.local-addr" { arms: &["unknown"] }
    UDP_SOCKET_SET_READ_TIMEOUT method "udp-socket.set-read-timeout" { arms: &["unknown"] }
    UDP_SOCKET_SUBSCRIBE_READABLE method "udp-socket.subscribe-readable" { quota: Handles, refusal: Trap }
}

ops! { OPTION_ROWS, "net", "astrid:net/host@1.0.0", OPTION;
    TCP_STREAM_PEER_ADDR method "tcp-stream.peer-addr" {}
    TCP_STREAM_LOCAL_ADDR method "tcp-stream.local-addr" {}
    TCP_STREAM_SET_NODELAY method "tcp-stream.set-nodelay" {}
    TCP_STREAM_NODELAY method "tcp-stream.nodelay" {}
    TCP_STREAM_SET_READ_TIMEOUT method "tcp-stream.set-read-timeout" {}
    TCP_STREAM_READ_TIMEOUT method "tcp-stream.read-timeout" {}
    TCP_STREAM_SET_WRITE_TIMEOUT method "tcp-stream.set-write-timeout" {}
    TCP_STREAM_WRITE_TIMEOUT method "tcp-stream.write-timeout" {}
    TCP_STREAM_SET_HOP_LIMIT method "tcp-stream.set-hop-limit" {}
    TCP_STREAM_HOP_LIMIT method "tcp-stream.hop-limit" {}
    TCP_STREAM_SET_KEEPALIVE method "tcp-stream.set-keepalive" {}
    TCP_STREAM_KEEPALIVE method "tcp-stream.keepalive" {}
    TCP_STREAM_SET_LINGER method "tcp-stream.set-linger" {}
    TCP_STREAM_LINGER method "tcp-stream.linger" {}
    TCP_STREAM_SET_REUSEADDR method "tcp-stream.set-reuseaddr" {}
    TCP_STREAM_REUSEADDR method "tcp-stream.reuseaddr" {}
}

//! `astrid:http@1.0.0`: requests to named hosts.

use super::AuditRule::{Always, Never};
use super::QuotaClass::{Handles, HttpStreams};
use super::Refusal::{Arm, CloseResource, Fallback, Trap};
use super::{Op, PermitClass, ScopeKind};

/// The package has no arm for cancellation; `closed` stands in for it.
const REQUEST: Op = Op {
    capability: Some("net"),
    scope: ScopeKind::Url,
    audit: Always,
    permit: PermitClass::Io,
    waits: true,
    refusal: Arm("closed"),
    built: true,
    ..Op::PLAIN
};
/// Works on a response that was judged when it was asked for.
const STREAM: Op = Op { scope: ScopeKind::Handle, refusal: Arm("closed"), built: true, ..Op::PLAIN };

ops! { REQUEST_ROWS, "http", "astrid:http/host@1.0.0", REQUEST;
    HTTP_REQUEST fn "http-request" {
        arms: &[
            "capability-denied", "invalid-request", "dns-error", "airlock-rejected", "tls-error", "timeout",
            "connection-error", "body-too-large", "closed", "protocol", "unknown",
        ],
    }
    // The body is not read yet, so it cannot be too large.
    HTTP_STREAM_START fn "http-stream-start" {
        quota: HttpStreams,
        arms: &[
            "capability-denied", "invalid-request", "dns-error", "airlock-rejected", "tls-error", "timeout",
            "connection-error", "closed", "quota", "protocol", "unknown",
        ],
    }
}

ops! { STREAM_ROWS, "http", "astrid:http/host@1.0.0", STREAM;
    HTTP_STREAM_STATUS method "http-stream.status" { audit: Never, refusal: Fallback }
    HTTP_STREAM_HEADERS method "http-stream.headers" { audit: Never, refusal: Fallback }
    HTTP_STREAM_READ_CHUNK method "http-stream.read-chunk" {
        permit: PermitClass::Io, waits: true,
        arms: &["timeout", "connection-error", "closed", "protocol", "unknown"],
    }
    HTTP_STREAM_BODY_STREAM method "http-stream.body-stream" { quota: Handles, refusal: CloseResource }
    HTTP_STREAM_SUBSCRIBE_READABLE method "http-stream.subscribe-readable" { quota: Handles, refusal: Trap }
    // Closing succeeds, however often.
    HTTP_STREAM_CLOSE method "http-stream.close" { audit: Never }
}

//! `astrid:http@1.1.0`: requests with options, trailing headers and streamed uploads.

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
    arms: WHOLE,
    built: true,
    ..Op::PLAIN
};
/// Works on a response or an upload that was judged when it was asked for.
const STREAM: Op = Op { scope: ScopeKind::Handle, refusal: Arm("closed"), built: true, ..Op::PLAIN };

/// What can become of a response that is read to its end.
const WHOLE: &[&str] = &[
    "capability-denied",
    "invalid-request",
    "dns-error",
    "airlock-rejected",
    "tls-error",
    "timeout",
    "connection-error",
    "body-too-large",
    "closed",
    "redirect-blocked",
    "too-many-redirects",
    "integrity-mismatch",
    "scheme-denied",
    "decompression-bomb",
    "protocol",
    "unknown",
];
/// The same without options: no digest is expected.
const PLAIN: &[&str] = &[
    "capability-denied",
    "invalid-request",
    "dns-error",
    "airlock-rejected",
    "tls-error",
    "timeout",
    "connection-error",
    "body-too-large",
    "closed",
    "redirect-blocked",
    "too-many-redirects",
    "scheme-denied",
    "decompression-bomb",
    "protocol",
    "unknown",
];
/// What can become of a response up to its headers.
const HEADERS: &[&str] = &[
    "capability-denied",
    "invalid-request",
    "dns-error",
    "airlock-rejected",
    "tls-error",
    "timeout",
    "connection-error",
    "closed",
    "quota",
    "redirect-blocked",
    "too-many-redirects",
    "scheme-denied",
    "protocol",
    "unknown",
];

ops! { REQUEST_ROWS, "http@1.1.0", "astrid:http/host@1.1.0", REQUEST;
    HTTP_REQUEST fn "http-request" { arms: PLAIN }
    HTTP_REQUEST_OPTS fn "http-request-opts" {}
    HTTP_STREAM_START fn "http-stream-start" { quota: HttpStreams, arms: HEADERS }
    HTTP_STREAM_START_OPTS fn "http-stream-start-opts" { quota: HttpStreams, arms: HEADERS }
    HTTP_UPLOAD_START fn "http-upload-start" {
        quota: HttpStreams,
        arms: &[
            "capability-denied", "invalid-request", "dns-error", "airlock-rejected", "tls-error", "timeout",
            "connection-error", "closed", "quota", "scheme-denied", "unknown",
        ],
    }
}

ops! { STREAM_ROWS, "http@1.1.0", "astrid:http/host@1.1.0", STREAM;
    HTTP_STREAM_STATUS method "http-stream.status" { audit: Never, refusal: Fallback }
    HTTP_STREAM_HEADERS method "http-stream.headers" { audit: Never, refusal: Fallback }
    HTTP_STREAM_READ_CHUNK method "http-stream.read-chunk" {
        permit: PermitClass::Io, waits: true,
        arms: &[
            "timeout", "connection-error", "body-too-large", "closed", "integrity-mismatch", "decompression-bomb",
            "protocol", "unknown",
        ],
    }
    HTTP_STREAM_TRAILERS method "http-stream.trailers" { arms: &["closed", "unknown"] }
    HTTP_STREAM_BODY_STREAM method "http-stream.body-stream" { quota: Handles, refusal: CloseResource }
    HTTP_STREAM_SUBSCRIBE_READABLE method "http-stream.subscribe-readable" { quota: Handles, refusal: Trap }
    // Closing succeeds, however often.
    HTTP_STREAM_CLOSE method "http-stream.close" { audit: Never }
    HTTP_UPLOAD_BODY_SINK method "http-upload.body-sink" { quota: Handles, refusal: CloseResource }
    HTTP_UPLOAD_SUBSCRIBE_WRITABLE method "http-upload.subscribe-writable" { quota: Handles, refusal: Trap }
    HTTP_UPLOAD_FINISH method "http-upload.finish" {
        audit: Always, permit: PermitClass::Io, waits: true,
        arms: &["timeout", "connection-error", "closed", "protocol", "unknown"],
    }
}

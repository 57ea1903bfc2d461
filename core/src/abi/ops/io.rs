//! `astrid:io@1.0.0`: readiness, streams of bytes and the error a stream can carry.

use super::AuditRule::{Always, Never, Refusals};
use super::PermitClass::Io;
use super::QuotaClass::Handles;
use super::Refusal::{Arm, Fallback, Trap};
use super::{Op, ScopeKind};

/// Handles are their own authority: whoever was given one may use it.
const IO: Op = Op { scope: ScopeKind::Handle, ..Op::PLAIN };
/// Waiting has an arm for cancellation. `closed` is for a guest that outlives what it watches, such as a subscription it
/// has dropped.
const POLL_BASE: Op = Op { refusal: Arm("cancelled"), built: true, ..IO };
/// A stream has no arm that says why: it is closed.
const STREAM: Op = Op {
    audit: Always,
    refusal: Arm("closed"),
    arms: &["last-operation-failed", "closed"],
    built: true,
    ..IO
};

ops! { ERROR_ROWS, "io", "astrid:io/error@1.0.0", IO;
    ERROR_TO_DEBUG_STRING method "error.to-debug-string" {
        audit: Never, refusal: Fallback, built: true,
    }
}

ops! { POLL_ROWS, "io.poll", "astrid:io/poll@1.0.0", POLL_BASE;
    POLL fn "poll" {
        audit: Always, permit: Io, waits: true, arms: &["invalid-input", "closed", "too-large", "cancelled", "unknown"],
    }
}

ops! { POLLABLE_ROWS, "io", "astrid:io/poll@1.0.0", POLL_BASE;
    POLLABLE_READY method "pollable.ready" { audit: Never, refusal: Fallback }
    POLLABLE_BLOCK method "pollable.block" {
        audit: Always, permit: Io, waits: true, arms: &["closed", "cancelled", "unknown"],
    }
}

ops! { STREAM_ROWS, "io", "astrid:io/streams@1.0.0", STREAM;
    INPUT_STREAM_READ method "input-stream.read" {}
    INPUT_STREAM_BLOCKING_READ method "input-stream.blocking-read" { permit: Io, waits: true }
    INPUT_STREAM_SKIP method "input-stream.skip" {}
    INPUT_STREAM_BLOCKING_SKIP method "input-stream.blocking-skip" { permit: Io, waits: true }
    INPUT_STREAM_SUBSCRIBE method "input-stream.subscribe" {
        quota: Handles, audit: Refusals, refusal: Trap, arms: &[],
    }
    OUTPUT_STREAM_CHECK_WRITE method "output-stream.check-write" { audit: Refusals }
    OUTPUT_STREAM_WRITE method "output-stream.write" {}
    OUTPUT_STREAM_BLOCKING_WRITE_AND_FLUSH method "output-stream.blocking-write-and-flush" { permit: Io, waits: true }
    OUTPUT_STREAM_FLUSH method "output-stream.flush" {}
    OUTPUT_STREAM_BLOCKING_FLUSH method "output-stream.blocking-flush" { permit: Io, waits: true }
    OUTPUT_STREAM_SUBSCRIBE method "output-stream.subscribe" {
        quota: Handles, audit: Refusals, refusal: Trap, arms: &[],
    }
    OUTPUT_STREAM_WRITE_ZEROES method "output-stream.write-zeroes" {}
    OUTPUT_STREAM_BLOCKING_WRITE_ZEROES_AND_FLUSH method "output-stream.blocking-write-zeroes-and-flush" {
        permit: Io, waits: true,
    }
    OUTPUT_STREAM_SPLICE method "output-stream.splice" {}
    OUTPUT_STREAM_BLOCKING_SPLICE method "output-stream.blocking-splice" { permit: Io, waits: true }
}

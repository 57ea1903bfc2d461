//! `astrid:ipc@1.0.0`: publish and subscribe.

use super::AuditRule::{Always, Never};
use super::Op;
use super::PermitClass::Io;
use super::QuotaClass::{Handles, Subscriptions, Throughput};
use super::Refusal::{Arm, Trap};
use super::ScopeKind::{Handle, Topic};

/// The package has no arm for cancellation; `closed` stands in for it.
const IPC: Op = Op { refusal: Arm("closed"), built: true, ..Op::PLAIN };

ops! { ROWS, "ipc", "astrid:ipc/host@1.0.0", IPC;
    // Waits for room with the handlers that want the message.
    PUBLISH fn "publish" {
        capability: Some("publish"), scope: Topic, quota: Throughput, permit: Io, waits: true, audit: Always,
        arms: &["capability-denied", "invalid-input", "closed", "rate-limited", "backpressure", "unknown"],
    }
    // Needs the `[publish]` table as well.
    PUBLISH_AS fn "publish-as" {
        capability: Some("uplink"), scope: Topic, quota: Throughput, permit: Io, waits: true, audit: Always,
        arms: &["capability-denied", "invalid-input", "closed", "rate-limited", "backpressure", "unknown"],
    }
    SUBSCRIBE fn "subscribe" {
        capability: Some("subscribe"), scope: Topic, quota: Subscriptions, audit: Always,
        arms: &["capability-denied", "invalid-input", "quota", "unknown"],
    }
    // The bindings come from the capsule's own manifest, which is in memory.
    GET_INTERCEPTOR_BINDINGS fn "get-interceptor-bindings" { audit: Never }
    // Nothing but the end of the capsule closes a subscription under its guest, and a guest that polls does not wait
    // for that: `closed` is for `recv` to show.
    SUBSCRIPTION_POLL method "subscription.poll" { scope: Handle, stateful: true, arms: &["unknown"] }
    SUBSCRIPTION_RECV method "subscription.recv" {
        scope: Handle, permit: Io, waits: true, stateful: true, arms: &["timeout", "closed", "unknown"],
    }
    SUBSCRIPTION_SUBSCRIBE_READINESS method "subscription.subscribe-readiness" {
        scope: Handle, quota: Handles, refusal: Trap,
    }
}

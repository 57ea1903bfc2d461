//! `astrid:uplink@1.0.0`: channels to the outside, and messages from them.

use super::AuditRule::Always;
use super::Op;
use super::QuotaClass::Uplinks;

/// Registrations belong to one capsule and one principal.
const UPLINK: Op = Op {
    capability: Some("uplink"),
    quota: Uplinks,
    audit: Always,
    stateful: true,
    built: true,
    ..Op::PLAIN
};

ops! { ROWS, "uplink", "astrid:uplink/host@1.0.0", UPLINK;
    UPLINK_REGISTER fn "uplink-register" {
        arms: &["capability-denied", "invalid-input", "invalid-profile", "quota", "unknown"],
    }
    // Waits for the embedder's answer. The package has no arm for cancellation: what became of the message is
    // `unknown`.
    UPLINK_SEND fn "uplink-send" {
        waits: true,
        arms: &["capability-denied", "invalid-input", "unknown-uplink", "no-session", "quota", "unknown"],
    }
}

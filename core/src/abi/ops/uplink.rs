//! `astrid:uplink@1.0.0`: channels to the outside, and messages from them.

use super::AuditRule::Always;
use super::Op;
use super::QuotaClass::Uplinks;

/// Registrations belong to the capsule, whichever principal it acts for.
const UPLINK: Op = Op { capability: Some("uplink"), quota: Uplinks, audit: Always, built: true, ..Op::PLAIN };

ops! { ROWS, "uplink", "astrid:uplink/host@1.0.0", UPLINK;
    UPLINK_REGISTER fn "uplink-register" {
        arms: &["capability-denied", "invalid-input", "invalid-profile", "quota", "unknown"],
    }
    // Waits for the embedder's answer. The package has no arm for cancellation: what became of the message is
    // `unknown`. `quota` is a guard of the host: a guest would have to make more calls at once than it may, each with a
    // message in flight.
    UPLINK_SEND fn "uplink-send" {
        waits: true,
        arms: &["capability-denied", "invalid-input", "unknown-uplink", "no-session", "unknown"],
    }
}

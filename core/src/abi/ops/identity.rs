//! `astrid:identity@1.0.0`: who a user of an outside platform is to the host.

use super::{AuditRule, Op, PermitClass, ScopeKind};

const IDENTITY: Op = Op {
    capability: Some("identity"),
    scope: ScopeKind::Level,
    audit: AuditRule::Always,
    permit: PermitClass::Blocking,
    built: true,
    ..Op::PLAIN
};

ops! { ROWS, "identity", "astrid:identity/host@1.0.0", IDENTITY;
    IDENTITY_RESOLVE fn "identity-resolve" {
        arms: &["capability-denied", "invalid-input", "link-not-found", "store-unavailable", "unknown"],
    }
    IDENTITY_LINK fn "identity-link" {
        arms: &[
            "capability-denied", "invalid-input", "user-not-found", "already-linked", "store-unavailable", "unknown",
        ],
    }
    IDENTITY_UNLINK fn "identity-unlink" {
        arms: &["capability-denied", "invalid-input", "link-not-found", "store-unavailable", "unknown"],
    }
    // An unknown user has no links, which is no error.
    IDENTITY_LIST_LINKS fn "identity-list-links" {
        arms: &["capability-denied", "invalid-input", "store-unavailable", "unknown"],
    }
    IDENTITY_CREATE_USER fn "identity-create-user" {
        arms: &["capability-denied", "invalid-input", "store-unavailable", "unknown"],
    }
}

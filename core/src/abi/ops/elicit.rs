//! `astrid:elicit@1.0.0`: questions to a person during installation and upgrade.

use super::AuditRule::Always;
use super::PermitClass::Blocking;
use super::QuotaClass::Questions;
use super::Refusal::Arm;
use super::{Op, ScopeKind};

/// Not gated: the lifecycle is the gate. Both read or write the principal's own secrets.
const ELICIT_BASE: Op = Op { scope: ScopeKind::Key, audit: Always, stateful: true, built: true, ..Op::PLAIN };

ops! { ROWS, "elicit", "astrid:elicit/host@1.0.0", ELICIT_BASE;
    // Holds no permit: a person may take minutes.
    ELICIT fn "elicit" {
        quota: Questions, waits: true, human: true, refusal: Arm("cancelled"),
        arms: &["not-in-lifecycle", "timeout", "cancelled", "invalid-input", "store-unavailable", "unknown"],
    }
    // May be asked at any time and waits for nobody, so it is never `not-in-lifecycle`, `timeout` or `cancelled`.
    HAS_SECRET fn "has-secret" { permit: Blocking, arms: &["invalid-input", "store-unavailable", "unknown"] }
}

//! `astrid:approval@1.0.0`: consent of a person to one action.

use super::AuditRule::Always;
use super::Op;
use super::QuotaClass::Questions;
use super::Refusal::Arm;

ops! { ROWS, "approval", "astrid:approval/host@1.0.0", Op::PLAIN;
    // Holds no permit: a person may take a minute. The package has no arm for cancellation; `timeout` stands in for it.
    REQUEST_APPROVAL fn "request-approval" {
        quota: Questions, audit: Always, waits: true, human: true, stateful: true, refusal: Arm("timeout"), built: true,
        arms: &["invalid-input", "timeout", "store-unavailable", "unknown"],
    }
}

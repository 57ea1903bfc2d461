//! `astrid:sys@1.0.0`: settings, the caller, the log, clocks, randomness and a capsule's own rights.

use super::AuditRule::{Always, Never};
use super::Refusal::{Fallback, Silent};
use super::{Op, ScopeKind};

/// None of these is gated, so `capability-denied` is never answered.
const SYS: Op = Op { built: true, ..Op::PLAIN };

ops! { ROWS, "sys", "astrid:sys/host@1.0.0", SYS;
    GET_CONFIG fn "get-config" { scope: ScopeKind::Key, stateful: true, arms: &["config-key-reserved", "unknown"] }
    // The caller comes with the call: nothing is looked up that could fail.
    GET_CALLER fn "get-caller" { audit: Never }
    LOG fn "log" { audit: Always, refusal: Silent }
    SIGNAL_READY fn "signal-ready" { audit: Never, refusal: Silent }
    CLOCK_MS fn "clock-ms" { audit: Never, refusal: Fallback }
    CLOCK_MONOTONIC_NS fn "clock-monotonic-ns" { audit: Never, refusal: Fallback }
    SLEEP_NS fn "sleep-ns" { waits: true, arms: &["too-large", "cancelled", "unknown"] }
    RANDOM_BYTES fn "random-bytes" { arms: &["too-large", "unknown"] }
    // Hooks of installation and upgrade have no registry to ask; an unknown id or name is simply not allowed.
    CHECK_CAPSULE_CAPABILITY fn "check-capsule-capability" { arms: &["registry-unavailable", "unknown"] }
    ENUMERATE_CAPABILITIES fn "enumerate-capabilities" { audit: Never, refusal: Fallback }
}

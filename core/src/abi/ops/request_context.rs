//! `astrid:request-context@1.0.0`: who stands behind an accepted connection.

use super::{AuditRule, Op, Refusal, ScopeKind};

/// Holding the connection is the only right that is needed. The errors are those of `net`; a stream that is gone traps.
const CONTEXT: Op = Op {
    scope: ScopeKind::Handle,
    audit: AuditRule::Never,
    refusal: Refusal::Arm("closed"),
    built: true,
    ..Op::PLAIN
};

ops! { ROWS, "request-context", "astrid:request-context/host@1.0.0", CONTEXT;
    CONNECTION_OWNER fn "connection-owner" {}
    CONNECTION_PRINCIPAL fn "connection-principal" {}
}

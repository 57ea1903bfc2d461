//! The rows of `astrid:process`, whose versions have the same functions and differ in what a request may carry.

/// Writes them for one version.
macro_rules! process_rows {
    ($package:literal, $import:literal) => {
        use super::AuditRule::Always;
        use super::PermitClass::{Blocking, Io};
        use super::QuotaClass::{Handles, Processes};
        use super::Refusal::{Arm, Trap};
        use super::{Op, ScopeKind};

        const PROCESS: Op = Op { permit: Blocking, refusal: Arm("cancelled"), stateful: true, built: true, ..Op::PLAIN };
        /// Starts a program.
        const START: Op = Op {
            capability: Some("host_process"),
            scope: ScopeKind::Command,
            quota: Processes,
            audit: Always,
            ..PROCESS
        };
        /// Works on a program that was judged when it was started, by its id or through a handle.
        const KNOWN: Op = Op { scope: ScopeKind::Handle, arms: &["no-such-process", "unknown"], ..PROCESS };
        const HANDLE: Op = Op { arms: &["capability-denied", "unknown"], ..KNOWN };

        ops! { START_ROWS, $package, $import, START;
            SPAWN fn "spawn" {
                permit: Io, waits: true,
                arms: &[
                    "capability-denied", "invalid-input", "boundary-escape", "quota", "too-large", "cancelled", "unknown",
                ],
            }
            SPAWN_BACKGROUND fn "spawn-background" {
                arms: &["capability-denied", "invalid-input", "boundary-escape", "quota", "too-large", "unknown"],
            }
            // Needs `allow_persistent` as well.
            SPAWN_PERSISTENT fn "spawn-persistent" {
                arms: &[
                    "capability-denied", "invalid-input", "boundary-escape", "quota", "too-large", "registry-full",
                    "persist-unsupported", "unknown",
                ],
            }
        }

        ops! { KNOWN_ROWS, $package, $import, KNOWN;
            ATTACH fn "attach" { quota: Handles, audit: Always }
            LIST_PROCESSES fn "list-processes" { arms: &["unknown"] }
            STATUS fn "status" {}
            STATUS_MANY fn "status-many" { arms: &["unknown"] }
            READ_LOGS fn "read-logs" {}
            READ_SINCE fn "read-since" {}
            WRITE_STDIN fn "write-stdin" {
                audit: Always, permit: Io, waits: true,
                arms: &["too-large", "closed", "cancelled", "no-such-process", "unknown"],
            }
            CLOSE_STDIN fn "close-stdin" { audit: Always }
            SIGNAL fn "signal" { audit: Always }
            WAIT fn "wait" {
                permit: Io, waits: true, arms: &["cancelled", "wait-timeout", "no-such-process", "unknown"],
            }
            STOP fn "stop" {
                audit: Always, permit: Io, waits: true, arms: &["cancelled", "no-such-process", "unknown"],
            }
            RELEASE_PROCESS fn "release-process" {
                audit: Always, arms: &["invalid-input", "no-such-process", "unknown"],
            }
            WATCH fn "watch" { audit: Always, arms: &["invalid-input", "no-such-process", "unknown"] }
            UNWATCH fn "unwatch" { audit: Always }
        }

        ops! { HANDLE_ROWS, $package, $import, HANDLE;
            PROCESS_HANDLE_READ_LOGS method "process-handle.read-logs" {}
            PROCESS_HANDLE_WRITE_STDIN method "process-handle.write-stdin" {
                audit: Always, permit: Io, waits: true,
                arms: &["capability-denied", "too-large", "closed", "cancelled", "unknown"],
            }
            PROCESS_HANDLE_CLOSE_STDIN method "process-handle.close-stdin" { audit: Always }
            PROCESS_HANDLE_SIGNAL method "process-handle.signal" {
                audit: Always, arms: &["capability-denied", "closed", "unknown"],
            }
            PROCESS_HANDLE_KILL method "process-handle.kill" { audit: Always }
            // Only a handle from `attach` refuses to wait without limit.
            PROCESS_HANDLE_WAIT method "process-handle.wait" {
                permit: Io, waits: true,
                arms: &["capability-denied", "invalid-input", "closed", "cancelled", "wait-timeout", "unknown"],
            }
            PROCESS_HANDLE_WAIT_WITH_OUTPUT method "process-handle.wait-with-output" {
                permit: Io, waits: true,
                arms: &["capability-denied", "invalid-input", "closed", "cancelled", "wait-timeout", "unknown"],
            }
            PROCESS_HANDLE_OS_PID method "process-handle.os-pid" {
                arms: &["capability-denied", "closed", "unknown"],
            }
            PROCESS_HANDLE_SUBSCRIBE_EXIT method "process-handle.subscribe-exit" {
                quota: Handles, refusal: Trap, arms: &[],
            }
            PROCESS_HANDLE_SUBSCRIBE_LOGS method "process-handle.subscribe-logs" {
                quota: Handles, refusal: Trap, arms: &[],
            }
        }
    };
}

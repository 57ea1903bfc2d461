//! `astrid:fs@1.0.0`: paths below the principal's roots, and open files.
//!
//! Whatever writes may answer `quota` when the disk is full, and whatever opens may answer `closed` when the guest is being
//! stopped; the rows name what a guest itself can bring about.

use super::AuditRule::{Always, Refusals};
use super::QuotaClass::{Handles, Storage};
use super::{Op, PermitClass, Refusal, ScopeKind};

/// The package has no arm for cancellation; `closed` stands in for it.
const FS: Op = Op {
    permit: PermitClass::Blocking,
    refusal: Refusal::Arm("closed"),
    stateful: true,
    built: true,
    ..Op::PLAIN
};
/// Looks at a path.
const READ: Op = Op { capability: Some("fs_read"), scope: ScopeKind::Path, audit: Always, arms: PATH, ..FS };
/// Changes what is at a path.
const WRITE: Op = Op { capability: Some("fs_write"), ..READ };
/// Works on an open file, which was judged when it was opened.
const HANDLE: Op = Op { scope: ScopeKind::Handle, audit: Refusals, ..FS };

/// What any path can lead to.
const PATH: &[&str] = &[
    "not-found",
    "access",
    "capability-denied",
    "boundary-escape",
    "invalid-path",
    "not-directory",
    "unknown",
];

ops! { READ_ROWS, "fs", "astrid:fs/host@1.0.0", READ;
    // Modes other than `read` need `fs_write` in its place.
    FS_OPEN fn "fs-open" {
        quota: Handles,
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "quota", "unknown",
        ],
    }
    FS_EXISTS fn "fs-exists" { arms: &["access", "capability-denied", "boundary-escape", "invalid-path", "unknown"] }
    FS_STAT fn "fs-stat" {}
    FS_STAT_SYMLINK fn "fs-stat-symlink" {}
    FS_CANONICALIZE fn "fs-canonicalize" {}
    FS_READ_LINK fn "fs-read-link" {}
    FS_READDIR fn "fs-readdir" {
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "not-directory", "too-large",
            "unknown",
        ],
    }
    READ_FILE fn "read-file" {
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "too-large", "unknown",
        ],
    }
}

ops! { WRITE_ROWS, "fs", "astrid:fs/host@1.0.0", WRITE;
    WRITE_FILE fn "write-file" {
        quota: Storage,
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "too-large", "quota", "unknown",
        ],
    }
    FS_APPEND fn "fs-append" {
        quota: Storage,
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "too-large", "quota", "unknown",
        ],
    }
    // Needs `fs_read` for its source as well.
    FS_COPY fn "fs-copy" {
        quota: Storage,
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "too-large", "quota", "unknown",
        ],
    }
    FS_RENAME fn "fs-rename" {
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "not-empty", "cross-vfs", "unknown",
        ],
    }
    FS_HARD_LINK fn "fs-hard-link" {
        quota: Storage,
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "quota", "cross-vfs", "already-exists", "unknown",
        ],
    }
    FS_UNLINK fn "fs-unlink" {
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "is-directory",
            "not-directory", "unknown",
        ],
    }
    FS_MKDIR fn "fs-mkdir" {
        quota: Storage,
        arms: &[
            "not-found", "access", "capability-denied", "boundary-escape", "invalid-path", "not-directory", "quota",
            "already-exists", "unknown",
        ],
    }
    FS_MKDIR_ALL fn "fs-mkdir-all" {
        quota: Storage,
        arms: &[
            "access", "capability-denied", "boundary-escape", "invalid-path", "not-directory", "quota",
            "already-exists", "unknown",
        ],
    }
    FS_REMOVE_DIR_ALL fn "fs-remove-dir-all" {}
}

ops! { HANDLE_ROWS, "fs", "astrid:fs/host@1.0.0", HANDLE;
    // Gives fewer bytes where more were asked for than one call carries.
    FILE_HANDLE_READ_AT method "file-handle.read-at" { arms: &["access", "closed", "unknown"] }
    FILE_HANDLE_WRITE_AT method "file-handle.write-at" {
        quota: Storage, audit: Always, arms: &["access", "too-large", "closed", "unknown"],
    }
    FILE_HANDLE_SYNC_DATA method "file-handle.sync-data" { arms: &["closed", "unknown"] }
    FILE_HANDLE_SYNC_ALL method "file-handle.sync-all" { arms: &["closed", "unknown"] }
    FILE_HANDLE_STAT method "file-handle.stat" { arms: &["closed", "unknown"] }
    FILE_HANDLE_SET_LEN method "file-handle.set-len" {
        quota: Storage, audit: Always, arms: &["access", "too-large", "closed", "unknown"],
    }
}

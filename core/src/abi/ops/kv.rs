//! `astrid:kv@1.0.0`: values by key, private to one capsule and one principal.

use super::AuditRule::Always;
use super::PermitClass::Blocking;
use super::QuotaClass::Storage;
use super::{Op, ScopeKind};

/// No capability gates the store: the namespace itself is the confinement.
const KV: Op = Op { scope: ScopeKind::Key, permit: Blocking, stateful: true, built: true, ..Op::PLAIN };

ops! { ROWS, "kv", "astrid:kv/host@1.0.0", KV;
    KV_GET fn "kv-get" { arms: &["invalid-key", "unknown"] }
    KV_SET fn "kv-set" { quota: Storage, audit: Always, arms: &["invalid-key", "too-large", "quota", "unknown"] }
    KV_DELETE fn "kv-delete" { audit: Always, arms: &["invalid-key", "unknown"] }
    KV_LIST_KEYS fn "kv-list-keys" { arms: &["invalid-key", "too-large", "unknown"] }
    // A page is never too large: its limit is lowered to what one page holds.
    KV_LIST_KEYS_PAGE fn "kv-list-keys-page" { arms: &["invalid-key", "unknown"] }
    KV_CLEAR_PREFIX fn "kv-clear-prefix" { audit: Always, arms: &["invalid-key", "unknown"] }
    KV_CAS fn "kv-cas" {
        quota: Storage, audit: Always, arms: &["invalid-key", "too-large", "quota", "cas-mismatch", "unknown"],
    }
}

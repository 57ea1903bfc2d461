//! What a principal has used, beside its limits.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::abi::context::HostContext;
use crate::error::{Error, ErrorKind, Result};
use crate::principal::Principal;

/// The counters of one principal since the host was opened; storage is counted for good.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    /// The principal.
    pub principal: String,
    /// Triggers, whatever their outcome.
    pub triggers: u64,
    /// Host calls its guests made.
    pub host_calls: u64,
    /// Calls that were refused.
    pub denied: u64,
    /// Fuel its guests burned.
    pub fuel: u64,
    /// Messages its guests published.
    pub published_messages: u64,
    /// Bytes its guests published.
    pub published_bytes: u64,
    /// Bytes it stores over all capsules.
    pub stored_bytes: u64,
    /// Bytes it may store in one capsule.
    pub stored_bytes_limit: u64,
    /// The most memory one of its instances held, in bytes.
    pub memory_peak_bytes: u64,
    /// The memory ceiling, in bytes.
    pub memory_limit_bytes: u64,
    /// Instances that exist for it now.
    pub instances: u64,
}

impl Usage {
    pub(super) fn read(host: &HostContext, principal: &Principal) -> Result<Self> {
        let tenant = host.tenants.known(principal).ok_or_else(|| {
            Error::new(
                ErrorKind::PrincipalRefused,
                format!("nobody has named the principal `{principal}` yet"),
            )
        })?;
        let quotas = &tenant.profile().quotas;
        let counters = &tenant.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Ok(Self {
            principal: principal.to_string(),
            triggers: read(&counters.triggers),
            host_calls: read(&counters.host_calls),
            denied: read(&counters.denied),
            fuel: read(&counters.fuel),
            published_messages: read(&counters.published_messages),
            published_bytes: read(&counters.published_bytes),
            stored_bytes: host.store.used_bytes(principal)?,
            stored_bytes_limit: quotas.max_storage_bytes,
            memory_peak_bytes: read(&counters.memory_peak_bytes),
            memory_limit_bytes: quotas.max_memory_bytes,
            instances: read(&counters.instances),
        })
    }
}

//! What a principal has used, beside its limits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::{Serialize, Serializer};

use crate::abi::context::HostContext;
use crate::abi::holding::Holding;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Quotas;
use crate::principal::Principal;

/// The counters of one principal since it was first named, each beside its limit; storage is counted for good. Where a
/// limit holds for each capsule, the counter beside it sums all capsules up. A limit that is lifted is
/// [`Quotas::UNLIMITED`], and `"unlimited"` in JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Usage {
    /// The principal.
    pub principal: String,
    /// Whether its profile lets calls begin.
    pub enabled: bool,
    /// Triggers, whatever their outcome.
    pub triggers: u64,
    /// Host calls its guests made.
    pub host_calls: u64,
    /// Calls that were refused.
    pub denied: u64,
    /// Triggers and hooks that run now.
    pub in_flight_calls: u64,
    /// Triggers that may run at once.
    pub in_flight_calls_limit: u64,
    /// Wall clock of one trigger, in seconds.
    pub timeout_secs_limit: u64,
    /// Fuel its guests burned.
    pub fuel: u64,
    /// Fuel burned in this second, with the debt of those before and what is set aside for calls that run.
    pub fuel_this_second: u64,
    /// Fuel a second.
    #[serde(serialize_with = "limit")]
    pub fuel_per_second_limit: u64,
    /// Messages its guests published.
    pub published_messages: u64,
    /// Bytes its guests published.
    pub published_bytes: u64,
    /// Bytes its guests published in this second.
    pub published_bytes_this_second: u64,
    /// Bytes one capsule may publish in a second.
    #[serde(serialize_with = "limit")]
    pub published_bytes_per_second_limit: u64,
    /// Bytes its guests received from sockets.
    pub received_bytes: u64,
    /// Bytes its guests sent through sockets.
    pub sent_bytes: u64,
    /// Bytes it stores over all capsules.
    pub stored_bytes: u64,
    /// Bytes it wrote to files over all capsules.
    pub written_bytes: u64,
    /// Bytes it may store in one capsule, and write to files in one.
    #[serde(serialize_with = "limit")]
    pub stored_bytes_limit: u64,
    /// The memory its instances hold now, tables included, in bytes.
    pub memory_bytes: u64,
    /// The most memory its instances held at once, in bytes.
    pub memory_peak_bytes: u64,
    /// The memory ceiling, in bytes.
    #[serde(serialize_with = "limit")]
    pub memory_limit_bytes: u64,
    /// Instances that exist for it now.
    pub instances: u64,
    /// What its guests hold now.
    #[serde(flatten)]
    pub held: Held,
}

macro_rules! held {
    ($($(#[doc = $doc:literal])+ $now:ident, $most:ident = $what:ident;)+) => {
        /// What a principal's guests hold at once.
        #[derive(Clone, Debug, Serialize)]
        pub struct Held { $(
            $(#[doc = $doc])+
            pub $now: u64,
            #[doc = concat!("The most of `", stringify!($now), "`.")]
            pub $most: u64,
        )+ }

        impl Held {
            fn read(held: impl Fn(Holding) -> u64, quotas: &Quotas) -> Self {
                Self { $($now: held(Holding::$what), $most: Holding::$what.limit(quotas),)+ }
            }
        }
    };
}

held! {
    /// Subscriptions; the limit is one capsule's.
    subscriptions, subscriptions_limit = Subscriptions;
    /// Pollables; the limit is one capsule's.
    pollables, pollables_limit = Pollables;
    /// Streams of TCP and Unix sockets; the limit is one capsule's.
    sockets, sockets_limit = Sockets;
    /// TCP listeners; the limit is one capsule's.
    listeners, listeners_limit = Listeners;
    /// UDP sockets; the limit is one capsule's.
    udp_sockets, udp_sockets_limit = UdpSockets;
    /// HTTP streams and uploads; the limit is one capsule's.
    http_streams, http_streams_limit = HttpStreams;
    /// Open files; the limit is one capsule's.
    file_handles, file_handles_limit = FileHandles;
    /// Background processes over all capsules.
    background_processes, background_processes_limit = Processes;
    /// Processes kept under an id, over all capsules.
    retained_processes, retained_processes_limit = RetainedProcesses;
}

impl Usage {
    pub(super) fn read(host: &HostContext, principal: &Principal) -> Result<Self> {
        let tenant = host.tenants.known(principal).ok_or_else(|| {
            Error::new(
                ErrorKind::PrincipalRefused,
                format!("nobody has named the principal `{principal}` yet"),
            )
        })?;
        let profile = tenant.profile();
        let (quotas, counters, now) = (&profile.quotas, &tenant.counters, Instant::now());
        let spent = tenant.cpu.spent(now, quotas);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Ok(Self {
            principal: principal.to_string(),
            enabled: profile.enabled,
            triggers: read(&counters.triggers),
            host_calls: read(&counters.host_calls),
            denied: read(&counters.denied),
            in_flight_calls: tenant.in_flight.count() as u64,
            in_flight_calls_limit: quotas.max_in_flight_calls,
            timeout_secs_limit: quotas.max_timeout_secs,
            fuel: read(&counters.fuel),
            fuel_this_second: spent.fuel.saturating_add(spent.reserved),
            fuel_per_second_limit: quotas.max_cpu_fuel_per_sec,
            published_messages: read(&counters.published_messages),
            published_bytes: read(&counters.published_bytes),
            published_bytes_this_second: tenant.published_this_second(now),
            published_bytes_per_second_limit: quotas.max_ipc_throughput_bytes,
            received_bytes: read(&counters.received_bytes),
            sent_bytes: read(&counters.sent_bytes),
            stored_bytes: host.store.used_bytes(principal)?,
            written_bytes: host.vfs.written_bytes(principal),
            stored_bytes_limit: quotas.max_storage_bytes,
            memory_bytes: tenant.memory.now(),
            memory_peak_bytes: tenant.memory.peak(),
            memory_limit_bytes: quotas.max_memory_bytes,
            instances: read(&counters.instances),
            held: Held::read(|what| tenant.held(what), quotas),
        })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // Serde passes fields by reference.
fn limit<S: Serializer>(limit: &u64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match *limit {
        Quotas::UNLIMITED => serializer.serialize_str("unlimited"),
        limit => serializer.serialize_u64(limit),
    }
}

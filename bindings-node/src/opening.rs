//! The options of `Host.open`; names are camelCase, except in a profile, which is an object as its file is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use astrid_host::audit::ExpectedCheckpoint;
use astrid_host::net::Network;
use astrid_host::policy::Quotas;
use astrid_host::process::Limits;
use astrid_host::{HostOptions, Profile, Result, WorkspaceMode, capsule, store};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::payload::{self, invalid};

/// Which handlers the embedding program has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // Each handler is there or not.
pub struct Handlers {
    /// `onElicit` is a function.
    pub on_elicit: bool,
    /// `onApproval` is a function.
    pub on_approval: bool,
    /// `onUplink` is a function.
    pub on_uplink: bool,
    /// `onLog` is a function.
    pub on_log: bool,
    /// `onCheckpoint` is a function.
    pub on_checkpoint: bool,
}

/// What acknowledged writes to the store survive.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Durability {
    Process,
    Power,
}

impl From<Durability> for store::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Process => Self::Process,
            Durability::Power => Self::Power,
        }
    }
}

/// The options of `Host.open`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Opening {
    /// Set by the JavaScript side.
    pub handlers: Handlers,
    /// The folder capsules work in.
    pub workspace: Option<String>,
    /// What becomes of changes in it: `direct` or `overlay`.
    pub workspace_mode: Option<String>,
    runtime_version: Option<String>,
    worker_threads: Option<usize>,
    elicit_timeout_ms: Option<f64>,
    approval_timeout_ms: Option<f64>,
    uplink_timeout_ms: Option<f64>,
    ready_within_ms: Option<f64>,
    default_profile: Option<Value>,
    quotas: Option<Map<String, Value>>,
    max_principals: Option<usize>,
    require_principal: Option<bool>,
    authenticated_uplinks: Option<Vec<String>>,
    recv_empty_on_timeout: Option<bool>,
    durability: Option<Durability>,
    audit_limit_bytes: Option<u64>,
    audit_segment_bytes: Option<u64>,
    audit: Option<Audit>,
    expected_checkpoint: Option<Expected>,
    allow_missing_imports: Option<bool>,
    restart: Option<Restart>,
    instances: Option<Instances>,
    network: Option<Reach>,
    code_cache: Option<bool>,
    trust_hard_links: Option<bool>,
    signal_traps: Option<bool>,
    processes: Option<Programs>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Audit {
    power_operations: Option<Vec<String>>,
    entries_per_sec: Option<u64>,
    bytes_per_sec: Option<u64>,
    merge_within_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    entries: u64,
    head: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Restart {
    enabled: Option<bool>,
    first_ms: Option<f64>,
    most_ms: Option<f64>,
    attempts: Option<u32>,
    recovery_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Instances {
    warm: Option<usize>,
    most: Option<usize>,
    idle_ms: Option<f64>,
}

/// What programs that capsules start may see and use.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Programs {
    bubblewrap: Option<PathBuf>,
    readable: Option<Vec<PathBuf>>,
    host_network: Option<Vec<String>>,
    user: Option<(u32, u32)>,
    scratch_bytes: Option<u64>,
    limits: Option<ProgramLimits>,
}

/// Limits of a program; `null` is no limit, and what is not there is the default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct ProgramLimits {
    memory_bytes: Option<u64>,
    cpu_secs: Option<u64>,
    pids: Option<u32>,
    open_files: Option<u32>,
}

impl Default for ProgramLimits {
    fn default() -> Self {
        let Limits { memory_bytes, cpu_secs, pids, open_files } = HostOptions::default().processes.limits;
        Self { memory_bytes, cpu_secs, pids, open_files }
    }
}

/// What capsules may reach and bind beyond the public network.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Reach {
    local_egress: Option<BTreeMap<String, Vec<String>>>,
    public_binds: Option<BTreeMap<String, Vec<String>>>,
    dns_servers: Option<Vec<String>>,
    tls_roots: Option<String>,
    http_connect_ms: Option<u64>,
    http_first_byte_ms: Option<u64>,
    http_between_bytes_ms: Option<u64>,
    http_total_ms: Option<u64>,
}

impl Opening {
    /// The host's options: its defaults, with what is named here instead. The key travels beside the text, so that no
    /// message about the text can hold it.
    pub fn host_options(self, secret_key: Option<&[u8]>) -> Result<HostOptions> {
        let mut options = HostOptions::default();
        set(&mut options.runtime_version, self.runtime_version);
        set(&mut options.worker_threads, self.worker_threads);
        set(&mut options.elicit_timeout, payload::millis("elicitTimeoutMs", self.elicit_timeout_ms)?);
        set(&mut options.approval_timeout, payload::millis("approvalTimeoutMs", self.approval_timeout_ms)?);
        set(&mut options.uplink_timeout, payload::millis("uplinkTimeoutMs", self.uplink_timeout_ms)?);
        set(&mut options.ready_within, payload::millis("readyWithinMs", self.ready_within_ms)?);
        if let Some(profile) = &self.default_profile {
            options.default_profile = Profile::from_json(profile)?.profile;
        }
        if let Some(quotas) = &self.quotas {
            options.quotas = read_quotas(quotas)?;
        }
        set(&mut options.max_principals, self.max_principals);
        set(&mut options.require_principal, self.require_principal);
        set(&mut options.authenticated_uplinks, self.authenticated_uplinks);
        set(&mut options.recv_empty_on_timeout, self.recv_empty_on_timeout);
        set(&mut options.durability, self.durability.map(Into::into));
        options.audit_limit_bytes = self.audit_limit_bytes.or(options.audit_limit_bytes);
        options.audit_segment_bytes = self.audit_segment_bytes.or(options.audit_segment_bytes);
        if let Some(audit) = self.audit {
            set(&mut options.audit.power_operations, audit.power_operations);
            set(&mut options.audit.entries_per_sec, audit.entries_per_sec);
            set(&mut options.audit.bytes_per_sec, audit.bytes_per_sec);
            set(&mut options.audit.merge_within, pause("audit.mergeWithinMs", audit.merge_within_ms)?);
        }
        if let Some(Expected { entries, head }) = self.expected_checkpoint {
            let head = capsule::parse_hash(&head)?;
            options.expected_checkpoint = Some(ExpectedCheckpoint { entries, head });
        }
        options.secret_key = secret_key.map(payload::key).transpose()?;
        set(&mut options.allow_missing_imports, self.allow_missing_imports);
        if let Some(restart) = self.restart {
            set(&mut options.restart.enabled, restart.enabled);
            set(&mut options.restart.first, pause("restart.firstMs", restart.first_ms)?);
            set(&mut options.restart.most, pause("restart.mostMs", restart.most_ms)?);
            set(&mut options.restart.attempts, restart.attempts);
            set(&mut options.restart.recovery, pause("restart.recoveryMs", restart.recovery_ms)?);
        }
        if let Some(instances) = self.instances {
            set(&mut options.instances.warm, instances.warm);
            set(&mut options.instances.most, instances.most);
            set(&mut options.instances.idle, pause("instances.idleMs", instances.idle_ms)?);
        }
        if let Some(network) = self.network {
            set(&mut options.network.local_egress, network.local_egress);
            set(&mut options.network.public_binds, network.public_binds);
            set(&mut options.network.tls_roots, network.tls_roots.map(String::into_bytes));
            options.network.http_connect_ms = network.http_connect_ms;
            options.network.http_first_byte_ms = network.http_first_byte_ms;
            options.network.http_between_bytes_ms = network.http_between_bytes_ms;
            options.network.http_total_ms = network.http_total_ms;
            let servers = network.dns_servers.unwrap_or_default();
            options.network.dns_servers =
                servers.iter().map(|text| Network::dns_server(text)).collect::<Result<_>>()?;
        }
        if let Some(processes) = self.processes {
            options.processes.bubblewrap = processes.bubblewrap;
            options.processes.user = processes.user;
            set(&mut options.processes.readable, processes.readable);
            set(&mut options.processes.host_network, processes.host_network);
            set(&mut options.processes.scratch_bytes, processes.scratch_bytes);
            let limits = processes.limits.unwrap_or_default();
            let ProgramLimits { memory_bytes, cpu_secs, pids, open_files } = limits;
            options.processes.limits = Limits { memory_bytes, cpu_secs, pids, open_files };
        }
        set(&mut options.code_cache, self.code_cache);
        set(&mut options.trust_hard_links, self.trust_hard_links);
        set(&mut options.signal_traps, self.signal_traps);
        Ok(options)
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// What becomes of changes in the workspace, by its name.
pub fn workspace_mode(name: &str) -> Result<WorkspaceMode> {
    match name {
        "direct" => Ok(WorkspaceMode::Direct),
        "overlay" => Ok(WorkspaceMode::Overlay),
        _ => Err(invalid(format!("workspaceMode must be 'direct' or 'overlay', not '{name}'"))),
    }
}

/// A time that may be none at all, unlike a deadline.
fn pause(name: &str, millis: Option<f64>) -> Result<Option<Duration>> {
    if millis == Some(0.0) { Ok(Some(Duration::ZERO)) } else { payload::millis(name, millis) }
}

/// Quotas by their names in camelCase; each is a number or `"unlimited"`.
fn read_quotas(given: &Map<String, Value>) -> Result<Quotas> {
    let mut quotas = Quotas::default();
    for (name, value) in given {
        let value = match value {
            Value::String(word) if word == "unlimited" => Quotas::UNLIMITED,
            other => other.as_u64().ok_or_else(|| {
                invalid(format!("the quota {name} must be a whole number or 'unlimited', not {other}"))
            })?,
        };
        quotas.set(&snake(name), value)?;
    }
    Ok(quotas)
}

/// `maxMemoryBytes` becomes `max_memory_bytes`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

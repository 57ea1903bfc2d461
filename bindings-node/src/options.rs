//! What JavaScript may say in an object of options; names are camelCase there.

use astrid_host::audit::{Filter, Outcome};
use astrid_host::policy::Quotas;
use astrid_host::{HostOptions, Load, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::payload::{self, invalid};

/// Reads options; an unknown field is an error, so that a slip of the pen is never silently ignored.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| invalid(format!("options: {error}")))
}

/// Which handlers the embedding program has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handlers {
    /// `onElicit` is a function.
    pub elicit: bool,
    /// `onApproval` is a function.
    pub approval: bool,
    /// `onUplink` is a function.
    pub uplink: bool,
}

/// The options of `Host.open`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Opening {
    /// Set by the JavaScript side.
    pub handlers: Handlers,
    /// The folder capsules work in.
    pub workspace: Option<String>,
    runtime_version: Option<String>,
    worker_threads: Option<usize>,
    elicit_timeout_ms: Option<f64>,
    approval_timeout_ms: Option<f64>,
    uplink_timeout_ms: Option<f64>,
    quotas: Option<Map<String, Value>>,
    max_principals: Option<usize>,
    require_principal: Option<bool>,
    recv_empty_on_timeout: Option<bool>,
    audit_limit_bytes: Option<u64>,
    audit_segment_bytes: Option<u64>,
    allow_missing_imports: Option<bool>,
}

impl Opening {
    /// The host's options: its defaults, with what is named here instead.
    pub fn host_options(&self) -> Result<HostOptions> {
        let mut options = HostOptions::default();
        if let Some(version) = &self.runtime_version {
            options.runtime_version.clone_from(version);
        }
        set(&mut options.worker_threads, self.worker_threads);
        set(&mut options.elicit_timeout, payload::millis("elicitTimeoutMs", self.elicit_timeout_ms)?);
        set(&mut options.approval_timeout, payload::millis("approvalTimeoutMs", self.approval_timeout_ms)?);
        set(&mut options.uplink_timeout, payload::millis("uplinkTimeoutMs", self.uplink_timeout_ms)?);
        if let Some(quotas) = &self.quotas {
            options.quotas = read_quotas(quotas)?;
        }
        set(&mut options.max_principals, self.max_principals);
        set(&mut options.require_principal, self.require_principal);
        set(&mut options.recv_empty_on_timeout, self.recv_empty_on_timeout);
        options.audit_limit_bytes = self.audit_limit_bytes.or(options.audit_limit_bytes);
        options.audit_segment_bytes = self.audit_segment_bytes.or(options.audit_segment_bytes);
        set(&mut options.allow_missing_imports, self.allow_missing_imports);
        Ok(options)
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
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

/// The options of `install`, `load` and `loadComponent`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loading {
    /// Whose capsule it is.
    pub principal: Option<String>,
    /// The capabilities to keep of those its manifest asks for.
    pub attenuate: Option<Vec<String>>,
    /// Whether its run loop serves every principal.
    pub shared: Option<bool>,
}

impl Loading {
    /// The load with these options.
    pub fn apply(self, mut load: Load) -> Result<Load> {
        if let Some(principal) = payload::principal(self.principal)? {
            load = load.principal(principal);
        }
        if let Some(keep) = self.attenuate {
            load = load.attenuate(keep);
        }
        if let Some(shared) = self.shared {
            load = load.shared(shared);
        }
        Ok(load)
    }
}

/// Which audit entries are wanted; all of them if nothing is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EntryFilter {
    principal: Option<String>,
    capsule: Option<String>,
    operation: Option<String>,
    outcome: Option<String>,
    since_seq: Option<u64>,
    limit: Option<usize>,
}

impl EntryFilter {
    /// The filter as the log takes it.
    pub fn filter(self) -> Result<Filter> {
        let outcome = self.outcome.as_deref().map(outcome_of).transpose()?;
        Ok(Filter {
            principal: self.principal,
            capsule: self.capsule,
            operation: self.operation,
            outcome,
            since_seq: self.since_seq.unwrap_or(0),
            limit: self.limit,
        })
    }
}

fn outcome_of(name: &str) -> Result<Outcome> {
    let all = [Outcome::Allowed, Outcome::Denied, Outcome::Failed, Outcome::Cancelled];
    all.into_iter().find(|outcome| outcome.name() == name).ok_or_else(|| {
        invalid(format!("outcome must be 'allowed', 'denied', 'failed' or 'cancelled', not '{name}'"))
    })
}

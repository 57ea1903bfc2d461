//! What JavaScript may say in an object of options; names are camelCase there.

use astrid_host::audit::{Filter, Outcome};
use astrid_host::{Install, Load, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::payload::{self, invalid};

/// Reads options; an unknown field is an error, so that a slip of the pen is never silently ignored.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| invalid(format!("options: {error}")))
}

/// The options of `install`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Installing {
    principal: Option<String>,
    attenuate: Option<Vec<String>>,
    hash: Option<String>,
    accept_new_capabilities: Option<bool>,
}

impl Installing {
    /// The installation with these options.
    pub fn apply(self, mut install: Install) -> Result<Install> {
        if let Some(principal) = payload::principal(self.principal)? {
            install = install.principal(principal);
        }
        if let Some(keep) = self.attenuate {
            install = install.attenuate(keep);
        }
        if let Some(hash) = self.hash {
            install = install.hash(hash);
        }
        Ok(install.accept_new_capabilities(self.accept_new_capabilities.unwrap_or_default()))
    }
}

/// The options of `load` and `loadComponent`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loading {
    principal: Option<String>,
    attenuate: Option<Vec<String>>,
    shared: Option<bool>,
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

//! The fields of a step.

use std::time::Duration;

use astrid_host::Principal;
use astrid_host::audit::{Filter, Outcome};
use serde_json::Value;

use crate::steps::Failed;

/// A field that must be there.
pub fn text<'s>(step: &'s Value, field: &str) -> Result<&'s str, Failed> {
    step[field].as_str().ok_or_else(|| Failed::Scenario(format!("the step needs `{field}`")))
}

/// A list of texts, if it is there.
pub fn texts(step: &Value, field: &str) -> Option<Vec<String>> {
    let items = step[field].as_array()?;
    Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// The time limit of the step, if it has one.
pub fn duration(step: &Value) -> Option<Duration> {
    step["timeout_ms"].as_u64().map(Duration::from_millis)
}

/// The principal of the step, if it names one.
pub fn principal(step: &Value) -> Result<Option<Principal>, Failed> {
    Ok(step["principal"].as_str().map(Principal::parse).transpose()?)
}

/// What is sent: JSON, a text as it is, or nothing.
pub fn payload(step: &Value) -> Vec<u8> {
    match (step.get("payload"), step["text"].as_str()) {
        (Some(payload), _) => payload.to_string().into_bytes(),
        (None, text) => text.unwrap_or_default().as_bytes().to_vec(),
    }
}

/// Which entries of the audit are wanted.
pub fn filter(wanted: &Value) -> Result<Filter, Failed> {
    let field = |name: &str| wanted[name].as_str().map(str::to_owned);
    let outcome = match wanted["outcome"].as_str() {
        None => None,
        Some("allowed") => Some(Outcome::Allowed),
        Some("denied") => Some(Outcome::Denied),
        Some("failed") => Some(Outcome::Failed),
        Some("cancelled") => Some(Outcome::Cancelled),
        Some(other) => {
            return Err(Failed::Scenario(format!("`{other}` is no outcome")));
        }
    };
    let limit = wanted["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let (principal, capsule, operation) = (field("principal"), field("capsule"), field("operation"));
    Ok(Filter { principal, capsule, operation, outcome, since_seq: 0, limit })
}

//! The verbs about principals and their profiles.

use astrid_host::{Host, Principal, Profile};
use serde_json::{Value, json};

use crate::fields::text;
use crate::steps::Failed;

/// Takes the step.
pub async fn take(host: &Host, verb: &str, step: &Value) -> Result<Value, Failed> {
    if verb == "principals" {
        return Ok(json!(host.principals()?));
    }
    let principal = Principal::parse(text(step, "principal")?)?;
    match verb {
        "profile" => Ok(host.profile(&principal)?.to_json()?),
        "set_profile" => {
            host.set_profile(&principal, Profile::from_json(&step["profile"])?.profile)?;
            Ok(json!({}))
        }
        _ => {
            host.remove_principal(&principal).await?;
            Ok(json!({}))
        }
    }
}

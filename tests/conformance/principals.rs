//! The verbs about principals, their profiles and what was approved for them.

use astrid_host::{Host, Principal, Profile};
use serde_json::{Value, json};

use crate::fields::text;
use crate::steps::{Failed, as_json};

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
        "allowances" => as_json(host.allowances(&principal)?),
        "revoke_allowance" => {
            let nth = step["nth"].as_u64().and_then(|nth| usize::try_from(nth).ok());
            let id = match (
                step["id"].as_str(),
                nth.and_then(|nth| host.allowances(&principal).ok()?.into_iter().nth(nth)),
            ) {
                (Some(id), _) => id.to_owned(),
                (None, Some(one)) => one.id,
                (None, None) => return Err(Failed::Scenario("there is no such allowance".to_owned())),
            };
            Ok(json!({ "found": host.revoke_allowance(&principal, &id)? }))
        }
        _ => {
            host.remove_principal(&principal).await?;
            Ok(json!({}))
        }
    }
}

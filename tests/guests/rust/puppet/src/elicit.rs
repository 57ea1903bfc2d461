//! `astrid:elicit/host`, one operation per arm.

use serde_json::{Value, json};

use crate::answer::{Answer, Miss, arms, fault};
use crate::args::Args;
use crate::bindings::astrid::elicit::host::{self, ElicitRequest, ElicitResponse, ElicitType, ErrorCode};
use crate::control::unknown;

arms!(ErrorCode {
    NotInLifecycle => "not-in-lifecycle",
    Timeout => "timeout",
    Cancelled => "cancelled",
    InvalidInput => "invalid-input",
    StoreUnavailable => "store-unavailable",
});

pub fn call(function: &str, args: &Args<'_>) -> Answer {
    match function {
        "elicit" => {
            let asked = args.record("request");
            let request = ElicitRequest {
                kind: kind(asked.text("kind")?)?,
                key: asked.text("key")?.to_owned(),
                description: asked.optional_text("description")?.unwrap_or_default().to_owned(),
                options: asked.optional_texts("options")?,
                default_value: asked.optional_text("default-value")?.map(str::to_owned),
            };
            host::elicit(&request).map(response).map_err(arm)
        }
        "has-secret" => host::has_secret(args.text("key")?).map(Value::from).map_err(arm),
        other => Err(unknown(other)),
    }
}

fn kind(name: &str) -> Result<ElicitType, Miss> {
    match name {
        "text" => Ok(ElicitType::Text),
        "secret" => Ok(ElicitType::Secret),
        "select" => Ok(ElicitType::Select),
        "array" => Ok(ElicitType::Array),
        other => Err(fault(format!("no kind of question is called {other}"))),
    }
}

fn response(response: ElicitResponse) -> Value {
    match response {
        ElicitResponse::Value(text) => json!({ "value": text }),
        ElicitResponse::Values(texts) => json!({ "values": texts }),
        ElicitResponse::SecretStored => json!("secret-stored"),
    }
}

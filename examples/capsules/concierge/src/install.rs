//! The questions asked at install. Their answers belong to the principal the capsule was installed for; everybody else
//! is greeted with the defaults of [`crate::greet`].

use crate::bindings::astrid::elicit::host::{ElicitRequest, ElicitResponse, ElicitType, ErrorCode, elicit};
use crate::bindings::astrid::kv::host::kv_set;
use crate::bindings::astrid::sys::host::{LogLevel, log};

/// Asks for a name, a tone and the shop's token. A question that nobody answers leaves its default in force.
pub fn ask_everything() {
    keep("name", ask(ElicitType::Text, "name", "What shall the concierge call you?", None));
    let tones = ["formal", "friendly", "terse"].map(str::to_owned).to_vec();
    keep("tone", ask(ElicitType::Select, "tone", "How shall it speak to you?", Some(tones)));
    // The answer to a secret goes to the host's secret store; here we only learn that it is there.
    ask(ElicitType::Secret, "api-token", "The token of the concierge's shop account", None);
}

fn ask(kind: ElicitType, key: &str, description: &str, options: Option<Vec<String>>) -> Option<String> {
    let request = ElicitRequest {
        kind,
        key: key.to_owned(),
        description: description.to_owned(),
        options,
        default_value: None,
    };
    match elicit(&request) {
        Ok(ElicitResponse::Value(text)) => Some(text),
        Ok(ElicitResponse::Values(_) | ElicitResponse::SecretStored) => None,
        Err(ErrorCode::Cancelled | ErrorCode::Timeout) => {
            log(LogLevel::Info, &format!("{key} was not answered; that is fine"));
            None
        }
        Err(error) => fail(&format!("{key} could not be asked: {error:?}")),
    }
}

fn keep(key: &str, answer: Option<String>) {
    if let Some(text) = answer
        && let Err(error) = kv_set(key, text.as_bytes())
    {
        fail(&format!("{key} could not be kept: {error:?}"));
    }
}

/// An install hook returns nothing: it says that it failed by ending in a trap, and the host takes the installation back.
fn fail(reason: &str) -> ! {
    log(LogLevel::Error, reason);
    panic!("{reason}")
}

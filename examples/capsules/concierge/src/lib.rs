//! The concierge, a capsule to read first. It asks its questions when it is installed ([`install`]), answers hooks
//! ([`greet`], [`buy`], [`notify`]), and hears questions in the background ([`ask`]). What it may do stands in
//! `Capsule.toml`.

mod ask;
mod buy;
mod greet;
mod install;
mod notify;

use bindings::astrid::sys::host::get_config;
use bindings::{CapsuleResult, Guest};

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "wit"],
        world: "examples:concierge/concierge",
        generate_all,
    });
    use super::Concierge;
    export!(Concierge);
}

struct Concierge;

impl Guest for Concierge {
    /// Called once, when the capsule is installed.
    fn astrid_install() {
        install::ask_everything();
    }

    /// Called for each trigger, with the action it names.
    fn astrid_hook_trigger(action: String, payload: Vec<u8>) -> CapsuleResult {
        let answer = match action.as_str() {
            "greet" => greet::greet(),
            "buy" => buy::buy(&payload),
            "notify" => notify::notify(&payload),
            "token" => Ok(token_length()),
            other => Err(format!("the concierge does not know {other}")),
        };
        match answer {
            Ok(text) => CapsuleResult { action: "continue".to_owned(), data: Some(text) },
            Err(reason) => CapsuleResult { action: "deny".to_owned(), data: Some(reason) },
        }
    }

    /// Runs in the background from the moment the capsule is loaded until it is unloaded.
    fn run() {
        ask::serve();
    }
}

/// The secret that was asked for at install, as far as anybody but the shop should know it: its length.
fn token_length() -> String {
    match get_config("api-token") {
        Ok(Some(token)) => token.len().to_string(),
        _ => "no token".to_owned(),
    }
}

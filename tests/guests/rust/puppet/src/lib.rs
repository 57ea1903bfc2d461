//! A capsule without a will of its own: it makes the host calls its payload lists and returns every result and every
//! error arm, so that a new test needs no new guest. What a script may say stands in `tests/guests/README.md`.

mod answer;
mod approval;
mod args;
mod control;
mod elicit;
mod fs;
mod http;
mod identity;
mod ipc;
mod kv;
mod memory;
mod net;
mod poll;
mod process;
mod script;
mod stage;
mod streams;
mod sys;
mod uplink;
mod value;

use bindings::astrid::sys::host as sys_host;
use bindings::{CapsuleResult, Guest};
use serde_json::{Value, json};
use stage::Stage;

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../../wit", "wit"],
        world: "guests:puppet/puppet",
        generate_all,
    });
    use super::Puppet;
    export!(Puppet);
}

struct Puppet;

impl Guest for Puppet {
    fn astrid_hook_trigger(action: String, payload: Vec<u8>) -> CapsuleResult {
        let mut stage = Stage::enter();
        stage.keep_value("action", Value::String(action.clone()));
        stage.keep_value("payload", value::from_bytes(&payload));
        let (action, data) = match script::find(&action, &payload) {
            Some(script) => control::perform(&script, &mut stage),
            None => {
                let echo = json!({ "action": action, "payload": value::from_bytes(&payload) });
                ("continue".to_owned(), Some(echo.to_string()))
            }
        };
        stage.leave();
        CapsuleResult { action, data }
    }

    fn run() {
        control::perform_configured("run");
    }

    fn astrid_install() {
        control::perform_configured("install");
    }

    fn astrid_upgrade() {
        control::perform_configured("upgrade");
    }
}

/// Ends the guest with a trap after saying why in the log: a test whose script cannot be read must not pass.
fn give_up(reason: &str) -> ! {
    sys_host::log(sys_host::LogLevel::Error, reason);
    core::arch::wasm32::unreachable()
}

//! `astrid:io/poll`, one operation per arm.

use serde_json::Value;

use crate::answer::{Answer, Miss, arms};
use crate::bindings::astrid::io::poll::{self, ErrorCode};
use crate::control::unknown;
use crate::script::Call;
use crate::stage::Stage;

arms!(ErrorCode {
    InvalidInput => "invalid-input",
    Closed => "closed",
    TooLarge => "too-large",
    Cancelled => "cancelled",
});

pub fn call(function: &str, call: &Call, stage: &Stage) -> Answer {
    match function {
        "poll.poll" => {
            let names = call.args().texts("pollables")?;
            let pollables =
                names.iter().map(|name| stage.pollable(Some(name))).collect::<Result<Vec<_>, Miss>>()?;
            poll::poll(&pollables).map(Value::from).map_err(arm)
        }
        "pollable.block" => stage.pollable(call.receiver())?.block().map(|()| Value::Null).map_err(arm),
        "pollable.ready" => Ok(stage.pollable(call.receiver())?.ready().into()),
        other => Err(unknown(other)),
    }
}

//! `astrid:uplink/host`, one operation per arm.

use serde_json::Value;

use crate::answer::{Answer, Miss, arms, fault};
use crate::args::Args;
use crate::bindings::astrid::uplink::host::{self, ErrorCode, UplinkProfile};
use crate::control::unknown;

arms!(ErrorCode {
    CapabilityDenied => "capability-denied",
    InvalidInput => "invalid-input",
    InvalidProfile => "invalid-profile",
    UnknownUplink => "unknown-uplink",
    NoSession => "no-session",
    Quota => "quota",
});

pub fn call(function: &str, args: &Args<'_>) -> Answer {
    match function {
        "uplink-register" => {
            let (name, platform) = (args.text("name")?, args.text("platform")?);
            host::uplink_register(name, platform, profile(args.text("profile")?)?)
                .map(Value::from)
                .map_err(arm)
        }
        "uplink-send" => {
            let (uplink, user) = (args.text("uplink-id")?, args.text("platform-user-id")?);
            host::uplink_send(uplink, user, args.text("content")?).map(Value::from).map_err(arm)
        }
        other => Err(unknown(other)),
    }
}

fn profile(name: &str) -> Result<UplinkProfile, Miss> {
    match name {
        "chat" => Ok(UplinkProfile::Chat),
        "interactive" => Ok(UplinkProfile::Interactive),
        "notify" => Ok(UplinkProfile::Notify),
        "bridge" => Ok(UplinkProfile::Bridge),
        other => Err(fault(format!("no profile is called {other}"))),
    }
}

//! `astrid:sys/host`, one operation per arm.

use serde_json::{Value, json};

use crate::answer::{Answer, Miss, arms, fault};
use crate::args::Args;
use crate::bindings::astrid::sys::host::{self, CapabilityCheckRequest, ErrorCode, LogLevel};
use crate::control::unknown;
use crate::value;

arms!(ErrorCode {
    CapabilityDenied => "capability-denied",
    ConfigKeyReserved => "config-key-reserved",
    TooLarge => "too-large",
    RegistryUnavailable => "registry-unavailable",
    Cancelled => "cancelled",
});

pub fn call(function: &str, args: &Args<'_>) -> Answer {
    match function {
        "check-capsule-capability" => {
            let asked = args.record("request");
            let request = CapabilityCheckRequest {
                source_uuid: asked.text("source-uuid")?.to_owned(),
                capability: asked.text("capability")?.to_owned(),
            };
            let response = host::check_capsule_capability(&request).map_err(arm)?;
            Ok(json!({ "allowed": response.allowed }))
        }
        "clock-monotonic-ns" => Ok(host::clock_monotonic_ns().into()),
        "clock-ms" => Ok(host::clock_ms().into()),
        "enumerate-capabilities" => Ok(host::enumerate_capabilities().into()),
        "get-caller" => {
            let caller = host::get_caller().map_err(arm)?;
            Ok(json!({
                "principal": caller.principal, "source-id": caller.source_id, "timestamp": caller.timestamp,
            }))
        }
        "get-config" => host::get_config(args.text("key")?).map(Value::from).map_err(arm),
        "log" => {
            host::log(level(args.text("level")?)?, args.text("message")?);
            Ok(Value::Null)
        }
        "random-bytes" => {
            host::random_bytes(args.number("length")?).map(|bytes| value::from_bytes(&bytes)).map_err(arm)
        }
        "signal-ready" => {
            host::signal_ready();
            Ok(Value::Null)
        }
        "sleep-ns" => host::sleep_ns(args.number("duration-ns")?).map(|()| Value::Null).map_err(arm),
        other => Err(unknown(other)),
    }
}

fn level(name: &str) -> Result<LogLevel, Miss> {
    match name {
        "trace" => Ok(LogLevel::Trace),
        "debug" => Ok(LogLevel::Debug),
        "info" => Ok(LogLevel::Info),
        "warn" => Ok(LogLevel::Warn),
        "error" => Ok(LogLevel::Error),
        other => Err(fault(format!("no level is called {other}"))),
    }
}

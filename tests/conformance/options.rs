//! The options of a host, as a scenario names them.

use std::time::Duration;

use astrid_host::audit::ExpectedCheckpoint;
use astrid_host::store::Durability;
use astrid_host::{HostOptions, Profile};
use serde_json::Value;

/// Reads them; what is not named keeps its default.
pub fn read(wanted: &Value) -> Result<HostOptions, String> {
    let mut options = HostOptions::default();
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let wrong = || format!("the option `{name}` cannot be {value}");
        let number = || value.as_u64().ok_or_else(wrong);
        let flag = || value.as_bool().ok_or_else(wrong);
        match name.as_str() {
            "runtime_version" => value.as_str().ok_or_else(wrong)?.clone_into(&mut options.runtime_version),
            "elicit_timeout_ms" => options.elicit_timeout = Duration::from_millis(number()?),
            "approval_timeout_ms" => options.approval_timeout = Duration::from_millis(number()?),
            "uplink_timeout_ms" => options.uplink_timeout = Duration::from_millis(number()?),
            "max_principals" => options.max_principals = usize::try_from(number()?).map_err(|_| wrong())?,
            "require_principal" => options.require_principal = flag()?,
            "recv_empty_on_timeout" => options.recv_empty_on_timeout = flag()?,
            "durability" => {
                options.durability = match value.as_str() {
                    Some("process") => Durability::Process,
                    Some("power") => Durability::Power,
                    _ => return Err(wrong()),
                }
            }
            "audit_limit_bytes" => options.audit_limit_bytes = Some(number()?),
            "audit_segment_bytes" => options.audit_segment_bytes = Some(number()?),
            "allow_missing_imports" => options.allow_missing_imports = flag()?,
            "ready_within_ms" => options.ready_within = Duration::from_millis(number()?),
            "restart" => restart(&mut options, value)?,
            "audit" => audit(&mut options, value)?,
            "expected_checkpoint" => {
                let entries = value["entries"].as_u64().ok_or_else(wrong)?;
                let head = value["head"].as_str().and_then(|head| blake3::Hash::from_hex(head).ok());
                let head = *head.ok_or_else(wrong)?.as_bytes();
                options.expected_checkpoint = Some(ExpectedCheckpoint { entries, head });
            }
            "trust_hard_links" => options.trust_hard_links = flag()?,
            "quotas" => quotas(&mut options, value)?,
            "default_profile" => {
                let read = Profile::from_json(value).map_err(|error| error.to_string())?;
                options.default_profile = read.profile;
            }
            "authenticated_uplinks" => {
                let ids = value.as_array().ok_or_else(wrong)?.iter();
                options.authenticated_uplinks = ids.filter_map(Value::as_str).map(str::to_owned).collect();
            }
            "instances" => instances(&mut options, value)?,
            "network" => {
                let network = serde_json::from_value(value.clone());
                options.network = network.map_err(|error| error.to_string())?;
            }
            "processes" => {
                options.processes.bubblewrap = value["bubblewrap"].as_str().map(Into::into);
            }
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(options)
}

fn restart(options: &mut HostOptions, wanted: &Value) -> Result<(), String> {
    let restart = &mut options.restart;
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let wrong = || format!("`{name}` of `restart` cannot be {value}");
        let number = || value.as_u64().ok_or_else(wrong);
        match name.as_str() {
            "enabled" => restart.enabled = value.as_bool().ok_or_else(wrong)?,
            "first_ms" => restart.first = Duration::from_millis(number()?),
            "most_ms" => restart.most = Duration::from_millis(number()?),
            "attempts" => restart.attempts = u32::try_from(number()?).map_err(|_| wrong())?,
            "recovery_ms" => restart.recovery = Duration::from_millis(number()?),
            _ => return Err(wrong()),
        }
    }
    Ok(())
}

fn audit(options: &mut HostOptions, wanted: &Value) -> Result<(), String> {
    let audit = &mut options.audit;
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let wrong = || format!("the choice `{name}` of the audit cannot be {value}");
        let number = || value.as_u64().ok_or_else(wrong);
        match name.as_str() {
            "power_operations" => {
                let names = value.as_array().ok_or_else(wrong)?;
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                audit.power_operations = names.collect::<Option<_>>().ok_or_else(wrong)?;
            }
            "entries_per_sec" => audit.entries_per_sec = number()?,
            "bytes_per_sec" => audit.bytes_per_sec = number()?,
            "merge_within_ms" => audit.merge_within = Duration::from_millis(number()?),
            _ => return Err(format!("the audit has no choice `{name}`")),
        }
    }
    Ok(())
}

/// Written straight into the fields, so that it is the host that refuses what breaks a rule.
fn quotas(options: &mut HostOptions, wanted: &Value) -> Result<(), String> {
    let quotas = &mut options.quotas;
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let field = match name.as_str() {
            "max_memory_bytes" => &mut quotas.max_memory_bytes,
            "max_timeout_secs" => &mut quotas.max_timeout_secs,
            "max_ipc_throughput_bytes" => &mut quotas.max_ipc_throughput_bytes,
            "max_storage_bytes" => &mut quotas.max_storage_bytes,
            "max_files" => &mut quotas.max_files,
            "max_cpu_fuel_per_sec" => &mut quotas.max_cpu_fuel_per_sec,
            "max_in_flight_calls" => &mut quotas.max_in_flight_calls,
            "max_subscriptions" => &mut quotas.max_subscriptions,
            "max_pollables" => &mut quotas.max_pollables,
            "max_sockets" => &mut quotas.max_sockets,
            "max_listeners" => &mut quotas.max_listeners,
            "max_udp_sockets" => &mut quotas.max_udp_sockets,
            _ => return Err(format!("there is no quota `{name}`")),
        };
        *field = value.as_u64().ok_or_else(|| format!("the quota `{name}` cannot be {value}"))?;
    }
    Ok(())
}

fn instances(options: &mut HostOptions, wanted: &Value) -> Result<(), String> {
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let number = value.as_u64().ok_or_else(|| format!("`instances.{name}` cannot be {value}"))?;
        let count = usize::try_from(number).unwrap_or(usize::MAX);
        match name.as_str() {
            "warm" => options.instances.warm = count,
            "most" => options.instances.most = count,
            "idle_ms" => options.instances.idle = Duration::from_millis(number),
            _ => return Err(format!("there is no `instances.{name}`")),
        }
    }
    Ok(())
}

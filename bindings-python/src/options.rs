//! What may be set when a host is opened.

use std::collections::BTreeMap;

use astrid_host::audit::ExpectedCheckpoint;
use astrid_host::capsule::parse_hash;
use astrid_host::net::Network;
use astrid_host::policy::Quotas;
use astrid_host::store::Durability;
use astrid_host::{HostOptions, WorkspaceMode};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping};

use crate::failure::raise;
use crate::host::seconds;
use crate::profile;

/// Reads the keyword arguments of `open`.
pub(crate) fn read(given: &Bound<'_, PyDict>) -> PyResult<HostOptions> {
    let mut options = HostOptions::default();
    for (name, value) in given {
        let name: String = name.extract()?;
        match name.as_str() {
            "runtime_version" => options.runtime_version = value.extract()?,
            "worker_threads" => options.worker_threads = value.extract()?,
            "elicit_timeout" => options.elicit_timeout = seconds(&name, value.extract()?)?,
            "approval_timeout" => options.approval_timeout = seconds(&name, value.extract()?)?,
            "uplink_timeout" => options.uplink_timeout = seconds(&name, value.extract()?)?,
            "ready_within" => options.ready_within = seconds(&name, value.extract()?)?,
            "default_profile" => options.default_profile = profile::read(&value)?,
            "quotas" => quotas(&mut options.quotas, &value)?,
            "max_principals" => options.max_principals = value.extract()?,
            "require_principal" => options.require_principal = value.extract()?,
            "authenticated_uplinks" => options.authenticated_uplinks = value.extract()?,
            "recv_empty_on_timeout" => options.recv_empty_on_timeout = value.extract()?,
            "durability" => options.durability = durability(value.extract()?)?,
            "audit_limit_bytes" => options.audit_limit_bytes = value.extract()?,
            "audit_segment_bytes" => options.audit_segment_bytes = value.extract()?,
            "audit" => audit(&mut options, &value)?,
            "expected_checkpoint" => options.expected_checkpoint = expected(&value)?,
            "secret_key" => options.secret_key = secret_key(&value)?,
            "allow_missing_imports" => options.allow_missing_imports = value.extract()?,
            "restart" => restart(&mut options, &value)?,
            "instances" => instances(&mut options, &value)?,
            "network" => network(&mut options, &value)?,
            "processes" => processes(&mut options, &value)?,
            "code_cache" => options.code_cache = value.extract()?,
            "trust_hard_links" => options.trust_hard_links = value.extract()?,
            "signal_traps" => options.signal_traps = value.extract()?,
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "open() got an unexpected keyword argument '{name}'"
                )));
            }
        }
    }
    Ok(options)
}

fn durability(given: &str) -> PyResult<Durability> {
    match given {
        "process" => Ok(Durability::Process),
        "power" => Ok(Durability::Power),
        other => Err(PyValueError::new_err(format!("durability is 'process' or 'power', not '{other}'"))),
    }
}

/// A limit is a number or `"unlimited"`; the host refuses what is neither a quota nor a limit for it.
fn quotas(quotas: &mut Quotas, given: &Bound<'_, PyAny>) -> PyResult<()> {
    for (name, value) in members(given)? {
        let limit = match value.extract::<&str>() {
            Ok("unlimited") => Quotas::UNLIMITED,
            _ => value.extract()?,
        };
        quotas.set(&name, limit).map_err(|error| raise(given.py(), &error))?;
    }
    Ok(())
}

fn restart(options: &mut HostOptions, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let restart = &mut options.restart;
    for (name, value) in members(given)? {
        match name.as_str() {
            "enabled" => restart.enabled = value.extract()?,
            "first" => restart.first = seconds("restart.first", value.extract()?)?,
            "most" => restart.most = seconds("restart.most", value.extract()?)?,
            "attempts" => restart.attempts = value.extract()?,
            "recovery" => restart.recovery = seconds("restart.recovery", value.extract()?)?,
            _ => return Err(unknown("restart", &name)),
        }
    }
    Ok(())
}

fn instances(options: &mut HostOptions, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let instances = &mut options.instances;
    for (name, value) in members(given)? {
        match name.as_str() {
            "warm" => instances.warm = value.extract()?,
            "most" => instances.most = value.extract()?,
            "idle" => instances.idle = seconds("instances.idle", value.extract()?)?,
            _ => return Err(unknown("instances", &name)),
        }
    }
    Ok(())
}

fn network(options: &mut HostOptions, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let network = &mut options.network;
    for (name, value) in members(given)? {
        match name.as_str() {
            "local_egress" => network.local_egress = lists(&value)?,
            "public_binds" => network.public_binds = lists(&value)?,
            "dns_servers" => {
                let servers: Vec<String> = value.extract()?;
                let servers = servers.iter().map(|text| Network::dns_server(text)).collect::<Result<_, _>>();
                network.dns_servers = servers.map_err(|error| raise(given.py(), &error))?;
            }
            "http_connect" => network.http_connect_ms = Some(millis(&name, &value)?),
            "http_first_byte" => network.http_first_byte_ms = Some(millis(&name, &value)?),
            "http_between_bytes" => network.http_between_bytes_ms = Some(millis(&name, &value)?),
            "http_total" => network.http_total_ms = Some(millis(&name, &value)?),
            "tls_roots" => network.tls_roots = value.extract::<String>()?.into_bytes(),
            _ => return Err(unknown("network", &name)),
        }
    }
    Ok(())
}

fn processes(options: &mut HostOptions, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let processes = &mut options.processes;
    for (name, value) in members(given)? {
        match name.as_str() {
            "bubblewrap" => processes.bubblewrap = value.extract()?,
            "readable" => processes.readable = value.extract()?,
            "host_network" => processes.host_network = value.extract()?,
            "user" => processes.user = value.extract()?,
            "scratch_bytes" => processes.scratch_bytes = value.extract()?,
            "limits" => {
                let limits = &mut processes.limits;
                for (name, value) in members(&value)? {
                    match name.as_str() {
                        "memory_bytes" => limits.memory_bytes = value.extract()?,
                        "cpu_secs" => limits.cpu_secs = value.extract()?,
                        "pids" => limits.pids = value.extract()?,
                        "open_files" => limits.open_files = value.extract()?,
                        _ => return Err(unknown("processes.limits", &name)),
                    }
                }
            }
            _ => return Err(unknown("processes", &name)),
        }
    }
    Ok(())
}

/// Seconds as whole milliseconds.
fn millis(name: &str, given: &Bound<'_, PyAny>) -> PyResult<u64> {
    let time = seconds(&format!("network.{name}"), given.extract()?)?;
    Ok(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Lists of texts by name.
fn lists(given: &Bound<'_, PyAny>) -> PyResult<BTreeMap<String, Vec<String>>> {
    members(given)?.into_iter().map(|(name, list)| Ok((name, list.extract()?))).collect()
}

fn audit(options: &mut HostOptions, given: &Bound<'_, PyAny>) -> PyResult<()> {
    let audit = &mut options.audit;
    for (name, value) in members(given)? {
        match name.as_str() {
            "power_operations" => audit.power_operations = value.extract()?,
            "entries_per_sec" => audit.entries_per_sec = value.extract()?,
            "bytes_per_sec" => audit.bytes_per_sec = value.extract()?,
            "merge_within" => audit.merge_within = seconds("audit.merge_within", value.extract()?)?,
            _ => return Err(unknown("audit", &name)),
        }
    }
    Ok(())
}

fn expected(given: &Bound<'_, PyAny>) -> PyResult<Option<ExpectedCheckpoint>> {
    if given.is_none() {
        return Ok(None);
    }
    let (mut entries, mut head) = (None, None);
    for (name, value) in members(given)? {
        match name.as_str() {
            "entries" => entries = Some(value.extract()?),
            "head" => {
                let hash = parse_hash(value.extract::<&str>()?);
                head = Some(hash.map_err(|error| raise(given.py(), &error))?);
            }
            _ => return Err(unknown("expected_checkpoint", &name)),
        }
    }
    match (entries, head) {
        (Some(entries), Some(head)) => Ok(Some(ExpectedCheckpoint { entries, head })),
        _ => Err(PyTypeError::new_err("expected_checkpoint needs 'entries' and 'head'")),
    }
}

/// A key of 32 bytes; what is wrong with it is said without showing it.
pub(crate) fn secret_key(given: &Bound<'_, PyAny>) -> PyResult<Option<[u8; 32]>> {
    if given.is_none() {
        return Ok(None);
    }
    let key = given.cast::<PyBytes>().map_err(|_| PyTypeError::new_err("secret_key must be bytes"))?;
    let key = key.as_bytes().try_into();
    key.map(Some).map_err(|_| PyValueError::new_err("secret_key must have 32 bytes"))
}

/// What becomes of changes in the workspace.
pub(crate) fn workspace_mode(name: &str) -> PyResult<WorkspaceMode> {
    match name {
        "direct" => Ok(WorkspaceMode::Direct),
        "overlay" => Ok(WorkspaceMode::Overlay),
        _ => Err(PyValueError::new_err(format!("workspace_mode must be direct or overlay, not {name}"))),
    }
}

/// The members of a mapping.
fn members<'py>(given: &Bound<'py, PyAny>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    given.cast::<PyMapping>()?.items()?.iter().map(|member| member.extract()).collect()
}

fn unknown(option: &str, name: &str) -> PyErr {
    PyTypeError::new_err(format!("{option} has no member '{name}'"))
}

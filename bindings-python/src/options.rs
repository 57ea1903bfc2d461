//! What may be set when a host is opened.

use astrid_host::HostOptions;
use astrid_host::policy::Quotas;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::failure::raise;
use crate::host::seconds;

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
            "quotas" => {
                for (quota, limit) in value.cast::<PyDict>()? {
                    let quota: String = quota.extract()?;
                    options.quotas.set(&quota, amount(&limit)?).map_err(|error| raise(given.py(), &error))?;
                }
            }
            "max_principals" => options.max_principals = value.extract()?,
            "require_principal" => options.require_principal = value.extract()?,
            "recv_empty_on_timeout" => options.recv_empty_on_timeout = value.extract()?,
            "audit_limit_bytes" => options.audit_limit_bytes = value.extract()?,
            "audit_segment_bytes" => options.audit_segment_bytes = value.extract()?,
            "allow_missing_imports" => options.allow_missing_imports = value.extract()?,
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "open() got an unexpected keyword argument '{name}'"
                )));
            }
        }
    }
    Ok(options)
}

/// A quota's value: a number, or `"unlimited"`.
fn amount(limit: &Bound<'_, PyAny>) -> PyResult<u64> {
    match limit.extract::<&str>() {
        Ok("unlimited") => Ok(Quotas::UNLIMITED),
        _ => limit.extract(),
    }
}

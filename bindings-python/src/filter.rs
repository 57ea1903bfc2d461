//! Which entries of the audit log are wanted.

use astrid_host::audit::{Filter, Outcome};
use pyo3::Borrowed;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Read from the keyword arguments of `entries` and `export`.
pub(crate) struct AuditFilter(pub(crate) Filter);

impl<'py> FromPyObject<'_, 'py> for AuditFilter {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let mut filter = Filter::default();
        for (name, value) in given.cast::<PyDict>()?.iter() {
            match name.extract::<&str>()? {
                "principal" => filter.principal = value.extract()?,
                "capsule" => filter.capsule = value.extract()?,
                "operation" => filter.operation = value.extract()?,
                "outcome" => {
                    filter.outcome = value.extract::<Option<&str>>()?.map(outcome_named).transpose()?;
                }
                "since" => filter.since_seq = value.extract()?,
                "limit" => filter.limit = value.extract()?,
                other => {
                    let message = format!("entries cannot be chosen by '{other}'");
                    return Err(PyTypeError::new_err(message));
                }
            }
        }
        Ok(Self(filter))
    }
}

fn outcome_named(name: &str) -> PyResult<Outcome> {
    [Outcome::Allowed, Outcome::Denied, Outcome::Failed, Outcome::Cancelled]
        .into_iter()
        .find(|outcome| outcome.name() == name)
        .ok_or_else(|| {
            PyValueError::new_err(format!("outcome must be allowed, denied, failed or cancelled, not {name}"))
        })
}

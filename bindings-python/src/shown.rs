//! Results of the host's verbs as the records of `astrid_host.types`.

use astrid_host::audit::{Entry, Verification};
use astrid_host::{Discovery, Inspection, Installed, Outcome};
use pyo3::prelude::*;
use pyo3::types::PyList;
use serde::Serialize;

use crate::record::{fields, named, plain, record, serialised};

#[expect(clippy::unnecessary_wraps, reason = "whatever shows a result may fail")]
pub(crate) fn nothing(py: Python<'_>, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}

pub(crate) fn installed(py: Python<'_>, done: Installed) -> PyResult<Py<PyAny>> {
    let record = record!(
        py,
        "Installed",
        id = done.id,
        version = done.version,
        hash = done.hash,
        upgraded_from = done.upgraded_from,
        warnings = done.warnings,
    )?;
    Ok(record.unbind())
}

pub(crate) fn inspection(py: Python<'_>, inspection: Inspection) -> PyResult<Py<PyAny>> {
    let installed = inspection.installed.as_ref();
    let installed = installed.map(|installed| serialised(py, "InstalledVersion", installed)).transpose()?;
    let record = record!(
        py,
        "Inspection",
        id = inspection.id,
        version = inspection.version,
        hash = inspection.hash,
        manifest = plain(py, &inspection.manifest)?,
        warnings = inspection.warnings,
        installed = installed,
        changes = serialised(py, "Changes", &inspection.changes)?,
    )?;
    Ok(record.unbind())
}

pub(crate) fn discovery(py: Python<'_>, discovery: Discovery) -> PyResult<Py<PyAny>> {
    let found = PyList::empty(py);
    for one in discovery.found {
        let manifest = plain(py, &*one.manifest)?;
        found.append(record!(
            py,
            "Found",
            id = one.id,
            version = one.version,
            path = one.path,
            manifest = manifest,
        )?)?;
    }
    Ok(record!(py, "Discovery", found = found, warnings = discovery.warnings)?.unbind())
}

pub(crate) fn outcome(py: Python<'_>, outcome: Outcome) -> PyResult<Py<PyAny>> {
    let record = record!(
        py,
        "Outcome",
        delivered = outcome.delivered,
        handlers = outcome.handlers,
        decision = outcome.decision,
        data = outcome.data,
        reason = outcome.reason,
    )?;
    Ok(record.unbind())
}

pub(crate) fn entries(py: Python<'_>, entries: Vec<Entry>) -> PyResult<Py<PyAny>> {
    let list = PyList::empty(py);
    for entry in entries {
        list.append(serialised(py, "AuditEntry", &entry)?)?;
    }
    Ok(list.into_any().unbind())
}

pub(crate) fn verification(py: Python<'_>, verification: &Verification) -> PyResult<Py<PyAny>> {
    let findings = PyList::empty(py);
    for finding in &verification.findings {
        findings.append(serialised(py, "Finding", finding)?)?;
    }
    let fields = fields(py, verification)?;
    fields.set_item("findings", findings)?;
    Ok(named(py, "Verification", &fields)?.unbind())
}

/// Records of one class.
pub(crate) fn records(py: Python<'_>, class: &str, records: &[impl Serialize]) -> PyResult<Py<PyAny>> {
    let shown = records.iter().map(|record| serialised(py, class, record)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, shown)?.into_any().unbind())
}

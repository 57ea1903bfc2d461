//! What a component is to this host.

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::failure::raise;
use crate::record::{fields, named, serialised};

/// What a component imports, exports and needs, and whether it runs here.
#[pyfunction]
pub(crate) fn inspect_component(py: Python<'_>, component: &[u8]) -> PyResult<Py<PyAny>> {
    let report = py.detach(|| astrid_host::inspect_component(component));
    let report = report.map_err(|error| raise(py, &error))?;
    let imports = PyList::empty(py);
    for import in &report.imports {
        let functions = PyList::empty(py);
        for function in &import.functions {
            functions.append(serialised(py, "ImportedFunction", function)?)?;
        }
        let import = fields(py, import)?;
        import.set_item("functions", functions)?;
        imports.append(named(py, "ImportedInterface", &import)?)?;
    }
    let fields = fields(py, &report)?;
    fields.set_item("imports", imports)?;
    Ok(named(py, "ComponentReport", &fields)?.unbind())
}

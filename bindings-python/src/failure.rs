//! Errors of the host as Python exceptions, with the program's own exception inside where there is one.

use std::error::Error as StdError;

use astrid_host::Error;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// The exception for an error. An exception that a callback raised becomes its cause; one that is no `Exception`,
/// such as `KeyboardInterrupt`, is raised again as it is.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let own = own_exception(error).map(|own| own.clone_ref(py));
    match own {
        Some(own) if !own.is_instance_of::<PyException>(py) => own,
        own => make(py, error, own).unwrap_or_else(|broken| broken),
    }
}

fn make(py: Python<'_>, error: &Error, cause: Option<PyErr>) -> PyResult<PyErr> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let context = PyDict::new(py);
    for (key, value) in error.context() {
        context.set_item(key, value)?;
    }
    let make = MAKE.import(py, "astrid_host.errors", "_make")?;
    let exception =
        make.call1((error.kind().code(), error.message(), context, error.guest_backtrace(), cause))?;
    Ok(PyErr::from_value(exception))
}

/// The Python exception somewhere among the causes.
fn own_exception(error: &Error) -> Option<&PyErr> {
    let mut cause = error.source();
    while let Some(one) = cause {
        if let Some(own) = one.downcast_ref::<PyErr>() {
            return Some(own);
        }
        cause = one.source();
    }
    None
}

//! Profiles of principals: plain dictionaries with the names of the profile's file.

use std::ffi::CString;

use astrid_host::Profile;
use pyo3::exceptions::{PyUserWarning, PyValueError};
use pyo3::prelude::*;
use serde_json::Value;

use crate::failure::raise;

/// How far above this module the caller is who ought to see a warning.
const CALLER: i32 = 2;

/// Reads a profile; what the host ignores in it becomes a `UserWarning`.
pub(crate) fn read(given: &Bound<'_, PyAny>) -> PyResult<Profile> {
    let py = given.py();
    let parsed = Profile::from_json(&json(given)?).map_err(|error| raise(py, &error))?;
    for warning in parsed.warnings {
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(warning)?, CALLER)?;
    }
    Ok(parsed.profile)
}

/// What Python's own `json` makes of something.
fn json(given: &Bound<'_, PyAny>) -> PyResult<Value> {
    let text = given.py().import("json")?.call_method1("dumps", (given,))?;
    serde_json::from_str(text.extract()?).map_err(|error| PyValueError::new_err(error.to_string()))
}

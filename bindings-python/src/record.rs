//! The frozen records of `astrid_host.types`, made from what the core serialises.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString};
use serde::Serialize;
use serde_json::Value;

/// A record of that class, its fields given by name.
pub(crate) fn named<'py>(
    py: Python<'py>,
    class: &str,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    static TYPES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let types = TYPES.get_or_try_init(py, || py.import("astrid_host.types").map(Bound::unbind))?;
    types.bind(py).getattr(class)?.call((), Some(fields))
}

/// The fields of something the core serialises as an object.
pub(crate) fn fields<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyDict>> {
    Ok(plain(py, value)?.cast_into::<PyDict>()?)
}

/// Something the core serialises, as Python's own numbers, texts, lists and dictionaries.
pub(crate) fn plain<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(value).map_err(|error| PyValueError::new_err(error.to_string()))?;
    object(py, &value)
}

/// A record of that class with the fields the core serialises.
pub(crate) fn serialised<'py>(
    py: Python<'py>,
    class: &str,
    value: &impl Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    named(py, class, &fields(py, value)?)
}

fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => whole.into_bound_py_any(py),
            (None, Some(whole)) => whole.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => Ok(PyString::new(py, text).into_any()),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(object(py, item)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(members) => {
            let dict = PyDict::new(py);
            for (key, member) in members {
                dict.set_item(key, object(py, member)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

/// A dictionary whose keys are named one by one.
macro_rules! dict {
    ($py:expr, $($name:ident = $value:expr),+ $(,)?) => {{
        let fields = pyo3::types::PyDict::new($py);
        $(fields.set_item(stringify!($name), $value)?;)+
        fields
    }};
}
pub(crate) use dict;

/// A record whose fields are named one by one.
macro_rules! record {
    ($py:expr, $class:literal, $($field:tt)+) => {
        $crate::record::named($py, $class, &$crate::record::dict!($py, $($field)+))
    };
}
pub(crate) use record;

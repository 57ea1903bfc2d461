//! The private native module of the Python package `astrid_host`: it converts, waits and wakes, and decides nothing.

mod bridge;
mod call;
mod capsule;
mod changes;
mod doorbell;
mod export;
mod failure;
mod filter;
mod host;
mod inspect;
mod messages;
mod notices;
mod options;
mod profile;
mod question;
mod record;
mod reply;
mod shown;

/// What `astrid_host` is built on. Every name in it is private to that package.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use std::sync::OnceLock;

    use astrid_host::ErrorKind;
    use pyo3::exceptions::PyImportError;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::bridge::thread_token;
    #[pymodule_export]
    use super::call::{Call, Running};
    #[pymodule_export]
    use super::capsule::Capsule;
    #[pymodule_export]
    use super::changes::Changes;
    #[pymodule_export]
    use super::export::Export;
    #[pymodule_export]
    use super::host::Host;
    #[pymodule_export]
    use super::inspect::inspect_component;
    #[pymodule_export]
    use super::messages::Messages;
    #[pymodule_export]
    use super::notices::Notices;
    #[pymodule_export]
    use super::reply::Reply;

    /// The interpreter that has the module, told by its table of modules, which is its own as long as it lives. Newer
    /// interpreters refuse by themselves what does not promise to serve several; before 3.12 nobody does.
    static OWNER: OnceLock<usize> = OnceLock::new();

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let interpreter = module.py().import("sys")?.getattr("modules")?.as_ptr() as usize;
        if *OWNER.get_or_init(|| interpreter) != interpreter {
            return Err(PyImportError::new_err(
                "astrid_host does not support loading in subinterpreters: another interpreter of this process has it",
            ));
        }
        let kinds: Vec<_> = ErrorKind::ALL.iter().map(|kind| (kind.code(), kind.meaning())).collect();
        module.add("ERROR_KINDS", kinds)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

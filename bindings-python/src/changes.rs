//! A watch over the folders of capsules.

use std::sync::Arc;

use astrid_host::cancel::Cancel;
use astrid_host::{CapsuleChange, CapsuleChanges, Watch};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::bridge::Bridge;
use crate::call::{Call, within};
use crate::failure::raise;
use crate::record::record;

/// The native side of `CapsuleChanges` and `AsyncCapsuleChanges`.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Changes {
    /// Empty once it is closed: the watch ends when the last who waits lets go of it.
    inner: Mutex<Option<Arc<CapsuleChanges>>>,
    closed: Cancel,
    host: astrid_host::Host,
    bridge: Arc<Bridge>,
}

impl Changes {
    fn new(changes: CapsuleChanges, host: astrid_host::Host, bridge: Arc<Bridge>) -> Self {
        Self { inner: Mutex::new(Some(Arc::new(changes))), closed: Cancel::default(), host, bridge }
    }
}

/// Begins to watch.
pub(crate) fn watching(host: &astrid_host::Host, bridge: &Arc<Bridge>, watch: Watch) -> Call {
    let (its_host, its_bridge) = (host.clone(), Arc::clone(bridge));
    Call::new(host, bridge, async move { watch.await }, move |py, changes| {
        Ok(Py::new(py, Changes::new(changes, its_host, its_bridge))?.into_any())
    })
}

#[pymethods]
impl Changes {
    fn next(&self, timeout: Option<f64>) -> PyResult<Call> {
        let (changes, closed) = (self.inner.lock().clone(), self.closed.clone());
        let next = async move {
            let changes = changes?;
            tokio::select! {
                change = changes.next() => change,
                () = closed.given() => None,
            }
        };
        let work = within(timeout, "nothing changed in time", next)?;
        Ok(Call::new(&self.host, &self.bridge, work, |py, change| {
            change.map_or_else(|| Ok(py.None()), |change| shown(py, change))
        }))
    }

    fn close(&self) {
        self.closed.give();
        let changes = self.inner.lock().take();
        drop(changes);
    }
}

fn shown(py: Python<'_>, change: CapsuleChange) -> PyResult<Py<PyAny>> {
    let (reloaded, error) = match change.reloaded {
        None => (false, None),
        Some(Ok(())) => (true, None),
        Some(Err(error)) => (false, Some(raise(py, &error).into_value(py))),
    };
    let record = record!(
        py,
        "CapsuleChange",
        folder = change.folder,
        gone = change.gone,
        id = change.id,
        reloaded = reloaded,
        error = error,
    )?;
    Ok(record.unbind())
}

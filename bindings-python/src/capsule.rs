//! A loaded capsule.

use std::sync::Arc;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bridge::Bridge;
use crate::call::Call;
use crate::changes::watching;
use crate::failure::raise;
use crate::host::{principal, seconds};
use crate::record::{plain, record};
use crate::shown::nothing;

/// The native side of `Capsule` and `AsyncCapsule`.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Capsule {
    inner: astrid_host::Capsule,
    host: astrid_host::Host,
    bridge: Arc<Bridge>,
}

impl Capsule {
    pub(crate) fn new(inner: astrid_host::Capsule, host: astrid_host::Host, bridge: Arc<Bridge>) -> Self {
        Self { inner, host, bridge }
    }

    fn call<T: Send + 'static>(
        &self,
        work: impl Future<Output = astrid_host::Result<T>> + Send + 'static,
        show: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Call {
        Call::new(&self.host, &self.bridge, work, show)
    }
}

#[pymethods]
impl Capsule {
    #[getter]
    fn id(&self) -> String {
        self.inner.id().to_string()
    }

    #[getter]
    fn version(&self) -> String {
        self.inner.version()
    }

    #[getter]
    fn hash(&self) -> String {
        self.inner.hash()
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.inner.warnings().to_vec()
    }

    #[getter]
    fn state(&self) -> &'static str {
        self.inner.state().name()
    }

    #[getter]
    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    #[getter]
    fn restarts(&self) -> u32 {
        self.inner.restarts()
    }

    #[getter]
    fn failure(&self) -> Option<String> {
        self.inner.failure()
    }

    #[getter]
    fn manifest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &*self.inner.manifest())
    }

    fn trigger(
        &self,
        py: Python<'_>,
        action: String,
        payload: Vec<u8>,
        principal: Option<&str>,
        timeout: Option<f64>,
        traceparent: Option<String>,
    ) -> PyResult<Call> {
        let mut trigger = self.inner.trigger(action, payload);
        if let Some(name) = principal {
            trigger = trigger.principal(self::principal(py, name)?);
        }
        if let Some(timeout) = timeout {
            trigger = trigger.timeout(seconds("timeout", timeout)?);
        }
        if let Some(traceparent) = traceparent {
            trigger = trigger.traceparent(traceparent);
        }
        Ok(self.call(async move { trigger.await }, |py, result| {
            let record = record!(py, "HookResult", action = result.action, data = result.data)?;
            Ok(record.unbind())
        }))
    }

    fn wait_ready(&self, timeout: Option<f64>) -> PyResult<Call> {
        let timeout: Option<Duration> = timeout.map(|timeout| seconds("timeout", timeout)).transpose()?;
        let capsule = self.inner.clone();
        Ok(self.call(async move { capsule.wait_ready(timeout).await }, nothing))
    }

    fn static_file(&self, path: String) -> Call {
        let capsule = self.inner.clone();
        let read = async move { capsule.static_file(&path).await };
        self.call(read, |py, bytes| Ok(PyBytes::new(py, &bytes).into_any().unbind()))
    }

    fn watch(&self, py: Python<'_>, reload: bool) -> PyResult<Call> {
        let watch = self.inner.watch().map_err(|error| raise(py, &error))?.reload(reload);
        Ok(watching(&self.host, &self.bridge, watch))
    }

    fn commit(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let (capsule, principal) = (self.inner.clone(), self::principal(py, principal)?);
        let commit = async move { capsule.commit(&principal).await };
        Ok(self.call(commit, |py, changes| changes.into_py_any(py)))
    }

    fn rollback(&self, py: Python<'_>, principal: &str) -> PyResult<Call> {
        let (capsule, principal) = (self.inner.clone(), self::principal(py, principal)?);
        Ok(self.call(async move { capsule.rollback(&principal).await }, nothing))
    }

    fn reload(&self) -> Call {
        let capsule = self.inner.clone();
        self.call(async move { capsule.reload().await }, nothing)
    }

    fn unload(&self) -> Call {
        let capsule = self.inner.clone();
        self.call(async move { capsule.unload().await }, nothing)
    }
}

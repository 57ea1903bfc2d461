//! A loaded capsule.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;

use crate::bridge::Bridge;
use crate::call::Call;
use crate::host::{principal, seconds};
use crate::record::record;

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

    fn trigger(
        &self,
        py: Python<'_>,
        action: String,
        payload: Vec<u8>,
        principal: Option<String>,
        timeout: Option<f64>,
    ) -> PyResult<Call> {
        let mut trigger = self.inner.trigger(action, payload);
        if let Some(name) = principal {
            trigger = trigger.principal(self::principal(py, &name)?);
        }
        if let Some(timeout) = timeout {
            trigger = trigger.timeout(seconds("timeout", timeout)?);
        }
        Ok(Call::new(&self.host, &self.bridge, async move { trigger.await }, |py, result| {
            let record = record!(py, "HookResult", action = result.action, data = result.data)?;
            Ok(record.unbind())
        }))
    }

    fn wait_ready(&self, timeout: Option<f64>) -> PyResult<Call> {
        let timeout: Option<Duration> = timeout.map(|timeout| seconds("timeout", timeout)).transpose()?;
        let capsule = self.inner.clone();
        let work = async move { capsule.wait_ready(timeout).await };
        Ok(Call::new(&self.host, &self.bridge, work, |py, ()| Ok(py.None())))
    }

    fn unload(&self) -> Call {
        let capsule = self.inner.clone();
        let work = async move { capsule.unload().await };
        Call::new(&self.host, &self.bridge, work, |py, ()| Ok(py.None()))
    }
}

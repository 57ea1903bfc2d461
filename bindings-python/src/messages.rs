//! A subscription to the bus.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::bridge::Bridge;
use crate::call::{Call, within};
use crate::record::record;

/// The native side of `Messages` and `AsyncMessages`.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Messages {
    inner: Arc<astrid_host::Messages>,
    host: astrid_host::Host,
    bridge: Arc<Bridge>,
}

impl Messages {
    pub(crate) fn new(messages: astrid_host::Messages, host: astrid_host::Host, bridge: Arc<Bridge>) -> Self {
        Self { inner: Arc::new(messages), host, bridge }
    }
}

#[pymethods]
impl Messages {
    fn next(&self, timeout: Option<f64>) -> PyResult<Call> {
        let messages = Arc::clone(&self.inner);
        let next = async move { messages.next().await };
        let work = within(timeout, "no message came in time", next)?;
        Ok(Call::new(&self.host, &self.bridge, work, |py, message| {
            let Some(message) = message else { return Ok(py.None()) };
            let record = record!(
                py,
                "BusMessage",
                topic = message.topic,
                payload = message.payload,
                source = message.source,
                attribution = message.attribution,
                principal = message.principal,
            )?;
            Ok(record.unbind())
        }))
    }

    fn close(&self) {
        self.inner.close();
    }
}

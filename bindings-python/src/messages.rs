//! A subscription to the bus.

use std::pin::pin;
use std::sync::Arc;

use astrid_host::{Error, ErrorKind};
use futures_util::FutureExt;
use pyo3::prelude::*;

use crate::bridge::Bridge;
use crate::call::Call;
use crate::host::seconds;
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
        let timeout = timeout.map(|timeout| seconds("timeout", timeout)).transpose()?;
        let messages = Arc::clone(&self.inner);
        let work = async move {
            let Some(timeout) = timeout else { return Ok(messages.next().await) };
            let mut next = pin!(messages.next());
            // What is there already, or the end, needs no timer; and the host whose timers they are may be closed.
            if let Some(message) = next.as_mut().now_or_never() {
                return Ok(message);
            }
            tokio::time::timeout(timeout, next)
                .await
                .map_err(|_| Error::new(ErrorKind::Timeout, "no message came in time"))
        };
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

//! A call of the host that has not begun: waited for on the caller's own thread, or run on the host's.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use astrid_host::{Error, ErrorKind, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::bridge::Bridge;
use crate::failure::raise;
use crate::host::seconds;

/// How often a waiting thread looks for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// A result that becomes a Python object once the interpreter is at hand.
type Shown = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// One verb with its arguments. Dropping it before it is done cancels it.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Call {
    host: astrid_host::Host,
    bridge: Arc<Bridge>,
    work: Mutex<Option<BoxFuture<'static, Result<Shown>>>>,
}

impl Call {
    /// A call that does `work` and shows its result with `show`.
    pub(crate) fn new<T: Send + 'static>(
        host: &astrid_host::Host,
        bridge: &Arc<Bridge>,
        work: impl Future<Output = Result<T>> + Send + 'static,
        show: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Self {
        let work = async move {
            let result = work.await?;
            Ok(Box::new(move |py: Python<'_>| show(py, result)) as Shown)
        };
        Self { host: host.clone(), bridge: Arc::clone(bridge), work: Mutex::new(Some(Box::pin(work))) }
    }

    /// A call of something that blocks: it runs on a thread of the host's runtime that may.
    pub(crate) fn blocking<T: Send + 'static>(
        host: &astrid_host::Host,
        bridge: &Arc<Bridge>,
        work: impl FnOnce() -> Result<T> + Send + 'static,
        show: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Self {
        let owner = host.clone();
        let work = async move {
            let runtime = owner.handle()?;
            // The work is lost only when the host closes under it.
            runtime.spawn_blocking(work).await.unwrap_or_else(|_| Err(closed()))
        };
        Self::new(host, bridge, work, show)
    }

    fn take(&self) -> PyResult<BoxFuture<'static, Result<Shown>>> {
        self.work.lock().take().ok_or_else(|| PyRuntimeError::new_err("the call has begun already"))
    }
}

#[pymethods]
impl Call {
    /// Waits on this thread, with the interpreter free for others; Ctrl-C drops the call and with it the guest.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let work = self.take()?;
        let mut signals = Signals::new();
        let runtime = self.host.handle();
        let ended = py.detach(|| {
            // Timers of the work belong to the host's runtime, whatever thread polls them.
            let _runtime = runtime.as_ref().map(Handle::enter);
            let _waiting = runtime.is_ok().then(|| self.bridge.wait());
            astrid_host::drive(work, SIGNALS, || signals.pulse())
        });
        match ended {
            Ok(Ok(show)) => show(py),
            Ok(Err(error)) => Err(raise(py, &error)),
            Err(interrupt) => Err(interrupt),
        }
    }

    /// Runs on the host's threads and settles an asyncio future of that loop.
    fn start(&self, py: Python<'_>, event_loop: Py<PyAny>, future: Py<PyAny>) -> PyResult<Running> {
        let work = self.take()?;
        let Ok(runtime) = self.host.handle() else {
            // No thread runs it any more, nor after a fork; but what a closed host answers, it answers at once.
            let result = work.now_or_never().unwrap_or_else(|| Err(closed()));
            settle(py, &event_loop, &future, result);
            return Ok(Running { task: None });
        };
        let mut waiter = Waiter { bridge: Arc::clone(&self.bridge), future: Some((event_loop, future)) };
        let task = runtime.spawn(async move {
            let result = work.await;
            waiter.tell(result);
        });
        Ok(Running { task: Some(task.abort_handle()) })
    }
}

/// A call that runs on the host's threads.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Running {
    task: Option<AbortHandle>,
}

#[pymethods]
impl Running {
    /// Drops the call, which stops the guest; nothing happens if it is done.
    fn cancel(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Somebody who awaits a call. They are told even if the host drops the call because it closes.
struct Waiter {
    bridge: Arc<Bridge>,
    future: Option<(Py<PyAny>, Py<PyAny>)>,
}

impl Waiter {
    fn tell(&mut self, result: Result<Shown>) {
        if let Some((event_loop, future)) = self.future.take() {
            self.bridge.ring(move |py| settle(py, &event_loop, &future, result));
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.tell(Err(closed()));
    }
}

/// Waits for the next of something; a `timeout` when there is none in so many seconds.
pub(crate) fn within<T>(
    timeout: Option<f64>,
    late: &'static str,
    next: impl Future<Output = Option<T>>,
) -> PyResult<impl Future<Output = Result<Option<T>>>> {
    let timeout = timeout.map(|timeout| seconds("timeout", timeout)).transpose()?;
    Ok(async move {
        let Some(timeout) = timeout else { return Ok(next.await) };
        let mut next = pin!(next);
        // What is there already, or the end, needs no timer; and the host whose timers they are may be closed.
        if let Some(ready) = next.as_mut().now_or_never() {
            return Ok(ready);
        }
        tokio::time::timeout(timeout, next).await.map_err(|_| Error::new(ErrorKind::Timeout, late))
    })
}

/// Looks for signals, which only the main thread may handle, and not more often than [`SIGNALS`].
struct Signals {
    looked: Instant,
    elsewhere: bool,
}

impl Signals {
    fn new() -> Self {
        Self { looked: Instant::now(), elsewhere: false }
    }

    fn pulse(&mut self) -> ControlFlow<PyErr> {
        if self.elsewhere || self.looked.elapsed() < SIGNALS {
            return ControlFlow::Continue(());
        }
        self.looked = Instant::now();
        let looked = Python::try_attach(|py| {
            self.elsewhere = !is_main_thread(py)?;
            py.check_signals()
        });
        match looked {
            Some(Err(interrupt)) => ControlFlow::Break(interrupt),
            Some(Ok(())) | None => ControlFlow::Continue(()),
        }
    }
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}

/// Gives a result to an asyncio future on its loop's thread. A loop that is closed by now has nobody who waits.
fn settle(py: Python<'_>, event_loop: &Py<PyAny>, future: &Py<PyAny>, result: Result<Shown>) {
    static SETTLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let shown = match result {
        Ok(show) => show(py),
        Err(error) => Err(raise(py, &error)),
    };
    let posted = SETTLE.import(py, "astrid_host._async_call", "_settle").and_then(|settle| {
        let (value, error) = match shown {
            Ok(value) => (value, None),
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
                // A future refuses to carry it: it would end the coroutine that awaits.
                let stop = PyRuntimeError::new_err("a callback raised StopIteration");
                stop.set_cause(py, Some(error));
                (py.None(), Some(stop))
            }
            Err(error) => (py.None(), Some(error)),
        };
        event_loop.call_method1(py, "call_soon_threadsafe", (settle, future, value, error))
    });
    if let Err(error) = posted
        && !error.is_instance_of::<PyRuntimeError>(py)
    {
        error.write_unraisable(py, None);
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the host is closed")
}

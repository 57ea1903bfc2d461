//! Where a callback's answer goes, and the way there and back.

use std::sync::Arc;

use astrid_host::people::{Callback, CallbackError, CallbackFault};
use parking_lot::Mutex;
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::bridge::Bridge;
use crate::question::Question;

/// What came of asking.
enum Verdict {
    Answered(Py<PyAny>),
    Raised(PyErr),
    WouldBlock,
}

/// What is done with a verdict.
type Give = Box<dyn FnOnce(Python<'_>, Verdict) + Send>;

/// Takes one answer; the first counts, and none at all is a refusal.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Reply {
    bridge: Arc<Bridge>,
    verdict: Mutex<Option<Give>>,
}

impl Reply {
    fn give(&self, py: Python<'_>, verdict: Verdict) {
        let give = self.verdict.lock().take();
        if let Some(give) = give {
            give(py, verdict);
        }
    }
}

#[pymethods]
impl Reply {
    /// The callback returned this.
    fn answer(&self, py: Python<'_>, value: Py<PyAny>) {
        self.give(py, Verdict::Answered(value));
    }

    /// The callback raised this.
    fn raised(&self, py: Python<'_>, error: Bound<'_, PyAny>) {
        self.give(py, Verdict::Raised(PyErr::from_value(error)));
    }

    /// The callback can only run on a thread that waits for the host.
    fn would_block(&self, py: Python<'_>) {
        self.give(py, Verdict::WouldBlock);
    }

    /// Whether that thread waits for the host right now.
    fn waits_on(&self, thread: Option<u64>) -> bool {
        thread.is_some_and(|thread| self.bridge.waits(thread))
    }
}

/// The core's callback for one kind of question: it rings, and waits without a thread.
pub(crate) fn callback<Q: Question>(bridge: &Arc<Bridge>) -> Callback<Q, Q::Answer> {
    let bridge = Arc::clone(bridge);
    Arc::new(move |question: Q| {
        let bridge = Arc::clone(&bridge);
        Box::pin(async move {
            let (give, answer) = oneshot::channel();
            let mut asked = Asked { bridge: Arc::clone(&bridge), withdraw: Arc::default(), answered: false };
            let withdraw = Arc::clone(&asked.withdraw);
            bridge.clone().ring(move |py| ask(py, bridge, &question, give, &withdraw));
            let answer = answer.await;
            asked.answered = true;
            answer.unwrap_or_else(|_| {
                Err(CallbackError::new(CallbackFault::Closed, "nobody is left to answer"))
            })
        })
    })
}

fn ask<Q: Question>(
    py: Python<'_>,
    bridge: Arc<Bridge>,
    question: &Q,
    give: oneshot::Sender<Result<Q::Answer, CallbackError>>,
    withdraw: &Mutex<Option<Py<PyAny>>>,
) {
    let Some(callbacks) = bridge.callbacks(py) else { return };
    let verdict = Box::new(move |py: Python<'_>, verdict: Verdict| {
        // Nobody listens any more if the deadline passed or the call was cancelled.
        let _ = give.send(judge::<Q>(py, verdict));
    });
    let Ok(reply) = Bound::new(py, Reply { bridge, verdict: Mutex::new(Some(verdict)) }) else { return };
    let asked = question
        .fields(py)
        .and_then(|fields| callbacks.bind(py).call_method1("ask", (Q::KIND, fields, &reply)));
    match asked {
        Ok(how) if !how.is_none() => *withdraw.lock() = Some(how.unbind()),
        Ok(_) => {}
        Err(error) => reply.get().give(py, Verdict::Raised(error)),
    }
}

fn judge<Q: Question>(py: Python<'_>, verdict: Verdict) -> Result<Q::Answer, CallbackError> {
    match verdict {
        Verdict::Answered(value) => Q::read(value.bind(py)).ok_or_else(|| {
            let kind = value
                .bind(py)
                .get_type()
                .name()
                .map_or_else(|_| "something else".into(), |name| name.to_string());
            let message = format!("on_{} answered {kind} where {} was expected", Q::KIND, Q::EXPECTED);
            CallbackError::new(CallbackFault::WrongAnswer, message)
        }),
        Verdict::Raised(error) => {
            let message = format!("on_{} raised {error}", Q::KIND);
            Err(CallbackError::new(CallbackFault::Raised, message).caused_by(error))
        }
        Verdict::WouldBlock => {
            let message = format!("on_{} would need the very thread that waits for it", Q::KIND);
            Err(CallbackError::new(CallbackFault::WouldBlockCaller, message))
        }
    }
}

/// A question that is open. Dropped before it is answered, it withdraws the question: a coroutine is cancelled.
struct Asked {
    bridge: Arc<Bridge>,
    withdraw: Arc<Mutex<Option<Py<PyAny>>>>,
    answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let withdraw = Arc::clone(&self.withdraw);
        // Rung after the question itself, so what withdraws it is known by then.
        self.bridge.ring(move |py| {
            let how = withdraw.lock().take();
            if let Some(how) = how
                && let Err(error) = how.call0(py)
            {
                error.write_unraisable(py, None);
            }
        });
    }
}

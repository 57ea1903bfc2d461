//! What a host tells the program without asking anything: it waits here, bounded and in order, until the callback has
//! time for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

use astrid_host::audit::{Checkpoint, CheckpointSink};
use astrid_host::logs::{LogLine, LogSink};
use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::bridge::Bridge;
use crate::record::{dict, fields};

/// How many notices wait at once. A line has at most 64 KiB, so these hold no more than the core's own queue before them.
const MOST: usize = 64;

/// What is done with a notice that finds [`MOST`] before it.
#[derive(Clone, Copy)]
enum Crowded {
    /// The thread that brought it waits; the core has a bounded queue before it, and counts and tells what that loses.
    Wait,
    /// The oldest is forgotten.
    ForgetOldest,
}

/// A notice, to be made into the fields of a record of `astrid_host.types`.
type Notice = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyDict>> + Send>;

/// The notices of one callback that it has not taken yet.
pub(crate) struct Inbox {
    kind: &'static str,
    crowded: Crowded,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    notices: VecDeque<Notice>,
    /// Somebody takes them, one after the other, until there are none.
    taken: bool,
    closed: bool,
}

/// A sink for what guests log.
pub(crate) fn log_sink(bridge: &Arc<Bridge>) -> LogSink {
    let tell = teller(bridge, "log", Crowded::Wait);
    Arc::new(move |line: &LogLine| {
        let line = line.clone();
        tell(Box::new(move |py| {
            let since = line.time.duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(dict!(
                py,
                capsule = &*line.owner.capsule,
                principal = line.owner.principal.as_str(),
                level = line.level.name(),
                message = line.message,
                time_ns = since.as_nanos(),
                lost = line.lost,
            ))
        }));
    })
}

/// A sink for checkpoints. The log must not wait for it, and a later checkpoint covers all that an earlier one does.
pub(crate) fn checkpoint_sink(bridge: &Arc<Bridge>) -> CheckpointSink {
    let tell = teller(bridge, "checkpoint", Crowded::ForgetOldest);
    Arc::new(move |checkpoint: &Checkpoint| {
        let checkpoint = checkpoint.clone();
        tell(Box::new(move |py| fields(py, &checkpoint)));
    })
}

fn teller(
    bridge: &Arc<Bridge>,
    kind: &'static str,
    crowded: Crowded,
) -> impl Fn(Notice) + Send + Sync + 'static {
    let inbox = Arc::new(Inbox { kind, crowded, state: Mutex::default(), changed: Condvar::new() });
    bridge.add(Arc::clone(&inbox));
    let bridge = Arc::clone(bridge);
    move |notice| {
        if inbox.put(notice) {
            let (inner, inbox) = (Arc::clone(&bridge), Arc::clone(&inbox));
            bridge.ring(move |py| begin(py, &inner, &inbox));
        }
    }
}

/// Has the callback take what waits.
fn begin(py: Python<'_>, bridge: &Bridge, inbox: &Arc<Inbox>) {
    let Some(callbacks) = bridge.callbacks(py) else { return inbox.close() };
    let notices = Notices(Arc::clone(inbox));
    if let Err(error) = callbacks.call_method1(py, "tell", (inbox.kind, notices)) {
        inbox.close();
        error.write_unraisable(py, None);
    }
}

impl Inbox {
    /// Puts a notice last; true if somebody has to be called to take it.
    fn put(&self, notice: Notice) -> bool {
        let mut state = self.state.lock();
        if state.notices.len() >= MOST {
            match self.crowded {
                Crowded::Wait => {
                    self.changed.wait_while(&mut state, |state| state.notices.len() >= MOST && !state.closed);
                }
                Crowded::ForgetOldest => drop(state.notices.pop_front()),
            }
        }
        if state.closed {
            return false;
        }
        state.notices.push_back(notice);
        !std::mem::replace(&mut state.taken, true)
    }

    fn take(&self) -> Option<Notice> {
        let mut state = self.state.lock();
        let notice = state.notices.pop_front();
        state.taken = notice.is_some();
        self.changed.notify_all();
        notice
    }

    /// Waits until the callback is done with everything, but not longer than that.
    pub(crate) fn wait(&self, until: Instant) {
        let mut state = self.state.lock();
        self.changed.wait_while_until(
            &mut state,
            |state| !state.closed && (state.taken || !state.notices.is_empty()),
            until,
        );
    }

    /// Drops what waits and what comes.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.notices);
        self.changed.notify_all();
        drop(state);
        drop(dropped);
    }
}

/// The notices of one callback, for the thread or the task that calls it.
#[pyclass(frozen, module = "astrid_host._native")]
pub(crate) struct Notices(Arc<Inbox>);

#[pymethods]
impl Notices {
    /// The fields of the next; none if there is none. Then the host calls again when there is.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.0.take().map(|notice| notice(py)).transpose()
    }

    /// Nobody takes any more for now: the next notice calls again.
    fn leave(&self) {
        let mut state = self.0.state.lock();
        state.taken = false;
        self.0.changed.notify_all();
    }

    /// Nobody will ever take one again.
    fn close(&self) {
        self.0.close();
    }

    /// The callback raised this, and nobody is there to catch it.
    #[staticmethod]
    fn raised(py: Python<'_>, error: Bound<'_, PyAny>, callback: &Bound<'_, PyAny>) {
        PyErr::from_value(error).write_unraisable(py, Some(callback));
    }
}

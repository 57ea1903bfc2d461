//! What one host shares with the interpreter: its callbacks, its doorbell, and who is waiting for it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use astrid_host::limits::LOG_CLOSE_WAIT;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::doorbell::Doorbell;
use crate::notices::Inbox;

/// Shared by the native `Host`, its calls and the callbacks the core holds.
pub(crate) struct Bridge {
    /// The Python `Callbacks`. Only the native `Host` shows it to the collector; once that is gone, it is empty.
    callbacks: Mutex<Option<Py<PyAny>>>,
    waiting: Mutex<Vec<u64>>,
    /// What the callbacks that answer nothing have not been told yet.
    inboxes: Mutex<Vec<Arc<Inbox>>>,
    doorbell: Doorbell,
}

impl Bridge {
    pub(crate) fn new(callbacks: Py<PyAny>) -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            callbacks: Mutex::new(Some(callbacks)),
            waiting: Mutex::default(),
            inboxes: Mutex::default(),
            doorbell: Doorbell::start()?,
        }))
    }

    /// Has something done with the interpreter, in order, on a thread that may wait for it.
    pub(crate) fn ring(&self, ring: impl FnOnce(Python<'_>) + Send + 'static) {
        self.doorbell.ring(ring);
    }

    /// Notes an inbox that is to be emptied before the host is closed.
    pub(crate) fn add(&self, inbox: Arc<Inbox>) {
        self.inboxes.lock().push(inbox);
    }

    /// The Python `Callbacks`, until the host is closed or collected.
    pub(crate) fn callbacks(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.callbacks.lock().as_ref().map(|callbacks| callbacks.clone_ref(py))
    }

    /// Notes that the calling thread waits for the host until the guard is dropped.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        let thread = thread_token();
        self.waiting.lock().push(thread);
        Waiting { bridge: self, thread }
    }

    /// Whether that thread waits for the host right now.
    pub(crate) fn waits(&self, thread: u64) -> bool {
        self.waiting.lock().contains(&thread)
    }

    /// Ends the doorbell's thread, with the interpreter free for it to finish what was rung, and gives the callbacks a
    /// moment for what they have not been told yet.
    pub(crate) fn stop(&self, py: Python<'_>) {
        py.detach(|| {
            self.doorbell.stop();
            let until = Instant::now() + LOG_CLOSE_WAIT;
            self.inboxes.lock().iter().for_each(|inbox| inbox.wait(until));
        });
        self.forget();
    }

    /// Lets the callbacks go.
    pub(crate) fn forget(&self) {
        self.inboxes.lock().iter().for_each(|inbox| inbox.close());
        let callbacks = self.callbacks.lock().take();
        drop(callbacks);
    }

    /// Shows the callbacks to the collector. Where another thread holds them just now, they are in use: not garbage.
    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.callbacks.try_lock() {
            Some(callbacks) => visit.call(&*callbacks),
            None => Ok(()),
        }
    }
}

/// A thread that waits for the host.
pub(crate) struct Waiting<'a> {
    bridge: &'a Bridge,
    thread: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.bridge.waiting.lock();
        if let Some(place) = waiting.iter().rposition(|thread| *thread == self.thread) {
            waiting.swap_remove(place);
        }
    }
}

/// A number that stands for the calling thread, and for no other thread of this process, ever.
#[pyfunction]
pub(crate) fn thread_token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static TOKEN: Cell<u64> = const { Cell::new(0) });
    TOKEN.with(|token| {
        if token.get() == 0 {
            token.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        token.get()
    })
}

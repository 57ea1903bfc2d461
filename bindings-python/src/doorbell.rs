//! One thread through which the host's threads reach the interpreter, so that none of them ever waits for the GIL.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use pyo3::prelude::*;

/// Something to do with the interpreter: short, and never waiting.
type Ring = Box<dyn FnOnce(Python<'_>) + Send>;

/// How many rings one attachment to the interpreter serves before others get their turn.
const RINGS_AT_ONCE: usize = 64;

/// Hands work to the thread that answers. Rings are answered in the order they were made.
pub(crate) struct Doorbell {
    process: u32,
    rings: Mutex<Option<Sender<Ring>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Doorbell {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (rings, ringing) = mpsc::channel::<Ring>();
        let thread = thread::Builder::new().name("astrid-python".into()).spawn(move || {
            while let Ok(first) = ringing.recv() {
                let attached = Python::try_attach(|py| {
                    first(py);
                    ringing.try_iter().take(RINGS_AT_ONCE).for_each(|ring| ring(py));
                });
                if attached.is_none() {
                    return; // The interpreter is ending: nobody is left to hear.
                }
            }
        })?;
        let (rings, thread) = (Mutex::new(Some(rings)), Mutex::new(Some(thread)));
        Ok(Self { process: std::process::id(), rings, thread })
    }

    /// Has something done soon. What still comes after [`Doorbell::stop`], from work that the closing host cut off, is
    /// done on the ringing thread: somebody may be awaiting it.
    pub(crate) fn ring(&self, ring: impl FnOnce(Python<'_>) + Send + 'static) {
        if let Some(rings) = &*self.rings.lock() {
            // The thread is gone only when the interpreter is.
            let _ = rings.send(Box::new(ring));
            return;
        }
        let _ = Python::try_attach(ring);
    }

    /// Answers what was rung until now, then ends the thread. Not to be called on that thread.
    pub(crate) fn stop(&self) {
        self.rings.lock().take();
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Drop for Doorbell {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // In a child of `fork` the thread does not exist, and neither does the memory that its handle points to.
            std::mem::forget((self.rings.get_mut().take(), self.thread.get_mut().take()));
        }
    }
}

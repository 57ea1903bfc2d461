//! Synchronous calls: they wait on the caller's own thread and, where that thread dispatches, answer from there.

use std::convert::Infallible;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::astrid_host::{Host, drive};
use parking_lot::Mutex;

use crate::ask::Handlers;
use crate::dispatch::Callbacks;
use crate::tell::LastTaken;

/// How often a waiting call looks at its queue even if nobody woke it; a safety net, since every job wakes its thread.
const LOOK: Duration = Duration::from_millis(500);

/// What all handles of one host share.
pub(crate) struct Shared {
    pub(crate) host: Host,
    pub(crate) callbacks: Callbacks,
    /// Gone once the host is closed.
    handlers: Mutex<Handlers>,
    /// The news that the checkpoint callback was told all, for the one who closes.
    last_checkpoint: Mutex<Option<LastTaken>>,
}

impl Shared {
    pub(crate) fn new(
        host: Host,
        callbacks: Callbacks,
        handlers: Handlers,
        last_checkpoint: Option<LastTaken>,
    ) -> Arc<Self> {
        let (handlers, last_checkpoint) = (Mutex::new(handlers), Mutex::new(last_checkpoint));
        Arc::new(Self { host, callbacks, handlers, last_checkpoint })
    }

    /// The news that the checkpoint callback was told all; given out once.
    pub(crate) fn last_checkpoint(&self) -> Option<LastTaken> {
        self.last_checkpoint.lock().take()
    }

    /// Waits for a future on this thread.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        wait(&self.callbacks, future)
    }

    /// Waits for a future on this thread for at most this long; without a time, until it is ready.
    pub(crate) fn wait_at_most<F: Future>(&self, timeout: Option<Duration>, future: F) -> Option<F::Output> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        wait_until(&self.callbacks, deadline, future)
    }

    /// Lets go of the handlers, and of what they were to be asked and told, outside the lock: their `drop` is foreign code.
    pub(crate) fn let_go(&self) {
        let handlers = std::mem::take(&mut *self.handlers.lock());
        drop(handlers);
        if let Callbacks::Dispatch(queue) = &self.callbacks {
            queue.forget();
        }
    }
}

/// Waits for a future on this thread, and answers questions from here if this is the thread that dispatches.
pub(crate) fn wait<F: Future>(callbacks: &Callbacks, future: F) -> F::Output {
    match driven(callbacks, LOOK, future, || ControlFlow::<Infallible>::Continue(())) {
        Ok(output) => output,
        Err(never) => match never {},
    }
}

fn wait_until<F: Future>(callbacks: &Callbacks, deadline: Option<Instant>, future: F) -> Option<F::Output> {
    let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    // Equal parts of the time that is left, so that the last look is at its end.
    let look = deadline.map_or(LOOK, |deadline| {
        let left = left(deadline);
        left / u32::try_from(left.as_millis() / LOOK.as_millis() + 1).unwrap_or(u32::MAX)
    });
    let over = || match deadline {
        Some(deadline) if left(deadline).is_zero() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    driven(callbacks, look.max(Duration::from_millis(1)), future, over).ok()
}

/// Polls the future on this thread; between two looks the thread sleeps, unless a job or the future wakes it.
fn driven<F: Future, B>(
    callbacks: &Callbacks,
    look: Duration,
    future: F,
    over: impl Fn() -> ControlFlow<B>,
) -> Result<F::Output, B> {
    match callbacks {
        Callbacks::Dispatch(queue) if queue.is_running_here() => queue.blocked(|| drive(future, look, over)),
        Callbacks::Dispatch(queue) if queue.is_mine() => drive(future, look, || {
            queue.run();
            over()
        }),
        _ => drive(future, look, over),
    }
}

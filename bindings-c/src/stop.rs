//! A signal to stop, given once from any thread.

use std::future::IntoFuture;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{Either, select};
use tokio::sync::Notify;

/// Once given, the signal stays given.
#[derive(Default)]
pub(crate) struct Stop {
    given: AtomicBool,
    heard: Notify,
}

impl Stop {
    /// Gives the signal.
    pub(crate) fn give(&self) {
        self.given.store(true, Ordering::Release);
        self.heard.notify_waiters();
    }

    /// Whether it was given.
    pub(crate) fn is_given(&self) -> bool {
        self.given.load(Ordering::Acquire)
    }

    async fn given(&self) {
        loop {
            let mut notified = pin!(self.heard.notified());
            // Registered before the flag is read, so a signal given in between is not missed.
            notified.as_mut().enable();
            if self.is_given() {
                return;
            }
            notified.await;
        }
    }

    /// What the work gives, or nothing if the signal came first; the work is dropped then.
    pub(crate) async fn or<W: IntoFuture>(&self, work: W) -> Option<W::Output> {
        match select(pin!(self.given()), pin!(work.into_future())).await {
            Either::Left(((), _)) => None,
            Either::Right((output, _)) => Some(output),
        }
    }
}

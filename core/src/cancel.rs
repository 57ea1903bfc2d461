//! A cancel signal that costs one atomic read to test and no thread to wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Tells every holder that what it is doing is no longer wanted. Once given, the signal stays given.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    given: AtomicBool,
    waiting: Notify,
}

impl Cancel {
    /// Gives the signal and wakes everyone who waits for it.
    pub fn give(&self) {
        self.0.given.store(true, Ordering::Release);
        self.0.waiting.notify_waiters();
    }

    /// Whether the signal was given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.0.given.load(Ordering::Acquire)
    }

    /// Waits until the signal is given; returns at once if it was.
    pub async fn given(&self) {
        loop {
            // Registered before the flag is read, so a signal given in between still wakes this future.
            let notified = self.0.waiting.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if self.is_given() {
                return;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wakes_those_who_wait_and_those_who_come_late() {
        let cancel = Cancel::default();
        let waiting = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.given().await }
        });
        assert!(!cancel.is_given());
        cancel.give();
        waiting.await.unwrap();
        cancel.given().await;
        assert!(cancel.is_given());
    }
}

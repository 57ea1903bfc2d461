//! Counts work that is under way, so that whoever closes something can wait for it to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Work under way on something.
#[derive(Clone, Debug, Default)]
pub struct Pending(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    under_way: AtomicUsize,
    idle: Notify,
}

impl Pending {
    /// Counts a piece of work until the returned value is dropped.
    #[must_use]
    pub fn begin(&self) -> Begun {
        self.0.under_way.fetch_add(1, Ordering::AcqRel);
        Begun(self.clone())
    }

    /// How much is under way.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.under_way.load(Ordering::Acquire)
    }

    /// Waits until nothing is under way.
    pub async fn none(&self) {
        loop {
            let mut idle = std::pin::pin!(self.0.idle.notified());
            idle.as_mut().enable();
            if self.0.under_way.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// A piece of work under way.
#[derive(Debug)]
pub struct Begun(Pending);

impl Drop for Begun {
    fn drop(&mut self) {
        if self.0.0.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_the_last_one() {
        let pending = Pending::default();
        pending.none().await;
        let (first, second) = (pending.begin(), pending.begin());
        let waiting = tokio::spawn({
            let pending = pending.clone();
            async move { pending.none().await }
        });
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap();
    }
}

//! The receiving end: a subscription, and the readiness that others may follow.

use std::fmt;
use std::sync::Arc;

use super::Shared;
use super::queue::{Batch, Queue};
use crate::stream::{Awaited, Ready};
use crate::topic::Pattern;

/// Receives what is published to its pattern from the moment it is made. Dropping it unsubscribes at once.
pub struct Subscription {
    pub(super) id: u64,
    pub(super) pattern: Pattern,
    pub(super) queue: Arc<Queue>,
    pub(super) bus: Arc<Shared>,
}

impl Subscription {
    /// The pattern it was made with.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Takes the next batch without waiting: messages of one attribution, at most `budget` bytes of payloads and topics.
    /// A message larger than the budget comes alone, so that it does not block those behind it.
    pub fn poll(&self, budget: usize) -> Batch {
        self.queue.take(budget)
    }

    /// Waits until there is something to take or the subscription is closed. Costs no thread and no task, may be dropped
    /// at any time, and does not borrow the subscription.
    pub fn ready(&self) -> impl Future<Output = ()> + Send + use<> {
        let queue = Arc::clone(&self.queue);
        async move { queue.ready().await }
    }

    /// Whether a message waits.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.queue.is_ready()
    }

    /// Whether it was closed. A closed subscription holds no messages.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Something to follow this subscription by without keeping it.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness { queue: Arc::clone(&self.queue) }
    }

    /// Unsubscribes, frees what waits and wakes everyone who waits.
    pub fn close(&self) {
        if self.queue.close() {
            self.bus.forget(&self.pattern, self.id);
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("pattern", &self.pattern.as_str()).finish_non_exhaustive()
    }
}

/// Follows whether a subscription has something to take; it is closed once the subscription is gone.
///
/// It does not keep the subscription: once that is dropped, all that is left here is an empty, closed queue.
#[derive(Clone)]
pub struct Readiness {
    queue: Arc<Queue>,
}

impl Awaited for Readiness {
    fn is_ready(&self) -> bool {
        self.queue.is_ready()
    }

    fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    fn ready(&self) -> Ready {
        let queue = Arc::clone(&self.queue);
        Box::pin(async move { queue.ready().await })
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("ready", &self.is_ready())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

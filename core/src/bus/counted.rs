//! Whose subscriptions they are, for the counters of that capsule.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::message::Message;
use crate::metrics::{CapsuleMetrics, PrincipalClass};

/// The capsule that holds a subscription, and where what happens in it is counted.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// The capsule's id.
    pub(super) capsule: Arc<str>,
    /// Its counters.
    pub(super) metrics: Arc<CapsuleMetrics>,
}

impl Counted {
    /// Counts a message that had to make room for another, and tells the operators: somebody publishes more than is taken.
    /// At powers of two only, so that nobody can flood the host's log by it.
    pub(super) fn evicted(&self, message: &Message) {
        let class = PrincipalClass::of(message.attribution.principal());
        let evictions = self.metrics.byte_evicted(class);
        if evictions.is_power_of_two() {
            let (capsule, principal_class) = (&*self.capsule, class.name());
            tracing::error!(
                target: "astrid::bus", security_event = true, capsule, principal_class, evictions,
                "a subscription is full and drops its oldest messages",
            );
        }
    }

    /// Counts how (messages, bytes) that wait have changed, and what was lost.
    pub(super) fn moved(&self, before: (usize, usize), after: (usize, usize), lost: u64) {
        let change = |before: usize, after: usize| {
            i64::try_from(after).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(i64::MAX)
        };
        self.metrics.queued_messages.fetch_add(change(before.0, after.0), Ordering::Relaxed);
        self.metrics.queued_bytes.fetch_add(change(before.1, after.1), Ordering::Relaxed);
        if lost > 0 {
            self.metrics.lost_messages.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

//! The queue of one subscription: what waits, what was lost, and who is waiting for it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::buckets::{Buckets, QueueLimits};
use super::counted::Counted;
use super::message::Message;

/// Shared by the bus, the subscription and its readiness. Once closed it holds nothing.
pub(super) struct Queue {
    limits: QueueLimits,
    counted: Option<Counted>,
    state: Mutex<State>,
    /// Told when the queue stops being empty and when it closes. A waiter is a node in a list, not a thread or a task.
    changed: Notify,
}

#[derive(Default)]
struct State {
    buckets: Buckets,
    closed: bool,
    dropped: u64,
    lagged: u64,
}

/// What one poll of a subscription gives.
#[derive(Debug, Default)]
pub struct Batch {
    /// Messages of one attribution, in the order they were published.
    pub messages: Vec<Arc<Message>>,
    /// Messages this subscription lost since the last poll.
    pub dropped: u64,
    /// Messages this subscription lost since it was made.
    pub lagged: u64,
}

impl Queue {
    pub(super) fn new(limits: QueueLimits, counted: Option<Counted>, closed: bool) -> Self {
        let state = State { closed, ..State::default() };
        Self { limits, counted, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Takes a message in and wakes who waits. False if it was not: the queue is closed, or it could never hold it.
    pub(super) fn offer(&self, message: Arc<Message>) -> bool {
        let (taken, wake) = {
            let mut state = self.state.lock();
            if state.closed {
                return false;
            }
            let was_empty = state.buckets.is_empty();
            let (arrived, held) = (state.buckets.arrived(), state.buckets.held());
            let lost = state.buckets.push(message, self.limits, &mut |evicted| {
                if let Some(counted) = &self.counted {
                    counted.evicted(evicted);
                }
            });
            state.lose(lost);
            self.count(held, state.buckets.held(), lost);
            (state.buckets.arrived() > arrived, was_empty && !state.buckets.is_empty())
        };
        // Who came later saw the message; so only the step from empty to not empty has anybody to wake.
        if wake {
            self.changed.notify_waiters();
        }
        taken
    }

    /// Counts a message that matched but was not offered.
    pub(super) fn skip(&self) {
        self.state.lock().lose(1);
        self.count((0, 0), (0, 0), 1);
    }

    /// The next batch and the counts.
    pub(super) fn take(&self, budget: usize) -> Batch {
        let mut state = self.state.lock();
        let held = state.buckets.held();
        let messages = state.buckets.take(budget);
        self.count(held, state.buckets.held(), 0);
        Batch { messages, dropped: std::mem::take(&mut state.dropped), lagged: state.lagged }
    }

    /// Frees what waits, takes nothing more and wakes everybody; the counts stay readable. False if it was closed before.
    pub(super) fn close(&self) -> bool {
        let waiting = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.closed, true) {
                return false;
            }
            std::mem::take(&mut state.buckets)
        };
        self.count(waiting.held(), (0, 0), 0);
        self.changed.notify_waiters();
        drop(waiting);
        true
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Whether a message waits.
    pub(super) fn is_ready(&self) -> bool {
        !self.state.lock().buckets.is_empty()
    }

    /// Waits until a message waits or the queue is closed.
    pub(super) async fn ready(&self) {
        while !self.is_settled() {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Enlist before looking again, or a message that comes in between would wake nobody.
            changed.as_mut().enable();
            if self.is_settled() {
                return;
            }
            changed.await;
        }
    }

    fn count(&self, before: (usize, usize), after: (usize, usize), lost: u64) {
        if let Some(counted) = &self.counted {
            counted.moved(before, after, lost);
        }
    }

    fn is_settled(&self) -> bool {
        let state = self.state.lock();
        state.closed || !state.buckets.is_empty()
    }
}

impl State {
    fn lose(&mut self, messages: u64) {
        self.dropped += messages;
        self.lagged += messages;
    }
}

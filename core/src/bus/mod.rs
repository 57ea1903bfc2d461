//! The message bus: publish to a topic, and every subscription whose pattern matches gets the message in a queue of its own.
//!
//! Publishing never waits and never runs a subscriber. A queue has a budget; what does not fit is lost and counted where
//! the subscriber can see it. The bus knows topics, principals and the names of those who listen, and nothing else of
//! capsules: who may publish and subscribe, and whom a message may reach, is decided before.
//!
//! Locks: the index is read while matches are collected and is free before the first message is queued; every queue has a
//! lock of its own. Neither is held while anything is woken or awaited.

mod buckets;
mod counted;
mod message;
mod queue;
mod reach;
mod subscription;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

pub use buckets::QueueLimits;
pub use message::{Admission, Attribution, Message, Receipt};
pub use queue::Batch;
pub use reach::{Listener, Reach};
pub use subscription::{Readiness, Subscription};

use crate::metrics::CapsuleMetrics;
use crate::topic::{Index, Pattern};
use counted::Counted;
use queue::Queue;

/// A message bus. Clones share it.
#[derive(Clone, Default)]
pub struct Bus {
    shared: Arc<Shared>,
}

/// What a publish came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Subscriptions whose pattern matches and which admit the message.
    pub matched: usize,
    /// Subscriptions that have it in their queue.
    pub delivered: usize,
    /// Subscriptions beyond the fan-out cap; each counts the message as dropped.
    pub overflowed: usize,
}

/// A message with the queues it will go to.
pub struct Addressed {
    message: Arc<Message>,
    reached: Vec<(u64, Arc<Queue>)>,
    withheld: Vec<Arc<str>>,
    capsules: usize,
    most: usize,
}

impl Addressed {
    /// Whether more subscriptions match than the fan-out allows.
    #[must_use]
    pub fn overflows(&self) -> bool {
        self.reached.len() > self.most
    }

    /// The capsules that listen but may not be reached, each as often as it listens.
    #[must_use]
    pub fn withheld(&self) -> &[Arc<str>] {
        &self.withheld
    }

    /// How many of the subscriptions belong to capsules.
    #[must_use]
    pub fn capsules(&self) -> usize {
        self.capsules
    }

    /// Queues the message; those beyond the fan-out count it as dropped.
    pub fn deliver(self) -> Published {
        let mut published = Published { matched: self.reached.len(), ..Published::default() };
        for (n, (_, queue)) in self.reached.iter().enumerate() {
            if n >= self.most {
                queue.skip();
                published.overflowed += 1;
            } else if queue.offer(Arc::clone(&self.message)) {
                published.delivered += 1;
            }
        }
        published
    }
}

impl fmt::Debug for Addressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addressed").field("reached", &self.reached.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    index: RwLock<Index<Entry>>,
    subscriptions: AtomicU64,
    messages: AtomicU64,
    closed: AtomicBool,
}

struct Entry {
    admission: Admission,
    /// Whose it is; none for the embedding program's own.
    listener: Option<Listener>,
    queue: Arc<Queue>,
}

impl Bus {
    /// A bus without subscriptions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the next message: increasing, and never given twice.
    pub fn next_sequence(&self) -> u64 {
        self.shared.messages.fetch_add(1, Ordering::Relaxed)
    }

    /// Subscribes to what is published from now on. Two subscriptions to one pattern both receive. On a closed bus the
    /// subscription is closed from the start.
    pub fn subscribe(&self, pattern: &Pattern, admission: Admission, limits: QueueLimits) -> Subscription {
        self.subscribe_as(None, pattern, admission, limits)
    }

    /// As [`Self::subscribe`], for a capsule: it gets only messages that may reach it.
    pub fn subscribe_as(
        &self,
        listener: Option<Listener>,
        pattern: &Pattern,
        admission: Admission,
        limits: QueueLimits,
    ) -> Subscription {
        self.enter(listener, None, pattern, admission, limits)
    }

    /// As [`Self::subscribe_as`], with what happens in the queue counted for the capsule.
    pub fn subscribe_counted(
        &self,
        listener: Listener,
        metrics: Arc<CapsuleMetrics>,
        pattern: &Pattern,
        admission: Admission,
        limits: QueueLimits,
    ) -> Subscription {
        let counted = Counted { capsule: Arc::clone(&listener.capsule), metrics };
        self.enter(Some(listener), Some(counted), pattern, admission, limits)
    }

    fn enter(
        &self,
        listener: Option<Listener>,
        counted: Option<Counted>,
        pattern: &Pattern,
        admission: Admission,
        limits: QueueLimits,
    ) -> Subscription {
        let mut index = self.shared.index.write();
        let closed = self.shared.closed.load(Ordering::Acquire);
        let id = self.shared.subscriptions.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::new(limits, counted, closed));
        if !closed {
            index.insert(pattern, id, Entry { admission, listener, queue: Arc::clone(&queue) });
        }
        Subscription { id, pattern: pattern.clone(), queue, bus: Arc::clone(&self.shared) }
    }

    /// Queues a message for every subscription that matches and admits it, or for the first `fan_out` of them in the order
    /// they were made. Costs by what it reaches; reaching nobody allocates nothing.
    pub fn publish(&self, message: &Arc<Message>, fan_out: Option<usize>) -> Published {
        self.address(message, fan_out).deliver()
    }

    /// Finds whom a message reaches without giving it to anybody yet, so that it can be recorded before it is seen.
    #[must_use]
    pub fn address(&self, message: &Arc<Message>, fan_out: Option<usize>) -> Addressed {
        let mut addressed = Addressed {
            message: Arc::clone(message),
            reached: Vec::new(),
            withheld: Vec::new(),
            capsules: 0,
            most: fan_out.unwrap_or(usize::MAX),
        };
        self.shared.index.read().routed(&message.topic, &mut |id, entry| {
            if !entry.admission.admits(&message.attribution) {
                return;
            }
            match &entry.listener {
                Some(listener) if !message.reach.admits(listener) => {
                    addressed.withheld.push(Arc::clone(&listener.capsule));
                }
                listener => {
                    addressed.capsules += usize::from(listener.is_some());
                    addressed.reached.push((id, Arc::clone(&entry.queue)));
                }
            }
        });
        // Each node of the index is in order already; only matches of several patterns have to be merged.
        addressed.reached.sort_unstable_by_key(|(id, _)| *id);
        addressed
    }

    /// Closes every subscription; those made later are closed from the start.
    pub fn close(&self) {
        let index = {
            let mut index = self.shared.index.write();
            self.shared.closed.store(true, Ordering::Release);
            std::mem::take(&mut *index)
        };
        index.each(&mut |entry| {
            entry.queue.close();
        });
    }
}

impl Shared {
    fn forget(&self, pattern: &Pattern, id: u64) {
        self.index.write().remove(pattern, id);
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bus")
    }
}

#[cfg(test)]
mod tests;

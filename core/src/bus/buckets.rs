//! What waits in one subscription: a queue for every publisher, a common budget, and fair turns.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::message::{Attribution, Message};
use crate::limits;

/// How much may wait in one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Bytes (payload and topic) over all publishers.
    pub bytes: usize,
    /// Messages of one publisher.
    pub messages_per_publisher: usize,
}

/// The limits of the contract.
impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            bytes: limits::SUBSCRIPTION_BYTES,
            messages_per_publisher: limits::SUBSCRIPTION_MESSAGES_PER_PUBLISHER,
        }
    }
}

/// The waiting messages, first in first out for each publisher; publishers with waiting messages take turns by deficit
/// round-robin. No publisher without a waiting message is kept.
#[derive(Default)]
pub(super) struct Buckets {
    waiting: HashMap<Attribution, Bucket>,
    /// Whose turn it is, then who comes next. Holds exactly the keys of `waiting`.
    turns: VecDeque<Attribution>,
    /// Whether the publisher at the front was given the quantum of this turn.
    turn_begun: bool,
    /// Who sent what, oldest first, with entries left behind by messages that are gone.
    order: VecDeque<(u64, Attribution)>,
    arrivals: u64,
    bytes: usize,
    messages: usize,
}

#[derive(Default)]
struct Bucket {
    messages: VecDeque<Waiting>,
    /// Bytes the publisher may still have delivered in its turn.
    deficit: usize,
}

struct Waiting {
    arrival: u64,
    message: Arc<Message>,
}

impl Bucket {
    fn next_size(&self) -> Option<usize> {
        self.messages.front().map(|waiting| waiting.message.size())
    }
}

impl Buckets {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// How many messages wait, and how many bytes they have.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.messages, self.bytes)
    }

    /// How many messages were ever taken in.
    pub(super) fn arrived(&self) -> u64 {
        self.arrivals
    }

    /// Takes a message in and says how many were lost by it: older ones that had to make room, or the message itself when
    /// it is larger than the whole budget. `evicted` hears of those that had to make room for its bytes.
    pub(super) fn push(
        &mut self,
        message: Arc<Message>,
        limits: QueueLimits,
        evicted: &mut dyn FnMut(&Message),
    ) -> u64 {
        let size = message.size();
        if size > limits.bytes || limits.messages_per_publisher == 0 {
            return 1;
        }
        let mut lost = 0;
        let publisher = message.attribution.clone();
        if self.waiting.get(&publisher).is_some_and(|b| b.messages.len() >= limits.messages_per_publisher) {
            lost += u64::from(self.pop(&publisher).is_some());
        }
        while self.bytes + size > limits.bytes
            && let Some(oldest) = self.evict_oldest()
        {
            evicted(&oldest);
            lost += 1;
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.bytes += size;
        self.messages += 1;
        let bucket = self.waiting.entry(publisher.clone()).or_insert_with(|| {
            self.turns.push_back(publisher.clone());
            Bucket::default()
        });
        bucket.messages.push_back(Waiting { arrival, message });
        self.order.push_back((arrival, publisher));
        self.tidy();
        lost
    }

    /// The next batch: messages of one publisher, in their order, of at most `budget` bytes together. A message that is
    /// larger than the budget comes alone. Empty only if nothing waits.
    pub(super) fn take(&mut self, budget: usize) -> Vec<Arc<Message>> {
        let quantum = limits::DELIVERY_QUANTUM_BYTES.max(budget / self.waiting.len().max(1));
        let mut taken = Vec::new();
        let mut room = budget;
        while let Some(publisher) = self.turns.front().cloned() {
            let Some(bucket) = self.waiting.get_mut(&publisher) else { break };
            if !self.turn_begun {
                bucket.deficit = bucket.deficit.saturating_add(quantum);
                self.turn_begun = true;
            }
            let mut next = bucket.next_size();
            while let Some(size) = next
                && size <= bucket.deficit
                && (size <= room || taken.is_empty())
            {
                taken.extend(bucket.messages.pop_front().map(|waiting| waiting.message));
                bucket.deficit -= size;
                room = room.saturating_sub(size);
                self.bytes -= size;
                self.messages -= 1;
                next = bucket.next_size();
            }
            match next {
                None => self.leave(&publisher),
                Some(size) if size > bucket.deficit => {
                    self.turns.rotate_left(1);
                    self.turn_begun = false;
                }
                // The budget is used up and the turn is not: the next batch goes on here.
                Some(_) => {}
            }
            if !taken.is_empty() {
                break;
            }
        }
        self.tidy();
        taken
    }

    /// Takes a publisher's first message out, and the publisher with its last one.
    fn pop(&mut self, publisher: &Attribution) -> Option<Arc<Message>> {
        let bucket = self.waiting.get_mut(publisher)?;
        let Waiting { message, .. } = bucket.messages.pop_front()?;
        self.bytes -= message.size();
        self.messages -= 1;
        if bucket.messages.is_empty() {
            self.leave(publisher);
        }
        Some(message)
    }

    /// Takes out a publisher with nothing waiting.
    fn leave(&mut self, publisher: &Attribution) {
        self.waiting.remove(publisher);
        if let Some(turn) = self.turns.iter().position(|other| other == publisher) {
            self.turns.remove(turn);
            self.turn_begun &= turn != 0;
        }
    }

    /// Drops the oldest message of all, which is the head of the queue with the oldest head.
    fn evict_oldest(&mut self) -> Option<Arc<Message>> {
        while let Some((arrival, publisher)) = self.order.pop_front() {
            if self.still_waits(arrival, &publisher) {
                return self.pop(&publisher);
            }
        }
        None
    }

    /// Whether the message with this arrival number is still there: a publisher loses its messages from the front only.
    fn still_waits(&self, arrival: u64, publisher: &Attribution) -> bool {
        let head = self.waiting.get(publisher).and_then(|bucket| bucket.messages.front());
        head.is_some_and(|head| head.arrival <= arrival)
    }

    /// Forgets the order of messages that are gone once they are the greater part, so that it costs little per message.
    fn tidy(&mut self) {
        if self.messages == 0 {
            // A burst may have left large buffers behind; most subscriptions then wait for a long time.
            self.order = VecDeque::new();
            self.turns.shrink_to(4);
            self.waiting.shrink_to(4);
        } else if self.order.len() > 2 * self.messages + 64 {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|(arrival, publisher)| self.still_waits(*arrival, publisher));
            self.order = order;
        }
    }
}

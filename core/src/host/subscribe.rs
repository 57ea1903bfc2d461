//! The embedding program's own subscriptions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use parking_lot::Mutex;

use crate::abi::context::HostContext;
use crate::abi::tenant::Tenants;
use crate::bus::{Admission, Attribution, Message, QueueLimits, Subscription};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::people::BoxFuture;
use crate::topic::Pattern;

/// A message as the embedding program sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusMessage {
    /// The topic.
    pub topic: String,
    /// The payload, JSON.
    pub payload: String,
    /// The source id of the capsule that sent it; the nil UUID for the embedding program itself.
    pub source: String,
    /// `verified`, `claimed` or `system`.
    pub attribution: &'static str,
    /// The principal it speaks for; none for the system.
    pub principal: Option<String>,
}

impl From<&Message> for BusMessage {
    fn from(message: &Message) -> Self {
        Self {
            topic: message.topic.as_str().to_owned(),
            payload: message.payload.to_string(),
            source: message.source.to_string(),
            attribution: match message.attribution {
                Attribution::Verified(_) => "verified",
                Attribution::Claimed(_) => "claimed",
                Attribution::System => "system",
            },
            principal: message.attribution.principal().map(ToString::to_string),
        }
    }
}

/// Messages of one subscription, in the order they are taken; a `Stream`. Dropping it unsubscribes.
pub struct Messages {
    queue: Arc<Subscription>,
    tenants: Tenants,
    taken: Mutex<Vec<Arc<Message>>>,
    waiting: Mutex<Option<BoxFuture<()>>>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("closed", &self.queue.is_closed()).finish_non_exhaustive()
    }
}

impl Messages {
    pub(super) fn open(host: &HostContext, pattern: &str) -> Result<Self> {
        let pattern = Pattern::for_subscription(pattern).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("the pattern `{pattern}`: {error}"))
        })?;
        let queue = host.bus.subscribe(&pattern, Admission::Everyone, QueueLimits::default());
        let tenants = host.tenants.clone();
        Ok(Self { queue: Arc::new(queue), tenants, taken: Mutex::default(), waiting: Mutex::default() })
    }

    /// The next message; none once the subscription or the host is closed.
    pub async fn next(&self) -> Option<BusMessage> {
        loop {
            if let Some(message) = self.take() {
                return Some(message);
            }
            if self.queue.is_closed() {
                return None;
            }
            self.queue.ready().await;
        }
    }

    /// The next message if one is there now.
    #[must_use]
    pub fn take(&self) -> Option<BusMessage> {
        let mut taken = self.taken.lock();
        loop {
            if taken.is_empty() {
                *taken = self.queue.poll(limits::BATCH_BYTES).messages;
                taken.reverse();
            }
            let message = taken.pop()?;
            // What waited for one who was removed is not delivered any more.
            if self.tenants.hears(&message) {
                return Some(BusMessage::from(&*message));
            }
        }
    }

    /// Ends the subscription; whoever waits in [`Self::next`] gets none.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Stream for Messages {
    type Item = BusMessage;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<BusMessage>> {
        loop {
            if let Some(message) = self.take() {
                return Poll::Ready(Some(message));
            }
            if self.queue.is_closed() {
                return Poll::Ready(None);
            }
            let mut waiting = self.waiting.lock();
            let ready = waiting.get_or_insert_with(|| {
                let queue = Arc::clone(&self.queue);
                Box::pin(async move { queue.ready().await })
            });
            if ready.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            *waiting = None;
        }
    }
}

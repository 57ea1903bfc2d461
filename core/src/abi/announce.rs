//! What the host itself has to say on the bus: messages of the system, recorded before anybody sees them.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::context::HostContext;
use super::state::EMBEDDER;
use crate::audit::{Draft, Outcome};
use crate::bus::{Attribution, Message, Reach};
use crate::error::{Error, ErrorKind, Result};
use crate::principal::Principal;
use crate::topic::Topic;

impl HostContext {
    /// Publishes a message of the system: to every subscription that wants it, and to the handlers.
    ///
    /// # Errors
    /// When it could not be recorded; then nobody has seen it.
    pub fn announce(&self, topic: &str, payload: &serde_json::Value) -> Result<()> {
        self.announce_of(topic, payload, Attribution::System)
    }

    /// The same for what the host says of somebody.
    ///
    /// # Errors
    /// As [`Self::announce`].
    pub fn announce_of(&self, topic: &str, payload: &serde_json::Value, of: Attribution) -> Result<()> {
        let message = self.notice(topic, payload, of, Reach::Everyone, 0)?;
        let draft = Draft {
            principal: message.acts_for().map(Principal::as_str),
            subject: topic,
            bytes: message.payload.len() as u64,
            content: Some(message.payload.as_bytes()),
            ..Draft::new("host.announce", Outcome::Allowed)
        };
        self.audit.append(&draft)?;
        self.bus.publish(&message, None);
        if let Some(relay) = self.relay.get().and_then(Weak::upgrade) {
            relay.announce(&message);
        }
        Ok(())
    }

    /// A message of the host's own, not yet sent to anybody.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the topic is misspelled.
    pub(crate) fn notice(
        &self,
        topic: &str,
        payload: &serde_json::Value,
        attribution: Attribution,
        reach: Reach,
        depth: u8,
    ) -> Result<Arc<Message>> {
        let topic = Topic::parse(topic)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the topic `{topic}`: {error}")))?;
        Ok(Arc::new(Message {
            topic,
            payload: Arc::from(payload.to_string()),
            source: Arc::from(EMBEDDER),
            // Nobody who is known has sent what is only claimed.
            sender: match &attribution {
                Attribution::Verified(principal) => Some(principal.clone()),
                Attribution::Claimed(_) | Attribution::System => None,
            },
            attribution,
            sequence: self.bus.next_sequence(),
            time: SystemTime::now(),
            depth,
            trace: None,
            reach,
            receipt: None,
        }))
    }
}

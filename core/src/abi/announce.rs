//! What the host itself has to say on the bus: messages of the system, recorded before anybody sees them.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::context::HostContext;
use super::state::EMBEDDER;
use crate::audit::{Draft, Outcome};
use crate::bus::{Attribution, Message};
use crate::error::{Error, ErrorKind, Result};
use crate::topic::Topic;

impl HostContext {
    /// Publishes a message of the system: to every subscription that wants it, and to the handlers.
    ///
    /// # Errors
    /// When it could not be recorded; then nobody has seen it.
    pub fn announce(&self, topic: &str, payload: &serde_json::Value) -> Result<()> {
        let payload = payload.to_string();
        let parsed = Topic::parse(topic)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the topic `{topic}`: {error}")))?;
        let draft = Draft {
            subject: topic,
            bytes: payload.len() as u64,
            content: Some(payload.as_bytes()),
            ..Draft::new("host.announce", Outcome::Allowed)
        };
        self.audit.append(&draft)?;
        let message = Arc::new(Message {
            topic: parsed,
            payload: Arc::from(payload),
            source: Arc::from(EMBEDDER),
            sender: None,
            attribution: Attribution::System,
            sequence: self.bus.next_sequence(),
            time: SystemTime::now(),
            depth: 0,
        });
        self.bus.publish(&message, None);
        // Too many deliveries under way: the handlers miss it, as they would any other message.
        let taken = self.relay.get().and_then(Weak::upgrade).is_none_or(|relay| relay.relay(&message));
        if !taken {
            tracing::warn!(topic, "a message of the host did not reach the handlers: too many are under way");
        }
        Ok(())
    }
}

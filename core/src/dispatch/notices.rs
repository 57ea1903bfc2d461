//! What the host itself has to say about messages and capsules.

use std::sync::Arc;

use serde_json::json;

use super::Dispatcher;
use super::handlers::Handler;

use crate::abi::context::{HostContext, Relay};
use crate::audit::{Draft, Outcome};
use crate::bus::{Attribution, Message, Reach};
use crate::limits;
use crate::principal::Principal;
use crate::topic::{DELIVERY_FAILURE, GRANT_REQUEST, LIFECYCLE, Meaning};

impl Dispatcher {
    /// Records that capsules called by a message were not granted to its caller, and tells the embedding program, which
    /// may grant them. Nobody else learns which capsules would have listened.
    pub(super) fn withhold(&self, message: &Message, mut capsules: Vec<Arc<str>>) {
        // Who only asks what there is gets a shorter answer, and nobody has to be told.
        if message.topic.meaning() != Meaning::Invocation {
            return;
        }
        let (Some(host), Some(caller)) = (self.host.upgrade(), message.acts_for()) else { return };
        capsules.sort_unstable();
        capsules.dedup();
        let capsules: Vec<&str> = capsules.iter().map(|id| &**id).collect();
        let names = capsules.join(",");
        let draft = Draft {
            principal: Some(caller.as_str()),
            reason: "not-granted",
            subject: message.topic.as_str(),
            detail: &[("capsules", &names)],
            ..Draft::new("dispatch.withheld", Outcome::Denied)
        };
        record(&host, &draft);
        let payload = json!({ "principal": caller, "topic": message.topic, "capsules": capsules });
        let attribution = Attribution::Verified(caller.clone());
        if let Ok(request) = host.notice(GRANT_REQUEST, &payload, attribution, Reach::Nobody, 0) {
            host.bus.publish(&request, None);
        }
    }

    /// Tells the publisher that the one capsule which should have served its message did not, if it asked to be told.
    pub(super) fn undelivered(&self, message: &Message, reason: &str) {
        let (Some(receipt), Some(host)) = (&message.receipt, self.host.upgrade()) else { return };
        let depth = message.depth.saturating_add(1);
        // A failure that is answered by another try leads on like any message, and no further.
        if depth > limits::PUBLISH_DEPTH {
            return;
        }
        let topic = format!("{DELIVERY_FAILURE}.{}.{}", message.source, receipt.id);
        let payload = json!({ "delivery_id": *receipt.id, "request_topic": message.topic, "reason": reason });
        let attribution = message.acts_for().cloned().map_or(Attribution::System, Attribution::Verified);
        let reach = Reach::Capsule(Arc::clone(&receipt.publisher));
        if let Ok(failure) = host.notice(&topic, &payload, attribution, reach, depth) {
            host.bus.publish(&failure, None);
            self.announce(&failure);
        }
    }

    /// Tells handlers what became of a capsule. Such an event speaks for nobody, and no subscription receives it.
    pub(super) fn lifecycle(&self, event: &str, capsule: &str) {
        let Some(host) = self.host.upgrade() else { return };
        let payload = json!({ "event": event, "capsule_id": capsule });
        let topic = format!("{LIFECYCLE}.{event}");
        if let Ok(event) = host.notice(&topic, &payload, Attribution::System, Reach::Everyone, 0) {
            self.announce(&event);
        }
    }

    /// Tells the audit which handler ended the chain of which message, or that the host did; the words of a handler's own
    /// stay out of it.
    pub(super) fn record_denial(&self, handler: Option<&Handler>, message: &Message, reason: &str) {
        let Some(host) = self.host.upgrade() else { return };
        let artifact =
            handler.and_then(|handler| self.handlers.answering(handler)).map(|capsule| *capsule.hash());
        let action = handler.map(|handler| ("handler", &*handler.action));
        let draft = Draft {
            capsule: handler.map(|handler| &*handler.listener.capsule),
            artifact: artifact.as_ref(),
            principal: message.acts_for().map(Principal::as_str),
            reason,
            subject: message.topic.as_str(),
            detail: action.as_slice(),
            ..Draft::new("dispatch.denied", Outcome::Denied)
        };
        record(&host, &draft);
    }
}

fn record(host: &HostContext, draft: &Draft<'_>) {
    if let Err(error) = host.audit.record(draft) {
        // What was denied stays denied all the same: it only ever takes permission away.
        tracing::error!(%error, "a denial could not be recorded");
    }
}

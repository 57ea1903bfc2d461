//! Questions as the handlers of JavaScript read them.

use std::time::{SystemTime, UNIX_EPOCH};

use astrid_host::people::{ApprovalQuestion, ElicitQuestion, UplinkEvent, UplinkInfo};
use serde_json::{Value, json};

/// What `onElicit` is asked.
pub fn elicit(question: ElicitQuestion) -> Value {
    json!({
        "requestId": question.request_id,
        "principal": question.principal.as_str(),
        "capsule": question.capsule,
        "phase": question.phase.name(),
        "key": question.key,
        "kind": question.kind.name(),
        "description": question.description,
        "options": question.options,
        "default": question.default,
        "deadline": millis(question.deadline),
    })
}

/// What `onApproval` is asked.
pub fn approval(question: ApprovalQuestion) -> Value {
    json!({
        "requestId": question.request_id,
        "principal": question.principal.as_str(),
        "capsule": question.capsule,
        "action": question.action,
        "resource": question.resource,
        "risk": question.risk.name(),
        "deadline": millis(question.deadline),
    })
}

/// What `onUplink` is told.
pub fn uplink(event: UplinkEvent) -> Value {
    match event {
        UplinkEvent::Registered(info) => told("registered", info),
        UplinkEvent::Unregistered(info) => told("unregistered", info),
        UplinkEvent::Message(message) => json!({
            "event": "message",
            "principal": message.principal.as_str(),
            "capsule": message.capsule,
            "uplinkId": message.uplink_id,
            "platform": message.platform,
            "platformUserId": message.platform_user_id,
            "content": message.content,
            "resolved": message.resolved.as_ref().map(astrid_host::Principal::as_str),
            "deadline": millis(message.deadline),
        }),
    }
}

fn told(event: &str, info: UplinkInfo) -> Value {
    json!({
        "event": event,
        "principal": info.principal.as_str(),
        "capsule": info.capsule,
        "uplinkId": info.id,
        "name": info.name,
        "platform": info.platform,
        "profile": info.profile,
    })
}

/// Milliseconds since 1970, from which JavaScript makes a `Date`.
pub fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

//! `astrid:ipc/host`, one operation per arm.

use serde_json::{Value, json};

use crate::answer::{Answer, arms};
use crate::bindings::astrid::ipc::host::{
    self, ErrorCode, InterceptorBinding, IpcEnvelope, IpcMessage, PrincipalAttribution,
};
use crate::control::unknown;
use crate::script::Call;
use crate::stage::{Resource, Stage};

arms!(ErrorCode {
    CapabilityDenied => "capability-denied",
    InvalidInput => "invalid-input",
    Closed => "closed",
    RateLimited => "rate-limited",
    Backpressure => "backpressure",
    Quota => "quota",
    Timeout => "timeout",
});

pub fn call(function: &str, call: &Call, stage: &mut Stage) -> Answer {
    let args = call.args();
    match function {
        "get-interceptor-bindings" => {
            let bindings = host::get_interceptor_bindings().map_err(arm)?;
            Ok(bindings.into_iter().map(binding).collect())
        }
        "publish" => {
            host::publish(args.text("topic")?, args.text("payload")?).map(|()| Value::Null).map_err(arm)
        }
        "publish-as" => {
            let (topic, payload) = (args.text("topic")?, args.text("payload")?);
            host::publish_as(topic, payload, args.text("principal")?).map(|()| Value::Null).map_err(arm)
        }
        "subscribe" => {
            let subscription = host::subscribe(args.text("topic-pattern")?).map_err(arm)?;
            Ok(stage.keep_resource(call.name(), Resource::Subscription(subscription)))
        }
        "subscription.poll" => {
            let subscription = stage.subscription(call.receiver())?;
            subscription.poll().map(envelope).map_err(arm)
        }
        "subscription.recv" => {
            let subscription = stage.subscription(call.receiver())?;
            subscription.recv(args.number("timeout-ms")?).map(envelope).map_err(arm)
        }
        "subscription.subscribe-readiness" => {
            let pollable = stage.subscription(call.receiver())?.subscribe_readiness();
            Ok(stage.keep_resource(call.name(), Resource::Pollable(pollable)))
        }
        other => Err(unknown(other)),
    }
}

fn binding(binding: InterceptorBinding) -> Value {
    json!({ "handle-id": binding.handle_id, "action": binding.action, "topic": binding.topic })
}

fn envelope(envelope: IpcEnvelope) -> Value {
    let messages: Vec<Value> = envelope.messages.into_iter().map(message).collect();
    json!({ "messages": messages, "dropped": envelope.dropped, "lagged": envelope.lagged })
}

fn message(message: IpcMessage) -> Value {
    let principal = match message.principal {
        PrincipalAttribution::Verified(principal) => json!({ "verified": principal }),
        PrincipalAttribution::Claimed(principal) => json!({ "claimed": principal }),
        PrincipalAttribution::System => json!("system"),
    };
    json!({
        "topic": message.topic, "payload": message.payload, "source-id": message.source_id, "principal": principal,
    })
}

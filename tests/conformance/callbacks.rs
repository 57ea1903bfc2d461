//! The embedding program's handlers, which answer as the scenario says and remember what they were asked.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use astrid_host::logs::LogLine;
use astrid_host::people::{
    ApprovalQuestion, BoxFuture, CallbackError, CallbackFault, Decision, Delivery, ElicitAnswer,
    ElicitQuestion, UplinkEvent,
};
use astrid_host::{HostBuilder, Principal};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// The three handlers of a scenario; one that is not there is not given to the host.
#[derive(Default)]
pub struct Handlers {
    elicit: Option<Arc<Handler>>,
    approval: Option<Arc<Handler>>,
    uplink: Option<Arc<Handler>>,
    log: Option<Arc<Mutex<Vec<Value>>>>,
    /// What the checkpoint sink was told, where there is one.
    checkpoints: Option<Arc<Mutex<Vec<Value>>>>,
}

/// One handler: its answers in order, of which the last repeats, and the questions so far.
struct Handler {
    answers: Vec<Value>,
    turn: AtomicUsize,
    asked: Mutex<Vec<Value>>,
}

impl Handlers {
    /// Reads the answers of a scenario's `host`.
    pub fn read(host: &Value) -> Self {
        let handler = |name: &str| {
            let answers = host[name].as_array().filter(|answers| !answers.is_empty())?.clone();
            Some(Arc::new(Handler { answers, turn: AtomicUsize::new(0), asked: Mutex::default() }))
        };
        Self {
            elicit: handler("elicit"),
            approval: handler("approval"),
            uplink: handler("uplink"),
            log: (host["log"] == true).then(Arc::default),
            checkpoints: (host["checkpoint"] == true).then(Arc::default),
        }
    }

    /// Gives the handlers to a host that is about to be opened.
    pub fn give(&self, mut builder: HostBuilder) -> HostBuilder {
        if let Some(handler) = self.elicit.clone() {
            builder = builder
                .on_elicit(Arc::new(move |question| handler.clone().answer(elicit(&question), to_elicit)));
        }
        if let Some(handler) = self.approval.clone() {
            builder = builder.on_approval(Arc::new(move |question| {
                handler.clone().answer(approval(&question), to_decision)
            }));
        }
        if let Some(handler) = self.uplink.clone() {
            builder = builder.on_uplink(Arc::new(move |event| {
                let told = uplink(&event);
                if matches!(event, UplinkEvent::Message(_)) {
                    return handler.clone().answer(told, to_delivery);
                }
                handler.asked.lock().push(told);
                Box::pin(async { Ok(Delivery::Delivered) })
            }));
        }
        if let Some(log) = self.log.clone() {
            builder = builder.on_log(Arc::new(move |line| log.lock().push(logged(line))));
        }
        if let Some(told) = self.checkpoints.clone() {
            builder = builder.on_checkpoint(Arc::new(move |kept| {
                told.lock().push(serde_json::to_value(kept).unwrap_or_default());
            }));
        }
        builder
    }

    /// The questions that one of them was asked so far.
    pub fn asked(&self, name: &str) -> Value {
        if name == "log" {
            return self.log.as_ref().map_or_else(|| json!([]), |log| Value::Array(log.lock().clone()));
        }
        if name == "checkpoint" {
            let told = self.checkpoints.as_ref().map(|told| told.lock().clone());
            return Value::Array(told.unwrap_or_default());
        }
        let handler = match name {
            "elicit" => &self.elicit,
            "approval" => &self.approval,
            _ => &self.uplink,
        };
        handler.as_ref().map_or_else(|| json!([]), |handler| Value::Array(handler.asked.lock().clone()))
    }
}

impl Handler {
    fn answer<A: Send + 'static>(
        self: Arc<Self>,
        question: Value,
        read: fn(&Value) -> Option<A>,
    ) -> BoxFuture<Result<A, CallbackError>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        self.asked.lock().push(question);
        Box::pin(async move { give(&self.answers[turn], read).await })
    }
}

async fn give<A>(answer: &Value, read: fn(&Value) -> Option<A>) -> Result<A, CallbackError> {
    let fault = |fault, message: &str| Err(CallbackError::new(fault, message));
    if let Some(text) = answer["raise"].as_str() {
        let raised = CallbackError::new(CallbackFault::Raised, "the handler raised");
        return Err(raised.caused_by(text));
    }
    if answer["wrong_type"] == true {
        return fault(CallbackFault::WrongAnswer, "the handler answered with something else");
    }
    if answer["would_block"] == true {
        return fault(CallbackFault::WouldBlockCaller, "the handler needs the thread that waits for it");
    }
    if answer["never"] == true {
        return pending().await;
    }
    if let Some(late) = answer["late_ms"].as_u64() {
        tokio::time::sleep(Duration::from_millis(late)).await;
    }
    // A future can answer once only, so an answer given twice is given once here.
    let plain = answer.get("answer").or_else(|| answer.get("twice")).unwrap_or(answer);
    match read(plain) {
        Some(answer) => Ok(answer),
        None => fault(CallbackFault::WrongAnswer, "the scenario has no such answer"),
    }
}

fn to_elicit(answer: &Value) -> Option<ElicitAnswer> {
    if answer["cancelled"] == true {
        return Some(ElicitAnswer::Cancelled);
    }
    if let Some(text) = answer["text"].as_str() {
        return Some(ElicitAnswer::Text(text.to_owned()));
    }
    let list = answer["list"].as_array()?;
    list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>().map(ElicitAnswer::List)
}

fn to_decision(answer: &Value) -> Option<Decision> {
    answer.as_str().and_then(Decision::parse)
}

fn to_delivery(answer: &Value) -> Option<Delivery> {
    answer.as_str().and_then(Delivery::parse)
}

fn elicit(question: &ElicitQuestion) -> Value {
    json!({
        "principal": question.principal.as_str(), "capsule": question.capsule, "phase": question.phase.name(),
        "key": question.key, "kind": question.kind.name(), "description": question.description,
        "options": question.options, "default": question.default,
    })
}

fn approval(question: &ApprovalQuestion) -> Value {
    json!({
        "principal": question.principal.as_str(), "capsule": question.capsule, "action": question.action,
        "resource": question.resource, "risk": question.risk.name(),
    })
}

fn logged(line: &LogLine) -> Value {
    json!({
        "capsule": &*line.owner.capsule, "principal": line.owner.principal.as_str(), "level": line.level.name(),
        "message": line.message,
    })
}

fn uplink(event: &UplinkEvent) -> Value {
    let (event, info) = match event {
        UplinkEvent::Message(message) => {
            return json!({
                "event": "message", "capsule": message.capsule, "uplink_id": message.uplink_id,
                "platform": message.platform, "user": message.platform_user_id, "content": message.content,
                "principal": message.resolved.as_ref().map(Principal::as_str),
            });
        }
        UplinkEvent::Registered(info) => ("registered", info),
        UplinkEvent::Unregistered(info) => ("unregistered", info),
    };
    json!({
        "event": event, "capsule": info.capsule, "uplink_id": info.id, "platform": info.platform, "user": "",
        "content": "", "principal": null,
    })
}

//! The handlers of the embedding program, as callbacks of the host that ask and tell through the mailbox.

use std::sync::Arc;

use astrid_host::audit::{Checkpoint, CheckpointSink};
use astrid_host::logs::{LogLine, LogSink};
use astrid_host::people::{
    ApprovalQuestion, Callback, CallbackError, CallbackFault, Decision, Delivery, ElicitAnswer,
    ElicitQuestion, UplinkEvent,
};
use serde_json::{Value, json};

use crate::cause::JsCause;
use crate::mailbox::{Mailbox, Reply};
use crate::{question, shapes};

/// Asks `onElicit`.
pub fn elicit(mailbox: &Arc<Mailbox>) -> Callback<ElicitQuestion, ElicitAnswer> {
    asking(mailbox, "onElicit", question::elicit, |answer| match answer {
        Value::Null => Some(ElicitAnswer::Cancelled),
        Value::String(text) => Some(ElicitAnswer::Text(text)),
        Value::Array(items) => items.into_iter().map(text).collect::<Option<_>>().map(ElicitAnswer::List),
        _ => None,
    })
}

/// Asks `onApproval`.
pub fn approval(mailbox: &Arc<Mailbox>) -> Callback<ApprovalQuestion, Decision> {
    asking(mailbox, "onApproval", question::approval, |answer| Decision::parse(answer.as_str()?))
}

/// Asks `onUplink`.
pub fn uplink(mailbox: &Arc<Mailbox>) -> Callback<UplinkEvent, Delivery> {
    asking(mailbox, "onUplink", question::uplink, |answer| Delivery::parse(answer.as_str()?))
}

/// Tells `onLog`.
pub fn log(mailbox: &Arc<Mailbox>) -> LogSink {
    let mailbox = Arc::downgrade(mailbox);
    Arc::new(move |line: &LogLine| {
        if let Some(mailbox) = mailbox.upgrade() {
            let text = shapes::log_line(line).to_string();
            mailbox.tell(|notices| notices.put_line(text));
        }
    })
}

/// Tells `onCheckpoint`.
pub fn checkpoint(mailbox: &Arc<Mailbox>) -> CheckpointSink {
    let mailbox = Arc::downgrade(mailbox);
    Arc::new(move |checkpoint: &Checkpoint| {
        if let Some(mailbox) = mailbox.upgrade() {
            let text = shapes::checkpoint(checkpoint).to_string();
            mailbox.tell(|notices| notices.put_checkpoint(text));
        }
    })
}

/// A callback that writes its question with `put` and reads the answer with `take`.
fn asking<Q, A>(
    mailbox: &Arc<Mailbox>,
    handler: &'static str,
    put: fn(Q) -> Value,
    take: fn(Value) -> Option<A>,
) -> Callback<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    let mailbox = Arc::downgrade(mailbox);
    Arc::new(move |question: Q| {
        let mailbox = mailbox.upgrade();
        let text = json!({ "handler": handler, "question": put(question) }).to_string();
        Box::pin(async move {
            let mailbox = mailbox.ok_or_else(closed)?;
            let (id, reply) = Arc::clone(&mailbox).ask(text).await.ok_or_else(closed)?;
            match reply {
                Reply::Answer(answer) => serde_json::from_str(&answer).ok().and_then(take).ok_or_else(|| {
                    CallbackError::new(
                        CallbackFault::WrongAnswer,
                        format!("{handler} answered a value it may not"),
                    )
                }),
                Reply::Wrong(message) => Err(CallbackError::new(CallbackFault::WrongAnswer, message)),
                Reply::WouldBlock(message) => {
                    Err(CallbackError::new(CallbackFault::WouldBlockCaller, message))
                }
                Reply::Raised(message) => {
                    let cause = JsCause::new(id, message.clone(), &mailbox);
                    Err(CallbackError::new(CallbackFault::Raised, message).caused_by(cause))
                }
            }
        })
    })
}

fn closed() -> CallbackError {
    CallbackError::new(CallbackFault::Closed, "the host is closed")
}

fn text(item: Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text),
        _ => None,
    }
}

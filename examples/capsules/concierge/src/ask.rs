//! The run loop: questions on `concierge.v1.ask.<who>` are answered on `concierge.v1.answer.<who>`.

use serde_json::{Value, json};

use crate::bindings::astrid::ipc::host::{ErrorCode, IpcMessage, publish, subscribe};
use crate::bindings::astrid::sys::host::{LogLevel, log, signal_ready};
use crate::greet::kept;

/// How long one wait for questions lasts; after it the loop simply waits again.
const WAIT_MS: u64 = 60_000;

/// Serves until the host closes the subscription, which it does when the capsule is unloaded.
pub fn serve() {
    let questions = match subscribe("concierge.v1.ask.*") {
        Ok(questions) => questions,
        Err(error) => {
            log(LogLevel::Error, &format!("no questions can be heard: {error:?}"));
            return;
        }
    };
    // Only now may others start to ask: a question published before the subscription would be lost.
    signal_ready();
    loop {
        match questions.recv(WAIT_MS) {
            Ok(batch) => batch.messages.iter().for_each(answer),
            Err(ErrorCode::Timeout) => {}
            Err(_) => return,
        }
    }
}

fn answer(message: &IpcMessage) {
    let who = message.topic.rsplit('.').next().unwrap_or_default();
    let question: Value = serde_json::from_str(&message.payload).unwrap_or_default();
    let name = kept("name").unwrap_or_else(|| "friend".to_owned());
    let answer = json!({ "question": question, "answer": format!("Gladly, {name}.") });
    if let Err(error) = publish(&format!("concierge.v1.answer.{who}"), &answer.to_string()) {
        log(LogLevel::Warn, &format!("an answer was not published: {error:?}"));
    }
}

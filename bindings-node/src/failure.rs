//! An error of the host as the text from which JavaScript builds its `AstridError`.

use std::error::Error as StdError;

use astrid_host::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::cause::JsCause;

/// The error as JSON: `code`, `message`, `context`, `guestBacktrace`, and either `exception` (the number of a
/// JavaScript exception) or `cause` (the text of any other cause).
pub fn text(error: &Error) -> String {
    let context: Map<String, Value> =
        error.context().iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let mut failure = json!({ "code": error.kind().code(), "message": error.message(), "context": context });
    if let Some(backtrace) = error.guest_backtrace() {
        failure["guestBacktrace"] = json!(backtrace);
    }
    if let Some(cause) = error.cause() {
        match exception(cause) {
            Some(id) => failure["exception"] = json!(id),
            None => failure["cause"] = json!(cause.to_string()),
        }
    }
    failure.to_string()
}

/// The JavaScript exception at the bottom of a chain of causes.
fn exception(cause: &(dyn StdError + 'static)) -> Option<u32> {
    let mut next = Some(cause);
    while let Some(cause) = next {
        if let Some(exception) = cause.downcast_ref::<JsCause>() {
            return Some(exception.id());
        }
        next = cause.source();
    }
    None
}

/// One failure of every kind, written as a real one is, its message the meaning of the kind.
pub fn every_kind() -> Vec<String> {
    ErrorKind::ALL.iter().map(|kind| text(&Error::new(*kind, kind.meaning()))).collect()
}

//! What the host knows, in the shapes JavaScript is used to: camelCase names, no number it cannot hold.

use astrid_host::audit::{Checkpoint, Entry};
use astrid_host::logs::LogLine;
use astrid_host::{
    BusMessage, CapsuleChange, Discovery, Error, ErrorKind, Found, Installed, Outcome, Result,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::question::millis;
use crate::{failure, letter};

/// A value of the host as JSON, its own fields renamed; what is inside them stays as it is.
pub fn shape<T: Serialize>(value: &T) -> Result<Value> {
    Ok(match plain(value)? {
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (camel(&name), value)).collect::<Map<_, _>>(),
        ),
        other => other,
    })
}

/// A value of the host as JSON, with the names that its file has.
pub fn plain<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "a value cannot be written as JSON").caused_by(error)
    })
}

/// The JSON of a value that is done.
pub fn settled(value: &Value) -> letter::Value {
    letter::Value::Json(value.to_string())
}

/// Several.
pub fn shapes<T: Serialize>(values: &[T]) -> Result<Value> {
    values.iter().map(shape).collect()
}

/// An audit entry. Nanoseconds since 1970 are more than a JavaScript number holds, so they travel as text.
pub fn entry(entry: &Entry) -> Result<Value> {
    let mut shaped = shape(entry)?;
    shaped["timeNs"] = json!(entry.time_ns.to_string());
    shaped["firstNs"] = json!(entry.first_ns.to_string());
    shaped["lastNs"] = json!(entry.last_ns.to_string());
    Ok(shaped)
}

/// A checkpoint; its time travels as text, as that of an entry does.
pub fn checkpoint(checkpoint: &Checkpoint) -> Value {
    json!({
        "sequence": checkpoint.sequence,
        "entries": checkpoint.entries,
        "timeNs": checkpoint.time_ns.to_string(),
        "head": hex(&checkpoint.head),
        "publicKey": hex(&checkpoint.public_key),
        "signature": hex(&checkpoint.signature),
    })
}

/// A line that a guest wrote.
pub fn log_line(line: &LogLine) -> Value {
    json!({
        "capsule": &*line.owner.capsule,
        "principal": line.owner.principal.as_str(),
        "level": line.level.name(),
        "message": line.message,
        "time": millis(line.time),
        "lost": line.lost,
    })
}

/// What was found in folders.
pub fn discovery(discovery: &Discovery) -> Result<Value> {
    let found: Result<Vec<_>> = discovery.found.iter().map(found).collect();
    Ok(json!({ "found": found?, "warnings": discovery.warnings }))
}

fn found(found: &Found) -> Result<Value> {
    Ok(json!({
        "id": found.id,
        "version": found.version,
        "path": found.path.to_string_lossy(),
        "manifest": plain(&*found.manifest)?,
    }))
}

/// A change of a capsule's folder, or null for none. The error is the text of a failure.
pub fn change(change: Option<CapsuleChange>) -> Value {
    change.map_or(Value::Null, |change| {
        let error = change.reloaded.as_ref().and_then(|reloaded| reloaded.as_ref().err());
        json!({
            "folder": change.folder.to_string_lossy(),
            "gone": change.gone,
            "id": change.id,
            "reloaded": matches!(change.reloaded, Some(Ok(()))),
            "error": error.map(failure::text),
        })
    })
}

/// What an installation did.
pub fn installed(done: &Installed) -> Value {
    json!({
        "id": done.id,
        "version": done.version,
        "hash": done.hash,
        "upgradedFrom": done.upgraded_from,
        "warnings": done.warnings,
    })
}

/// What became of a published message.
pub fn outcome(outcome: &Outcome) -> Value {
    json!({
        "delivered": outcome.delivered,
        "handlers": outcome.handlers,
        "decision": outcome.decision,
        "data": outcome.data,
        "reason": outcome.reason,
    })
}

/// A message of the bus, or null for none.
pub fn message(message: Option<&BusMessage>) -> Value {
    message.map_or(Value::Null, |message| {
        json!({
            "topic": message.topic,
            "payload": message.payload,
            "source": message.source,
            "attribution": message.attribution,
            "principal": message.principal,
        })
    })
}

/// Bytes as hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `time_ns` becomes `timeNs`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

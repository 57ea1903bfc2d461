//! Bytes as JSON and back, and the two placeholders that arguments may hold.

use serde_json::{Map, Value};

use crate::answer::{Miss, fault};
use crate::stage::Stage;

/// A text where the bytes are UTF-8, else an array of numbers.
pub fn from_bytes(bytes: &[u8]) -> Value {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.into(),
    }
}

/// The reverse of [`from_bytes`]; `None` for anything else.
pub fn to_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Array(numbers) => {
            numbers.iter().map(|n| n.as_u64().and_then(|n| u8::try_from(n).ok())).collect()
        }
        _ => None,
    }
}

/// Replaces `{"$value": "name/field"}` by what an earlier call was told to keep, and `{"$repeat": ["text", n]}` by the
/// text n times over, anywhere inside the arguments.
pub fn resolve(value: &Value, stage: &Stage) -> Result<Value, Miss> {
    match value {
        Value::Object(fields) => match placeholder(fields) {
            Some(("$value", name)) => kept(name, stage),
            Some(("$repeat", text_and_times)) => repeated(text_and_times),
            _ => {
                let resolved = fields.iter().map(|(name, field)| Ok((name.clone(), resolve(field, stage)?)));
                Ok(Value::Object(resolved.collect::<Result<Map<_, _>, _>>()?))
            }
        },
        Value::Array(items) => {
            let resolved = items.iter().map(|item| resolve(item, stage));
            Ok(Value::Array(resolved.collect::<Result<_, _>>()?))
        }
        plain => Ok(plain.clone()),
    }
}

fn placeholder(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = fields.iter();
    let (name, value) = fields.next()?;
    fields.next().is_none().then_some((name, value))
}

fn kept(name: &Value, stage: &Stage) -> Result<Value, Miss> {
    let path = name.as_str().ok_or_else(|| fault("$value wants the name of a kept value"))?;
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let value = stage.value(name).ok_or_else(|| fault(format!("no value is kept as {name}")))?;
    let field = match rest {
        Some(rest) => value.pointer(&format!("/{rest}")),
        None => Some(value),
    };
    field.cloned().ok_or_else(|| fault(format!("the kept value has no {path}")))
}

fn repeated(text_and_times: &Value) -> Result<Value, Miss> {
    let text = text_and_times.get(0).and_then(Value::as_str);
    let times = text_and_times.get(1).and_then(Value::as_u64).and_then(|times| usize::try_from(times).ok());
    match (text, times) {
        (Some(text), Some(times)) => Ok(text.repeat(times).into()),
        _ => Err(fault("$repeat wants [text, times]")),
    }
}

/// A copy of the calls in which every text has `{i}` replaced by the number of the round (from 0).
pub fn numbered(value: &Value, marker: &str, round: u64) -> Value {
    match value {
        Value::String(text) if text.contains(marker) => text.replace(marker, &round.to_string()).into(),
        Value::Array(items) => items.iter().map(|item| numbered(item, marker, round)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), numbered(field, marker, round))).collect()
        }
        plain => plain.clone(),
    }
}

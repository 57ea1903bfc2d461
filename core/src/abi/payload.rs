//! What is taken off a published payload before anybody sees it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The field by which a publisher asks to be told if its request is not served.
const RECEIPT: &str = "_astrid_delivery_id";

/// A payload as it is delivered, and the id of the receipt its publisher asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// JSON text.
    pub text: Arc<str>,
    /// The simple form of a UUID that is not nil.
    pub receipt: Option<Arc<str>>,
}

impl Payload {
    /// Reads what a guest publishes: unchanged JSON, except that the two envelopes older capsules wrap a value in and the
    /// request for a receipt are taken off. None when it is not JSON or the request is malformed.
    #[must_use]
    pub fn read(payload: &str) -> Option<Self> {
        let (outer, receipt) = without_receipt(payload)?;
        let text = unwrapped(&outer)?;
        if receipt.is_some() || text.len() == outer.len() {
            return Some(Self { text, receipt });
        }
        let (text, receipt) = without_receipt(&text)?;
        Some(Self { text: Arc::from(text), receipt })
    }
}

/// The payload as it is delivered: unchanged JSON, except that the two envelopes older capsules wrap a value in are
/// taken off. Anything that is not JSON is none.
#[must_use]
pub fn unwrapped(payload: &str) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        #[serde(borrow, alias = "value")]
        data: &'a RawValue,
    }
    let _: &RawValue = serde_json::from_str(payload).ok()?;
    if payload.trim_start().starts_with('{')
        && let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(payload)
        && matches!(&*envelope.kind, "custom" | "raw_json")
    {
        return Some(Arc::from(envelope.data.get()));
    }
    Some(Arc::from(payload))
}

/// Takes the request for a receipt off the top level of a payload; none when it is there and malformed.
fn without_receipt(payload: &str) -> Option<(Cow<'_, str>, Option<Arc<str>>)> {
    // A key may be spelled with escapes, so a backslash is reason enough to look.
    let may_ask =
        payload.trim_start().starts_with('{') && (payload.contains(RECEIPT) || payload.contains('\\'));
    if !may_ask {
        return Some((Cow::Borrowed(payload), None));
    }
    let Ok(mut fields) = serde_json::from_str::<Fields<'_>>(payload) else {
        return Some((Cow::Borrowed(payload), None));
    };
    let asked: Vec<_> = fields.0.extract_if(.., |(key, _)| key == RECEIPT).collect();
    let [(_, asked)] = asked.as_slice() else {
        return asked.is_empty().then_some((Cow::Borrowed(payload), None));
    };
    let id: String = serde_json::from_str(asked.get()).ok()?;
    let uuid = Uuid::try_parse(&id).ok().filter(|uuid| !uuid.is_nil())?;
    if uuid.simple().to_string() != id {
        return None;
    }
    Some((Cow::Owned(serde_json::to_string(&fields).ok()?), Some(Arc::from(id))))
}

/// The fields of an object in their order, each value as it was written.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn read(payload: &str) -> Option<(String, Option<String>)> {
        Payload::read(payload).map(|read| (read.text.to_string(), read.receipt.map(|id| id.to_string())))
    }

    #[test]
    fn json_is_delivered_as_it_was_written() {
        for text in ["{ \"b\":1, \"a\": 2 }", "[ 1 ]", "{\"b\\\\\": 1}", "\"_astrid_delivery_id\"", " 1.0"] {
            assert_eq!(read(text), Some((text.to_owned(), None)));
            assert_eq!(unwrapped(text).as_deref(), Some(text));
        }
        for text in ["[1,2", "", "{\"a\":}", "{\"\\\":1}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_old_envelopes_are_taken_off() {
        assert_eq!(unwrapped(r#"{"type":"custom","data":{"x":1}}"#).as_deref(), Some(r#"{"x":1}"#));
        assert_eq!(unwrapped(r#"{"type":"raw_json","value":[1]}"#).as_deref(), Some("[1]"));
        let other = r#"{"type":"user_input","data":1}"#;
        assert_eq!(unwrapped(other).as_deref(), Some(other));
    }

    #[test]
    fn the_request_for_a_receipt_is_taken_off_and_the_rest_stays_as_it_was_written() {
        let asked = format!(r#"{{"b": 1.50, "_astrid_delivery_id": "{ID}", "a": {{ "x":1 }}}}"#);
        assert_eq!(read(&asked), Some((r#"{"b":1.50,"a":{ "x":1 }}"#.to_owned(), Some(ID.to_owned()))));
        let escaped = format!(r#"{{"\u005fastrid_delivery_id":"{ID}"}}"#);
        assert_eq!(read(&escaped), Some(("{}".to_owned(), Some(ID.to_owned()))));
        for text in [
            format!(r#"{{"type":"custom","data":{{"x":1}},"_astrid_delivery_id":"{ID}"}}"#),
            format!(r#"{{"type":"custom","data":{{"_astrid_delivery_id":"{ID}","x":1}}}}"#),
        ] {
            assert_eq!(read(&text), Some((r#"{"x":1}"#.to_owned(), Some(ID.to_owned()))), "{text}");
        }
        let deeper = format!(r#"{{"a":{{"_astrid_delivery_id":"{ID}"}}}}"#);
        assert_eq!(read(&deeper), Some((deeper.clone(), None)));
    }

    #[test]
    fn a_malformed_request_is_refused() {
        let upper = ID.to_uppercase();
        let twice = format!(r#"{{"_astrid_delivery_id":"{ID}","_astrid_delivery_id":"{ID}"}}"#);
        assert_eq!(read(&twice), None);
        for id in [
            "\"01234567-89ab-cdef-0123-456789abcdef\"",
            "\"00000000000000000000000000000000\"",
            &format!("\"{upper}\""),
            "\"\"",
            "1",
            "null",
        ] {
            assert_eq!(read(&format!("{{\"_astrid_delivery_id\":{id}}}")), None, "{id}");
        }
    }
}

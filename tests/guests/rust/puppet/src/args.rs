//! The arguments of one call, read by their WIT names.

use serde_json::{Map, Value};

use crate::answer::{Miss, fault};
use crate::value;

/// The arguments of a call (or the fields of a record inside them).
pub struct Args<'a> {
    fields: &'a Map<String, Value>,
}

impl<'a> Args<'a> {
    pub fn new(fields: &'a Map<String, Value>) -> Self {
        Self { fields }
    }

    /// The fields of a record argument. A script may also write them straight into the arguments.
    pub fn record(&self, name: &str) -> Args<'a> {
        match self.fields.get(name) {
            Some(Value::Object(fields)) => Args { fields },
            _ => Args { fields: self.fields },
        }
    }

    pub fn text(&self, name: &str) -> Result<&'a str, Miss> {
        self.get(name)?.as_str().ok_or_else(|| wrong(name, "a text"))
    }

    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, Miss> {
        value::to_bytes(self.get(name)?).ok_or_else(|| wrong(name, "a text or an array of bytes"))
    }

    pub fn number(&self, name: &str) -> Result<u64, Miss> {
        self.get(name)?.as_u64().ok_or_else(|| wrong(name, "a whole number"))
    }

    pub fn small_number(&self, name: &str) -> Result<u32, Miss> {
        u32::try_from(self.number(name)?).map_err(|_| wrong(name, "a number below 2^32"))
    }

    pub fn port(&self, name: &str) -> Result<u16, Miss> {
        u16::try_from(self.number(name)?).map_err(|_| wrong(name, "a number below 2^16"))
    }

    /// `None` when the argument is absent or null.
    pub fn optional_number(&self, name: &str) -> Result<Option<u64>, Miss> {
        self.present(name).then(|| self.number(name)).transpose()
    }

    /// `None` when the argument is absent or null.
    pub fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Miss> {
        self.present(name).then(|| self.text(name)).transpose()
    }

    /// `None` when the argument is absent or null.
    pub fn optional_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Miss> {
        self.present(name).then(|| self.bytes(name)).transpose()
    }

    /// `None` when the argument is absent or null.
    pub fn optional_texts(&self, name: &str) -> Result<Option<Vec<String>>, Miss> {
        self.present(name).then(|| self.texts(name)).transpose()
    }

    pub fn texts(&self, name: &str) -> Result<Vec<String>, Miss> {
        let texts = self.get(name)?.as_array().ok_or_else(|| wrong(name, "an array of texts"))?;
        let text =
            |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "an array of texts"));
        texts.iter().map(text).collect()
    }

    /// The fields of a record that may be absent.
    pub fn optional_record(&self, name: &str) -> Option<Args<'a>> {
        match self.fields.get(name) {
            Some(Value::Object(fields)) => Some(Args { fields }),
            _ => None,
        }
    }

    /// Pairs of texts, in order.
    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, Miss> {
        let Some(Value::Array(pairs)) = self.fields.get(name) else { return Ok(Vec::new()) };
        let text = |pair: &Value, at: usize| pair.get(at).and_then(Value::as_str).map(str::to_owned);
        let pair =
            |pair: &Value| text(pair, 0).zip(text(pair, 1)).ok_or_else(|| wrong(name, "an array of pairs"));
        pairs.iter().map(pair).collect()
    }

    /// The calls of a control operation.
    pub fn calls(&self) -> Result<&'a [Value], Miss> {
        self.get("calls")?.as_array().map(Vec::as_slice).ok_or_else(|| wrong("calls", "an array of calls"))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// `None` when the argument is absent or null.
    pub fn optional_flag(&self, name: &str) -> Option<bool> {
        self.fields.get(name).and_then(Value::as_bool)
    }

    pub fn whole(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    fn get(&self, name: &str) -> Result<&'a Value, Miss> {
        self.fields.get(name).ok_or_else(|| fault(format!("the argument {name} is missing")))
    }

    fn present(&self, name: &str) -> bool {
        !matches!(self.fields.get(name), None | Some(Value::Null))
    }
}

fn wrong(name: &str, wanted: &str) -> Miss {
    fault(format!("the argument {name} must be {wanted}"))
}

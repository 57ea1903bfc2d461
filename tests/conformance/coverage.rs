//! Which pairs of function and answer the scenarios have shown.

use std::collections::BTreeSet;

use astrid_host::abi::ops::required_pairs;
use serde_json::Value;

/// The pairs that were seen, such as `kv.kv-set/quota`.
#[derive(Default)]
pub struct Coverage(BTreeSet<String>);

impl Coverage {
    /// Takes in a step that passed: what its result says for itself, and what it claims to prove.
    pub fn see(&mut self, step: &Value, result: &Value) {
        let claimed = step["covers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        self.0.extend(claimed.map(str::to_owned));
        if step.get("expect").is_some() {
            self.collect(&result["json"]);
        }
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(fields) => {
                if let Some(op) = fields.get("op").and_then(Value::as_str) {
                    let answer = match fields.get("err").and_then(Value::as_str) {
                        Some(arm) => Some(arm),
                        None => fields.contains_key("ok").then_some("ok"),
                    };
                    self.0.extend(answer.map(|answer| format!("{op}/{answer}")));
                }
                fields.values().for_each(|field| self.collect(field));
            }
            _ => {}
        }
    }

    /// The pairs that are required and were not seen.
    pub fn missing(&self) -> Vec<String> {
        required_pairs().into_iter().filter(|pair| !self.0.contains(pair)).collect()
    }
}

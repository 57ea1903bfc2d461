//! Reading scripts: which payloads are one, where else one may come from, and the parts of a call.

use serde_json::{Map, Value};

use crate::answer::{Miss, fault};
use crate::args::Args;
use crate::bindings::astrid::sys::host::get_config;
use crate::stage::Stage;
use crate::value;

/// A list of calls and what to do with their results.
pub struct Script {
    whole: Map<String, Value>,
}

impl Script {
    /// A JSON object with an array `calls` is a script; nothing else is.
    pub fn parse(text: &[u8]) -> Option<Self> {
        match serde_json::from_slice(text).ok()? {
            Value::Object(whole) if whole.get("calls").is_some_and(Value::is_array) => Some(Self { whole }),
            _ => None,
        }
    }

    pub fn calls(&self) -> &[Value] {
        self.whole.get("calls").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.whole.get(name).and_then(Value::as_str)
    }

    pub fn keeps(&self) -> bool {
        self.whole.get("keep").and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn reply(&self) -> Option<&Value> {
        self.whole.get("reply")
    }
}

/// The script of an invocation: its payload, or what the setting `on-<action>` holds.
pub fn find(action: &str, payload: &[u8]) -> Option<Script> {
    Script::parse(payload).or_else(|| configured(&format!("on-{action}")))
}

/// The script in the capsule's own settings under `key`; none when the setting is absent or empty.
pub fn configured(key: &str) -> Option<Script> {
    let text = get_config(key).ok().flatten().filter(|text| !text.is_empty())?;
    let script = Script::parse(text.as_bytes());
    if script.is_none() {
        crate::give_up(&format!("the setting {key} holds no script"));
    }
    script
}

/// One call, its arguments resolved.
pub struct Call {
    pub op: String,
    pub name: Option<String>,
    pub receiver: Option<String>,
    args: Map<String, Value>,
}

impl Call {
    /// Control operations may carry their arguments beside `op`; their inner calls are resolved when they are made.
    pub fn parse(call: &Value, stage: &Stage) -> Result<Self, Miss> {
        let fields = call.as_object().ok_or_else(|| fault("a call must be an object"))?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let op = text("op").ok_or_else(|| fault("a call needs `op`"))?;
        let args = match fields.get("args") {
            Some(Value::Object(args)) => args,
            Some(_) => return Err(fault("`args` must be an object")),
            None => fields,
        };
        let resolve = |(name, arg): (&String, &Value)| {
            let arg = if name == "calls" { arg.clone() } else { value::resolve(arg, stage)? };
            Ok((name.clone(), arg))
        };
        let args = args.iter().map(resolve).collect::<Result<_, Miss>>()?;
        Ok(Self { op, name: text("as"), receiver: text("on"), args })
    }

    pub fn args(&self) -> Args<'_> {
        Args::new(&self.args)
    }

    pub fn receiver(&self) -> Option<&str> {
        self.receiver.as_deref()
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

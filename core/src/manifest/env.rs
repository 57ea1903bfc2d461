//! `[env]`: values that the user configures.

use serde::Serialize;
use serde_json::Value;

use super::reader::Field;
use super::topics::not_empty;
use crate::error::Result;
use crate::limits::SETTING_KEY_BYTES;

/// Names that begin so belong to the host.
pub const RESERVED_PREFIX: &str = "ASTRID_";

/// One value that the user configures.
#[derive(Clone, Debug, Serialize)]
pub struct EnvField {
    /// Its name: not empty, no `:`, no control characters, never `ASTRID_…`.
    pub key: String,
    /// What kind of value it is.
    pub kind: EnvKind,
    /// The question to ask the user.
    pub request: Option<String>,
    /// What the value is for.
    pub description: Option<String>,
    /// The value without an answer.
    pub default: Option<Value>,
    /// The values to choose from.
    pub enum_values: Vec<String>,
    /// An example to show in an empty field.
    pub placeholder: Option<String>,
    /// Where an installer may look up the values to choose from; the capsule itself never does.
    pub options_from: Option<OptionsFrom>,
}

/// What kind of value the user gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvKind {
    /// Any text.
    Text,
    /// A text that nobody but the capsule may see.
    Secret,
    /// One of the values to choose from.
    Select,
    /// A list of texts.
    Array,
}

/// Where an installer looks up the values to choose from.
#[derive(Clone, Debug, Serialize)]
pub struct OptionsFrom {
    /// The address to ask.
    pub http: String,
    /// What to authenticate with.
    pub bearer: Option<String>,
    /// Where the values are in the answer, `data[].id` unless given.
    pub select: String,
    /// The keys that must be answered first.
    pub after: Vec<String>,
}

/// Reads `[env]`, in the order of the file; a reserved key is left out with a warning.
pub(super) fn read_all(table: Option<Field<'_>>, warnings: &mut Vec<String>) -> Result<Vec<EnvField>> {
    let Some(table) = table else { return Ok(Vec::new()) };
    let mut env = Vec::new();
    for (key, value) in table.table()?.in_order() {
        if key.is_empty() || key.len() > SETTING_KEY_BYTES || key.chars().any(|c| c == ':' || c.is_control())
        {
            let rule = format!("1 to {SETTING_KEY_BYTES} bytes without `:` and control characters");
            return Err(value.error(format!("has a key that is not {rule}")));
        }
        let path = value.path().to_owned();
        let field = read(key, value, warnings)?;
        if field.key.starts_with(RESERVED_PREFIX) {
            warnings.push(format!(
                "`{path}` is ignored: names that begin with {RESERVED_PREFIX} belong to the host"
            ));
        } else {
            env.push(field);
        }
    }
    for field in &env {
        let after = field.options_from.iter().flat_map(|options| &options.after);
        for key in after.filter(|key| !env.iter().any(|other| other.key == **key)) {
            warnings.push(format!("`env.{}.options_from.after` names {key:?}, which [env] lacks", field.key));
        }
    }
    Ok(env)
}

fn read(key: String, value: Field<'_>, warnings: &mut Vec<String>) -> Result<EnvField> {
    let path = value.path().to_owned();
    let mut fields = value.table()?;
    let kind = fields.need("type")?.parsed(kind)?;
    let options_from = match (fields.take("options_from"), fields.take("options-from")) {
        (Some(_), Some(again)) => return Err(again.error("is another name of `options_from`: give one")),
        (Some(field), None) | (None, Some(field)) => Some(options(field, warnings)?),
        (None, None) => None,
    };
    let field = EnvField {
        key,
        kind,
        request: fields.text("request")?,
        description: fields.text("description")?,
        default: fields.take("default").map(Field::json).transpose()?,
        enum_values: fields.texts("enum_values")?,
        placeholder: fields.text("placeholder")?,
        options_from,
    };
    if fields.take("scope").is_some() {
        warnings.push(format!("`{path}.scope` is ignored: who shares a value is the operator's decision"));
    }
    if kind == EnvKind::Select && field.enum_values.is_empty() && field.options_from.is_none() {
        warnings.push(format!("`{path}.enum_values` is empty, so there is nothing to select"));
    }
    fields.finish(warnings);
    Ok(field)
}

fn options(field: Field<'_>, warnings: &mut Vec<String>) -> Result<OptionsFrom> {
    let mut fields = field.table()?;
    let options = OptionsFrom {
        http: fields.need("http")?.parsed(not_empty)?,
        bearer: fields.text("bearer")?,
        select: fields.text("select")?.unwrap_or_else(|| "data[].id".to_owned()),
        after: fields.texts("after")?,
    };
    fields.finish(warnings);
    Ok(options)
}

fn kind(text: &str) -> Result<EnvKind, &'static str> {
    match text {
        "text" => Ok(EnvKind::Text),
        "secret" => Ok(EnvKind::Secret),
        "select" => Ok(EnvKind::Select),
        "array" => Ok(EnvKind::Array),
        _ => Err("must be `text`, `secret`, `select` or `array`"),
    }
}

//! `[publish]` and `[subscribe]`: the access lists of the bus, and which handlers a message fires.

use serde::Serialize;

use super::component::inner_path;
use super::reader::{Field, Fields};
use crate::error::Result;
use crate::limits::HANDLER_PRIORITY;
use crate::topic::Pattern;

/// A pattern the capsule may publish to.
#[derive(Clone, Debug, Serialize)]
pub struct PublishRule {
    /// The topics it covers, by the route rule.
    pub pattern: Pattern,
    /// What the payload is: a record of the capsule's own, `@scope/repo/iface/record`, or `opaque`.
    pub wit: String,
    /// Which state of a foreign repository `wit` refers to.
    pub source: Option<WitSource>,
    /// Whether several are expected to answer; for the reader only.
    pub fanout: bool,
}

/// A pattern the capsule may subscribe to, and perhaps a handler for it.
#[derive(Clone, Debug, Serialize)]
pub struct SubscribeRule {
    /// The topics it covers: by the route rule for subscribing, by the strict rule for the handler.
    pub pattern: Pattern,
    /// What the payload is, as in [`PublishRule::wit`].
    pub wit: String,
    /// Which state of a foreign repository `wit` refers to.
    pub source: Option<WitSource>,
    /// The action of the hook that a message fires; none means the entry only permits subscribing.
    pub handler: Option<String>,
    /// Handlers of lower priority run first; 100 unless given.
    pub priority: u32,
}

/// Which state of a repository is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WitSource {
    /// A published version.
    Version(String),
    /// A tag.
    Tag(String),
    /// A revision.
    Rev(String),
    /// The head of a branch.
    Branch(String),
    /// A folder inside the capsule's own.
    Path(String),
}

/// Reads `[publish]`, in the order of the file.
pub(super) fn read_publish(table: Option<Field<'_>>, warnings: &mut Vec<String>) -> Result<Vec<PublishRule>> {
    let mut rules = Vec::new();
    for (pattern, value) in keyed(table)? {
        rules.push(if value.is_text() {
            PublishRule { pattern, wit: value.parsed(not_empty)?, source: None, fanout: false }
        } else {
            let mut fields = value.table()?;
            let rule = PublishRule {
                pattern,
                wit: fields.need("wit")?.parsed(not_empty)?,
                source: source(&mut fields)?,
                fanout: fields.flag("fanout")?.unwrap_or(false),
            };
            fields.finish(warnings);
            rule
        });
    }
    Ok(rules)
}

/// Reads `[subscribe]`, in the order of the file.
pub(super) fn read_subscribe(
    table: Option<Field<'_>>,
    warnings: &mut Vec<String>,
) -> Result<Vec<SubscribeRule>> {
    let mut rules = Vec::new();
    for (pattern, value) in keyed(table)? {
        rules.push(if value.is_text() {
            let wit = value.parsed(not_empty)?;
            SubscribeRule { pattern, wit, source: None, handler: None, priority: HANDLER_PRIORITY }
        } else {
            let mut fields = value.table()?;
            let wit = fields.need("wit")?.parsed(not_empty)?;
            let source = source(&mut fields)?;
            let handler = fields.take("handler").map(|field| field.parsed(not_empty)).transpose()?;
            let priority = match fields.take("priority") {
                Some(field) if handler.is_none() => return Err(field.error("needs a `handler` beside it")),
                Some(field) => field.number32()?,
                None => HANDLER_PRIORITY,
            };
            fields.finish(warnings);
            SubscribeRule { pattern, wit, source, handler, priority }
        });
    }
    Ok(rules)
}

fn keyed(table: Option<Field<'_>>) -> Result<Vec<(Pattern, Field<'_>)>> {
    let Some(table) = table else { return Ok(Vec::new()) };
    let entries = table.table()?.in_order().into_iter();
    entries
        .map(|(key, value)| match Pattern::for_manifest(&key) {
            Ok(pattern) => Ok((pattern, value)),
            Err(error) => Err(value.error(format!("has a key that is no pattern: {error}"))),
        })
        .collect()
}

fn source(fields: &mut Fields<'_>) -> Result<Option<WitSource>> {
    type Make = fn(String) -> WitSource;
    const KINDS: [(&str, Make); 5] = [
        ("version", WitSource::Version),
        ("tag", WitSource::Tag),
        ("rev", WitSource::Rev),
        ("branch", WitSource::Branch),
        ("path", WitSource::Path),
    ];
    let mut found = None;
    for (name, make) in KINDS {
        let Some(field) = fields.take(name) else { continue };
        if found.is_some() {
            return Err(
                field.error("is one too many: give at most one of version, tag, rev, branch and path")
            );
        }
        found =
            Some(make(if name == "path" { field.parsed(inner_path)? } else { field.parsed(not_empty)? }));
    }
    Ok(found)
}

/// A text that is there at all.
pub(super) fn not_empty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("must not be empty") } else { Ok(text.to_owned()) }
}

//! The tables that describe a capsule to its surroundings: tools, files, commands, servers, uplinks.

use serde::Serialize;

use super::component::inner_path;
use super::reader::{Field, Fields};
use super::topics::not_empty;
use crate::error::Result;
use crate::limits::COMMAND_NAME_BYTES;

/// Reads all tables of one name, in the order of the file.
pub(super) fn read<'t, T>(
    root: &mut Fields<'t>,
    name: &str,
    warnings: &mut Vec<String>,
    one: impl Fn(&mut Fields<'t>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    for mut fields in root.tables(name)? {
        all.push(one(&mut fields)?);
        fields.finish(warnings);
    }
    Ok(all)
}

/// `[[tool]]`: a tool to show a language model.
#[derive(Clone, Debug, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, in words for the model.
    pub description_for_llm: String,
    /// The record that its input is.
    pub input_schema_wit: Option<String>,
    /// Whether it changes anything.
    pub mutable: bool,
}

impl Tool {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            name: fields.need("name")?.parsed(not_empty)?,
            description_for_llm: fields.need("description_for_llm")?.text()?,
            input_schema_wit: fields.text("input_schema_wit")?,
            mutable: fields.flag("mutable")?.unwrap_or(false),
        })
    }
}

/// `[[context_file]]`: a file for a language model's context.
#[derive(Clone, Debug, Serialize)]
pub struct ContextFile {
    /// Its name.
    pub name: String,
    /// Its path inside the capsule's folder.
    pub file: String,
}

impl ContextFile {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            name: fields.need("name")?.parsed(not_empty)?,
            file: fields.need("file")?.parsed(inner_path)?,
        })
    }
}

/// `[[command]]`: a command for the user.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// Where the user types it.
    pub kind: CommandKind,
    /// What it does.
    pub description: Option<String>,
    /// The file with its text, inside the capsule's folder.
    pub file: Option<String>,
}

/// Where the user types a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandKind {
    /// In a conversation, after a slash.
    #[default]
    Slash,
    /// On the command line.
    Cli,
}

impl Command {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let kind = match fields.take("kind") {
            Some(field) => field.parsed(|text| match text {
                "slash" => Ok(CommandKind::Slash),
                "cli" => Ok(CommandKind::Cli),
                _ => Err("must be `slash` or `cli`"),
            })?,
            None => CommandKind::Slash,
        };
        Ok(Self {
            name: fields.need("name")?.parsed(match kind {
                CommandKind::Slash => not_empty,
                CommandKind::Cli => cli_name,
            })?,
            kind,
            description: fields.text("description")?,
            file: fields.take("file").map(|field| field.parsed(inner_path)).transpose()?,
        })
    }
}

fn cli_name(text: &str) -> Result<String, &'static str> {
    let rest = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || text.len() > COMMAND_NAME_BYTES || !rest {
        return Err("must begin with a-z and go on with at most 31 of a-z, 0-9 and `-`");
    }
    Ok(text.to_owned())
}

/// `[[mcp_server]]`: a tool server to run.
#[derive(Clone, Debug, Serialize)]
pub struct McpServer {
    /// Its id.
    pub id: String,
    /// What it offers.
    pub description: Option<String>,
    /// How it is spoken to.
    pub kind: Option<McpKind>,
    /// The command to start; `host_process` must permit it as it is written.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
}

/// How a tool server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum McpKind {
    /// Over its standard input and output.
    Stdio,
    /// Over the bus.
    WasmIpc,
}

impl McpServer {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.need("id")?.parsed(not_empty)?,
            description: fields.text("description")?,
            kind: match fields.take("type") {
                Some(field) => Some(field.parsed(|text| match text {
                    "stdio" => Ok(McpKind::Stdio),
                    "wasm-ipc" => Ok(McpKind::WasmIpc),
                    _ => Err("must be `stdio` or `wasm-ipc`"),
                })?),
                None => None,
            },
            command: fields.text("command")?,
            args: fields.take("args").map_or_else(|| Ok(Vec::new()), Field::texts)?,
        })
    }
}

/// `[[skill]]`: kept for those who still read it.
#[derive(Clone, Debug, Serialize)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// What it teaches.
    pub description: Option<String>,
    /// Its file, inside the capsule's folder.
    pub file: Option<String>,
}

impl Skill {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            name: fields.need("name")?.parsed(not_empty)?,
            description: fields.text("description")?,
            file: fields.take("file").map(|field| field.parsed(inner_path)).transpose()?,
        })
    }
}

/// `[[uplink]]`: a platform the capsule connects.
#[derive(Clone, Debug, Serialize)]
pub struct UplinkDecl {
    /// Its name.
    pub name: String,
    /// The platform.
    pub platform: String,
    /// How people meet it.
    pub profile: UplinkProfile,
}

/// How people meet a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UplinkProfile {
    /// Conversations of text.
    Chat,
    /// A surface that can ask back.
    Interactive,
    /// One way, to tell.
    Notify,
    /// Another bus or network.
    Bridge,
}

impl UplinkProfile {
    /// The profile's name, as a manifest spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            UplinkProfile::Chat => "chat",
            UplinkProfile::Interactive => "interactive",
            UplinkProfile::Notify => "notify",
            UplinkProfile::Bridge => "bridge",
        }
    }
}

impl UplinkDecl {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            name: fields.need("name")?.parsed(not_empty)?,
            platform: fields.need("platform")?.parsed(not_empty)?,
            profile: fields.need("profile")?.parsed(|text| match text {
                "chat" => Ok(UplinkProfile::Chat),
                "interactive" => Ok(UplinkProfile::Interactive),
                "notify" => Ok(UplinkProfile::Notify),
                "bridge" => Ok(UplinkProfile::Bridge),
                _ => Err("must be `chat`, `interactive`, `notify` or `bridge`"),
            })?,
        })
    }
}

//! Commands a principal has approved for good in its profile.

use serde::Serialize;

use super::profile_file::not_blank;
use crate::error::Result;
use crate::manifest::reader::Fields;

/// A command that is not asked about again where it is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StandingCommand {
    /// The command.
    pub command: String,
    /// Where it runs.
    pub location: CommandLocation,
    /// The one workspace it is approved for; only with [`CommandLocation::Hosted`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// Where an approved command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandLocation {
    /// In a workspace of the embedding program.
    Hosted,
    /// In a workspace that the host keeps itself.
    AstridWorkspace,
}

impl StandingCommand {
    pub(super) fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let command = fields.need("command")?.parsed(not_blank)?;
        let location = fields.need("location")?.parsed(|text| match text {
            "hosted" => Ok(CommandLocation::Hosted),
            "astrid_workspace" => Ok(CommandLocation::AstridWorkspace),
            _ => Err("must be `hosted` or `astrid_workspace`"),
        })?;
        let workspace = match fields.take("workspace") {
            Some(field) if location == CommandLocation::AstridWorkspace => {
                return Err(field.error("is not for a command whose location is `astrid_workspace`"));
            }
            field => field.map(|field| field.parsed(not_blank)).transpose()?,
        };
        fields.finish(warnings);
        Ok(Self { command, location, workspace })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;

    #[test]
    fn a_workspace_belongs_to_the_embedding_program_only() {
        let read = |entry: &str| {
            let text = format!("[approvals]\ncommand_always = [{entry}]");
            Profile::parse_toml(&text).map(|parsed| parsed.profile.command_always)
        };
        let kept = read("{ command = \"git push\", location = \"hosted\", workspace = \"site\" }").unwrap();
        assert_eq!(kept[0].workspace.as_deref(), Some("site"));
        assert!(read("{ command = \"ls\", location = \"astrid_workspace\" }").is_ok());
        for (entry, field) in [
            ("{ command = \" \", location = \"hosted\" }", "command"),
            ("{ location = \"hosted\" }", "command"),
            ("{ command = \"ls\", location = \"moon\" }", "location"),
            ("{ command = \"ls\", location = \"astrid_workspace\", workspace = \"site\" }", "workspace"),
        ] {
            let error = read(entry).unwrap_err();
            let named = format!("`approvals.command_always[0].{field}` ");
            assert!(error.message().starts_with(&named), "{entry} said {error}");
        }
    }
}

//! Commands a principal has approved for good in its profile.

use std::path::Path;

use serde::Serialize;

use super::allowance::{begins_with_command, is_plain};
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
    /// Whether it answers a request about `command` in this workspace: the command itself, or it, a space and anything, so
    /// long as a shell would read neither otherwise ([`Allowance`](super::Allowance), rule 4). One for a workspace that a
    /// host keeps itself answers nothing here: every workspace of this host is the embedding program's.
    pub fn covers(&self, command: &str, workspace: Option<&Path>) -> bool {
        let here = self.location == CommandLocation::Hosted
            && self.workspace.as_deref().is_none_or(|named| workspace == Some(Path::new(named)));
        here && begins_with_command(command, &self.command) && is_plain(&self.command) && is_plain(command)
    }

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
    use super::*;

    #[test]
    fn it_covers_its_command_where_it_was_approved() {
        let standing = |location, workspace: Option<&str>| StandingCommand {
            command: "git push".to_owned(),
            location,
            workspace: workspace.map(str::to_owned),
        };
        let site = Some(Path::new("/srv/site"));
        let anywhere = standing(CommandLocation::Hosted, None);
        for yes in ["git push", "git push origin main"] {
            assert!(anywhere.covers(yes, None) && anywhere.covers(yes, site), "{yes}");
        }
        for no in ["", "git", "git pushed", "git push; rm x", "git push $A", "git push ../x", "git push a\nb"]
        {
            assert!(!anywhere.covers(no, site), "{no:?}");
        }
        let there = standing(CommandLocation::Hosted, Some("/srv/site"));
        assert!(there.covers("git push", site));
        assert!(!there.covers("git push", None) && !there.covers("git push", Some(Path::new("/srv/other"))));
        assert!(!standing(CommandLocation::AstridWorkspace, None).covers("git push", site));
    }

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

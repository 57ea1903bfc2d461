//! `Capsule.toml`: what a capsule is, what it asks for and what it offers.
//!
//! A manifest is read once, checked whole and typed: nobody downstream looks at its text again. What breaks a rule is an
//! error that names the field and the line; what nobody knows is a warning, so that a manifest written for a newer host
//! still loads.

mod capabilities;
mod component;
mod env;
mod integrations;
mod interface;
mod package;
#[cfg(test)]
mod properties;
pub(crate) mod reader;
mod topics;

use semver::Version;
use serde::Serialize;

pub use capabilities::Capabilities;
pub use component::{Component, ComponentKind};
pub use env::{EnvField, EnvKind, OptionsFrom, RESERVED_PREFIX};
pub use integrations::{
    Command, CommandKind, ContextFile, McpKind, McpServer, Skill, Tool, UplinkDecl, UplinkProfile,
};
pub use interface::{Export, Import};
pub use package::Package;
pub use topics::{PublishRule, SubscribeRule, WitSource};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::MANIFEST_BYTES;
use reader::Fields;

/// What the host that reads a manifest is.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    /// The version that `package.astrid-version` is compared with.
    pub runtime_version: Version,
}

/// The runtime version of a host whose embedder names none.
pub const RUNTIME_VERSION: Version = Version::new(2026, 10, 1);

impl Default for ParseOptions {
    fn default() -> Self {
        Self { runtime_version: RUNTIME_VERSION }
    }
}

/// A manifest and what its author should know about it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The manifest.
    pub manifest: Manifest,
    /// One sentence for every field that was ignored.
    pub warnings: Vec<String>,
}

/// A checked `Capsule.toml`.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// `[package]`: the identity.
    pub package: Package,
    /// `[[component]]`: the WebAssembly components, in the order of the file.
    pub components: Vec<Component>,
    /// `[imports]`: interfaces of other capsules that this one needs.
    pub imports: Vec<Import>,
    /// `[exports]`: interfaces this capsule offers to others.
    pub exports: Vec<Export>,
    /// `[publish]`: topics it may publish to, in the order of the file.
    pub publish: Vec<PublishRule>,
    /// `[subscribe]`: topics it may subscribe to and handlers it binds, in the order of the file.
    pub subscribe: Vec<SubscribeRule>,
    /// `[capabilities]`, with those of every component merged in.
    pub capabilities: Capabilities,
    /// `[env]`: values the user configures, in the order of the file.
    pub env: Vec<EnvField>,
    /// `[[tool]]`: tools to show a language model.
    pub tools: Vec<Tool>,
    /// `[[context_file]]`: files for a language model's context.
    pub context_files: Vec<ContextFile>,
    /// `[[command]]`: commands for the user.
    pub commands: Vec<Command>,
    /// `[[mcp_server]]`: tool servers to run.
    pub mcp_servers: Vec<McpServer>,
    /// `[[skill]]`: kept for those who still read it.
    pub skills: Vec<Skill>,
    /// `[[uplink]]`: the platforms it connects.
    pub uplinks: Vec<UplinkDecl>,
}

impl Manifest {
    /// Reads and checks a manifest. Every error is a `manifest_invalid` that names `table.field`, with the line in its
    /// context.
    pub fn parse(text: &str, options: &ParseOptions) -> Result<Parsed> {
        if text.len() > MANIFEST_BYTES {
            let message =
                format!("a manifest has at most {MANIFEST_BYTES} bytes, this one has {}", text.len());
            return Err(Error::new(ErrorKind::ManifestInvalid, message));
        }
        let mut fields = Fields::parse(text, ErrorKind::ManifestInvalid)?;
        let mut warnings = Vec::new();
        let manifest = Self::read(&mut fields, options, &mut warnings)?;
        fields.finish(&mut warnings);
        Ok(Parsed { manifest, warnings })
    }

    fn read(root: &mut Fields<'_>, options: &ParseOptions, warnings: &mut Vec<String>) -> Result<Self> {
        let package = Package::read(root.need("package")?.table()?, options, warnings)?;
        let components = component::read_all(root.tables("component")?, warnings)?;
        let mut capabilities = match root.take("capabilities") {
            Some(table) => Capabilities::read(table.table()?, warnings)?,
            None => Capabilities::default(),
        };
        for component in &components {
            capabilities.merge(&component.capabilities);
        }
        let imports = root.take("imports");
        if let Some(field) = imports.as_ref().filter(|_| capabilities.uplink) {
            return Err(field.error("is not for a capsule with `capabilities.uplink`: uplinks load first"));
        }
        let manifest = Self {
            package,
            components,
            imports: interface::read_imports(imports, warnings)?,
            exports: interface::read_exports(root.take("exports"), warnings)?,
            publish: topics::read_publish(root.take("publish"), warnings)?,
            subscribe: topics::read_subscribe(root.take("subscribe"), warnings)?,
            capabilities,
            env: env::read_all(root.take("env"), warnings)?,
            tools: integrations::read(root, "tool", warnings, Tool::read)?,
            context_files: integrations::read(root, "context_file", warnings, ContextFile::read)?,
            commands: integrations::read(root, "command", warnings, Command::read)?,
            mcp_servers: integrations::read(root, "mcp_server", warnings, McpServer::read)?,
            skills: integrations::read(root, "skill", warnings, Skill::read)?,
            uplinks: integrations::read(root, "uplink", warnings, UplinkDecl::read)?,
        };
        manifest.warn(warnings);
        Ok(manifest)
    }

    /// Says what is understood and has no effect here.
    fn warn(&self, warnings: &mut Vec<String>) {
        let has_handlers = self.subscribe.iter().any(|rule| rule.handler.is_some());
        warnings.extend(self.capabilities.idle_workers(has_handlers).map(str::to_owned));
        if !self.mcp_servers.is_empty() {
            warnings
                .push("`mcp_server` is only read: running MCP servers is not part of this host".to_owned());
        }
    }

    /// The paths of the files it declares for others to read, as they are written.
    pub fn static_files(&self) -> impl Iterator<Item = &str> {
        let package = [&self.package.readme, &self.package.license_file].into_iter().flatten();
        let contexts = self.context_files.iter().map(|context| &context.file);
        let commands = self.commands.iter().filter_map(|command| command.file.as_ref());
        let skills = self.skills.iter().filter_map(|skill| skill.file.as_ref());
        package.chain(contexts).chain(commands).chain(skills).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[package]\nname = \"notes\"\nversion = \"1.2.3\"\n";

    fn parse(rest: &str) -> Result<Parsed> {
        parse_all(&format!("{HEAD}{rest}"))
    }

    fn parse_all(text: &str) -> Result<Parsed> {
        Manifest::parse(text, &ParseOptions::default())
    }

    #[test]
    fn a_full_manifest_is_read_whole() {
        let hash = "ab".repeat(32);
        let text = format!(
            r#"
description = "Keeps notes"
authors = ["a"]
license-file = "LICENSE"
readme = "README.md"
keywords = ["k"]
categories = ["c"]
astrid-version = ">=0.5"
publish = false
include = ["*.wasm"]
metadata = {{ any = "thing" }}

[[component]]
id = "main"
file = "notes.wasm"
hash = "{hash}"
link = ["lib"]
capabilities = {{ net = ["example.com"], fs_read = ["*"], allow_persistent = true, bind_workers = 2 }}

[[component]]
id = "lib"
entrypoint = "lib.wasm"
type = "library"

[imports]
"astrid:clock" = "^1.0"
[imports.tools]
search = {{ version = ">=2", optional = true }}
[exports]
"notes:store" = "1.0.0"

[publish]
"notes.v1.changed" = "note"
"notes.*.x" = {{ wit = "@a/b/c/d", tag = "v1", fanout = true }}
[subscribe]
"z.*" = {{ wit = "opaque", handler = "on-z", priority = 7 }}
"a.b" = {{ wit = "opaque", handler = "on-a" }}
"m" = "opaque"

[capabilities]
fs_read = ["*", "home://notes"]
bind_workers = 1

[env.TOKEN]
type = "secret"
request = "Token?"
[env.MODE]
type = "select"
enum_values = ["a", "b"]
default = "a"
options_from = {{ http = "https://example.com", after = ["TOKEN"] }}

[[tool]]
name = "find"
description_for_llm = "Finds"
mutable = true
[[context_file]]
name = "c"
file = "c.md"
[[command]]
name = "notes"
kind = "cli"
[[mcp_server]]
id = "m"
type = "stdio"
command = "serve"
args = ["-x"]
[[skill]]
name = "s"
[[uplink]]
name = "u"
platform = "irc"
profile = "chat"
"#
        );
        let Parsed { manifest, warnings } = parse(&text).unwrap();
        assert_eq!(
            warnings,
            [
                "`capabilities.bind_workers` is ignored: no `net_bind` entry is a TCP address",
                "`mcp_server` is only read: running MCP servers is not part of this host",
            ]
        );
        assert_eq!(manifest.static_files().collect::<Vec<_>>(), ["README.md", "LICENSE", "c.md"]);
        assert_eq!(manifest.package.version, Version::new(1, 2, 3));
        assert_eq!(manifest.components[0].hash, Some([0xab; 32]));
        assert_eq!(manifest.components[1].kind, ComponentKind::Library);
        assert_eq!(manifest.imports.len(), 2);
        assert!(manifest.imports.iter().any(|import| import.interface == "search" && import.optional));
        let order: Vec<_> =
            manifest.subscribe.iter().map(|rule| (rule.pattern.as_str(), rule.priority)).collect();
        assert_eq!(order, [("z.*", 7), ("a.b", 100), ("m", 100)]);
        assert_eq!(manifest.publish[1].source, Some(WitSource::Tag("v1".into())));
        assert_eq!(manifest.capabilities.fs_read, ["*", "home://notes"]);
        assert_eq!(manifest.capabilities.net, ["example.com"]);
        assert!(manifest.capabilities.allow_persistent && !manifest.capabilities.uplink);
        assert_eq!(manifest.capabilities.bind_workers, Some(2));
        assert_eq!(manifest.env[0].kind, EnvKind::Secret);
        assert_eq!(manifest.env[1].options_from.as_ref().unwrap().select, "data[].id");

        let json = serde_json::to_value(&manifest).unwrap();
        assert_eq!(json["package"]["version"], "1.2.3");
        assert_eq!(json["components"][0]["hash"], *hash);
        assert_eq!(json["subscribe"][0]["pattern"], "z.*");
        assert_eq!(json["publish"][1]["source"]["tag"], "v1");
        assert_eq!(json["uplinks"][0]["profile"], "chat");
    }

    /// What follows the head, and what the message must say.
    const REFUSED: &[(&str, &str)] = &[
        ("description = 3", "`package.description` must be a string, not an integer"),
        ("authors = \"me\"", "`package.authors` must be a list of strings, not a string"),
        ("publish = \"no\"", "`package.publish` must be true or false, not a string"),
        ("readme = \"../README.md\"", "`package.readme` must not have a `..`"),
        ("readme = \"/etc/passwd\"", "`package.readme` must be relative"),
        ("keywords = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]", "`package.keywords` must have at most 5"),
        (
            "categories = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]",
            "`package.categories` must have at most 5",
        ),
        ("metadata = 1", "`package.metadata` must be a table"),
        ("astrid-version = \"what\"", "`package.astrid-version` must be a version requirement"),
        ("astrid-version = \"<1\"", "`package.astrid-version` asks for runtime <1, this one is 2026.10.1"),
        ("[component]", "`component` must be an array of tables, not a table"),
        ("[[component]]\nid = \"a\"", "`component[0].file` is missing"),
        ("[[component]]\nfile = \"a\"\nentrypoint = \"a\"", "`component[0].entrypoint` is another name"),
        ("[[component]]\nfile = \"a/../b\"", "`component[0].file` must not have a `..`"),
        ("[[component]]\nfile = \"a\"\nhash = \"AB\"", "`component[0].hash` must be a BLAKE3 hash"),
        (
            "[[component]]\nfile = \"a\"\ntype = \"x\"",
            "`component[0].type` must be `executable` or `library`",
        ),
        ("[[component]]\nfile = \"a\"\nlink = [\"b\"]", "`component[0].link` names \"b\""),
        ("[[component]]\nfile = \"a\"\nid = \"a\"\nlink = [\"a\"]", "`component[0].link` names \"a\""),
        (
            "[[component]]\nfile = \"a\"\nlink = [\"b\", \"b\"]\n[[component]]\nfile = \"b\"\nid = \"b\"",
            "`component[0].link` names \"b\" twice",
        ),
        (
            "[[component]]\nfile = \"a\"\nid = \"a\"\n[[component]]\nfile = \"a\"\nid = \"a\"",
            "`component[1].id`",
        ),
        ("[imports]\n\"Astrid:a\" = \"1\"", "`imports.\"Astrid:a\"` has the part \"Astrid\""),
        ("[imports]\n\"a:\" = \"1\"", "`imports.\"a:\"` has the part \"\""),
        ("[imports]\n\"a:b\" = \"what\"", "`imports.\"a:b\"` must be a version requirement"),
        ("[imports]\n\"a:b\" = { optional = true }", "`imports.\"a:b\".version` is missing"),
        ("[imports]\n\"a:b\" = \"1\"\na = { b = \"1\" }", "`imports.a.b` stands there twice"),
        ("[exports]\n\"a:b\" = \"^1\"", "`exports.\"a:b\"` must be a version such as"),
        ("[imports]\n\"a:b\" = \"1\"\n[capabilities]\nuplink = true", "`imports` is not for a capsule with"),
        (
            "[publish]\n\"a..b\" = \"x\"",
            "`publish.\"a..b\"` has a key that is no pattern: a topic has no empty",
        ),
        ("[publish]\n\"a.b*\" = \"x\"", "a `*` stands for a whole segment"),
        ("[publish]\n\"a\" = {}", "`publish.a.wit` is missing"),
        ("[publish]\n\"a\" = \"\"", "`publish.a` must not be empty"),
        ("[publish]\na = { wit = \"x\", tag = \"t\", rev = \"r\" }", "`publish.a.rev` is one too many"),
        ("[publish]\na = { wit = \"x\", path = \"..\" }", "`publish.a.path` must not have a `..`"),
        ("[subscribe]\na = { wit = \"x\", priority = 3 }", "`subscribe.a.priority` needs a `handler`"),
        (
            "[subscribe]\na = { wit = \"x\", handler = \"h\", priority = -1 }",
            "`subscribe.a.priority` must be a whole",
        ),
        ("[subscribe]\na = { wit = \"x\", handler = \"\" }", "`subscribe.a.handler` must not be empty"),
        ("[capabilities]\nnet = \"*\"", "`capabilities.net` must be a list of strings"),
        ("[capabilities]\nnet = [1]", "`capabilities.net[0]` must be a string"),
        ("[capabilities]\nuplink = \"yes\"", "`capabilities.uplink` must be true or false"),
        ("[capabilities]\nbind_workers = 4294967296", "`capabilities.bind_workers` must be less than 2^32"),
        ("[env.A]\nrequest = \"x\"", "`env.A.type` is missing"),
        ("[env.A]\ntype = \"number\"", "`env.A.type` must be `text`"),
        ("[env.\"a:b\"]\ntype = \"text\"", "`env.\"a:b\"` has a key that is not"),
        ("[[tool]]\nname = \"t\"", "`tool[0].description_for_llm` is missing"),
        ("[[command]]\nname = \"a\"\nkind = \"x\"", "`command[0].kind` must be `slash` or `cli`"),
        ("[env.A]\ntype = \"select\"\noptions_from = {}", "`env.A.options_from.http` is missing"),
        ("[[skill]]\nname = \"s\"\nfile = \"a/../../b\"", "`skill[0].file` must not have a `..`"),
        ("[[command]]\nname = \"A\"\nkind = \"cli\"", "`command[0].name` must begin with a-z"),
        ("[[context_file]]\nname = \"c\"\nfile = \"/etc/passwd\"", "`context_file[0].file` must be relative"),
        ("[[mcp_server]]\nid = \"m\"\ntype = \"tcp\"", "`mcp_server[0].type` must be `stdio` or `wasm-ipc`"),
        ("[[uplink]]\nname = \"u\"\nplatform = \"p\"\nprofile = \"x\"", "`uplink[0].profile` must be `chat`"),
        ("x = ", "not TOML: "),
    ];

    #[test]
    fn what_breaks_a_rule_is_refused_by_name_and_line() {
        for (rest, message) in REFUSED {
            let error = parse(rest).err().unwrap_or_else(|| panic!("accepted: {rest}"));
            assert_eq!(error.kind(), ErrorKind::ManifestInvalid, "{rest}");
            assert!(error.message().contains(message), "{rest}\n  said {error}\n  not {message}");
        }
    }

    #[test]
    fn the_identity_is_required() {
        for (text, message) in [
            ("", "`package` is missing"),
            ("package = 1", "`package` must be a table, not an integer"),
            ("[package]\nversion = \"1.0.0\"", "`package.name` is missing"),
            ("[package]\nname = \"a\"", "`package.version` is missing"),
            ("[package]\nname = \"A\"\nversion = \"1.0.0\"", "`package.name` must be 1 to 64"),
            ("[package]\nname = \"a\"\nversion = \"1.0\"", "`package.version` must be a version such as"),
        ] {
            let error = parse_all(text).unwrap_err();
            assert!(error.message().starts_with(message), "{text} said {error}");
        }
        let error = parse_all("[package]\nname = \"a\"\nversion = 1\n").unwrap_err();
        assert_eq!(error.context(), [("line", "3".to_owned())]);
    }

    #[test]
    fn what_nobody_knows_is_a_warning() {
        let rest = "color = \"red\"\n[capabilities]\nipc_publish = [\"a\"]\n[[interceptor]]\nname = \"x\"\n\
            [env.ASTRID_HOME]\ntype = \"text\"\n[env.A]\ntype = \"select\"\nscope = \"host\"\n";
        let Parsed { manifest, warnings } = parse(rest).unwrap();
        assert_eq!(
            warnings,
            [
                "unknown field `package.color` is ignored",
                "unknown field `capabilities.ipc_publish` is ignored",
                "`env.ASTRID_HOME` is ignored: names that begin with ASTRID_ belong to the host",
                "`env.A.scope` is ignored: who shares a value is the operator's decision",
                "`env.A.enum_values` is empty, so there is nothing to select",
                "unknown table `interceptor` is ignored",
            ]
        );
        assert_eq!(manifest.env.len(), 1);
    }

    #[test]
    fn an_oversized_manifest_is_not_even_read() {
        let error = parse_all(&"#".repeat(MANIFEST_BYTES + 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ManifestInvalid);
    }

    #[test]
    fn no_input_makes_the_reader_panic() {
        // Every prefix of a valid manifest, and the manifest with each byte replaced, is read or refused.
        let text = format!(
            "{HEAD}[subscribe]\n\"a.*\" = {{ wit = \"x\", handler = \"h\" }}\n[env.K]\ntype = \"text\"\n"
        );
        for n in 0..text.len() {
            let _ = parse_all(&text[..n]);
            for byte in ["\"", "[", "{", ".", "\n", "\0", "9", "'"] {
                let _ = parse_all(&format!("{}{byte}{}", &text[..n], &text[n + 1..]));
            }
        }
    }
}

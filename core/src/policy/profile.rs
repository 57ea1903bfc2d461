//! What the host knows about a principal beyond its name.

use serde::Serialize;

use super::grant::{Grant, Group};
use super::{Endpoint, Quotas};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{GROUP_BYTES, PROFILE_BYTES};
use crate::manifest::reader::{Field, Fields};

/// The format this host writes, and the newest it reads.
const VERSION: u64 = 1;

/// A principal's profile. It is kept outside everything a capsule can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// False refuses every new call.
    pub enabled: bool,
    /// The groups it belongs to.
    pub groups: Vec<String>,
    /// What it is given besides its groups.
    pub grants: Vec<Grant>,
    /// What it is denied, whatever gives it.
    pub revokes: Vec<Grant>,
    /// How much it may use.
    pub quotas: Quotas,
    /// How it may authenticate: `keypair`, `passkey`, `system`.
    pub auth_methods: Vec<String>,
    /// Its public keys.
    pub public_keys: Vec<String>,
    /// `host:port` patterns a restricted principal may reach.
    pub egress: Vec<String>,
    /// Commands a restricted principal may run.
    pub process_allow: Vec<String>,
}

/// A profile and what its author should know about it.
#[derive(Clone, Debug)]
pub struct ParsedProfile {
    /// The profile.
    pub profile: Profile,
    /// One sentence for every field that was ignored.
    pub warnings: Vec<String>,
}

impl Default for Profile {
    /// Enabled, in no group, with the default quotas.
    fn default() -> Self {
        Self {
            enabled: true,
            groups: Vec::new(),
            grants: Vec::new(),
            revokes: Vec::new(),
            quotas: Quotas::default(),
            auth_methods: Vec::new(),
            public_keys: Vec::new(),
            egress: Vec::new(),
            process_allow: Vec::new(),
        }
    }
}

impl Profile {
    /// Reads a profile. A field nobody knows is a warning; a malformed one and a newer format are `invalid_argument`s
    /// that name the field, and whoever asked for the profile refuses the call.
    pub fn parse_toml(text: &str) -> Result<ParsedProfile> {
        if text.len() > PROFILE_BYTES {
            let message = format!("a profile has at most {PROFILE_BYTES} bytes, this one has {}", text.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut root = Fields::parse(text, ErrorKind::InvalidArgument)?;
        let mut warnings = Vec::new();
        if let Some(field) = root.take("profile_version") {
            let newer = field.error(format!("is newer than {VERSION}, the newest this host reads"));
            let zero = field.error("must be at least 1");
            match field.number()? {
                0 => return Err(zero),
                1..=VERSION => {}
                _ => return Err(newer),
            }
        }
        let (auth_methods, public_keys) = match root.take("auth") {
            Some(table) => {
                let mut fields = table.table()?;
                let read =
                    (each(&mut fields, "methods", method)?, each(&mut fields, "public_keys", not_blank)?);
                fields.finish(&mut warnings);
                read
            }
            None => (Vec::new(), Vec::new()),
        };
        let profile = Self {
            enabled: root.flag("enabled")?.unwrap_or(true),
            groups: each(&mut root, "groups", group)?,
            grants: each(&mut root, "grants", Grant::parse)?,
            revokes: each(&mut root, "revokes", Grant::parse)?,
            quotas: match root.take("quotas") {
                Some(table) => Quotas::read(table.table()?, &mut warnings)?,
                None => Quotas::default(),
            },
            auth_methods,
            public_keys,
            egress: nested(&mut root, "network", "egress", endpoint, &mut warnings)?,
            process_allow: nested(&mut root, "process", "allow", not_blank, &mut warnings)?,
        };
        root.finish(&mut warnings);
        Ok(ParsedProfile { profile, warnings })
    }

    /// Writes the profile as [`Profile::parse_toml`] reads it.
    pub fn to_toml(&self) -> Result<String> {
        self.quotas.check()?;
        let file = File {
            profile_version: VERSION,
            enabled: self.enabled,
            groups: &self.groups,
            grants: &self.grants,
            revokes: &self.revokes,
            quotas: &self.quotas,
            auth: Auth { methods: &self.auth_methods, public_keys: &self.public_keys },
            network: Network { egress: &self.egress },
            process: Process { allow: &self.process_allow },
        };
        toml::to_string(&file).map_err(|error| {
            Error::new(ErrorKind::Internal, "a profile could not be written").caused_by(error)
        })
    }

    /// Whether the principal holds a capability such as `audit:read_all`. A revoke beats a grant, a grant beats a group.
    /// What a capsule's manifest declares never counts here.
    pub fn holds(&self, capability: &str) -> bool {
        let covers = |list: &[Grant]| list.iter().any(|grant| grant.covers(capability));
        if covers(&self.revokes) {
            return false;
        }
        covers(&self.grants)
            || self.groups.iter().filter_map(|name| Group::named(name)).any(|group| group.gives(capability))
    }

    /// Whether the bounds on the processor's time do not apply to the principal.
    pub fn is_exempt_from_cpu_bounds(&self) -> bool {
        ["system:resources:unbounded", "net_bind", "uplink"].iter().any(|capability| self.holds(capability))
    }

    /// Whether the principal may reach only what its profile lists.
    pub fn is_restricted(&self) -> bool {
        self.groups.iter().any(|name| Group::named(name) == Some(Group::Restricted))
    }

    /// Whether the principal may reach this host and port, or, without a port, look the host up. Only a restricted
    /// principal is limited; what a capsule may reach is its manifest's matter.
    pub fn may_reach(&self, host: &str, port: Option<u16>) -> bool {
        let covers = |own: &Endpoint| match port {
            Some(port) => own.covers(host, port),
            None => own.covers_host(host),
        };
        !self.is_restricted()
            || self.egress.iter().any(|text| Endpoint::parse(text).is_ok_and(|own| covers(&own)))
    }

    /// Whether the principal may run this command. Only a restricted principal is limited: to commands its profile lists,
    /// or whose file name it lists.
    pub fn may_run(&self, command: &str) -> bool {
        let file_name = command.rsplit('/').next().unwrap_or(command);
        !self.is_restricted()
            || self.process_allow.iter().any(|own| own == command || (!own.contains('/') && own == file_name))
    }
}

#[derive(Serialize)]
struct File<'a> {
    profile_version: u64,
    enabled: bool,
    groups: &'a [String],
    grants: &'a [Grant],
    revokes: &'a [Grant],
    quotas: &'a Quotas,
    auth: Auth<'a>,
    network: Network<'a>,
    process: Process<'a>,
}

#[derive(Serialize)]
struct Auth<'a> {
    methods: &'a [String],
    public_keys: &'a [String],
}

#[derive(Serialize)]
struct Network<'a> {
    egress: &'a [String],
}

#[derive(Serialize)]
struct Process<'a> {
    allow: &'a [String],
}

/// Reads a list whose every entry has a shape.
fn each<T>(fields: &mut Fields<'_>, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>> {
    let entries = fields.take(name).map_or_else(|| Ok(Vec::new()), Field::list)?;
    entries.into_iter().map(|entry| entry.parsed(&read)).collect()
}

/// Reads a list that stands alone in its table.
fn nested<T>(
    root: &mut Fields<'_>,
    table: &str,
    name: &str,
    read: impl Fn(&str) -> Result<T, String>,
    warnings: &mut Vec<String>,
) -> Result<Vec<T>> {
    let Some(table) = root.take(table) else { return Ok(Vec::new()) };
    let mut fields = table.table()?;
    let list = each(&mut fields, name, read)?;
    fields.finish(warnings);
    Ok(list)
}

fn group(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if text.is_empty() || text.len() > GROUP_BYTES || !plain {
        return Err(format!("must be 1 to {GROUP_BYTES} letters, digits, `_` and `-`"));
    }
    Ok(text.to_owned())
}

fn method(text: &str) -> Result<String, String> {
    match text {
        "keypair" | "passkey" | "system" => Ok(text.to_owned()),
        _ => Err("must be `keypair`, `passkey` or `system`".to_owned()),
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    Endpoint::parse(text).map(|_| text.to_owned()).map_err(str::to_owned)
}

fn not_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("must not be blank".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Profile {
        Profile::parse_toml(text).unwrap().profile
    }

    #[test]
    fn an_empty_profile_is_the_default() {
        assert_eq!(parse(""), Profile::default());
        assert!(
            !Profile::default().holds("self:quota:get") && !Profile::default().is_exempt_from_cpu_bounds()
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut profile = parse(
            "enabled = false\ngroups = [\"agent\", \"crew\"]\ngrants = [\"audit:*\"]\nrevokes = [\"audit:write\"]\n\
             [quotas]\nmax_cpu_fuel_per_sec = \"unlimited\"\nmax_memory_bytes = 1024\n[auth]\nmethods = [\"system\"]\n\
             [network]\negress = [\"a.b:443\"]\n[process]\nallow = [\"git\"]\n",
        );
        assert_eq!(profile.quotas.max_cpu_fuel_per_sec, Quotas::UNLIMITED);
        assert_eq!(profile.quotas.max_memory_bytes, 1024);
        assert_eq!(parse(&profile.to_toml().unwrap()), profile);
        assert!(Profile::parse_toml(&profile.to_toml().unwrap()).unwrap().warnings.is_empty());
        profile.quotas.max_memory_bytes = 0;
        assert!(profile.to_toml().is_err());
    }

    #[test]
    fn what_is_malformed_is_refused_and_what_is_unknown_is_a_warning() {
        for (text, field) in [
            ("profile_version = 2", "profile_version"),
            ("profile_version = 0", "profile_version"),
            ("enabled = 1", "enabled"),
            ("groups = [\"a b\"]", "groups[0]"),
            ("grants = [\"a**\"]", "grants[0]"),
            ("quotas = 3", "quotas"),
            ("[quotas]\nmax_memory_bytes = 0", "quotas.max_memory_bytes"),
            ("[quotas]\nmax_memory_bytes = -1", "quotas.max_memory_bytes"),
            ("[quotas]\nmax_memory_bytes = \"lots\"", "quotas.max_memory_bytes"),
            ("[quotas]\nmax_timeout_secs = \"unlimited\"", "quotas.max_timeout_secs"),
            ("[quotas]\nmax_in_flight_calls = 65", "quotas.max_in_flight_calls"),
            ("[auth]\nmethods = [\"password\"]", "auth.methods[0]"),
            ("[network]\negress = [\"nowhere\"]", "network.egress[0]"),
            ("[process]\nallow = [\" \"]", "process.allow[0]"),
        ] {
            let error = Profile::parse_toml(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert!(error.message().starts_with(&format!("`{field}` ")), "{text} said {error}");
        }
        let read = Profile::parse_toml("color = 1\n[quotas]\nmax_fun = 3\n").unwrap();
        let expected = ["unknown field `quotas.max_fun` is ignored", "unknown field `color` is ignored"];
        assert_eq!(read.warnings, expected);
    }

    #[test]
    fn a_revoke_beats_a_grant_and_a_grant_beats_a_group() {
        let profile =
            parse("groups = [\"agent\"]\ngrants = [\"audit:read_all\"]\nrevokes = [\"self:quota:*\"]");
        assert!(profile.holds("audit:read_all") && profile.holds("self:agent:list"));
        assert!(!profile.holds("self:quota:get") && !profile.holds("audit:write"));
        let locked = parse("groups = [\"admin\"]\ngrants = [\"*\"]\nrevokes = [\"*\"]");
        assert!(!locked.holds("self:quota:get") && !locked.is_exempt_from_cpu_bounds());
        assert!(parse("groups = [\"admin\"]").is_exempt_from_cpu_bounds());
        assert!(!parse("groups = [\"root\"]").holds("a"));
    }

    #[test]
    fn only_a_restricted_principal_is_held_to_its_lists() {
        let free = Profile::default();
        assert!(free.may_reach("a.b", Some(443)) && free.may_run("rm"));
        let text = "groups = [\"restricted\"]\n[network]\negress = [\"a.b:443\"]\n[process]\nallow = [\"git\", \"/x/y\"]";
        let held = parse(text);
        assert!(held.may_reach("A.b", Some(443)) && held.may_reach("a.b", None));
        assert!(!held.may_reach("a.b", Some(80)) && !held.may_reach("c.d", None));
        assert!(held.may_run("git") && held.may_run("/usr/bin/git") && held.may_run("/x/y"));
        assert!(!held.may_run("y") && !held.may_run("/z/y") && !held.may_run("rm"));
    }
}

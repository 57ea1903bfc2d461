//! How a profile is written: as TOML in its file, as JSON towards programs, under the same names.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::device_key::DeviceKey;
use super::standing::StandingCommand;
use super::{Endpoint, Grant, Profile, Quotas};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{GRANTED_CAPSULE_CHARS, GROUP_BYTES, PROFILE_BYTES};
use crate::manifest::reader::{Field, Fields};

/// The format this host writes, and the newest it reads.
const VERSION: u64 = 1;

/// A profile and what its author should know about it.
#[derive(Clone, Debug)]
pub struct ParsedProfile {
    /// The profile.
    pub profile: Profile,
    /// One sentence for every field that was ignored.
    pub warnings: Vec<String>,
}

impl Profile {
    /// Reads a profile. A field nobody knows is a warning; a malformed one and a newer format are `invalid_argument`s
    /// that name the field, and whoever asked for the profile refuses the call.
    pub fn parse_toml(text: &str) -> Result<ParsedProfile> {
        if text.len() > PROFILE_BYTES {
            let message = format!("a profile has at most {PROFILE_BYTES} bytes, this one has {}", text.len());
            return Err(invalid(message));
        }
        let mut root = Fields::parse(text, ErrorKind::InvalidArgument)?;
        let mut warnings = Vec::new();
        check_version(&mut root)?;
        let enabled = root.flag("enabled")?.unwrap_or(true);
        let groups = each(&mut root, "groups", group)?;
        let grants = each(&mut root, "grants", Grant::parse)?;
        let revokes = each(&mut root, "revokes", Grant::parse)?;
        let capsules = each(&mut root, "capsules", granted_capsule)?;
        let quotas = match root.take("quotas") {
            Some(table) => Quotas::read(table.table()?, &mut warnings)?,
            None => Quotas::default(),
        };
        let mut profile = Self { enabled, groups, grants, revokes, quotas, capsules, ..Self::default() };
        table(&mut root, "auth", &mut warnings, |auth, warnings| {
            profile.auth_methods = each(auth, "methods", method)?;
            profile.public_keys = read_keys(auth, warnings)?;
            Ok(())
        })?;
        table(&mut root, "network", &mut warnings, |network, _| {
            profile.egress = each(network, "egress", endpoint)?;
            profile.capsule_egress = read_capsule_egress(network)?;
            Ok(())
        })?;
        table(&mut root, "process", &mut warnings, |process, _| {
            profile.process_allow = each(process, "allow", not_blank)?;
            Ok(())
        })?;
        table(&mut root, "approvals", &mut warnings, |approvals, warnings| {
            let commands = approvals.tables("command_always")?.into_iter();
            profile.command_always =
                commands.map(|fields| StandingCommand::read(fields, warnings)).collect::<Result<_>>()?;
            Ok(())
        })?;
        root.finish(&mut warnings);
        Ok(ParsedProfile { profile, warnings })
    }

    /// Reads a profile from JSON, with the names and the rules of its file; what is `null` counts as not there.
    ///
    /// # Errors
    /// As [`Profile::parse_toml`].
    pub fn from_json(value: &Value) -> Result<ParsedProfile> {
        if !value.is_object() {
            return Err(invalid("a profile is an object"));
        }
        let text = toml::to_string(&without_nulls(value))
            .map_err(|error| invalid(format!("this is no profile: {error}")))?;
        // The line an error would name is one of a text that nobody has seen.
        Self::parse_toml(&text).map_err(|error| invalid(error.message()))
    }

    /// Writes the profile as [`Profile::parse_toml`] reads it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when a field breaks the rule that its file has to keep.
    pub fn to_toml(&self) -> Result<String> {
        self.quotas.check()?;
        let text = toml::to_string(&File::of(self)).map_err(unwritten)?;
        // One set of rules: what could not be read back is not written.
        let read = Self::parse_toml(&text)?;
        if read.profile == *self { Ok(text) } else { Err(invalid("the profile cannot be written as it is")) }
    }

    /// The profile as JSON, with the names of its file. A quota without a limit is `"unlimited"`.
    ///
    /// # Errors
    /// As [`Profile::to_toml`].
    pub fn to_json(&self) -> Result<Value> {
        self.to_toml()?;
        serde_json::to_value(File::of(self)).map_err(unwritten)
    }
}

/// Plain values come first, as TOML wants them.
#[derive(Serialize)]
struct File<'a> {
    profile_version: u64,
    enabled: bool,
    groups: &'a [String],
    grants: &'a [Grant],
    revokes: &'a [Grant],
    capsules: &'a [String],
    quotas: &'a Quotas,
    auth: Auth<'a>,
    network: Network<'a>,
    process: Process<'a>,
    approvals: Approvals<'a>,
}

#[derive(Serialize)]
struct Auth<'a> {
    methods: &'a [String],
    public_keys: &'a [DeviceKey],
}

#[derive(Serialize)]
struct Network<'a> {
    egress: &'a [String],
    capsule_egress: &'a BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct Process<'a> {
    allow: &'a [String],
}

#[derive(Serialize)]
struct Approvals<'a> {
    command_always: &'a [StandingCommand],
}

impl<'a> File<'a> {
    fn of(profile: &'a Profile) -> Self {
        Self {
            profile_version: VERSION,
            enabled: profile.enabled,
            groups: &profile.groups,
            grants: &profile.grants,
            revokes: &profile.revokes,
            capsules: &profile.capsules,
            quotas: &profile.quotas,
            auth: Auth { methods: &profile.auth_methods, public_keys: &profile.public_keys },
            network: Network { egress: &profile.egress, capsule_egress: &profile.capsule_egress },
            process: Process { allow: &profile.process_allow },
            approvals: Approvals { command_always: &profile.command_always },
        }
    }
}

fn check_version(root: &mut Fields<'_>) -> Result<()> {
    let Some(field) = root.take("profile_version") else { return Ok(()) };
    let newer = field.error(format!("is newer than {VERSION}, the newest this host reads"));
    let zero = field.error("must be at least 1");
    match field.number()? {
        0 => Err(zero),
        1..=VERSION => Ok(()),
        _ => Err(newer),
    }
}

/// Reads a list whose every entry has a shape.
pub(super) fn each<T>(
    fields: &mut Fields<'_>,
    name: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>> {
    list(fields.take(name), read)
}

fn list<T>(field: Option<Field<'_>>, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>> {
    let entries = field.map_or_else(|| Ok(Vec::new()), Field::list)?;
    entries.into_iter().map(|entry| entry.parsed(&read)).collect()
}

/// Reads a table, if it is there, and warns about what is left of it.
fn table(
    root: &mut Fields<'_>,
    name: &str,
    warnings: &mut Vec<String>,
    read: impl FnOnce(&mut Fields<'_>, &mut Vec<String>) -> Result<()>,
) -> Result<()> {
    let Some(field) = root.take(name) else { return Ok(()) };
    let mut fields = field.table()?;
    read(&mut fields, warnings)?;
    fields.finish(warnings);
    Ok(())
}

fn read_keys(auth: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<Vec<DeviceKey>> {
    let Some(field) = auth.take("public_keys") else { return Ok(Vec::new()) };
    field.list()?.into_iter().map(|entry| DeviceKey::read(entry, warnings)).collect()
}

fn read_capsule_egress(network: &mut Fields<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    let Some(field) = network.take("capsule_egress") else { return Ok(BTreeMap::new()) };
    let entry = |(capsule, field): (String, Field<'_>)| {
        let capsule = granted_capsule(&capsule).map_err(|why| field.error(why))?;
        Ok((capsule, list(Some(field), endpoint)?))
    };
    field.table()?.in_order().into_iter().map(entry).collect()
}

fn group(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if text.is_empty() || text.len() > GROUP_BYTES || !plain {
        return Err(format!("must be 1 to {GROUP_BYTES} letters, digits, `_` and `-`"));
    }
    Ok(text.to_owned())
}

fn granted_capsule(text: &str) -> Result<String, String> {
    let fits = (1..=GRANTED_CAPSULE_CHARS).contains(&text.chars().count());
    if text.trim().is_empty() || !fits || text.contains(char::is_control) {
        return Err(format!("must name a capsule in 1 to {GRANTED_CAPSULE_CHARS} characters"));
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

pub(super) fn not_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("must not be blank".to_owned()) } else { Ok(text.to_owned()) }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, field)| !field.is_null())
            .map(|(name, field)| (name.clone(), without_nulls(field)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn unwritten(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "a profile could not be written").caused_by(cause)
}

#[cfg(test)]
#[path = "profile_file_tests.rs"]
mod tests;

//! `[package]`: who the capsule is and which runtime it wants.

use semver::{Op, Version, VersionReq};
use serde::Serialize;

use super::ParseOptions;
use super::component::inner_path;
use super::reader::{Field, Fields};
use crate::error::Result;
use crate::limits::{PACKAGE_NAME_BYTES, PACKAGE_WORDS};

/// The first year that can be the major number of a calendar version such as `2026.10.1`.
const FIRST_CALENDAR_MAJOR: u64 = 2000;

/// The identity of a capsule.
#[derive(Clone, Debug, Serialize)]
pub struct Package {
    /// The capsule's id: 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// One line on what it does.
    pub description: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Where it is presented.
    pub homepage: Option<String>,
    /// Where it is documented.
    pub documentation: Option<String>,
    /// Its licence, as an expression.
    pub license: Option<String>,
    /// The file with its licence.
    pub license_file: Option<String>,
    /// The file that introduces it.
    pub readme: Option<String>,
    /// Words to find it by, at most 5.
    pub keywords: Vec<String>,
    /// Groups it belongs to, at most 5.
    pub categories: Vec<String>,
    /// The runtime versions it works with; none means any.
    pub astrid_version: Option<VersionReq>,
    /// Whether a registry may take it.
    pub publish: bool,
    /// What goes into its archive, as globs; none means the packer's own choice.
    pub include: Option<Vec<String>>,
    /// What stays out of its archive, as globs.
    pub exclude: Option<Vec<String>>,
}

impl Package {
    pub(super) fn read(
        mut fields: Fields<'_>,
        options: &ParseOptions,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let package = Self {
            name: fields.need("name")?.parsed(name)?,
            version: fields.need("version")?.parsed(version)?,
            description: fields.text("description")?,
            authors: fields.texts("authors")?,
            repository: fields.text("repository")?,
            homepage: fields.text("homepage")?,
            documentation: fields.text("documentation")?,
            license: fields.text("license")?,
            license_file: fields.take("license-file").map(|field| field.parsed(inner_path)).transpose()?,
            readme: fields.take("readme").map(|field| field.parsed(inner_path)).transpose()?,
            keywords: words(fields.take("keywords"))?,
            categories: words(fields.take("categories"))?,
            astrid_version: fields
                .take("astrid-version")
                .map(|field| field.parsed(|text| runtime(text, &options.runtime_version)))
                .transpose()?,
            publish: fields.flag("publish")?.unwrap_or(true),
            include: fields.take("include").map(Field::texts).transpose()?,
            exclude: fields.take("exclude").map(Field::texts).transpose()?,
        };
        // Free for tools to use; a value that is no table is still a mistake worth naming.
        fields.take("metadata").map(Field::table).transpose()?;
        fields.finish(warnings);
        Ok(package)
    }
}

/// A short list of words.
fn words(field: Option<Field<'_>>) -> Result<Vec<String>> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let too_many = field.error(format!("must have at most {PACKAGE_WORDS} entries"));
    let words = field.texts()?;
    if words.len() > PACKAGE_WORDS { Err(too_many) } else { Ok(words) }
}

fn name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if text.is_empty() || text.len() > PACKAGE_NAME_BYTES || !plain {
        return Err(format!("must be 1 to {PACKAGE_NAME_BYTES} of a-z, 0-9 and `-`"));
    }
    Ok(text.to_owned())
}

/// A full semantic version.
pub(super) fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|error| format!("must be a version such as 1.2.3: {error}"))
}

/// A requirement on a semantic version.
pub(super) fn requirement(text: &str) -> Result<VersionReq, String> {
    VersionReq::parse(text).map_err(|error| format!("must be a version requirement such as ^1.2: {error}"))
}

fn runtime(text: &str, runtime: &Version) -> Result<VersionReq, String> {
    let wanted = requirement(text)?;
    if accepts(&wanted, runtime) {
        Ok(wanted)
    } else {
        Err(format!("asks for runtime {wanted}, this one is {runtime}"))
    }
}

/// Whether a requirement accepts a runtime.
///
/// The number of a calendar version says when it was made and nothing about compatibility, so against such a runtime `^`
/// and `~` (and a bare version, which means `^`) ask for at least that version. `=`, `<`, `>` and `*` mean what they say.
fn accepts(wanted: &VersionReq, runtime: &Version) -> bool {
    if runtime.major < FIRST_CALENDAR_MAJOR {
        return wanted.matches(runtime);
    }
    let mut wanted = wanted.clone();
    for comparator in &mut wanted.comparators {
        if matches!(comparator.op, Op::Caret | Op::Tilde) {
            comparator.op = Op::GreaterEq;
        }
    }
    wanted.matches(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_runtimes_satisfy_older_requirements() {
        let cases = [
            ("*", "2026.10.1", true),
            (">=0.5", "2026.10.1", true),
            ("0.8", "2026.10.1", true),
            ("^2026.4", "2027.1.0", true),
            ("~2026.10.0", "2026.10.1", true),
            ("2026.11", "2026.10.1", false),
            ("<2026", "2026.10.1", false),
            (">=0.5, <1", "2026.10.1", false),
            ("=0.8.0", "2026.10.1", false),
            ("^0.8", "0.8.3", true),
            ("^0.8", "0.9.0", false),
            ("2026.10", "0.9.0", false),
        ];
        for (wanted, runtime, expected) in cases {
            let (req, version) = (VersionReq::parse(wanted).unwrap(), Version::parse(runtime).unwrap());
            assert_eq!(accepts(&req, &version), expected, "{wanted} on {runtime}");
        }
    }

    #[test]
    fn names_are_plain() {
        for good in ["a", "a-b-2", "0", &"x".repeat(64)] {
            assert_eq!(name(good).unwrap(), good);
        }
        for bad in ["", "A", "a_b", "a b", "../a", "é", &"x".repeat(65)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}

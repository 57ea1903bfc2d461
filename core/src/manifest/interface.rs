//! `[imports]` and `[exports]`: which capsules must be loaded before which.

use semver::{Version, VersionReq};
use serde::Serialize;

use super::package::{requirement, version};
use super::reader::Field;
use crate::error::Result;

/// An interface this capsule needs from another.
#[derive(Clone, Debug, Serialize)]
pub struct Import {
    /// The namespace, `a-z`, `0-9` and `-`.
    pub namespace: String,
    /// The interface, of the same alphabet.
    pub interface: String,
    /// The versions it works with.
    pub version: VersionReq,
    /// Whether the capsule loads without it.
    pub optional: bool,
}

/// An interface this capsule offers.
#[derive(Clone, Debug, Serialize)]
pub struct Export {
    /// The namespace, `a-z`, `0-9` and `-`.
    pub namespace: String,
    /// The interface, of the same alphabet.
    pub interface: String,
    /// The version offered.
    pub version: Version,
}

/// Reads `[imports]`; a value is a requirement or `{ version, optional }`.
pub(super) fn read_imports(table: Option<Field<'_>>, warnings: &mut Vec<String>) -> Result<Vec<Import>> {
    let mut imports = Vec::new();
    for Named { namespace, interface, value } in named(table)? {
        let (version, optional) = if value.is_text() {
            (value.parsed(requirement)?, false)
        } else {
            let mut fields = value.table()?;
            let read =
                (fields.need("version")?.parsed(requirement)?, fields.flag("optional")?.unwrap_or(false));
            fields.finish(warnings);
            read
        };
        imports.push(Import { namespace, interface, version, optional });
    }
    Ok(imports)
}

/// Reads `[exports]`; a value is a version or `{ version }`.
pub(super) fn read_exports(table: Option<Field<'_>>, warnings: &mut Vec<String>) -> Result<Vec<Export>> {
    let mut exports = Vec::new();
    for Named { namespace, interface, value } in named(table)? {
        let version = if value.is_text() {
            value.parsed(version)?
        } else {
            let mut fields = value.table()?;
            let read = fields.need("version")?.parsed(version)?;
            fields.finish(warnings);
            read
        };
        exports.push(Export { namespace, interface, version });
    }
    Ok(exports)
}

struct Named<'t> {
    namespace: String,
    interface: String,
    value: Field<'t>,
}

/// Brings both spellings, `"ns:iface" = V` and `[imports.ns] iface = V`, into one list; each interface stands there once.
fn named(table: Option<Field<'_>>) -> Result<Vec<Named<'_>>> {
    let mut all: Vec<Named<'_>> = Vec::new();
    let Some(table) = table else { return Ok(all) };
    for (key, value) in table.table()?.in_order() {
        match key.split_once(':') {
            Some((namespace, interface)) => push(&mut all, namespace, interface, value)?,
            None => {
                for (interface, value) in value.table()?.in_order() {
                    push(&mut all, &key, &interface, value)?;
                }
            }
        }
    }
    Ok(all)
}

fn push<'t>(all: &mut Vec<Named<'t>>, namespace: &str, interface: &str, value: Field<'t>) -> Result<()> {
    for part in [namespace, interface] {
        let rest = part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !part.starts_with(|c: char| c.is_ascii_lowercase()) || !rest {
            let rule = "begins with a-z and goes on with a-z, 0-9 and `-`";
            return Err(value.error(format!("has the part {part:?}, but a namespace or interface {rule}")));
        }
    }
    if all.iter().any(|other| other.namespace == namespace && other.interface == interface) {
        return Err(value.error("stands there twice, once in each spelling"));
    }
    all.push(Named { namespace: namespace.to_owned(), interface: interface.to_owned(), value });
    Ok(())
}

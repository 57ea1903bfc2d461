//! `[[component]]`: the WebAssembly components of a capsule.

use serde::{Serialize, Serializer};

use super::Capabilities;
use super::reader::Fields;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::COMPONENTS;

/// One WebAssembly component.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    /// Its name inside the capsule; may be empty.
    pub id: String,
    /// Its file, relative to the capsule's folder unless absolute; never with a `..`.
    pub file: String,
    /// The BLAKE3 hash its bytes must have; as text, 64 lower-case hexadecimal digits.
    #[serde(serialize_with = "hex")]
    pub hash: Option<[u8; 32]>,
    /// What it is for.
    pub kind: ComponentKind,
    /// The ids of the components it is linked with.
    pub link: Vec<String>,
    /// What this component asks for; the manifest's `capabilities` has it merged in.
    pub capabilities: Capabilities,
}

/// What a component is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ComponentKind {
    /// The host calls its exports.
    #[default]
    Executable,
    /// Other components link it.
    Library,
}

impl Component {
    /// What it is called in errors and warnings: its id, or its file where it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.id.is_empty() { &self.file } else { &self.id }
    }

    fn read(mut fields: Fields<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let file = match (fields.take("file"), fields.take("entrypoint")) {
            (Some(_), Some(entrypoint)) => {
                return Err(entrypoint.error("is another name of `file`: give one"));
            }
            (Some(file), None) | (None, Some(file)) => file.parsed(path)?,
            (None, None) => return Err(fields.error(format!("`{}.file` is missing", fields.path()))),
        };
        let component = Self {
            id: fields.text("id")?.unwrap_or_default(),
            file,
            hash: fields.take("hash").map(|field| field.parsed(hash)).transpose()?,
            kind: fields.take("type").map(|field| field.parsed(kind)).transpose()?.unwrap_or_default(),
            link: fields.texts("link")?,
            capabilities: match fields.take("capabilities") {
                Some(table) => Capabilities::read(table.table()?, warnings)?,
                None => Capabilities::default(),
            },
        };
        fields.finish(warnings);
        Ok(component)
    }
}

/// Reads all components. Ids are unique, and a link names another component.
pub(super) fn read_all(tables: Vec<Fields<'_>>, warnings: &mut Vec<String>) -> Result<Vec<Component>> {
    if tables.len() > COMPONENTS {
        let message = format!("`component` has {} tables, a capsule has at most {COMPONENTS}", tables.len());
        return Err(Error::new(ErrorKind::ManifestInvalid, message));
    }
    let components =
        tables.into_iter().map(|fields| Component::read(fields, warnings)).collect::<Result<Vec<_>>>()?;
    let invalid = |text: String| Err(Error::new(ErrorKind::ManifestInvalid, text));
    for (n, component) in components.iter().enumerate() {
        let (before, id) = (&components[..n], &component.id);
        if !id.is_empty() && before.iter().any(|earlier| earlier.id == *id) {
            return invalid(format!("`component[{n}].id` is {id:?}, which is taken by an earlier component"));
        }
        for (m, link) in component.link.iter().enumerate() {
            if component.link[..m].contains(link) {
                return invalid(format!("`component[{n}].link` names {link:?} twice"));
            }
            if link == id || !components.iter().any(|other| other.id == *link) {
                return invalid(format!(
                    "`component[{n}].link` names {link:?}, which is no other component's id"
                ));
            }
        }
    }
    Ok(components)
}

/// A path that stays where it points: not empty, printable, without a `..`.
fn path(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.chars().any(char::is_control) {
        return Err("must not have control characters");
    }
    if text.split(['/', '\\']).any(|component| component == "..") {
        return Err("must not have a `..`");
    }
    Ok(text.to_owned())
}

/// A path inside the capsule's folder.
pub(super) fn inner_path(text: &str) -> Result<String, &'static str> {
    if text.starts_with(['/', '\\']) {
        return Err("must be relative to the capsule's folder");
    }
    path(text)
}

fn kind(text: &str) -> Result<ComponentKind, &'static str> {
    match text {
        "" | "executable" => Ok(ComponentKind::Executable),
        "library" => Ok(ComponentKind::Library),
        _ => Err("must be `executable` or `library`"),
    }
}

fn hash(text: &str) -> Result<[u8; 32], &'static str> {
    const RULE: &str = "must be a BLAKE3 hash: 64 lower-case hexadecimal digits";
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return Err(RULE);
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or(RULE)?;
    }
    Ok(bytes)
}

#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn hex<S: Serializer>(hash: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    use std::fmt::Write as _;
    let text = hash.map(|bytes| {
        bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    });
    text.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_exactly() {
        let text = "00ff".repeat(16);
        let bytes = hash(&text).unwrap();
        assert_eq!((bytes[0], bytes[1], bytes[31]), (0, 255, 255));
        for bad in ["", "00", &"00FF".repeat(16), &"0".repeat(63), &"0".repeat(66), &"g0".repeat(32)] {
            assert!(hash(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_stay_where_they_point() {
        for good in ["a.wasm", "bin/a.wasm", "/opt/a.wasm", "a..b/c", "..a"] {
            assert!(path(good).is_ok(), "{good:?}");
        }
        for bad in ["", "..", "../a", "a/../b", "a\\..\\b", "a\0b", "a\nb"] {
            assert!(path(bad).is_err(), "{bad:?}");
        }
        assert!(inner_path("/opt/a").is_err());
    }
}

//! A capsule as it lies in a folder or an archive: the manifest, and the component made of those it names.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::compose::{Part, compose, plan};
use super::files::{COMPONENT, Files, Limit, MANIFEST, META};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{Component, Manifest, ParseOptions, Parsed};

/// The file that makes a folder a capsule.
pub const MANIFEST_FILE: &str = "Capsule.toml";
/// What an installer elsewhere wrote beside the manifest.
const META_FILE: &str = "meta.json";

/// A capsule's manifest and component, read once: the bytes that are hashed are the bytes that are compiled.
#[derive(Clone, Debug)]
pub struct Package {
    /// The manifest.
    pub manifest: Arc<Manifest>,
    /// What the manifest says that this host ignores.
    pub warnings: Vec<String>,
    /// The component; where the executable links libraries, all of them put together.
    pub component: Arc<[u8]>,
    /// The BLAKE3 of the component.
    pub hash: [u8; 32],
    /// The hash, if the manifest names those of all its parts or a `meta.json` beside it names it.
    pub named_hash: Option<[u8; 32]>,
}

impl Package {
    /// Reads a folder with a `Capsule.toml`, a `.capsule` archive, or the manifest itself. It takes as long as reading, hashing
    /// and putting together take.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing file, [`ErrorKind::ManifestInvalid`] for a manifest that breaks a rule,
    /// [`ErrorKind::InvalidArgument`] for an archive that is unsafe or damaged, [`ErrorKind::HashMismatch`] when a component
    /// is not the one the manifest names, and whatever keeps its components from being put together.
    pub fn read(path: &Path, options: &ParseOptions) -> Result<Self> {
        let (files, name) = Files::open(path)?;
        let Parsed { manifest, mut warnings } = parse(&files, &name, path, options)?;
        let plan = plan(&manifest.components)?;
        warnings.extend(plan.warnings);
        let about = |error: Error| error.with("capsule", &manifest.package.name);
        let mut parts = read_all(&files, &manifest.components).map_err(about)?;
        let named = plan.order.iter().all(|n| manifest.components[*n].hash.is_some());
        let used = plan.order.iter().filter_map(|n| parts[*n].take()).collect();
        drop(parts);
        let component = compose(used).map_err(about)?;
        let hash = *blake3::hash(&component).as_bytes();
        let meta = read_meta(&files)?;
        if let Some(meta) = meta {
            check_hash(&hash, &meta).map_err(about)?;
        }
        let named_hash = named.then_some(hash).or(meta);
        Ok(Self { manifest: Arc::new(manifest), warnings, component: component.into(), hash, named_hash })
    }

    /// Reads the manifest alone.
    ///
    /// # Errors
    /// As [`Self::read`], where they are about the manifest or the archive.
    pub fn read_manifest(path: &Path, options: &ParseOptions) -> Result<Parsed> {
        let (files, name) = Files::open(path)?;
        parse(&files, &name, path, options)
    }

    /// Puts a manifest and bytes in memory together.
    ///
    /// # Errors
    /// [`ErrorKind::ManifestInvalid`] for a manifest that breaks a rule or names several components,
    /// [`ErrorKind::HashMismatch`] when the bytes are not those the manifest names or the hash is of others.
    pub fn from_memory(
        manifest: &str,
        component: Vec<u8>,
        hash: [u8; 32],
        options: &ParseOptions,
    ) -> Result<Self> {
        let Parsed { manifest, warnings } = Manifest::parse(manifest, options)?;
        plan(&manifest.components)?;
        let [declared] = manifest.components.as_slice() else {
            let message = "a capsule of several components is loaded from its folder or archive";
            return Err(Error::new(ErrorKind::ManifestInvalid, message).with("table", "component"));
        };
        let found = *blake3::hash(&component).as_bytes();
        for named in declared.hash.iter().chain([&hash]) {
            check_hash(&found, named).map_err(|error| error.with("capsule", &manifest.package.name))?;
        }
        Ok(Self {
            manifest: Arc::new(manifest),
            warnings,
            component: component.into(),
            hash: found,
            named_hash: Some(hash),
        })
    }

    /// The capsule's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.manifest.package.name
    }

    /// Refuses a package whose component has another hash than this one.
    ///
    /// # Errors
    /// [`ErrorKind::HashMismatch`].
    pub fn demand(&self, hash: &[u8; 32]) -> Result<()> {
        check_hash(&self.hash, hash).map_err(|error| error.with("capsule", self.id()))
    }
}

fn parse(files: &Files, name: &str, path: &Path, options: &ParseOptions) -> Result<Parsed> {
    let text = String::from_utf8(files.read(name, MANIFEST)?).map_err(|error| {
        Error::new(ErrorKind::ManifestInvalid, "the manifest is not UTF-8").caused_by(error)
    });
    text.and_then(|text| Manifest::parse(&text, options))
        .map_err(|error| error.with("manifest", path.display().to_string()))
}

/// Reads every component, used or not, and compares each with the hash the manifest names for it. All of them together
/// have the limit of one.
fn read_all<'a>(files: &Files, components: &'a [Component]) -> Result<Vec<Option<Part<'a>>>> {
    let mut left = COMPONENT.bytes;
    let mut parts = Vec::with_capacity(components.len());
    for declared in components {
        let limit = Limit { bytes: left, ..COMPONENT };
        let bytes = files.read(&declared.file, limit)?;
        left -= bytes.len();
        if let Some(named) = &declared.hash {
            let found = *blake3::hash(&bytes).as_bytes();
            check_hash(&found, named).map_err(|error| error.with("component", declared.name()))?;
        }
        parts.push(Some(Part { declared, bytes }));
    }
    Ok(parts)
}

fn check_hash(found: &[u8; 32], named: &[u8; 32]) -> Result<()> {
    if found == named {
        return Ok(());
    }
    let message = format!("the component's BLAKE3 is {}, named was {}", hex(found), hex(named));
    Err(Error::new(ErrorKind::HashMismatch, message))
}

fn read_meta(files: &Files) -> Result<Option<[u8; 32]>> {
    #[derive(Deserialize)]
    struct Meta {
        wasm_hash: Option<String>,
    }
    if !files.has(META_FILE) {
        return Ok(None);
    }
    let meta: Meta = serde_json::from_slice(&files.read(META_FILE, META)?).map_err(|error| {
        Error::new(ErrorKind::ManifestInvalid, format!("`{META_FILE}` is malformed: {error}"))
            .caused_by(error)
    })?;
    meta.wasm_hash.as_deref().map(parse_hash).transpose()
}

/// Reads a BLAKE3 hash of 64 lower-case hex digits.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] when it is anything else.
pub fn parse_hash(text: &str) -> Result<[u8; 32]> {
    let lower = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parsed = lower.then(|| blake3::Hash::from_hex(text).ok()).flatten();
    parsed.map(|hash| *hash.as_bytes()).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("`{text}` is not a BLAKE3 hash of 64 lower-case hex digits"),
        )
    })
}

/// A hash as 64 lower-case hex digits.
#[must_use]
pub fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_strictly() {
        let text = "00".repeat(31) + "ff";
        assert_eq!(hex(&parse_hash(&text).unwrap()), text);
        for bad in ["", "00", &"0G".repeat(32), &text.to_uppercase()] {
            assert_eq!(parse_hash(bad).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }
}

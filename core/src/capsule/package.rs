//! A capsule as it lies in a folder: the manifest and the component it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::manifest::{ComponentKind, Manifest, ParseOptions};

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
    /// The component.
    pub component: Arc<[u8]>,
    /// The BLAKE3 of the component.
    pub hash: [u8; 32],
    /// The hash that the manifest or a `meta.json` beside it names, if any.
    pub named_hash: Option<[u8; 32]>,
}

impl Package {
    /// Reads a folder with a `Capsule.toml`, or the manifest itself.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a missing file, [`ErrorKind::ManifestInvalid`] for a manifest that breaks a rule,
    /// [`ErrorKind::HashMismatch`] when the component is not the one the manifest names.
    pub fn read(path: &Path, options: &ParseOptions) -> Result<Self> {
        let manifest_path = if path.is_dir() { path.join(MANIFEST_FILE) } else { path.to_owned() };
        let text = read(&manifest_path).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| {
                Error::new(ErrorKind::ManifestInvalid, "the manifest is not UTF-8").caused_by(error)
            })
        })?;
        let folder = manifest_path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let parsed = Manifest::parse(&text, options)
            .map_err(|error| error.with("manifest", manifest_path.display().to_string()))?;
        let file = sole_component(&parsed.manifest)?;
        let component = read_component(&folder.join(file))?;
        let meta = read_meta(&folder)?;
        Self::assemble(parsed.manifest, parsed.warnings, component, meta)
    }

    /// Puts a manifest and bytes in memory together.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_memory(
        manifest: &str,
        component: Vec<u8>,
        hash: [u8; 32],
        options: &ParseOptions,
    ) -> Result<Self> {
        let parsed = Manifest::parse(manifest, options)?;
        Self::assemble(parsed.manifest, parsed.warnings, component, Some(hash))
    }

    fn assemble(
        manifest: Manifest,
        warnings: Vec<String>,
        component: Vec<u8>,
        also_named: Option<[u8; 32]>,
    ) -> Result<Self> {
        let hash = *blake3::hash(&component).as_bytes();
        let in_manifest = manifest.components.first().and_then(|component| component.hash);
        for named in [in_manifest, also_named].into_iter().flatten() {
            if named != hash {
                let message = format!("the component's BLAKE3 is {}, named was {}", hex(&hash), hex(&named));
                return Err(
                    Error::new(ErrorKind::HashMismatch, message).with("capsule", &manifest.package.name)
                );
            }
        }
        let named_hash = in_manifest.or(also_named);
        Ok(Self { manifest: Arc::new(manifest), warnings, component: component.into(), hash, named_hash })
    }

    /// The capsule's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.manifest.package.name
    }
}

/// The one component of the capsule; composing several is refused rather than half done.
fn sole_component(manifest: &Manifest) -> Result<&str> {
    let refuse = |why: &str| Err(Error::new(ErrorKind::ManifestInvalid, why).with("table", "component"));
    match manifest.components.as_slice() {
        [] => refuse("the capsule has no [[component]]"),
        [one] if one.kind == ComponentKind::Library => refuse("the only [[component]] is a library"),
        [one] => Ok(&one.file),
        _ => refuse("this version runs capsules of one [[component]] only"),
    }
}

/// Reads the component, unless it is too large to be looked at.
fn read_component(path: &Path) -> Result<Vec<u8>> {
    let most = limits::COMPONENT_BYTES as u64;
    if std::fs::metadata(path).is_ok_and(|found| found.len() > most) {
        let message = format!("the component is larger than the limit of {most} bytes");
        return Err(Error::new(ErrorKind::ComponentInvalid, message));
    }
    read(path)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ErrorKind::NotFound,
            _ => ErrorKind::InvalidArgument,
        };
        Error::new(kind, format!("`{}` cannot be read: {error}", path.display())).caused_by(error)
    })
}

fn read_meta(folder: &Path) -> Result<Option<[u8; 32]>> {
    #[derive(Deserialize)]
    struct Meta {
        wasm_hash: Option<String>,
    }
    let path = folder.join(META_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let meta: Meta = serde_json::from_slice(&read(&path)?).map_err(|error| {
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

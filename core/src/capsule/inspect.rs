//! Looking at a package before it is installed: what it is, and what it asks for beyond what was accepted.

use serde::Serialize;

use super::{Package, hex};
use crate::engine;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{Capabilities, Expansion};
use crate::store::Receipt;

/// What a package is, found out without running anything.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The capsule's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The BLAKE3 of its component, or of its components put together, as hex: what installing pins.
    pub hash: String,
    /// Its manifest, with the capabilities of its components merged.
    pub manifest: serde_json::Value,
    /// What its manifest says that this host ignores.
    pub warnings: Vec<String>,
    /// What is installed under its id.
    pub installed: Option<InstalledVersion>,
    /// How what it asks for differs from what was accepted.
    pub changes: Changes,
}

/// An installed version of a capsule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstalledVersion {
    /// The version.
    pub version: String,
    /// The BLAKE3 that is pinned, as hex.
    pub hash: String,
}

/// A difference of capabilities, each as it is to be read: `fs_read: workspace://src`, or `uplink`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// What is asked for and was not accepted.
    pub added: Vec<String>,
    /// What was accepted and is not asked for any more.
    pub removed: Vec<String>,
}

impl Changes {
    /// From what was accepted to what is asked for.
    #[must_use]
    pub fn between(accepted: &Capabilities, asked: &Capabilities) -> Self {
        Self {
            added: texts(&Capabilities::diff(accepted, asked)),
            removed: texts(&Capabilities::diff(asked, accepted)),
        }
    }
}

fn texts(expansions: &[Expansion]) -> Vec<String> {
    let mut texts = Vec::new();
    for Expansion { capability, entries } in expansions {
        if entries.is_empty() {
            texts.push((*capability).to_owned());
        }
        texts.extend(entries.iter().map(|entry| format!("{capability}: {entry}")));
    }
    texts
}

/// What the embedding program accepted when it installed the capsule; nothing where nothing is installed.
///
/// # Errors
/// [`ErrorKind::ManifestInvalid`] when an entry that was accepted by an older host means nothing to this one.
pub(super) fn accepted(receipt: Option<&Receipt>) -> Result<Capabilities> {
    receipt.map_or_else(
        || Ok(Capabilities::default()),
        |receipt| Capabilities::from_declared(&receipt.capabilities),
    )
}

/// Refuses an upgrade that asks for more than was accepted.
///
/// # Errors
/// [`ErrorKind::CapabilityDenied`] naming what was added.
pub(super) fn refuse_more(accepted: &Capabilities, asked: &Capabilities) -> Result<()> {
    let added = Changes::between(accepted, asked).added;
    if added.is_empty() {
        return Ok(());
    }
    let message = format!("the upgrade asks for more than was accepted: {}", added.join(", "));
    Err(Error::new(ErrorKind::CapabilityDenied, message))
}

/// Looks at a package beside the receipt of its id.
///
/// # Errors
/// What would refuse its installation before its hook runs.
pub fn inspect(package: &Package, receipt: Option<&Receipt>) -> Result<Inspection> {
    engine::inspect(&package.component).map_err(|error| error.with("capsule", package.id()))?;
    let manifest = serde_json::to_value(&*package.manifest).map_err(|error| {
        Error::new(ErrorKind::Internal, "the manifest cannot be written as JSON").caused_by(error)
    })?;
    let asked = Capabilities::compile(&package.manifest)?;
    Ok(Inspection {
        id: package.id().to_owned(),
        version: package.manifest.package.version.to_string(),
        hash: hex(&package.hash),
        manifest,
        warnings: package.warnings.clone(),
        installed: receipt
            .map(|receipt| InstalledVersion { version: receipt.version.clone(), hash: hex(&receipt.hash) }),
        changes: Changes::between(&accepted(receipt)?, &asked),
    })
}

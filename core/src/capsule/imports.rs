//! Which capsules need which: the order of loading, and what is missing.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;

/// The interfaces that capsules export, as the loader sees them.
#[derive(Clone, Debug, Default)]
pub struct Exported(Vec<(String, String, String, semver::Version)>);

impl Exported {
    /// Adds what a capsule exports.
    pub fn add(&mut self, manifest: &Manifest) {
        for export in &manifest.exports {
            self.0.push((
                manifest.package.name.clone(),
                export.namespace.clone(),
                export.interface.clone(),
                export.version.clone(),
            ));
        }
    }

    /// Refuses a capsule whose required import nobody else exports.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] naming the import.
    pub fn satisfy(&self, manifest: &Manifest) -> Result<()> {
        for import in manifest.imports.iter().filter(|import| !import.optional) {
            let provided = self.0.iter().any(|(capsule, namespace, interface, version)| {
                *capsule != manifest.package.name
                    && *namespace == import.namespace
                    && *interface == import.interface
                    && import.version.matches(version)
            });
            if !provided {
                let message = format!(
                    "no loaded capsule exports `{}:{}` {}",
                    import.namespace, import.interface, import.version
                );
                return Err(Error::new(ErrorKind::NotFound, message).with("capsule", &manifest.package.name));
            }
        }
        Ok(())
    }
}

/// The order in which the capsules can be loaded: uplinks first, providers before importers, otherwise as given.
///
/// # Errors
/// [`ErrorKind::ManifestInvalid`] naming the capsules that import each other in a circle.
pub fn load_order(manifests: &[&Manifest]) -> Result<Vec<usize>> {
    let needs: Vec<BTreeSet<usize>> =
        manifests.iter().map(|manifest| providers(manifest, manifests)).collect();
    let mut order = Vec::with_capacity(manifests.len());
    let mut placed = BTreeSet::new();
    while order.len() < manifests.len() {
        let ready: Vec<usize> =
            (0..manifests.len()).filter(|n| !placed.contains(n) && needs[*n].is_subset(&placed)).collect();
        if ready.is_empty() {
            let left: Vec<&str> = (0..manifests.len())
                .filter(|n| !placed.contains(n))
                .map(|n| manifests[n].package.name.as_str())
                .collect();
            let message = format!("these capsules import each other in a circle: {}", left.join(", "));
            return Err(Error::new(ErrorKind::ManifestInvalid, message));
        }
        placed.extend(&ready);
        order.extend(ready);
    }
    // Uplinks import nothing, so putting them first breaks no order.
    order.sort_by_key(|n| !manifests[*n].capabilities.uplink);
    Ok(order)
}

fn providers(manifest: &Manifest, all: &[&Manifest]) -> BTreeSet<usize> {
    let provides = |other: &&Manifest| {
        other.package.name != manifest.package.name
            && other.exports.iter().any(|export| {
                manifest.imports.iter().any(|import| {
                    import.namespace == export.namespace
                        && import.interface == export.interface
                        && import.version.matches(&export.version)
                })
            })
    };
    all.iter().enumerate().filter(|(_, other)| provides(other)).map(|(n, _)| n).collect()
}

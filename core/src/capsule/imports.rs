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

/// The order in which the capsules can be loaded, as levels of indices: those of one level need nothing of each other, and
/// everything they need is in the levels before. Uplinks are a level of their own, the first; inside a level the order
/// is the given one.
///
/// An import that nobody here exports adds no order; [`Exported::satisfy`] decides about it when its capsule is loaded.
///
/// # Errors
/// [`ErrorKind::ManifestInvalid`] naming the capsules that import each other in a circle.
pub fn load_levels(manifests: &[&Manifest]) -> Result<Vec<Vec<usize>>> {
    let needs: Vec<BTreeSet<usize>> =
        manifests.iter().map(|manifest| providers(manifest, manifests)).collect();
    // Uplinks import nothing, so putting them first breaks no order.
    let (uplinks, mut left): (Vec<usize>, Vec<usize>) =
        (0..manifests.len()).partition(|n| manifests[*n].capabilities.uplink);
    let mut placed: BTreeSet<usize> = uplinks.iter().copied().collect();
    let mut levels = if uplinks.is_empty() { Vec::new() } else { vec![uplinks] };
    while !left.is_empty() {
        let (ready, waiting): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|n| needs[**n].is_subset(&placed));
        if ready.is_empty() {
            let names: Vec<&str> =
                circle(&needs, &placed, left[0]).iter().map(|n| &*manifests[*n].package.name).collect();
            let message = format!("these capsules import each other in a circle: {}", names.join(" -> "));
            return Err(Error::new(ErrorKind::ManifestInvalid, message));
        }
        placed.extend(&ready);
        levels.push(ready);
        left = waiting;
    }
    Ok(levels)
}

/// A circle that keeps `start` from being placed, from one capsule along what each needs back to the same capsule.
fn circle(needs: &[BTreeSet<usize>], placed: &BTreeSet<usize>, start: usize) -> Vec<usize> {
    let mut path = vec![start];
    // Whatever is left needs something that is left, so the walk ends only where it has been before.
    while let Some(next) = path.last().and_then(|last| needs[*last].difference(placed).next()) {
        if let Some(first) = path.iter().position(|seen| seen == next) {
            path.drain(..first);
            path.push(*next);
            break;
        }
        path.push(*next);
    }
    path
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ParseOptions;

    fn capsule(name: &str, rest: &str) -> Manifest {
        let text = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\n{rest}");
        Manifest::parse(&text, &ParseOptions::default()).unwrap().manifest
    }

    fn imports(of: &str) -> String {
        format!("[imports]\n\"x:{of}\" = \"1\"\n")
    }

    fn exports(name: &str) -> String {
        format!("[exports]\n\"x:{name}\" = \"1.0.0\"\n")
    }

    fn levels(capsules: &[Manifest]) -> Result<Vec<Vec<usize>>> {
        load_levels(&capsules.iter().collect::<Vec<_>>())
    }

    #[test]
    fn uplinks_come_first_and_importers_a_level_after_their_providers() {
        let capsules = [
            capsule("late", &imports("b")),
            capsule("b", &(imports("a") + &exports("b"))),
            capsule("alone", ""),
            capsule("a", &exports("a")),
            capsule("chat", "[capabilities]\nuplink = true\n"),
        ];
        assert_eq!(levels(&capsules).unwrap(), [vec![4], vec![2, 3], vec![1], vec![0]]);
        assert!(levels(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_nobody_exports_and_what_one_exports_oneself_add_no_order() {
        let capsules = [capsule("a", &(imports("a") + &exports("a"))), capsule("b", &imports("gone"))];
        assert_eq!(levels(&capsules).unwrap(), [[0, 1]]);
    }

    #[test]
    fn a_circle_is_named_without_those_that_only_wait_for_it() {
        let capsules = [
            capsule("waits", &imports("a")),
            capsule("a", &(imports("b") + &exports("a"))),
            capsule("b", &(imports("a") + &exports("b"))),
        ];
        let error = levels(&capsules).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ManifestInvalid);
        assert!(error.message().ends_with(": a -> b -> a"), "{error}");
    }
}

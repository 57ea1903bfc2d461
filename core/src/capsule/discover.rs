//! Finding capsules in folders, the same ones in the same order every time.

use std::collections::BTreeMap;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::is_archive;
use super::{MANIFEST_FILE, Package};
use crate::manifest::{Manifest, ParseOptions};

/// A capsule that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its folder or archive, to be installed or loaded.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Arc<Manifest>,
}

/// What was found, and why the rest was not taken.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The capsules, each id once, in the order of the folders and inside each in the order of names.
    pub found: Vec<Found>,
    /// One sentence for everything that was skipped.
    pub warnings: Vec<String>,
}

/// Looks into each folder, in this order: its subfolders that have a `Capsule.toml`, its `.capsule` archives, and a
/// `Capsule.toml` directly inside. Of several capsules with one id the first is taken. Links are not followed: a folder
/// that others may write to must not lead somewhere else. Nothing here is an error; what cannot be read is a warning.
#[must_use]
pub fn discover(folders: &[PathBuf], options: &ParseOptions) -> Discovery {
    let mut discovery = Discovery::default();
    let mut taken = BTreeMap::new();
    for folder in folders {
        match candidates(folder, &mut discovery.warnings) {
            Ok(paths) => paths.into_iter().for_each(|path| discovery.take(path, options, &mut taken)),
            Err(error) => discovery.skip(folder, &format!("it cannot be read: {error}")),
        }
    }
    discovery
}

impl Discovery {
    fn take(&mut self, path: PathBuf, options: &ParseOptions, taken: &mut BTreeMap<String, PathBuf>) {
        let manifest = match Package::read_manifest(&path, options) {
            Ok(parsed) => parsed.manifest,
            Err(error) => return self.skip(&path, &error.to_string()),
        };
        let id = manifest.package.name.clone();
        if let Some(first) = taken.get(&id) {
            let why = format!("`{}` is `{id}` already", first.display());
            return self.skip(&path, &why);
        }
        taken.insert(id.clone(), path.clone());
        let version = manifest.package.version.to_string();
        self.found.push(Found { id, version, path, manifest: Arc::new(manifest) });
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.warnings.push(skipped(path, why));
    }
}

fn skipped(path: &Path, why: &str) -> String {
    format!("`{}` is skipped: {why}", path.display())
}

/// The folders and archives of one folder that look like capsules, in the order of [`discover`], with a warning for each that
/// is a link.
///
/// # Errors
/// When the folder cannot be read.
pub fn candidates(folder: &Path, warnings: &mut Vec<String>) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<(PathBuf, FileType)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        entries.push((entry.path(), entry.file_type()?));
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (mut folders, mut archives) = (Vec::new(), Vec::new());
    for (path, kind) in entries {
        if kind.is_symlink() {
            if is_archive(&path) || path.join(MANIFEST_FILE).exists() {
                warnings.push(skipped(&path, "it is a symbolic link"));
            }
        } else if kind.is_dir() {
            folders.extend(with_manifest(path, warnings));
        } else if kind.is_file() && is_archive(&path) {
            archives.push(path);
        }
    }
    folders.extend(archives);
    folders.extend(with_manifest(folder.to_owned(), warnings));
    Ok(folders)
}

/// The folder, if it has a manifest that is a file of its own.
fn with_manifest(folder: PathBuf, warnings: &mut Vec<String>) -> Option<PathBuf> {
    let manifest = folder.join(MANIFEST_FILE);
    let found = manifest.symlink_metadata().ok()?;
    if found.is_file() {
        return Some(folder);
    }
    let why = if found.is_symlink() { "its manifest is a symbolic link" } else { "its manifest is no file" };
    warnings.push(skipped(&folder, why));
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(folder: &Path, id: &str, version: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let text = format!("[package]\nname = \"{id}\"\nversion = \"{version}\"\n");
        std::fs::write(folder.join(MANIFEST_FILE), text).unwrap();
    }

    fn look(folders: &[PathBuf]) -> (Vec<String>, Vec<String>) {
        let discovery = discover(folders, &ParseOptions::default());
        let found = discovery.found.into_iter().map(|found| format!("{} {}", found.id, found.version));
        (found.collect(), discovery.warnings)
    }

    #[test]
    fn the_first_of_an_id_is_taken_in_a_stable_order() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        write(&one.join("z"), "a", "1.0.0");
        write(&one.join("b"), "b", "1.0.0");
        write(&one, "direct", "1.0.0");
        std::fs::create_dir(one.join("no-capsule")).unwrap();
        std::fs::write(one.join("notes.txt"), "x").unwrap();
        write(&two.join("again"), "b", "2.0.0");
        write(&two.join("c"), "c", "1.0.0");
        let (found, warnings) = look(&[one, two.clone()]);
        assert_eq!(found, ["b 1.0.0", "a 1.0.0", "direct 1.0.0", "c 1.0.0"]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("again") && warnings[0].contains("is `b` already"), "{warnings:?}");
        assert_eq!(look(&[two]).0, ["b 2.0.0", "c 1.0.0"]);
    }

    #[test]
    fn what_is_broken_missing_or_a_link_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        write(&outside, "outside", "1.0.0");
        write(&root.join("good"), "good", "1.0.0");
        write(&root.join("bad"), "BAD", "1.0.0");
        symlink(&outside, root.join("link")).unwrap();
        symlink(&outside, root.join("link.capsule")).unwrap();
        std::fs::create_dir(root.join("redirected")).unwrap();
        symlink(outside.join(MANIFEST_FILE), root.join("redirected").join(MANIFEST_FILE)).unwrap();
        std::fs::create_dir_all(root.join("folder").join(MANIFEST_FILE)).unwrap();
        std::fs::write(root.join("broken.capsule"), "no gzip").unwrap();
        let (found, warnings) = look(&[root, dir.path().join("gone")]);
        assert_eq!(found, ["good 1.0.0"]);
        let whys = [
            ("folder", "is no file"),
            ("link", "symbolic link"),
            ("link.capsule", "symbolic link"),
            ("redirected", "symbolic link"),
            ("bad", "manifest_invalid"),
            ("broken.capsule", "damaged"),
            ("gone", "cannot be read"),
        ];
        for ((name, why), warning) in whys.iter().zip(&warnings) {
            assert!(warning.contains(&format!("{name}`")) && warning.contains(why), "{name}: {warning}");
        }
        assert_eq!(warnings.len(), whys.len(), "{warnings:?}");
    }
}

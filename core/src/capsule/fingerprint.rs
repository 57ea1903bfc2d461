//! What a capsule's folder holds, as one hash: so that a watcher tells a change from a touch.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::MANIFEST_FILE;
use crate::limits;

/// Folders that tools fill and empty as they like; nothing in them belongs to a capsule.
const IGNORED: [&str; 4] = ["node_modules", "target", "dist", ".git"];

/// Whether a path relative to a capsule's folder lies in a folder that is not looked at.
#[must_use]
pub fn is_ignored(relative: &Path) -> bool {
    relative.iter().any(|part| IGNORED.iter().any(|ignored| part == *ignored))
}

/// The BLAKE3 over the sorted relative paths and the contents of a capsule's files; none where there is no manifest.
///
/// Symbolic links are skipped, and so is what is neither a file nor a folder. Of a folder that is larger than
/// [`limits::WATCH_BYTES`] the rest counts by size and time only.
///
/// # Errors
/// When a file or folder cannot be read, for example because it is being replaced.
pub fn fingerprint(folder: &Path) -> io::Result<Option<[u8; 32]>> {
    if !folder.join(MANIFEST_FILE).is_file() {
        return Ok(None);
    }
    let mut sum = Sum { hasher: blake3::Hasher::new(), left: limits::WATCH_BYTES };
    sum.add_folder(folder, folder)?;
    Ok(Some(*sum.hasher.finalize().as_bytes()))
}

struct Sum {
    hasher: blake3::Hasher,
    left: u64,
}

impl Sum {
    fn add_folder(&mut self, root: &Path, folder: &Path) -> io::Result<()> {
        let mut entries: Vec<DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type()?);
            let relative = path.strip_prefix(root).unwrap_or(&path);
            if is_ignored(relative) {
                continue;
            }
            if kind.is_dir() {
                self.add_folder(root, &path)?;
            } else if kind.is_file() {
                self.text(relative.as_os_str().as_encoded_bytes());
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        self.hasher.update(&found.len().to_le_bytes());
        if found.len() > self.left {
            let since = found.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            self.hasher.update(&since.as_nanos().to_le_bytes());
            return Ok(());
        }
        self.left -= found.len();
        io::copy(&mut file.take(found.len()), &mut self.hasher).map(drop)
    }

    /// With its length before it, so that no name runs into what follows.
    fn text(&mut self, text: &[u8]) {
        self.hasher.update(&(text.len() as u64).to_le_bytes());
        self.hasher.update(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_names_count_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        assert_eq!(fingerprint(folder).unwrap(), None);
        fs::write(folder.join(MANIFEST_FILE), "a").unwrap();
        fs::create_dir(folder.join("src")).unwrap();
        fs::write(folder.join("src/guest.wasm"), "b").unwrap();
        let first = fingerprint(folder).unwrap().unwrap();
        for ignored in IGNORED {
            fs::create_dir(folder.join(ignored)).unwrap();
            fs::write(folder.join(ignored).join("x"), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/", folder.join("link")).unwrap();
        fs::write(folder.join("src/guest.wasm"), "b").unwrap();
        assert_eq!(fingerprint(folder).unwrap(), Some(first));
        fs::write(folder.join("src/guest.wasm"), "c").unwrap();
        let second = fingerprint(folder).unwrap().unwrap();
        assert_ne!(second, first);
        fs::rename(folder.join("src/guest.wasm"), folder.join("src/other.wasm")).unwrap();
        let third = fingerprint(folder).unwrap().unwrap();
        assert!(third != second && third != first);
    }
}

//! One hash over everything the compiled guests are built from.

use std::path::{Path, PathBuf};

use crate::{Result, read};

/// Where the sources of the compiled guests lie: their workspace, the capsules it builds by path, and the WIT.
const ROOTS: [&str; 3] = ["tests/guests/rust", "examples/capsules", "wit"];

/// The kinds of file that decide what a compiler makes of them.
const KINDS: [&str; 4] = ["rs", "toml", "lock", "wit"];

/// The BLAKE3 (hex) of names and contents of all sources, lock file and WIT, in the order of their names.
pub fn of_sources(repository: &Path) -> Result<String> {
    let mut files = Vec::new();
    for root in ROOTS {
        gather(&repository.join(root), &mut files)?;
    }
    files.sort();
    let mut hash = blake3::Hasher::new();
    for file in files {
        let name = file.strip_prefix(repository)?.to_string_lossy().into_owned();
        for part in [name.into_bytes(), read(&file)?] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(&part);
        }
    }
    Ok(hash.finalize().to_hex().to_string())
}

/// The folders whose contents the fingerprint covers.
pub fn roots(repository: &Path) -> impl Iterator<Item = PathBuf> {
    ROOTS.into_iter().map(move |root| repository.join(root))
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                gather(&path, files)?;
            }
        } else if path.extension().and_then(|kind| kind.to_str()).is_some_and(|kind| KINDS.contains(&kind)) {
            // A capsule's manifest is the host's to read, not the compiler's.
            if entry.file_name() != "Capsule.toml" {
                files.push(path);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_a_name_and_the_lock_count_and_nothing_else_does() -> Result<()> {
        let repository = std::env::temp_dir().join(format!("guest-forge-{}", std::process::id()));
        for root in ROOTS {
            std::fs::create_dir_all(repository.join(root))?;
        }
        let changed_by = |name: &str, text: &str| -> Result<bool> {
            let before = of_sources(&repository)?;
            std::fs::write(repository.join(name), text)?;
            Ok(of_sources(&repository)? != before)
        };
        assert!(changed_by("tests/guests/rust/lib.rs", "a")?);
        assert!(changed_by("tests/guests/rust/lib.rs", "b")?);
        assert!(changed_by("tests/guests/rust/Cargo.lock", "a")?);
        assert!(changed_by("wit/a.wit", "a")?);
        assert!(!changed_by("wit/abi.md", "a")?);
        assert!(!changed_by("examples/capsules/Capsule.toml", "a")?);
        Ok(std::fs::remove_dir_all(&repository)?)
    }
}

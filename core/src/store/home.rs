//! The home folder: who has it open, which format it has, and what lies where.
//!
//! ```text
//! home/lock      held exclusively while the home is open
//! home/VERSION   the format, written last when a home is made
//! home/keys/     see `keys.rs`
//! home/store/    the embedded database
//! home/audit/    the audit log
//! home/etc/      what operators write: the profiles of principals
//! home/run/      the local socket and its token, while a capsule listens
//! home/log/      what guests logged, a folder for each principal and in it one for each capsule
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// The format this host writes, and the newest it reads.
const FORMAT: u32 = 1;

/// An open home; the lock is held until it is dropped.
pub(super) struct Home {
    path: PathBuf,
    lock: File,
    fresh: bool,
    process: u32,
}

impl Home {
    /// Makes the folders that are missing, takes the lock, then reads the format.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let unusable = |cause: io::Error| unusable(path, "the home folder cannot be used").caused_by(cause);
        if !path.is_dir() {
            folder(path).map_err(unusable)?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message =
                    "the home is open already, in this process or another one; close it there first";
                return Err(
                    Error::new(ErrorKind::HomeLocked, message).with("home", path.display().to_string())
                );
            }
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        let fresh = !known_format(path)?;
        let home = Self { path: path.to_owned(), lock, fresh, process: std::process::id() };
        for own in [home.keys_folder(), home.database_folder(), home.audit_folder()] {
            folder(&own).map_err(unusable)?;
        }
        Ok(home)
    }

    /// True until [`Home::finish`] has marked the home as complete: only then may keys be made.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Marks a home that was just made as complete.
    pub(super) fn finish(&self) -> Result<()> {
        if self.fresh {
            write_version(&self.path).map_err(|cause| {
                unusable(&self.path, "the home folder cannot be written").caused_by(cause)
            })?;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The profiles of principals, which another room reads.
    pub(super) fn profiles_folder(&self) -> PathBuf {
        self.path.join("etc").join("profiles")
    }

    pub(super) fn keys_folder(&self) -> PathBuf {
        self.path.join("keys")
    }

    pub(super) fn database_folder(&self) -> PathBuf {
        self.path.join("store")
    }

    pub(super) fn audit_folder(&self) -> PathBuf {
        self.path.join("audit")
    }

    pub(super) fn cache_folder(&self) -> PathBuf {
        self.path.join("cache")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The lock belongs to the open file, which a forked child shares: the child must not release it, and the
        // parent must, even while the child still has the file open.
        if self.process == std::process::id()
            && let Err(cause) = self.lock.unlock()
        {
            tracing::warn!(%cause, "the lock of the home was not released");
        }
    }
}

/// Marks the folder as a complete home of the present format.
pub(super) fn write_version(home: &Path) -> io::Result<()> {
    write_private(&home.join("VERSION"), format!("{FORMAT}\n").as_bytes())
}

/// True if the home is complete, false if it is new.
fn known_format(home: &Path) -> Result<bool> {
    let text = match fs::read_to_string(home.join("VERSION")) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(unusable(home, "the format of the home cannot be read").caused_by(cause)),
    };
    match text.trim().parse::<u32>() {
        Ok(FORMAT) => Ok(true),
        Ok(newer) if newer > FORMAT => {
            let message = format!("the home has the newer format {newer}; this host reads up to {FORMAT}");
            Err(unusable(home, message))
        }
        Ok(_) | Err(_) => Err(unusable(home, "the home's VERSION file names no format")),
    }
}

/// Makes a folder that only its owner can enter, or tightens one that exists.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Writes a file that only its owner can read; it is there whole or not at all, whenever the power goes.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Draft::write(path, bytes)?.keep()
}

/// A private file that lies on the disk whole and has not taken its name yet. Dropped without that, it is removed.
#[derive(Debug)]
pub(super) struct Draft {
    lies: PathBuf,
    path: PathBuf,
    named: bool,
}

impl Draft {
    pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let draft = Self { lies: path.with_extension("new"), path: path.to_owned(), named: false };
        match fs::remove_file(&draft.lies) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&draft.lies)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(draft)
    }

    /// Takes the name, in place of what has it now.
    pub(super) fn keep(mut self) -> io::Result<()> {
        fs::rename(&self.lies, &self.path)?;
        self.named = true;
        self.path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named {
            // What stays behind is replaced by the next draft of the same file.
            drop(fs::remove_file(&self.lies));
        }
    }
}

pub(super) fn unusable(path: &Path, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::HomeUnusable, message).with("path", path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(outcome: Result<Home>) -> ErrorKind {
        outcome.map(|_| ()).unwrap_err().kind()
    }

    #[test]
    fn a_home_is_made_with_private_folders_and_a_format() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/home");
        let home = Home::open(&path).unwrap();
        assert!(home.is_fresh());
        home.finish().unwrap();
        for folder in ["", "keys", "store", "audit"] {
            let mode = fs::metadata(path.join(folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{folder}");
        }
        assert_eq!(fs::read_to_string(path.join("VERSION")).unwrap(), "1\n");
        drop(home);
        assert!(!Home::open(&path).unwrap().is_fresh());
    }

    #[test]
    fn a_second_opener_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::open(dir.path()).unwrap();
        assert_eq!(kind(Home::open(dir.path())), ErrorKind::HomeLocked);
        drop(first);
        Home::open(dir.path()).unwrap();
    }

    #[test]
    fn a_newer_or_unreadable_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["2", "0", "", "one"] {
            fs::write(dir.path().join("VERSION"), text).unwrap();
            assert_eq!(kind(Home::open(dir.path())), ErrorKind::HomeUnusable, "{text:?}");
        }
        fs::write(dir.path().join("VERSION"), "2").unwrap();
        assert!(Home::open(dir.path()).err().unwrap().message().contains("newer format 2"));
    }

    #[test]
    fn an_impossible_home_names_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below"), PathBuf::from("/proc/no/home")] {
            let error = Home::open(&path).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::HomeUnusable);
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
    }
}

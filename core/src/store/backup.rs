//! A copy of an open home: the database as it is at one moment, the keys and the profiles. The audit log is copied by its
//! own room.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Store;
use super::home::{self, unusable};
use super::keys::fill_random;
use crate::error::{Error, ErrorKind, Result};

/// A copy that is being made, in a folder of its own beside the target. Dropped unfinished, it is removed.
#[derive(Debug)]
pub struct Backup {
    draft: PathBuf,
    target: PathBuf,
    finished: bool,
}

impl Store {
    /// Begins a copy at `target`, which must not exist and must not lie in the home; its parent must exist.
    pub fn begin_backup(&self, target: &Path) -> Result<Backup> {
        let open = self.opened()?;
        let invalid = |why: &str| {
            Error::new(ErrorKind::InvalidArgument, why).with("target", target.display().to_string())
        };
        let unwritable = |cause: io::Error| invalid("the backup cannot be written there").caused_by(cause);
        // Links count as existing, wherever they lead.
        match fs::symlink_metadata(target) {
            Ok(_) => return Err(invalid("the target of a backup must not exist")),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(unwritable(cause)),
        }
        let name = target.file_name().ok_or_else(|| invalid("the target of a backup has no name"))?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).canonicalize().map_err(unwritable)?;
        if parent.starts_with(open.home.path().canonicalize().map_err(unwritable)?) {
            return Err(invalid("a backup must not lie in the home it is of"));
        }
        let mut random = [0; 8];
        fill_random(&mut random)?;
        let draft = format!(".{}.{:016x}.unfinished", name.to_string_lossy(), u64::from_le_bytes(random));
        let backup = Backup { draft: parent.join(draft), target: parent.join(name), finished: false };
        fs::DirBuilder::new().mode(0o700).create(&backup.draft).map_err(unwritable)?;
        for folder in ["keys", "store", "audit", "etc", "etc/profiles"] {
            fs::DirBuilder::new().mode(0o700).create(backup.draft.join(folder)).map_err(unwritable)?;
        }
        Ok(backup)
    }

    /// Copies the database, the keys and the profiles as they are now.
    pub fn copy_into(&self, backup: &Backup) -> Result<()> {
        let open = self.opened()?;
        open.database.copy_to(&backup.draft.join("store"))?;
        let copied = copy_files(&open.home.keys_folder(), &backup.draft.join("keys"))
            .and_then(|()| copy_files(&open.home.profiles_folder(), &backup.draft.join("etc/profiles")));
        copied.map_err(|cause| unusable(open.home.path(), "the home cannot be copied").caused_by(cause))
    }
}

impl Backup {
    /// Where the audit log is to be copied to.
    #[must_use]
    pub fn audit_folder(&self) -> PathBuf {
        self.draft.join("audit")
    }

    /// Brings the copy to the disk and gives it its name; until then nothing stands there.
    pub fn finish(mut self) -> Result<()> {
        let named = || -> io::Result<()> {
            home::write_version(&self.draft)?;
            for folder in ["store", "etc/profiles", "etc", ""] {
                File::open(self.draft.join(folder))?.sync_all()?;
            }
            if fs::symlink_metadata(&self.target).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(&self.draft, &self.target)?;
            self.target.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        };
        named().map_err(|cause| {
            Error::new(ErrorKind::InvalidArgument, "the backup cannot be written there").caused_by(cause)
        })?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if !self.finished
            && let Err(cause) = fs::remove_dir_all(&self.draft)
        {
            tracing::warn!(%cause, "an unfinished backup was not removed");
        }
    }
}

/// Copies the plain files of a folder; links are left where they are.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    let files = match fs::read_dir(from) {
        Ok(files) => files,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(cause),
    };
    for file in files {
        let file = file?;
        if !file.file_type()?.is_file() {
            continue;
        }
        let mut source = match File::open(file.path()) {
            Ok(source) => source,
            // The draft of a profile, which has its name by now, or a profile that was removed. Keys stay while they are copied.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(cause),
        };
        let mut options = OpenOptions::new();
        let mut copy = options.write(true).create_new(true).mode(0o600).open(to.join(file.file_name()))?;
        io::copy(&mut source, &mut copy)?;
        copy.sync_all()?;
    }
    File::open(to)?.sync_all()
}

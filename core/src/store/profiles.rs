//! The files of principals' profiles, below the home and outside everything a capsule can see.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::home::{Draft, folder, unusable};
use crate::error::Result;
use crate::limits::PROFILE_BYTES;
use crate::principal::Principal;

/// What a profile's file is called after its principal.
const ENDING: &str = "toml";

/// The folder `home/etc/profiles` with one file for each principal that has a profile of its own. Knows texts only.
#[derive(Clone, Debug)]
pub struct Profiles {
    folder: PathBuf,
}

/// A profile that is on the disk and not in force. Dropped, it is gone.
#[derive(Debug)]
#[must_use = "the profile is not in force yet"]
pub struct StagedProfile {
    profiles: Profiles,
    draft: Draft,
}

impl StagedProfile {
    /// Takes the place of the profile before.
    ///
    /// # Errors
    /// [`crate::ErrorKind::HomeUnusable`] when the disk does not take it.
    pub fn keep(self) -> Result<()> {
        let Self { profiles, draft } = self;
        draft.keep().map_err(|cause| profiles.unwritable(cause))
    }
}

impl Profiles {
    /// The profiles of a home. The folder is made with the first profile.
    #[must_use]
    pub fn of(home: &Path) -> Self {
        Self { folder: home.join("etc").join("profiles") }
    }

    /// The text of a profile; none where there is no file. What is longer than a profile may be is cut behind that.
    pub fn read(&self, principal: &Principal) -> io::Result<Option<String>> {
        let file = match File::open(self.path(principal)) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(cause),
        };
        let mut text = String::new();
        file.take(PROFILE_BYTES as u64 + 1).read_to_string(&mut text)?;
        Ok(Some(text))
    }

    /// Writes a profile beside the one in force; it takes its place with [`StagedProfile::keep`].
    pub fn stage(&self, principal: &Principal, text: &str) -> Result<StagedProfile> {
        let draft = folder(&self.folder).and_then(|()| Draft::write(&self.path(principal), text.as_bytes()));
        let draft = draft.map_err(|cause| self.unwritable(cause))?;
        Ok(StagedProfile { profiles: self.clone(), draft })
    }

    /// Writes a profile that only the owner of the home can read; it is there whole or not at all.
    pub fn write(&self, principal: &Principal, text: &str) -> Result<()> {
        self.stage(principal, text)?.keep()
    }

    fn unwritable(&self, cause: io::Error) -> crate::Error {
        unusable(&self.folder, "a profile cannot be written").caused_by(cause)
    }

    /// Removes a profile; it need not be there.
    pub fn remove(&self, principal: &Principal) -> Result<()> {
        match fs::remove_file(self.path(principal)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(unusable(&self.folder, "a profile cannot be removed").caused_by(cause))
            }
            _ => Ok(()),
        }
    }

    /// Who has a profile. A file that is named after no principal is passed over.
    pub fn principals(&self) -> Result<Vec<Principal>> {
        let unreadable = |cause| unusable(&self.folder, "the profiles cannot be listed").caused_by(cause);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(unreadable(cause)),
        };
        let mut principals = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let named = path.extension().is_some_and(|ending| ending == ENDING);
            let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| named);
            principals.extend(stem.and_then(|stem| Principal::parse(stem).ok()));
        }
        principals.sort_unstable();
        Ok(principals)
    }

    fn path(&self, principal: &Principal) -> PathBuf {
        self.folder.join(format!("{principal}.{ENDING}"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_profile_is_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let profiles = Profiles::of(dir.path());
        let (alice, bob) = (Principal::parse("alice").unwrap(), Principal::parse("bob").unwrap());
        assert!(profiles.principals().unwrap().is_empty());
        assert_eq!(profiles.read(&alice).unwrap(), None);
        profiles.write(&bob, "enabled = true").unwrap();
        profiles.write(&alice, "enabled = false").unwrap();
        profiles.write(&alice, "").unwrap();
        assert_eq!(profiles.read(&alice).unwrap().as_deref(), Some(""));
        let folder = dir.path().join("etc/profiles");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("alice.toml"))), (0o700, 0o600));
        fs::write(folder.join("no one.toml"), "").unwrap();
        fs::write(folder.join("carol.txt"), "").unwrap();
        assert_eq!(profiles.principals().unwrap(), [alice.clone(), bob]);
        profiles.remove(&alice).unwrap();
        profiles.remove(&alice).unwrap();
        assert_eq!(profiles.read(&alice).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_too_long_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (profiles, alice) = (Profiles::of(dir.path()), Principal::parse("alice").unwrap());
        profiles.write(&alice, &"#".repeat(2 * PROFILE_BYTES)).unwrap();
        assert_eq!(profiles.read(&alice).unwrap().unwrap().len(), PROFILE_BYTES + 1);
    }
}

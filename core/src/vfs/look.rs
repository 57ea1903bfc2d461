//! Looking: nothing here changes anything.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::OFlags;

use super::FsError;
use super::node::Body;
use super::path::spelled;
use super::root::parents;
use super::stat::FileStat;
use super::view::{View, Want};
use super::walk::Last;
use crate::limits;

impl View {
    /// Whether something is there, following links. A path that may not be read is an error, never false.
    pub fn exists(&self, path: &str) -> Result<bool, FsError> {
        let _era = self.begin();
        match self.find(path, Last::Follow, Want::Read) {
            Ok(found) => Ok(found.place.entry.is_some()),
            Err(FsError::NotFound | FsError::NotDirectory) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// What is known of a path, following links.
    pub fn stat(&self, path: &str) -> Result<FileStat, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Follow, Want::Read)?;
        Ok(found.entry()?.stat.clone())
    }

    /// What is known of a path; of a link at its end, the link's own.
    pub fn stat_symlink(&self, path: &str) -> Result<FileStat, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Keep, Want::Read)?;
        Ok(found.entry()?.stat.clone())
    }

    /// The path without links, spelled with its scheme.
    pub fn canonicalize(&self, path: &str) -> Result<String, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Follow, Want::Read)?;
        found.entry()?;
        found.root.spell(&found.place.location)
    }

    /// The target of a link, spelled with its scheme; links on the way to it are left as they are.
    pub fn read_link(&self, path: &str) -> Result<String, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Keep, Want::Read)?;
        let Body::Link(link) = &found.entry()?.body else { return Err(FsError::InvalidPath) };
        let text = rustix::fs::readlinkat(link, "", Vec::new())?;
        let target = Path::new(OsStr::from_bytes(text.as_bytes()));
        let (mut location, rest): (Vec<OsString>, &Path) = match target.strip_prefix(&found.root.physical) {
            Ok(inside) => (Vec::new(), inside),
            Err(_) if target.is_absolute() => return Err(FsError::BoundaryEscape),
            Err(_) => (parents(&found.place.location).to_vec(), target),
        };
        for component in rest.components() {
            match component {
                Component::ParentDir => {
                    location.pop().ok_or(FsError::BoundaryEscape)?;
                }
                Component::Normal(name) => location.push(name.to_owned()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        found.root.spell(&location)
    }

    /// The names in a folder, sorted. Names that no path can spell are left out, as are the host's own folders.
    pub fn readdir(&self, path: &str) -> Result<Vec<String>, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Follow, Want::Read)?;
        let folder = found.entry()?.folder().ok_or(FsError::NotDirectory)?;
        let is_home = found.root.hides_host_folders && found.place.location.is_empty();
        let mut names = BTreeSet::new();
        folder.names(|name| {
            if self.cancel.is_given() {
                return Err(FsError::Closed);
            }
            let own = is_home && (name == ".local" || name == ".config");
            if let Some(name) = spelled(name.as_bytes())
                && !own
                && !names.contains(name)
            {
                if names.len() == limits::READDIR_ENTRIES {
                    return Err(FsError::TooLarge);
                }
                names.insert(name.to_owned());
            }
            Ok(())
        })?;
        Ok(names.into_iter().collect())
    }

    /// A whole file of at most 10 MiB.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Follow, Want::Read)?;
        let (fd, stat) = self.open_content(&found, OFlags::RDONLY)?;
        let most = limits::FILE_BYTES as u64;
        if stat.size > most {
            return Err(FsError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size).unwrap_or(0));
        Self::file(fd).take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limits::FILE_BYTES { Err(FsError::TooLarge) } else { Ok(bytes) }
    }
}

//! Opening and writing files.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;

use rustix::fs::{Access, AtFlags, Gid, Mode as Permissions, OFlags, Uid};

use super::FsError;
use super::file::{Mode, OpenFile, copy_all, write_all};
use super::meter::Taken;
use super::node::{Entry, Folder, remove};
use super::overlay::Era;
use super::view::{Found, View, Want, content};
use super::walk::Last;
use crate::limits;

impl View {
    /// Opens a file. `take_slot` takes one of the capsule's places for open files when everything else is known to be allowed.
    pub fn open<S>(
        &self,
        path: &str,
        mode: Mode,
        take_slot: impl FnOnce() -> Option<S>,
    ) -> Result<(OpenFile, S), FsError> {
        let want = if mode == Mode::Read { Want::Read } else { Want::Write };
        let now = self.begin();
        let found = self.find(path, Last::Follow, want)?;
        let is_new = match &found.place.entry {
            Some(entry) => content(entry).map(|()| false)?,
            None if matches!(mode, Mode::Read | Mode::ReadWrite) => return Err(FsError::NotFound),
            None => true,
        };
        let slot = take_slot().ok_or(FsError::Quota)?;
        let fd = match mode {
            Mode::Read => self.open_content(&found, OFlags::RDONLY)?.0,
            Mode::ReadWrite => self.open_to_change(&found, OFlags::RDWR)?.0,
            Mode::Write if is_new => self.make_file(&found, OFlags::WRONLY)?,
            Mode::Append if is_new => self.make_file(&found, OFlags::WRONLY | OFlags::APPEND)?,
            Mode::Write => {
                let fd = self.open_to_change(&found, OFlags::WRONLY)?.0;
                rustix::fs::ftruncate(&fd, 0)?;
                fd
            }
            Mode::Append => self.open_to_change(&found, OFlags::WRONLY | OFlags::APPEND)?.0,
        };
        let era = self.overlay.as_ref().zip(now.as_deref()).filter(|_| found.root.overlay.is_some());
        let era = era.map(|(overlay, number)| Era::new(overlay, *number));
        Ok((OpenFile::new(fd, mode, std::sync::Arc::clone(&self.meter), era), slot))
    }

    /// Replaces a file as a whole, or makes it: whoever reads it meanwhile sees the old content or the new.
    pub fn write_file(&self, path: &str, content: &[u8]) -> Result<(), FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Follow, Want::Write)?;
        if content.len() > limits::FILE_BYTES {
            return Err(FsError::TooLarge);
        }
        let taken = self.take(content.len() as u64)?;
        self.replace(&found, |draft| {
            let mut written = 0;
            write_all(draft, content, &mut written)
        })?;
        taken.keep();
        Ok(())
    }

    /// Adds to the end of a file, or makes it.
    pub fn append(&self, path: &str, content: &[u8]) -> Result<(), FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Follow, Want::Write)?;
        if content.len() > limits::FILE_BYTES {
            return Err(FsError::TooLarge);
        }
        let taken = self.take(content.len() as u64)?;
        let flags = OFlags::WRONLY | OFlags::APPEND;
        let fd = match &found.place.entry {
            Some(_) => self.open_to_change(&found, flags)?.0,
            None => self.make_file(&found, flags)?,
        };
        let mut written = 0;
        let outcome = write_all(&fd, content, &mut written);
        taken.keep_bytes(written);
        outcome
    }

    /// Copies a file to another path, where it replaces what is there as a whole.
    pub fn copy(&self, from: &str, to: &str) -> Result<(), FsError> {
        let _era = self.begin();
        let source = self.find(from, Last::Follow, Want::Read)?;
        let target = self.find(to, Last::Follow, Want::Write)?;
        let (fd, stat) = self.open_content(&source, OFlags::RDONLY)?;
        let mut source = Self::file(fd);
        // What cannot fit is not begun.
        drop(self.take(stat.size)?);
        let mut taken: Vec<Taken> = Vec::new();
        self.replace(&target, |draft| {
            let mut draft = Self::file(draft.try_clone()?);
            copy_all(&mut source, &mut draft, &self.cancel, |bytes| {
                taken.push(self.take(bytes)?);
                Ok(())
            })?;
            Ok(())
        })?;
        taken.into_iter().for_each(Taken::keep);
        Ok(())
    }

    /// Makes an empty file where nothing is.
    fn make_file(&self, found: &Found, flags: OFlags) -> Result<OwnedFd, FsError> {
        let (_, name) = found.place.parent_and_name()?;
        let taken = self.take_entry()?;
        let folder = found.root.folder_to_change(&found.place)?;
        let (fd, _) = match self.open_named(&folder, name, flags | OFlags::CREATE | OFlags::EXCL) {
            Ok(made) => {
                taken.keep();
                made
            }
            // Somebody else was quicker; theirs is as good.
            Err(FsError::AlreadyExists) => self.open_named(&folder, name, flags)?,
            Err(why) => return Err(why),
        };
        Ok(fd)
    }

    /// Fills a draft beside the place and puts it there in one step. The draft has the permissions and the owner of what
    /// it replaces; a file that may not be written is not replaced either.
    pub(super) fn replace(
        &self,
        found: &Found,
        fill: impl FnOnce(&OwnedFd) -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let (parent, name) = found.place.parent_and_name().map_err(|_| FsError::IsDirectory)?;
        let made = match &found.place.entry {
            Some(entry) => {
                content(entry)?;
                let flags = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
                rustix::fs::accessat(parent.layer(entry.upper)?, name, Access::WRITE_OK, flags)?;
                None
            }
            None => Some(self.take_entry()?),
        };
        let folder = found.root.folder_to_change(&found.place)?;
        let draft = Draft::make(&folder)?;
        fill(&draft.fd)?;
        if let Some(entry) = &found.place.entry {
            draft.look_like(entry)?;
        }
        draft.put(name)?;
        if let Some(made) = made {
            made.keep();
        }
        Ok(())
    }
}

/// A file that is not finished, under a name of its own; removed unless it is put into place.
pub(super) struct Draft<'a> {
    folder: &'a Folder,
    name: OsString,
    pub fd: OwnedFd,
    done: bool,
}

impl<'a> Draft<'a> {
    /// Makes a draft in the folder.
    pub fn make(folder: &'a Folder) -> Result<Self, FsError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| FsError::Fault("no entropy"))?;
        let name = OsString::from(format!(".astrid-draft-{:016x}", u64::from_le_bytes(random)));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(folder, &name, flags, Permissions::from_raw_mode(0o666))?;
        Ok(Self { folder, name, fd, done: false })
    }

    /// Takes over permissions and, where that is allowed, the owner.
    pub fn look_like(&self, entry: &Entry) -> Result<(), FsError> {
        let (user, group) = entry.stat.owner;
        // Only a privileged host can give files away; for others the file is their own already, or becomes it.
        let _ = rustix::fs::fchown(&self.fd, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        Ok(rustix::fs::fchmod(&self.fd, Permissions::from_raw_mode(entry.stat.mode & 0o777))?)
    }

    /// Gives it its name, in place of what has it now.
    pub fn put(mut self, name: &OsStr) -> Result<(), FsError> {
        rustix::fs::renameat(self.folder, &self.name, self.folder, name)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.done && remove(self.folder, &self.name).is_err() {
            tracing::warn!("an unfinished file was left behind");
        }
    }
}

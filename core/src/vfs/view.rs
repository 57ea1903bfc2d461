//! What one capsule may see and change for one principal.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use super::meter::{Budget, Meter, Taken};
use super::node::{Body, Entry, Folder};
use super::overlay::{InEra, Overlay};
use super::path::{GuestPath, Scheme};
use super::root::Root;
use super::stat::{FileStat, Kind};
use super::walk::{Last, Place, physical, walk};
use super::{FsError, Vfs, second_names};
use crate::cancel::Cancel;
use crate::policy::{Capabilities, Roots};
use crate::principal::Principal;

/// What a call wants with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// A pattern of `fs_read`.
    Read,
    /// A pattern of `fs_write`.
    Write,
}

/// The files of one (capsule, principal). Cheap to make for each call; everything it does blocks the calling thread.
#[derive(Debug)]
pub struct View {
    pub(super) vfs: Vfs,
    pub(super) principal: Principal,
    pub(super) capabilities: Arc<Capabilities>,
    pub(super) budget: Budget,
    pub(super) meter: Arc<Meter>,
    pub(super) overlay: Option<Arc<Overlay>>,
    /// Given when nobody wants the outcome any more: long work ends early.
    pub(super) cancel: Cancel,
}

/// A path that was walked and may be used.
pub(super) struct Found {
    pub root: Root,
    pub place: Place,
}

impl Found {
    /// What is there.
    pub fn entry(&self) -> Result<&Entry, FsError> {
        self.place.entry.as_ref().ok_or(FsError::NotFound)
    }
}

impl View {
    /// The view of a capsule for a principal.
    pub fn new(
        vfs: &Vfs,
        principal: &Principal,
        capsule: &Arc<str>,
        capabilities: &Arc<Capabilities>,
        budget: Budget,
        cancel: Cancel,
    ) -> Self {
        Self {
            vfs: vfs.clone(),
            principal: principal.clone(),
            capabilities: Arc::clone(capabilities),
            budget,
            meter: vfs.meter(principal, capsule),
            overlay: vfs.overlay(principal, capsule),
            cancel,
        }
    }

    /// Begins a call: until the returned guard is dropped the overlay is neither committed nor rolled back.
    pub(super) fn begin(&self) -> Option<InEra<'_>> {
        self.overlay.as_ref().map(|overlay| overlay.enter())
    }

    /// Walks a path and judges where it led, before anything is said about what is there.
    pub(super) fn find(&self, path: &str, last: Last, want: Want) -> Result<Found, FsError> {
        let path = GuestPath::parse(path)?;
        let root = self.root(&path, want)?;
        let (location, led) = match walk(&root, &path.names, last) {
            Ok(place) => (place.location.clone(), Ok(place)),
            Err(stop) => (stop.location, Err(stop.why)),
        };
        self.judge(path.scheme, &location, want)?;
        Ok(Found { root, place: led? })
    }

    /// The root of a path. One that does not exist yet is made, but only for who may use it.
    pub(super) fn root(&self, path: &GuestPath, want: Want) -> Result<Root, FsError> {
        let may_make = || self.judge(path.scheme, &path.names, want);
        self.vfs.root(path.scheme, &self.principal, self.overlay.as_ref(), may_make)
    }

    /// Whether a pattern covers the location.
    pub(super) fn judge(&self, scheme: Scheme, location: &[OsString], want: Want) -> Result<(), FsError> {
        let places = self.vfs.places(&self.principal);
        let root = places.of(scheme).ok_or(FsError::CapabilityDenied)?;
        let whole = physical(root, location);
        let roots = Roots {
            workspace: places.workspace.as_deref(),
            home: Some(&places.home),
            tmp: Some(&places.tmp),
        };
        let may = match want {
            Want::Read => self.capabilities.may_read(&whole, &roots),
            Want::Write => self.capabilities.may_write(&whole, &roots),
        };
        if may { Ok(()) } else { Err(FsError::CapabilityDenied) }
    }

    /// Opens the file at a place. What is not a file with content is never opened; a name that is exchanged for one that
    /// is not between the look and the opening is opened without waiting, seen for what it is, and closed.
    pub(super) fn open_content(&self, found: &Found, flags: OFlags) -> Result<(OwnedFd, FileStat), FsError> {
        let entry = found.entry()?;
        content(entry)?;
        let (parent, name) = found.place.parent_and_name()?;
        let fd = self.open_named(parent.layer(entry.upper)?, name, flags)?;
        Ok(fd)
    }

    /// Opens a file by its bare name in an open folder.
    pub(super) fn open_named(
        &self,
        folder: &Folder,
        name: &std::ffi::OsStr,
        flags: OFlags,
    ) -> Result<(OwnedFd, FileStat), FsError> {
        let always = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(folder, name, flags | always, Mode::from_raw_mode(0o666))?;
        let stat = FileStat::of(&fd)?;
        if stat.is(Kind::Directory) {
            return Err(FsError::IsDirectory);
        }
        if !stat.is(Kind::Regular) || !(self.vfs.trusts_hard_links() || second_names::are_ours(&fd, &stat)) {
            return Err(FsError::Access);
        }
        Ok((fd, stat))
    }

    /// The content of a place, copied into the overlay first where it is about to change.
    pub(super) fn open_to_change(
        &self,
        found: &Found,
        flags: OFlags,
    ) -> Result<(OwnedFd, FileStat), FsError> {
        let entry = found.entry()?;
        content(entry)?;
        let (_, name) = found.place.parent_and_name()?;
        if entry.upper {
            return self.open_content(found, flags);
        }
        self.copy_up(found)?;
        self.open_named(&found.root.folder_to_change(&found.place)?, name, flags)
    }

    /// Takes bytes from the budget.
    pub(super) fn take(&self, bytes: u64) -> Result<Taken, FsError> {
        self.meter.take(bytes, self.budget)
    }

    /// Takes an entry from the budget.
    pub(super) fn take_entry(&self) -> Result<Taken, FsError> {
        self.meter.take_entry(self.budget)
    }

    /// The open content as a file of the standard library.
    pub(super) fn file(fd: OwnedFd) -> File {
        File::from(fd)
    }
}

/// Only files with content are opened.
pub(super) fn content(entry: &Entry) -> Result<(), FsError> {
    match (&entry.body, entry.stat.kind) {
        (Body::Folder(_), _) => Err(FsError::IsDirectory),
        (Body::File, Kind::Regular) => Ok(()),
        _ => Err(FsError::Access),
    }
}

//! One folder as a view shows it, and the things in it: everything here works on held descriptors and bare names.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::FsError;
use super::stat::{FileStat, Kind};

/// An open folder, shared.
pub(super) type Folder = Arc<OwnedFd>;

/// Describes without opening: no content can be read through it and nothing happens to a special file.
const PATH: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// To read a folder's names.
const LIST: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder. Without an overlay there is only `upper`. With one, what is in `upper` hides what has the same name in
/// `lower`, and a file in `gone` hides a name of `lower` with all that is below it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where changes go; none while an overlay has no copy of this folder.
    pub upper: Option<Folder>,
    /// The folder of the workspace below an overlay.
    pub lower: Option<Folder>,
    /// The marks of what is gone from `lower`.
    pub gone: Option<Folder>,
}

/// A thing in a folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it is.
    pub stat: FileStat,
    /// Whether it lies in `upper`.
    pub upper: bool,
    /// What can be done with it.
    pub body: Body,
}

/// What an entry is, opened for no more than that.
#[derive(Debug)]
pub(super) enum Body {
    /// A folder.
    Folder(Node),
    /// A link; the descriptor is the link itself.
    Link(OwnedFd),
    /// Everything else.
    File,
}

impl Entry {
    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&Node> {
        match &self.body {
            Body::Folder(node) => Some(node),
            Body::Link(_) | Body::File => None,
        }
    }
}

impl Node {
    /// A folder without an overlay.
    pub fn plain(folder: Folder) -> Self {
        Self { upper: Some(folder), lower: None, gone: None }
    }

    /// What has this name, without following it.
    pub fn look(&self, name: &OsStr) -> Result<Option<Entry>, FsError> {
        let upper = peek(self.upper.as_ref(), name)?;
        let hides_all = upper.as_ref().is_some_and(|(_, stat)| !stat.is(Kind::Directory));
        let lower = if hides_all || self.marked(name)? { None } else { peek(self.lower.as_ref(), name)? };
        let lower_folder = |lower: Option<(OwnedFd, FileStat)>| {
            lower.filter(|(_, stat)| stat.is(Kind::Directory)).map(|(fd, _)| Arc::new(fd))
        };
        let gone = || subfolder(self.gone.as_ref(), name);
        Ok(match (upper, lower) {
            (Some((fd, stat)), lower) if stat.is(Kind::Directory) => {
                let node = Node { upper: Some(Arc::new(fd)), lower: lower_folder(lower), gone: gone()? };
                Some(Entry { stat, upper: true, body: Body::Folder(node) })
            }
            (None, Some((fd, stat))) if stat.is(Kind::Directory) => {
                let node = Node { upper: None, lower: Some(Arc::new(fd)), gone: gone()? };
                Some(Entry { stat, upper: false, body: Body::Folder(node) })
            }
            (Some((fd, stat)), _) => Some(Entry { upper: true, body: leaf(fd, &stat), stat }),
            (None, Some((fd, stat))) => Some(Entry { upper: false, body: leaf(fd, &stat), stat }),
            (None, None) => None,
        })
    }

    /// The folder in which this entry really lies.
    pub fn layer(&self, upper: bool) -> Result<&Folder, FsError> {
        let layer = if upper { &self.upper } else { &self.lower };
        layer.as_ref().ok_or(FsError::NotFound)
    }

    /// Calls `see` with every name until it says stop. A name of `lower` that is hidden is left out; one that is in both
    /// layers may be seen twice.
    pub fn names(&self, mut see: impl FnMut(&OsStr) -> Result<(), FsError>) -> Result<(), FsError> {
        if let Some(upper) = &self.upper {
            each(upper, |name, _| see(name))?;
        }
        if let Some(lower) = &self.lower {
            each(lower, |name, _| if self.marked(name)? { Ok(()) } else { see(name) })?;
        }
        Ok(())
    }

    /// Whether the name is gone from `lower`.
    pub fn marked(&self, name: &OsStr) -> Result<bool, FsError> {
        let Some(gone) = &self.gone else { return Ok(false) };
        Ok(peek(Some(gone), name)?.is_some_and(|(_, stat)| stat.is(Kind::Regular)))
    }
}

fn leaf(fd: OwnedFd, stat: &FileStat) -> Body {
    if stat.is(Kind::Symlink) { Body::Link(fd) } else { Body::File }
}

/// What has this name, described and not opened; none if nothing has.
pub(super) fn peek(folder: Option<&Folder>, name: &OsStr) -> Result<Option<(OwnedFd, FileStat)>, FsError> {
    let Some(folder) = folder else { return Ok(None) };
    match rustix::fs::openat(folder, name, PATH, Mode::empty()) {
        Ok(fd) => {
            let stat = FileStat::of(&fd)?;
            Ok(Some((fd, stat)))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The folder of this name, if there is one; a link is none.
pub(super) fn subfolder(folder: Option<&Folder>, name: &OsStr) -> Result<Option<Folder>, FsError> {
    let found = peek(folder, name)?.filter(|(_, stat)| stat.is(Kind::Directory));
    Ok(found.map(|(fd, _)| Arc::new(fd)))
}

/// The folder of this name, made with this mode where it is missing.
pub(super) fn make_subfolder(folder: &Folder, name: &OsStr, mode: Mode) -> Result<Folder, FsError> {
    match rustix::fs::mkdirat(folder, name, mode) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    subfolder(Some(folder), name)?.ok_or(FsError::NotDirectory)
}

/// Calls `see` with the name and kind of everything in the folder itself.
pub(super) fn each(
    folder: impl AsFd,
    mut see: impl FnMut(&OsStr, FileType) -> Result<(), FsError>,
) -> Result<(), FsError> {
    let listed = rustix::fs::openat(folder, ".", LIST, Mode::empty())?;
    let mut names = Dir::new(listed)?;
    while let Some(entry) = names.read() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            see(name, entry.file_type())?;
        }
    }
    Ok(())
}

/// Removes a file or link; `remove_folder` removes an empty folder.
pub(super) fn remove(folder: &Folder, name: &OsStr) -> Result<(), FsError> {
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
}

/// Removes an empty folder.
pub(super) fn remove_folder(folder: &Folder, name: &OsStr) -> Result<(), FsError> {
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

//! Changing what is where: folders, names, removal.

use std::ffi::OsStr;

use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::node::{Body, Entry, Folder, make_subfolder, peek, remove, remove_folder, subfolder};
use super::path::GuestPath;
use super::stat::Kind;
use super::view::{Found, View, Want, content};
use super::walk::{Last, Place, Stop, walk};
use super::{FsError, second_names};
use crate::cancel::Cancel;
use crate::limits;

/// Permissions of a new folder, before the process takes its mask off.
pub(super) const FOLDER: Mode = Mode::from_raw_mode(0o777);

impl View {
    /// Makes one folder.
    pub fn mkdir(&self, path: &str) -> Result<(), FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Keep, Want::Write)?;
        self.make_folder(&found)
    }

    /// Makes a folder and every missing one above it; each that is made must be covered.
    pub fn mkdir_all(&self, path: &str) -> Result<(), FsError> {
        let _era = self.begin();
        let path = GuestPath::parse(path)?;
        let root = self.root(&path, Want::Write)?;
        let (location, led) = match walk(&root, &path.names, Last::Follow) {
            Ok(place) => (place.location.clone(), Ok(place)),
            Err(stop) => (stop.location.clone(), Err(stop)),
        };
        self.judge(path.scheme, &location, Want::Write)?;
        let (parent, made) = match led {
            Ok(Place { entry: Some(entry), .. }) if entry.stat.is(Kind::Directory) => return Ok(()),
            Ok(Place { entry: Some(_), .. }) => return Err(FsError::AlreadyExists),
            Ok(Place { parent, .. }) => (parent.ok_or(FsError::Access)?, location.len() - 1),
            Err(Stop { lacking: Some(lacking), .. }) => lacking,
            Err(Stop { why, .. }) => return Err(why),
        };
        let first = Place { location: location[..=made].to_vec(), parent: Some(parent), entry: None };
        let mut at = root.folder_to_change(&first)?;
        for depth in made..location.len() {
            self.judge(path.scheme, &location[..=depth], Want::Write)?;
            let taken = self.take_entry()?;
            at = make_subfolder(&at, &location[depth], FOLDER)?;
            taken.keep();
        }
        Ok(())
    }

    fn make_folder(&self, found: &Found) -> Result<(), FsError> {
        let (_, name) = found.place.parent_and_name()?;
        if found.place.entry.is_some() {
            return Err(FsError::AlreadyExists);
        }
        let taken = self.take_entry()?;
        rustix::fs::mkdirat(found.root.folder_to_change(&found.place)?, name, FOLDER)?;
        taken.keep();
        Ok(())
    }

    /// Removes a file or a link.
    pub fn unlink(&self, path: &str) -> Result<(), FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Keep, Want::Write)?;
        let (parent, name) = found.place.parent_and_name()?;
        let entry = found.entry()?;
        if matches!(entry.body, Body::Folder(_)) {
            return Err(FsError::IsDirectory);
        }
        if entry.upper {
            let folder = parent.layer(true)?;
            let second = entry.stat.is(Kind::Regular) && entry.stat.names > 1;
            let file = second.then(|| self.open_named(folder, name, rustix::fs::OFlags::RDONLY)).transpose();
            remove(folder, name)?;
            if let Ok(Some((file, _))) = file {
                second_names::note_one_less(file)?;
            }
        }
        found.root.hide(&found.place)
    }

    /// Moves a file or folder, replacing what POSIX permits to be replaced.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FsError> {
        let _era = self.begin();
        let source = self.find(from, Last::Keep, Want::Write)?;
        let target = self.find(to, Last::Keep, Want::Write)?;
        if source.root.scheme != target.root.scheme {
            return Err(FsError::CrossVfs);
        }
        let (_, old) = source.place.parent_and_name()?;
        let (_, new) = target.place.parent_and_name()?;
        let moved = source.entry()?;
        if source.place.location == target.place.location {
            return Ok(());
        }
        if target.place.location.starts_with(&source.place.location) {
            return Err(FsError::InvalidPath);
        }
        if let (Some(_), Some(replaced)) = (&source.root.overlay, &target.place.entry) {
            replaceable(moved, replaced)?;
        }
        self.copy_up(&source)?;
        let (from, to) =
            (source.root.folder_to_change(&source.place)?, target.root.folder_to_change(&target.place)?);
        match rustix::fs::renameat(from, old, to, new) {
            // A file never stands in the way of a rename, so it is a folder that is not empty.
            Err(Errno::EXIST) => return Err(FsError::NotEmpty),
            outcome => outcome?,
        }
        if matches!(moved.body, Body::Folder(_)) {
            target.root.hide(&target.place)?;
        }
        source.root.hide(&source.place)
    }

    /// Gives a file a second name under the same root.
    pub fn hard_link(&self, from: &str, to: &str) -> Result<(), FsError> {
        let _era = self.begin();
        let source = self.find(from, Last::Follow, Want::Write)?;
        let target = self.find(to, Last::Keep, Want::Write)?;
        if source.root.scheme != target.root.scheme {
            return Err(FsError::CrossVfs);
        }
        content(source.entry()?)?;
        if target.place.entry.is_some() {
            return Err(FsError::AlreadyExists);
        }
        let (_, old) = source.place.parent_and_name()?;
        let (_, new) = target.place.parent_and_name()?;
        let taken = self.take_entry()?;
        // Opened before it is linked: what has other names than ours gets no more.
        let (file, stat) = self.open_to_change(&source, rustix::fs::OFlags::RDONLY)?;
        let (from, to) =
            (source.root.folder_to_change(&source.place)?, target.root.folder_to_change(&target.place)?);
        second_names::note_one_more(&file)?;
        if let Err(errno) = rustix::fs::linkat(from, old, &to, new, AtFlags::empty()) {
            second_names::note_one_less(&file)?;
            return Err(errno.into());
        }
        // The old name may have been given to something else meanwhile.
        let same = peek(Some(&to), new)?.is_some_and(|(_, linked)| linked.identity == stat.identity);
        if !same {
            remove(&to, new)?;
            second_names::note_one_less(&file)?;
            return Err(FsError::NotFound);
        }
        taken.keep();
        Ok(())
    }

    /// Removes a folder with all that is in it and says how many things were in it. Links are removed, not followed.
    pub fn remove_dir_all(&self, path: &str) -> Result<u64, FsError> {
        let _era = self.begin();
        let found = self.find(path, Last::Keep, Want::Write)?;
        let (parent, name) = found.place.parent_and_name()?;
        let folder = found.entry()?.folder().ok_or(FsError::NotDirectory)?;
        let counted = match &found.root.overlay {
            Some(_) => Some(folder.count_all(&self.cancel)?),
            None => None,
        };
        let mut removed = 0;
        if let Some(upper) = &folder.upper {
            empty(upper, &self.cancel, &mut removed)?;
            remove_folder(parent.layer(true)?, name)?;
        }
        found.root.hide(&found.place)?;
        Ok(counted.unwrap_or(removed))
    }
}

/// Whether a rename may replace the one by the other, as the operating system would judge it in one folder.
fn replaceable(moved: &Entry, replaced: &Entry) -> Result<(), FsError> {
    match (&moved.body, &replaced.body) {
        (Body::Folder(_), Body::Folder(node)) => node.names(|_| Err(FsError::NotEmpty)),
        (Body::Folder(_), _) => Err(FsError::NotDirectory),
        (_, Body::Folder(_)) => Err(FsError::IsDirectory),
        _ => Ok(()),
    }
}

/// Removes everything in the folder. A tree may be deeper than descriptors or stack reach: what lies too deep is moved up
/// into `top` and removed from there.
pub(super) fn empty(top: &Folder, cancel: &Cancel, removed: &mut u64) -> Result<(), FsError> {
    empty_below(top, top, 0, cancel, removed)
}

fn empty_below(
    top: &Folder,
    folder: &Folder,
    depth: usize,
    cancel: &Cancel,
    removed: &mut u64,
) -> Result<(), FsError> {
    loop {
        let names = some_names(folder)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in &names {
            if cancel.is_given() {
                return Err(FsError::Closed);
            }
            let Some(inner) = subfolder(Some(folder), name)? else {
                remove(folder, name)?;
                *removed += 1;
                continue;
            };
            if depth < limits::TREE_DEPTH {
                empty_below(top, &inner, depth + 1, cancel, removed)?;
                remove_folder(folder, name)?;
                *removed += 1;
            } else {
                drop(inner);
                rustix::fs::renameat(folder, name, top, fresh_name()?)?;
            }
        }
    }
}

/// A name nobody has.
fn fresh_name() -> Result<std::ffi::OsString, FsError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| FsError::Fault("no entropy"))?;
    Ok(format!(".astrid-deep-{:016x}", u64::from_le_bytes(random)).into())
}

/// The next names of a folder that is being emptied; none when it is empty.
fn some_names(folder: &Folder) -> Result<Vec<std::ffi::OsString>, FsError> {
    let mut names = Vec::new();
    let listed = super::node::each(folder, |name: &OsStr, _| {
        if names.len() == limits::READDIR_ENTRIES {
            // Enough for one round.
            return Err(FsError::WouldBlock);
        }
        names.push(name.to_owned());
        Ok(())
    });
    match listed {
        Ok(()) | Err(FsError::WouldBlock) => Ok(names),
        Err(why) => Err(why),
    }
}

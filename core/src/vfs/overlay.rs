//! The overlay: what one (capsule, principal) changed of the workspace, kept apart until the embedding program takes it
//! over or throws it away.
//!
//! ```text
//! home/overlay/<capsule>/<principal>/files/   what was made or changed, as a tree
//! home/overlay/<capsule>/<principal>/gone/    an empty file for each name of the workspace that was removed
//! ```
//!
//! A folder that was removed and made anew has both its new self in `files` and its mark in `gone`, so nothing of the old
//! one shows through.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use rustix::fs::{Mode, OFlags};

use super::FsError;
use super::file::copy_all;
use super::meter::Taken;
use super::node::{Body, Entry, Folder, Node, each, make_subfolder, peek, remove_folder, subfolder};
use super::root::{Root, parents};
use super::stat::Kind;
use super::tree::{FOLDER, empty};
use super::view::{Found, View};
use super::walk::Place;
use super::write::Draft;
use crate::cancel::Cancel;

/// Folders only the host looks into.
const PRIVATE: Mode = Mode::from_raw_mode(0o700);

/// One overlay. Calls on it share the lock; committing and rolling back have it alone and begin a new era.
#[derive(Debug)]
pub(super) struct Overlay {
    era: RwLock<u64>,
    /// `home/overlay`.
    all: Folder,
    capsule: OsString,
    principal: OsString,
}

/// A call under way.
pub(super) type InEra<'a> = RwLockReadGuard<'a, u64>;

/// The era an open file belongs to.
#[derive(Debug)]
pub(super) struct Era {
    overlay: Arc<Overlay>,
    number: u64,
}

impl Era {
    /// The era with this number.
    pub fn new(overlay: &Arc<Overlay>, number: u64) -> Self {
        Self { overlay: Arc::clone(overlay), number }
    }

    /// Begins a call on a file of this era; [`FsError::Closed`] when the era is over.
    pub fn enter(&self) -> Result<InEra<'_>, FsError> {
        let now = self.overlay.enter();
        if *now == self.number { Ok(now) } else { Err(FsError::Closed) }
    }
}

impl Overlay {
    /// The overlay of a capsule for a principal, in `home/overlay`.
    pub fn new(all: Folder, capsule: &str, principal: &str) -> Self {
        Self { era: RwLock::default(), all, capsule: capsule.into(), principal: principal.into() }
    }

    /// Begins a call.
    pub fn enter(&self) -> InEra<'_> {
        self.era.read()
    }

    /// Its two folders, made if they are missing.
    fn layers(&self) -> Result<(Folder, Folder), FsError> {
        let capsule = make_subfolder(&self.all, &self.capsule, PRIVATE)?;
        let own = make_subfolder(&capsule, &self.principal, PRIVATE)?;
        let files = make_subfolder(&own, OsStr::new("files"), PRIVATE)?;
        let gone = make_subfolder(&own, OsStr::new("gone"), PRIVATE)?;
        Ok((files, gone))
    }

    /// The workspace as it looks through this overlay.
    pub fn over(self: &Arc<Self>, mut workspace: Root) -> Result<Root, FsError> {
        let (files, gone) = self.layers()?;
        workspace.node = Node { upper: Some(files), lower: workspace.node.upper.take(), gone: Some(gone) };
        workspace.overlay = Some(Arc::clone(self));
        Ok(workspace)
    }

    /// Puts everything into the workspace and begins anew; says how many files and folders were written or removed.
    pub fn commit(&self, workspace: &Folder) -> Result<u64, FsError> {
        let mut era = self.era.write();
        let (files, gone) = self.layers()?;
        let mut changes = 0;
        remove_marked(&gone, workspace, &mut changes)?;
        move_down(&files, workspace, &mut changes)?;
        *era += 1;
        Ok(changes)
    }

    /// Throws everything away and begins anew.
    pub fn rollback(&self) -> Result<(), FsError> {
        let mut era = self.era.write();
        let (files, gone) = self.layers()?;
        let (never, mut removed) = (Cancel::default(), 0);
        *era += 1;
        empty(&files, &never, &mut removed)?;
        empty(&gone, &never, &mut removed)
    }
}

impl Root {
    /// Hides what the layer below an overlay has under this name; does nothing where there is no such layer.
    pub fn hide(&self, place: &Place) -> Result<(), FsError> {
        let (parent, name) = place.parent_and_name()?;
        if parent.marked(name)? || peek(parent.lower.as_ref(), name)?.is_none() {
            return Ok(());
        }
        let mut at = Arc::clone(self.node.gone.as_ref().ok_or(FsError::Fault("no overlay"))?);
        for folder in parents(&place.location) {
            at = make_subfolder(&at, folder, PRIVATE)?;
        }
        if let Some(inner) = subfolder(Some(&at), name)? {
            empty(&inner, &Cancel::default(), &mut 0)?;
            remove_folder(&at, name)?;
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&at, name, flags, Mode::from_raw_mode(0o600))?;
        Ok(())
    }
}

impl Node {
    /// The overlay's own folder at a location below this one, made where it is missing.
    pub fn make_folders(&self, location: &[OsString]) -> Result<Folder, FsError> {
        let mut at = Arc::clone(self.layer(true)?);
        for name in location {
            at = make_subfolder(&at, name, FOLDER)?;
        }
        Ok(at)
    }

    /// How many things are in the folder, at any depth.
    pub fn count_all(&self, cancel: &Cancel) -> Result<u64, FsError> {
        let (mut count, mut rest) = (0, vec![self.clone()]);
        while let Some(node) = rest.pop() {
            for name in node.distinct_names()? {
                if cancel.is_given() {
                    return Err(FsError::Closed);
                }
                if let Some(entry) = node.look(&name)? {
                    count += 1;
                    if let Body::Folder(inner) = entry.body {
                        rest.push(inner);
                    }
                }
            }
        }
        Ok(count)
    }

    fn distinct_names(&self) -> Result<HashSet<OsString>, FsError> {
        let mut names = HashSet::new();
        self.names(|name| {
            names.insert(name.to_owned());
            Ok(())
        })?;
        Ok(names)
    }
}

impl View {
    /// Copies what lies in the layer below into the overlay, a folder with all that is in it. What is there already, and
    /// everything where there is no overlay, stays as it is.
    pub(super) fn copy_up(&self, found: &Found) -> Result<(), FsError> {
        if found.root.overlay.is_none() {
            return Ok(());
        }
        let (parent, name) = found.place.parent_and_name()?;
        let entry = found.entry()?;
        let folder = found.root.folder_to_change(&found.place)?;
        let mut rest = vec![];
        self.copy_one_up(parent, name, entry, &folder, &mut rest)?;
        while let Some((node, copy)) = rest.pop() {
            for name in node.distinct_names()? {
                if let Some(entry) = node.look(&name)? {
                    self.copy_one_up(&node, &name, &entry, &copy, &mut rest)?;
                }
            }
        }
        Ok(())
    }

    fn copy_one_up(
        &self,
        parent: &Node,
        name: &OsStr,
        entry: &Entry,
        folder: &Folder,
        rest: &mut Vec<(Node, Folder)>,
    ) -> Result<(), FsError> {
        if self.cancel.is_given() {
            return Err(FsError::Closed);
        }
        if let Body::Folder(node) = &entry.body {
            if node.lower.is_some() {
                let made = self.take_entry()?;
                rest.push((node.clone(), make_subfolder(folder, name, FOLDER)?));
                made.keep();
            }
            return Ok(());
        }
        if entry.upper {
            return Ok(());
        }
        let made = self.take_entry()?;
        match &entry.body {
            Body::Link(link) => {
                let target = rustix::fs::readlinkat(link, "", Vec::new())?;
                rustix::fs::symlinkat(target, folder, name)?;
            }
            Body::File if entry.stat.is(Kind::Regular) => {
                let (fd, _) = self.open_named(parent.layer(false)?, name, OFlags::RDONLY)?;
                let draft = Draft::make(folder)?;
                let mut taken: Vec<Taken> = Vec::new();
                let mut copy = File::from(draft.fd.try_clone()?);
                copy_all(&mut File::from(fd), &mut copy, &self.cancel, |bytes| {
                    taken.push(self.take(bytes)?);
                    Ok(())
                })?;
                draft.look_like(entry)?;
                draft.put(name)?;
                taken.into_iter().for_each(Taken::keep);
            }
            Body::File | Body::Folder(_) => return Err(FsError::Access),
        }
        made.keep();
        Ok(())
    }
}

/// Removes from the workspace what is marked as gone, and the marks.
fn remove_marked(gone: &Folder, workspace: &Folder, changes: &mut u64) -> Result<(), FsError> {
    for name in names_of(gone)? {
        if let Some(inner) = subfolder(Some(gone), &name)? {
            if let Some(below) = subfolder(Some(workspace), &name)? {
                remove_marked(&inner, &below, changes)?;
            }
            empty(&inner, &Cancel::default(), &mut 0)?;
            remove_folder(gone, &name)?;
            continue;
        }
        clear(workspace, &name, changes)?;
        super::node::remove(gone, &name)?;
    }
    Ok(())
}

/// Moves what is in the overlay's folder into the workspace's.
fn move_down(files: &Folder, workspace: &Folder, changes: &mut u64) -> Result<(), FsError> {
    for name in names_of(files)? {
        if let Some(inner) = subfolder(Some(files), &name)? {
            if let Some((_, stat)) = peek(Some(workspace), &name)?
                && !stat.is(Kind::Directory)
            {
                clear(workspace, &name, changes)?;
            }
            if subfolder(Some(workspace), &name)?.is_none() {
                *changes += 1;
            }
            let below = make_subfolder(workspace, &name, FOLDER)?;
            move_down(&inner, &below, changes)?;
            remove_folder(files, &name)?;
            continue;
        }
        if subfolder(Some(workspace), &name)?.is_some() {
            clear(workspace, &name, changes)?;
        }
        move_file_down(files, workspace, &name)?;
        *changes += 1;
    }
    Ok(())
}

/// Moves one file or link, by copying where the two lie on different file systems.
fn move_file_down(files: &Folder, workspace: &Folder, name: &OsStr) -> Result<(), FsError> {
    match rustix::fs::renameat(files, name, workspace, name) {
        Err(rustix::io::Errno::XDEV) => {}
        outcome => return Ok(outcome?),
    }
    let Some((fd, stat)) = peek(Some(files), name)? else { return Ok(()) };
    if stat.is(Kind::Symlink) {
        let target = rustix::fs::readlinkat(&fd, "", Vec::new())?;
        clear(workspace, name, &mut 0)?;
        rustix::fs::symlinkat(target, workspace, name)?;
    } else {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = rustix::fs::openat(files, name, flags, Mode::empty())?;
        let draft = Draft::make(workspace)?;
        let mut to = File::from(draft.fd.try_clone()?);
        copy_all(&mut File::from(from), &mut to, &Cancel::default(), |_| Ok(()))?;
        rustix::fs::fchmod(&draft.fd, Mode::from_raw_mode(stat.mode & 0o777))?;
        draft.put(name)?;
    }
    super::node::remove(files, name)
}

/// Removes whatever has this name, if anything has.
fn clear(folder: &Folder, name: &OsStr, changes: &mut u64) -> Result<(), FsError> {
    if let Some(inner) = subfolder(Some(folder), name)? {
        empty(&inner, &Cancel::default(), changes)?;
        remove_folder(folder, name)?;
    } else if peek(Some(folder), name)?.is_some() {
        super::node::remove(folder, name)?;
    } else {
        return Ok(());
    }
    *changes += 1;
    Ok(())
}

fn names_of(folder: &Folder) -> Result<Vec<OsString>, FsError> {
    let mut names = Vec::new();
    each(folder, |name, _| {
        names.push(name.to_owned());
        Ok(())
    })?;
    Ok(names)
}

//! The way from a root to what a path means, one name at a time.
//!
//! Each name is opened below the folder that the name before it opened, never following anything. A link is read as
//! text and walked the same way, so the kernel never follows one for us, be it exchanged under our hands or a magic
//! link of `/proc`; and the location at the end is that of the very objects that were opened. `..` in a link leads back
//! to the root and down again, so that no step ever goes up.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::FsError;
use super::node::{Body, Entry, Node};
use super::root::Root;
use crate::limits;

/// What becomes of a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// It is followed.
    Follow,
    /// It is what is meant.
    Keep,
}

/// Where a path led.
#[derive(Debug)]
pub(super) struct Place {
    /// The names from the root down, without links.
    pub location: Vec<OsString>,
    /// The folder it is in; none for the root itself.
    pub parent: Option<Node>,
    /// What is there, if anything is.
    pub entry: Option<Entry>,
}

/// Why a path led nowhere, and how far it came.
#[derive(Debug)]
pub(super) struct Stop {
    /// Where the rest of the path would have been.
    pub location: Vec<OsString>,
    /// Why.
    pub why: FsError,
    /// For [`FsError::NotFound`], the folder that lacks the next name and how many names of the location lead to it.
    pub lacking: Option<(Node, usize)>,
}

impl Place {
    /// The folder and the name in it; the root has neither.
    pub fn parent_and_name(&self) -> Result<(&Node, &OsStr), FsError> {
        match (&self.parent, self.location.last()) {
            (Some(parent), Some(name)) => Ok((parent, name)),
            _ => Err(FsError::Access),
        }
    }
}

struct Walk<'a> {
    root: &'a Root,
    node: Node,
    at: Vec<OsString>,
    rest: VecDeque<OsString>,
    last: Last,
    /// The link that was followed last.
    link: Vec<OsString>,
    steps: usize,
    links: usize,
}

/// Walks from the root along the names.
pub(super) fn walk(root: &Root, names: &[OsString], last: Last) -> Result<Place, Stop> {
    let rest = names.iter().cloned().collect();
    let mut walk = Walk {
        root,
        node: root.node.clone(),
        at: Vec::new(),
        rest,
        last,
        link: Vec::new(),
        steps: 0,
        links: 0,
    };
    loop {
        match walk.step() {
            Ok(Some(place)) => return Ok(place),
            Ok(None) => {}
            Err(stop) => return Err(stop),
        }
    }
}

impl Walk<'_> {
    fn step(&mut self) -> Result<Option<Place>, Stop> {
        let Some(name) = self.rest.pop_front() else {
            let Some(name) = self.at.pop() else {
                return Ok(Some(self.the_root()));
            };
            // A link led to a folder above; go there by its name, so that its parent is known as well.
            self.rest.push_back(name);
            self.restart();
            return Ok(None);
        };
        self.steps += 1;
        if self.steps > limits::PATH_STEPS {
            return Err(self.stop(Some(name), FsError::Access));
        }
        if name == ".." {
            if self.at.pop().is_none() {
                return Err(self.escape());
            }
            self.restart();
            return Ok(None);
        }
        let is_last = self.rest.is_empty();
        if self.root.hides_host_folders && hidden(&self.at, &name, is_last) {
            return Err(self.stop(Some(name), FsError::NotFound));
        }
        let entry = match self.node.look(&name) {
            Ok(entry) => entry,
            Err(why) => return Err(self.stop(Some(name), why)),
        };
        match entry {
            Some(Entry { body: Body::Link(link), .. }) if !is_last || self.last == Last::Follow => {
                let target = match rustix::fs::readlinkat(&link, "", Vec::new()) {
                    Ok(target) => target,
                    Err(errno) => return Err(self.stop(Some(name), errno.into())),
                };
                self.links += 1;
                if self.links > limits::PATH_LINKS {
                    return Err(self.stop(Some(name), FsError::Access));
                }
                self.follow(name, OsStr::from_bytes(target.as_bytes()))?;
            }
            entry if is_last => {
                self.at.push(name);
                let location = std::mem::take(&mut self.at);
                return Ok(Some(Place { location, parent: Some(self.node.clone()), entry }));
            }
            Some(Entry { body: Body::Folder(node), .. }) => {
                self.node = node;
                self.at.push(name);
            }
            Some(_) => return Err(self.stop(Some(name), FsError::NotDirectory)),
            None => {
                let lacking = (self.node.clone(), self.at.len());
                let stop = self.stop(Some(name), FsError::NotFound);
                return Err(Stop { lacking: Some(lacking), ..stop });
            }
        }
        Ok(None)
    }

    /// Puts a link's target before what is left of the path.
    fn follow(&mut self, name: OsString, target: &OsStr) -> Result<(), Stop> {
        let target = Path::new(target);
        self.link.clone_from(&self.at);
        self.link.push(name);
        let inside = if target.is_absolute() {
            let Ok(inside) = target.strip_prefix(&self.root.physical) else {
                return Err(self.escape());
            };
            self.at.clear();
            self.node = self.root.node.clone();
            inside
        } else {
            target
        };
        for component in inside.components().rev() {
            if !matches!(component, Component::CurDir | Component::RootDir) {
                self.rest.push_front(component.as_os_str().to_owned());
            }
        }
        Ok(())
    }

    /// Goes back to the root, to come down again by what was resolved so far.
    fn restart(&mut self) {
        for name in self.at.drain(..).rev() {
            self.rest.push_front(name);
        }
        self.node = self.root.node.clone();
    }

    fn the_root(&self) -> Place {
        let node = self.root.node.clone();
        let entry = self.root.stat.clone();
        let upper = node.lower.is_none();
        Place {
            location: Vec::new(),
            parent: None,
            entry: Some(Entry { stat: entry, upper, body: Body::Folder(node) }),
        }
    }

    /// The link that leads out. What lies behind it is nobody's business here, so the place that is judged is its own.
    fn escape(&mut self) -> Stop {
        Stop { location: std::mem::take(&mut self.link), why: FsError::BoundaryEscape, lacking: None }
    }

    /// The place that the rest of the path names, as far as it can be told.
    fn stop(&mut self, name: Option<OsString>, why: FsError) -> Stop {
        let mut location = std::mem::take(&mut self.at);
        for name in name.into_iter().chain(self.rest.drain(..)) {
            if name == ".." {
                location.pop();
            } else {
                location.push(name);
            }
        }
        Stop { location, why, lacking: None }
    }
}

/// Whether the host keeps this part of a principal's home to itself: `.config` and `.local`, except `.local/tmp`.
fn hidden(at: &[OsString], name: &OsStr, is_last: bool) -> bool {
    match at {
        [] => name == ".config" || (name == ".local" && is_last),
        [first] => first == ".local" && name != "tmp",
        _ => false,
    }
}

/// The physical path of a location.
pub(super) fn physical(root: &Path, location: &[OsString]) -> PathBuf {
    let mut path = root.to_owned();
    path.extend(location);
    path
}

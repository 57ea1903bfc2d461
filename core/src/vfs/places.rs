//! Where the roots of a host lie, and who has which.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::Mode;

use super::FsError;
use super::meter::Meter;
use super::node::{Folder, make_subfolder, remove_folder, subfolder};
use super::overlay::Overlay;
use super::path::Scheme;
use super::root::Root;
use super::tree::empty;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::principal::Principal;

/// What becomes of changes that capsules make in the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkspaceMode {
    /// They are made in the workspace itself.
    #[default]
    Direct,
    /// Each (capsule, principal) sees its own changes alone until the embedding program commits them or rolls them back.
    Overlay,
}

/// Folders that only this user may enter.
const PRIVATE: Mode = Mode::from_raw_mode(0o700);

/// One of these for each principal and capsule.
type Each<T> = Mutex<HashMap<(Principal, Arc<str>), Arc<T>>>;

/// The roots of one host. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Vfs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    workspace: Option<(Folder, PathBuf)>,
    mode: WorkspaceMode,
    /// `home/home`.
    homes: (Folder, PathBuf),
    /// `home/overlay`.
    overlaid: Folder,
    trust_hard_links: bool,
    meters: Each<Meter>,
    overlays: Each<Overlay>,
}

/// Where the roots of one principal are on this machine. Nothing is opened by these paths.
#[derive(Debug)]
pub(super) struct Places {
    pub workspace: Option<PathBuf>,
    pub home: PathBuf,
    pub tmp: PathBuf,
}

impl Places {
    /// The place of a root, if there is one.
    pub fn of(&self, scheme: Scheme) -> Option<&Path> {
        match scheme {
            Scheme::Workspace => self.workspace.as_deref(),
            Scheme::Home => Some(&self.home),
            Scheme::Tmp => Some(&self.tmp),
        }
    }
}

impl Vfs {
    /// Opens the roots of the host whose home is the folder `home`. Files with names that the host did not give are
    /// refused unless `trust_hard_links`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the workspace is no folder or the home lies in it, which would give guests the
    /// host's keys; [`ErrorKind::HomeUnusable`] when the folders of the home cannot be made.
    pub fn open(
        home: &Path,
        workspace: Option<&Path>,
        mode: WorkspaceMode,
        trust_hard_links: bool,
    ) -> Result<Self> {
        let home = home.canonicalize().map_err(|error| unusable(home, error))?;
        let (homes, overlays) = (home.join("home"), home.join("overlay"));
        let private = |folder: &Path| {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
            File::open(folder).map(|file| Arc::new(file.into()))
        };
        let opened: Folder = private(&homes).map_err(|error| unusable(&homes, error))?;
        let overlaid: Folder = private(&overlays).map_err(|error| unusable(&overlays, error))?;
        let workspace = workspace.map(|folder| open_workspace(folder, &home)).transpose()?;
        Ok(Self(Arc::new(Shared {
            workspace,
            mode,
            homes: (opened, homes),
            overlaid,
            trust_hard_links,
            meters: Mutex::default(),
            overlays: Mutex::default(),
        })))
    }

    /// Where the workspace lies on this machine, if there is one, and what becomes of changes in it.
    #[must_use]
    pub fn workspace(&self) -> Option<(&Path, WorkspaceMode)> {
        self.0.workspace.as_ref().map(|(_, path)| (&**path, self.0.mode))
    }

    /// What a capsule has written for a principal since the host was opened.
    pub fn meter(&self, principal: &Principal, capsule: &Arc<str>) -> Arc<Meter> {
        let key = (principal.clone(), Arc::clone(capsule));
        Arc::clone(self.0.meters.lock().entry(key).or_default())
    }

    /// Bytes that all capsules have written for a principal since the host was opened.
    pub fn written_bytes(&self, principal: &Principal) -> u64 {
        let meters = self.0.meters.lock();
        meters.iter().filter(|((own, _), _)| own == principal).map(|(_, meter)| meter.bytes()).sum()
    }

    /// Puts what a capsule changed for a principal into the workspace, and says how many files and folders that wrote
    /// or removed. Where the workspace changed as well, the overlay wins. Open files of the overlay are closed. Waits for
    /// calls under way.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] without [`WorkspaceMode::Overlay`]; [`ErrorKind::StoreUnavailable`] when the
    /// workspace or the overlay could not be written: what was not moved is still in the overlay, to be committed again.
    pub fn commit(&self, principal: &Principal, capsule: &Arc<str>) -> Result<u64> {
        match (self.overlay(principal, capsule), &self.0.workspace) {
            (Some(overlay), Some((workspace, _))) => {
                overlay.commit(workspace).map_err(|why| unwritten("the overlay was not committed", why))
            }
            _ => Err(no_overlay()),
        }
    }

    /// Throws away what a capsule changed for a principal. Open files of the overlay are closed. Waits for calls under
    /// way.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn rollback(&self, principal: &Principal, capsule: &Arc<str>) -> Result<()> {
        let overlay = self.overlay(principal, capsule).ok_or_else(no_overlay)?;
        overlay.rollback().map_err(|why| unwritten("the overlay was not rolled back", why))
    }

    /// Removes a principal's home, scratch folder and overlays, and forgets what it wrote.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when something could not be removed.
    pub fn erase(&self, principal: &Principal) -> Result<()> {
        self.0.meters.lock().retain(|(own, _), _| own != principal);
        let mut overlays = Vec::new();
        self.0.overlays.lock().retain(|(own, _), overlay| {
            if own == principal {
                overlays.push(Arc::clone(overlay));
            }
            own != principal
        });
        let erase = || {
            for overlay in overlays {
                overlay.rollback()?;
            }
            let name = OsStr::new(principal.as_str());
            let mut capsules = Vec::new();
            super::node::each(&self.0.overlaid, |capsule, _| {
                capsules.push(capsule.to_owned());
                Ok(())
            })?;
            for capsule in capsules {
                if let Some(capsule) = subfolder(Some(&self.0.overlaid), &capsule)? {
                    erase_folder(&capsule, name)?;
                }
            }
            erase_folder(&self.0.homes.0, name)
        };
        erase().map_err(|why| unwritten("the principal's files were not removed", why))
    }

    /// Throws away what a capsule changed of the workspace, for whomever.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when something could not be removed.
    pub fn forget(&self, capsule: &str) -> Result<()> {
        // The embedding program may name anything; only a plain name can be a capsule's.
        if Path::new(capsule).file_name() != Some(OsStr::new(capsule)) {
            return Ok(());
        }
        let mut overlays = Vec::new();
        self.0.overlays.lock().retain(|(_, own), overlay| {
            if &**own == capsule {
                overlays.push(Arc::clone(overlay));
            }
            &**own != capsule
        });
        let erase = || {
            overlays.iter().try_for_each(|overlay| overlay.rollback())?;
            erase_folder(&self.0.overlaid, OsStr::new(capsule))
        };
        erase().map_err(|why| unwritten("the capsule's overlays were not removed", why))
    }

    /// The overlay of a capsule for a principal, if the workspace has overlays.
    pub(super) fn overlay(&self, principal: &Principal, capsule: &Arc<str>) -> Option<Arc<Overlay>> {
        if self.0.mode == WorkspaceMode::Direct || self.0.workspace.is_none() {
            return None;
        }
        let key = (principal.clone(), Arc::clone(capsule));
        let mut overlays = self.0.overlays.lock();
        let overlay = overlays.entry(key).or_insert_with(|| {
            Arc::new(Overlay::new(Arc::clone(&self.0.overlaid), capsule, principal.as_str()))
        });
        Some(Arc::clone(overlay))
    }

    /// Whether files with names the host did not give may be opened.
    pub(super) fn trusts_hard_links(&self) -> bool {
        self.0.trust_hard_links
    }

    /// Where a principal's roots are.
    pub(super) fn places(&self, principal: &Principal) -> Places {
        let home = self.0.homes.1.join(principal.as_str());
        Places {
            workspace: self.0.workspace.as_ref().map(|(_, path)| path.clone()),
            tmp: home.join(".local").join("tmp"),
            home,
        }
    }

    /// Opens a root of a principal, through its overlay where there is one. A home that is missing is made if `may_make`
    /// says nothing against it: the host calls this only for principals the embedding program has named.
    pub(super) fn root(
        &self,
        scheme: Scheme,
        principal: &Principal,
        overlay: Option<&Arc<Overlay>>,
        may_make: impl Fn() -> std::result::Result<(), FsError>,
    ) -> std::result::Result<Root, FsError> {
        if scheme == Scheme::Workspace {
            let (folder, path) = self.0.workspace.as_ref().ok_or(FsError::CapabilityDenied)?;
            let root = Root::plain(scheme, Arc::clone(folder), path.clone())?;
            return match overlay {
                Some(overlay) => overlay.over(root),
                None => Ok(root),
            };
        }
        let places = self.places(principal);
        let open = |parent: &Folder, name: &str| {
            let name = OsStr::new(name);
            match subfolder(Some(parent), name)? {
                Some(folder) => Ok(folder),
                None => may_make().and_then(|()| make_subfolder(parent, name, PRIVATE)),
            }
        };
        let home = open(&self.0.homes.0, principal.as_str())?;
        if scheme == Scheme::Home {
            return Root::plain(scheme, home, places.home);
        }
        Root::plain(scheme, open(&open(&home, ".local")?, "tmp")?, places.tmp)
    }
}

fn open_workspace(folder: &Path, home: &Path) -> Result<(Folder, PathBuf)> {
    let invalid = |why: &str| {
        Error::new(ErrorKind::InvalidArgument, format!("the workspace `{}` {why}", folder.display()))
    };
    let path = folder.canonicalize().map_err(|error| invalid("is not there").caused_by(error))?;
    if !path.is_dir() {
        return Err(invalid("is not a folder"));
    }
    if home.starts_with(&path) {
        return Err(invalid("holds the host's home, whose keys no capsule may reach"));
    }
    let opened = File::open(&path).map_err(|error| invalid("cannot be opened").caused_by(error))?;
    Ok((Arc::new(opened.into()), path))
}

fn erase_folder(parent: &Folder, name: &OsStr) -> std::result::Result<(), FsError> {
    let Some(folder) = subfolder(Some(parent), name)? else { return Ok(()) };
    empty(&folder, &Cancel::default(), &mut 0)?;
    remove_folder(parent, name)
}

fn unusable(folder: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::HomeUnusable, "the home has no place for files")
        .with("path", folder.display().to_string())
        .caused_by(cause)
}

fn no_overlay() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the workspace has no overlay: open the host with one")
}

fn unwritten(message: &str, why: FsError) -> Error {
    Error::new(ErrorKind::StoreUnavailable, format!("{message}: {why:?}"))
}

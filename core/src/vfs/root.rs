//! A root as one call sees it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use super::FsError;
use super::node::{Folder, Node};
use super::overlay::Overlay;
use super::path::{Scheme, spelled};
use super::stat::FileStat;
use super::walk::Place;

/// An open root.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// Which root it is.
    pub scheme: Scheme,
    /// Where it is on this machine: canonical, for patterns and absolute links; nothing is opened by it.
    pub physical: PathBuf,
    /// The folder.
    pub node: Node,
    /// What is known of the folder.
    pub stat: FileStat,
    /// Whether `.local` and `.config` in it belong to the host.
    pub hides_host_folders: bool,
    /// Where changes go, if not to the folder itself.
    pub overlay: Option<Arc<Overlay>>,
}

impl Root {
    /// A root without an overlay.
    pub fn plain(scheme: Scheme, folder: Folder, physical: PathBuf) -> Result<Self, FsError> {
        let stat = FileStat::of(&folder)?;
        Ok(Self {
            scheme,
            physical,
            node: Node::plain(folder),
            stat,
            hides_host_folders: scheme == Scheme::Home,
            overlay: None,
        })
    }

    /// The folder that a change at this place is made in.
    pub fn folder_to_change(&self, place: &Place) -> Result<Folder, FsError> {
        let (parent, _) = place.parent_and_name()?;
        match (&self.overlay, &parent.upper) {
            (_, Some(upper)) => Ok(Arc::clone(upper)),
            (Some(_), None) => self.node.make_folders(parents(&place.location)),
            (None, None) => Err(FsError::NotFound),
        }
    }

    /// Spells a location as guests do. One that has a name no path can spell is [`FsError::InvalidPath`].
    pub fn spell(&self, location: &[OsString]) -> Result<String, FsError> {
        let names: Option<Vec<&str>> = location.iter().map(|name| spelled(name.as_encoded_bytes())).collect();
        Ok(format!("{}{}", self.scheme.prefix(), names.ok_or(FsError::InvalidPath)?.join("/")))
    }
}

/// The location without its last name.
pub(super) fn parents(location: &[OsString]) -> &[OsString] {
    location.split_last().map_or(&[], |(_, parents)| parents)
}

//! Looking at packages without running anything.

use std::path::{Path, PathBuf};

use super::{Capsule, Host, Rooms};
use crate::capsule::{self, Discovery, Inspection, Package};
use crate::error::{Error, ErrorKind, Result};

impl Host {
    /// Says what a package is, a folder, a `.capsule` archive or a manifest, and how what it asks for differs from what was
    /// accepted when its id was installed. Nothing of it runs and nothing is kept.
    ///
    /// # Errors
    /// What would refuse its installation before its hook runs: [`ErrorKind::NotFound`], [`ErrorKind::ManifestInvalid`],
    /// [`ErrorKind::InvalidArgument`] for an archive, [`ErrorKind::HashMismatch`], [`ErrorKind::ComponentInvalid`],
    /// [`ErrorKind::AbiMismatch`].
    pub async fn inspect(&self, path: impl AsRef<Path>) -> Result<Inspection> {
        let rooms = self.rooms()?;
        let package = self.read_package(&rooms, path.as_ref()).await?;
        let receipt = rooms.context.store.receipts().get(package.id())?;
        capsule::inspect(&package, receipt.as_ref())
    }

    /// Finds the capsules in folders: in each its subfolders with a `Capsule.toml`, its `.capsule` archives and a
    /// `Capsule.toml` directly inside. Of several with one id the first is taken; what is broken, is a link or comes second
    /// is named by a warning.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] only.
    pub async fn discover<P: AsRef<Path>>(&self, folders: &[P]) -> Result<Discovery> {
        let rooms = self.rooms()?;
        let folders: Vec<PathBuf> = folders.iter().map(|folder| folder.as_ref().to_owned()).collect();
        let options = self.0.parse.clone();
        rooms.off_the_workers(move || Ok(capsule::discover(&folders, &options))).await
    }

    /// Reads the package at `path` where nobody's calls wait for it.
    pub(super) async fn read_package(&self, rooms: &Rooms, path: &Path) -> Result<Package> {
        let (path, options) = (path.to_owned(), self.0.parse.clone());
        rooms.off_the_workers(move || Package::read(&path, &options)).await
    }
}

impl Capsule {
    /// Reads a file that the manifest declares in `[[context_file]]`, `[[command]]`, `[[skill]]`, `package.readme` or
    /// `package.license-file`, by its path there. It is read as it is now: only components are pinned.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the manifest does not declare the file or it is not there, [`ErrorKind::InvalidArgument`]
    /// when it is a link, lies outside the capsule's folder, or has more than
    /// [`STATIC_FILE_BYTES`](crate::limits::STATIC_FILE_BYTES).
    pub async fn static_file(&self, path: &str) -> Result<Vec<u8>> {
        let rooms = self.host().rooms()?;
        let about = |error: Error| error.with("capsule", self.id());
        if !self.manifest().static_files().any(|declared| declared == path) {
            let message = format!("the manifest declares no file `{path}`");
            return Err(about(Error::new(ErrorKind::NotFound, message)));
        }
        let Some(place) = self.path() else {
            let message = "a capsule that was loaded from memory has no files";
            return Err(about(Error::new(ErrorKind::NotFound, message)));
        };
        let path = path.to_owned();
        rooms.off_the_workers(move || capsule::read_static(&place, &path)).await.map_err(about)
    }
}

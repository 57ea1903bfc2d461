//! What becomes of capsules after they are loaded: all of a folder at once, again, and no more.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;

use super::{Capsule, Host, Load, Rooms};
use crate::audit::{Draft, Outcome};
use crate::capsule::{Loaded, Package, Routes, Slot, candidates, load_levels};
use crate::dispatch::Dispatcher;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::topic::CAPSULES_LOADED;

impl Host {
    /// Loads every capsule of a folder, archives as well, level by level: uplinks first, providers before importers, and what does not depend
    /// on each other at the same time. The next level begins when every run loop of this one is ready, each within 5 s. If
    /// one fails, those that this call has loaded are unloaded again, last first. At the end the system says so on
    /// `astrid.v1.capsules_loaded`.
    ///
    /// # Errors
    /// The failure, naming the capsule; where several fail, the first with the messages of all.
    pub async fn load_all(&self, folder: impl AsRef<Path>) -> Result<Vec<Capsule>> {
        let rooms = self.rooms()?;
        let parse = self.0.parse.clone();
        let folder = folder.as_ref().to_owned();
        let packages = rooms.off_the_workers(move || {
            let mut packages = Vec::new();
            for path in find_packages(&folder)? {
                packages.push((Package::read(&path, &parse)?, path));
            }
            Ok(packages)
        });
        let packages = packages.await?;
        let manifests: Vec<_> = packages.iter().map(|(package, _)| &*package.manifest).collect();
        let levels = load_levels(&manifests)?;
        let mut packages: Vec<_> = packages.into_iter().map(Some).collect();
        let mut loaded = Vec::with_capacity(packages.len());
        for level in levels {
            let level = level.into_iter().filter_map(|n| packages[n].take());
            let loads = level.map(|(package, path)| self.load_ready(package, path));
            let mut failures = Vec::new();
            for (capsule, failure) in join_all(loads).await {
                loaded.extend(capsule);
                failures.extend(failure);
            }
            if let Some(error) = joined(failures) {
                for capsule in loaded.iter().rev() {
                    // The rest goes all the same, and the failure that began it is the one to be told.
                    if let Err(error) = capsule.unload().await {
                        tracing::error!(%error, capsule = capsule.id(), "an unload could not be recorded");
                    }
                }
                return Err(error);
            }
        }
        rooms.context.announce(CAPSULES_LOADED, &json!({ "status": "ready" }))?;
        Ok(loaded)
    }

    async fn load_ready(&self, package: Package, path: PathBuf) -> (Option<Capsule>, Option<Error>) {
        let id = package.id().to_owned();
        match Load::of_package(self.clone(), path, package).await {
            Ok(capsule) => {
                let ready = capsule.wait_ready(Some(limits::READY_WAIT)).await;
                (Some(capsule), ready.err())
            }
            Err(error) if error.context().iter().any(|(key, _)| *key == "capsule") => (None, Some(error)),
            Err(error) => (None, Some(error.with("capsule", id))),
        }
    }

    /// Replaces the running generation of a capsule by what lies where it came from now: where it was loaded, or where its
    /// latest installation lay. The capsule's own state does not matter; one whose run loop has failed is reloaded as well.
    /// Whatever lies there must be pinned: a changed component is not run until it is installed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when no such capsule is loaded or its files are gone, [`ErrorKind::InvalidArgument`] when it
    /// was loaded from memory, [`ErrorKind::HashMismatch`] for bytes that are not pinned, [`ErrorKind::NotReady`] when the
    /// new run loop does not become ready within `ready_within`. The old generation then goes on.
    pub async fn reload(&self, id: &str) -> Result<Capsule> {
        let capsule = self.capsule(id)?;
        capsule.reload().await?;
        Ok(capsule)
    }

    pub(super) async fn reload_slot(&self, slot: &Arc<Slot>) -> Result<()> {
        let rooms = self.rooms()?;
        let Some(path) = slot.path() else {
            let message = "a capsule that was loaded from memory lies nowhere to be reloaded from";
            return Err(Error::new(ErrorKind::InvalidArgument, message).with("capsule", &**slot.id()));
        };
        let package = self.read_package(&rooms, &path).await?;
        if !self.0.allow_missing_imports {
            self.exported().satisfy(&package.manifest)?;
        }
        slot.reload(&rooms.context, &rooms.engine, package).await
    }

    /// Removes a capsule for good: unloads it if it is loaded, forgets what was pinned, and erases its settings, secrets and
    /// allowances and what every principal keeps in it. The audit log keeps what it did. Once begun it goes on even if
    /// nobody waits for it. A load or an installation of the capsule that is under way meanwhile fails or comes first.
    ///
    /// # Errors
    /// [`ErrorKind::NotInstalled`] when it is neither installed nor loaded and nothing of it is kept; when the store or the
    /// audit log cannot be written.
    pub async fn uninstall(&self, id: &str) -> Result<()> {
        let rooms = self.rooms()?;
        rooms.context.audit.admit()?;
        let runtime = rooms.context.runtime.clone();
        let removing = runtime.spawn(remove(self.clone(), rooms, id.to_owned()));
        removing.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Closed, "the host was closed meanwhile")))
    }
}

async fn remove(host: Host, rooms: Rooms, id: String) -> Result<()> {
    let mut found = false;
    let erased = loop {
        if let Ok(capsule) = host.capsule(&id) {
            found = true;
            capsule.unload().await?;
        }
        let erased = forget(&rooms, &id).await;
        found |= matches!(erased, Ok(true));
        // A load that had found the pin may have entered its capsule meanwhile; one that enters later looks again.
        if erased.is_err() || host.capsule(&id).is_err() {
            break erased;
        }
    };
    rooms.context.session_allowances.lock().forget_capsule(&id);
    let erased = if found || erased.is_err() {
        erased.map(drop)
    } else {
        Err(Error::new(ErrorKind::NotInstalled, format!("no capsule `{id}` is installed")))
    };
    let (outcome, reason) = match &erased {
        Ok(()) => (Outcome::Allowed, ""),
        Err(error) => (Outcome::Failed, error.kind().code()),
    };
    let draft = Draft { capsule: Some(&id), reason, ..Draft::new("capsule.uninstall", outcome) };
    let recorded = rooms.context.audit.append_settled(&draft).await;
    erased.and(recorded)
}

/// Tells whether there was anything to forget.
async fn forget(rooms: &Rooms, id: &str) -> Result<bool> {
    let (context, owned) = (Arc::clone(&rooms.context), id.to_owned());
    rooms
        .off_the_workers(move || context.vfs.forget(&owned).and_then(|()| context.store.forget(&owned)))
        .await
}

impl Rooms {
    /// Does work with files that may take a while, where nobody's calls wait for it.
    pub(super) async fn off_the_workers<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.context.runtime.spawn_blocking(work).await;
        done.map_err(|error| {
            if error.is_panic() {
                return Error::new(ErrorKind::Internal, "reading a package broke down").caused_by(error);
            }
            Error::new(ErrorKind::Closed, "the host was closed meanwhile").caused_by(error)
        })?
    }
}

impl Routes for Dispatcher {
    fn replace(&self, capsule: &Arc<Loaded>) {
        Dispatcher::replace(self, capsule);
    }

    fn leave(&self, id: &str) {
        Dispatcher::leave(self, id);
    }
}

/// Everything in `folder` that looks like a capsule, in a stable order.
fn find_packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut skipped = Vec::new();
    let found = candidates(folder, &mut skipped).map_err(|error| {
        Error::new(ErrorKind::NotFound, format!("`{}` cannot be read: {error}", folder.display()))
            .caused_by(error)
    })?;
    for warning in skipped {
        tracing::warn!(target: "astrid::capsule", "{warning}");
    }
    Ok(found)
}

/// One failure as it is; several as the first, telling all.
fn joined(mut failures: Vec<Error>) -> Option<Error> {
    if failures.len() < 2 {
        return failures.pop();
    }
    let all: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let first = failures.swap_remove(0);
    let message = format!("{} capsules could not be loaded: {}", all.len(), all.join("; "));
    Some(Error::new(first.kind(), message).caused_by(first))
}
